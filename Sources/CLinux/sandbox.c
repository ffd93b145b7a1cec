#define _GNU_SOURCE
#include "clues_system.h"
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------------------- limits */

static int limit(int resource, uint64_t most) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return -1;
  if (now.rlim_max < most) most = now.rlim_max;
  struct rlimit new = {.rlim_cur = most, .rlim_max = most};
  return setrlimit(resource, &new);
}

/* Memory that the process has already, for limits count it, too: the first number of statm counts the pages of its address
   space, the sixth those of data and stack. */
static uint64_t memory_in_use(int number) {
  char text[256] = {0};
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return 0;
  uint64_t value = 0;
  for (char *at = text; *at && number > 0; at++) {
    if (*at == ' ')
      number--;
    else if (number == 1 && *at >= '0' && *at <= '9')
      value = value * 10 + (uint64_t)(*at - '0');
  }
  return value * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Address space beside private memory, for libraries. */
enum { LIBRARIES = 512 << 20 };

/*
 * The limit on data counts what can be written just now; what was written and can only be read any more it forgets. So the
 * address space is limited, too. That limit stays to be raised, by the host alone, when it shares more memory.
 */
static int limit_memory(uint64_t memory, uint64_t *address_space) {
  struct rlimit space;
  if (getrlimit(RLIMIT_AS, &space) != 0) return -1;
  uint64_t wanted = memory_in_use(1) + memory + LIBRARIES;
  if (wanted < space.rlim_cur) space.rlim_cur = wanted;
  *address_space = space.rlim_cur;
  return limit(RLIMIT_DATA, memory_in_use(6) + memory) != 0 || setrlimit(RLIMIT_AS, &space) != 0 ? -1 : 0;
}

int clues_limit_address_space(int process, uint64_t size) {
  struct rlimit space;
  if (prlimit(process, RLIMIT_AS, NULL, &space) != 0) return -1;
  space.rlim_cur = size < space.rlim_max ? size : space.rlim_max;
  return prlimit(process, RLIMIT_AS, &space, NULL);
}

/* ------------------------------------------------------------------------------------------------- the host's end */

int clues_die_with(int lifeline) {
  /* The kernel sends the signal when the last descriptor of the other end is closed, as it is when its process dies. */
  if (fcntl(lifeline, F_SETSIG, SIGKILL) != 0 || fcntl(lifeline, F_SETOWN, getpid()) != 0 ||
      fcntl(lifeline, F_SETFL, O_ASYNC | O_NONBLOCK) != 0)
    return -1;
  /* It may have been closed before we asked. */
  struct pollfd end = {.fd = lifeline, .events = POLLIN};
  if (poll(&end, 1, 0) < 0) return -1;
  if (end.revents == 0) return 0;
  errno = ESRCH;
  return -1;
}

/* ---------------------------------------------------------------------------------------------------- confining */

int clues_confine(
    int parent, const char *const *readable, uint64_t memory, int who, uint64_t *address_space,
    const char **step) {
  *step = "giving up new rights";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  *step = "giving up capabilities";
  if (clues_drop_capabilities() != 0) return -1;
  /* After these, for a change of rights takes the signal back. Later ones are refused. */
  *step = "the signal of the parent's death";
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return -1;
  /* The parent may have died before we asked. */
  if (getppid() != parent) {
    errno = ESRCH;
    return -1;
  }
  *step = "the host's sign of life";
  if (clues_die_with(CLUES_WORKER_LIFELINE) != 0) return -1;
  *step = "the limits on resources";
  if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_FSIZE, 0) != 0 || limit(RLIMIT_NOFILE, 64) != 0 ||
      limit(RLIMIT_MEMLOCK, 0) != 0 || limit(RLIMIT_MSGQUEUE, 0) != 0 || limit_memory(memory, address_space) != 0)
    return -1;
  *step = "Landlock";
  if (clues_confine_files(readable) != 0) return -1;
  *step = "seccomp";
  return clues_confine_calls((uint32_t)getpid(), who);
}
