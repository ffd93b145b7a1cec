#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Rights that came after the headers of older systems. */
#define LANDLOCK_FS_REFER (1ULL << 13)    /* version 2 */
#define LANDLOCK_FS_TRUNCATE (1ULL << 14) /* version 3 */
#define LANDLOCK_FS_IOCTL_DEV (1ULL << 15) /* version 5 */
#define LANDLOCK_NET_TCP 3ULL             /* version 4: bind and connect */
#define LANDLOCK_SCOPES 3ULL              /* version 6: abstract sockets and signals */

struct landlock_rules {
  uint64_t files;
  uint64_t network;
  uint64_t scopes;
};

/* The version of Landlock that the kernel offers; -1 without. */
static int landlock_version(void) {
  return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

/* Closes a descriptor and keeps the reason for which that is done. */
static int close_and_fail(int descriptor) {
  int reason = errno;
  close(descriptor);
  errno = reason;
  return -1;
}

int clues_confine_files(const char *const *readable) {
  int version = landlock_version();
  if (version < 1) return -1;
  struct landlock_rules rules = {.files = (1ULL << 13) - 1};
  uint64_t size = sizeof rules.files;
  if (version >= 2) rules.files |= LANDLOCK_FS_REFER;
  if (version >= 3) rules.files |= LANDLOCK_FS_TRUNCATE;
  if (version >= 5) rules.files |= LANDLOCK_FS_IOCTL_DEV;
  if (version >= 4) {
    rules.network = LANDLOCK_NET_TCP;
    size = offsetof(struct landlock_rules, scopes);
  }
  if (version >= 6) {
    rules.scopes = LANDLOCK_SCOPES;
    size = sizeof rules;
  }
  int set = (int)syscall(SYS_landlock_create_ruleset, &rules, size, 0);
  if (set < 0) return -1;
  for (; *readable; readable++) {
    int place = open(*readable, O_PATH | O_CLOEXEC);
    /* What is not there cannot be read either; what cannot be looked at for want of descriptors may be there. */
    if (place < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOMEM)) return close_and_fail(set);
    if (place < 0) continue;
    struct stat status;
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = place};
    if (fstat(place, &status) == 0 && S_ISDIR(status.st_mode)) rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    int added = (int)syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    if (added < 0) {
      close_and_fail(place);
      return close_and_fail(set);
    }
    close(place);
  }
  if (syscall(SYS_landlock_restrict_self, set, 0) < 0) return close_and_fail(set);
  close(set);
  return 0;
}
