#define _GNU_SOURCE
#include "clues_system.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ----------------------------------------------------------------------------------------------------- Landlock */

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

/* Leaves nothing of the file system but to read and execute what lies below `readable`. */
static int confine_files(const char *const *readable) {
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
    /* What is not there cannot be read either. */
    if (place < 0) continue;
    struct stat status;
    struct landlock_path_beneath_attr rule = {
        .allowed_access = LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE, .parent_fd = place};
    if (fstat(place, &status) == 0 && S_ISDIR(status.st_mode)) rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
    int added = (int)syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int reason = errno;
    close(place);
    if (added < 0) {
      close(set);
      errno = reason;
      return -1;
    }
  }
  int result = (int)syscall(SYS_landlock_restrict_self, set, 0);
  int reason = errno;
  close(set);
  errno = reason;
  return result;
}

/* ------------------------------------------------------------------------------------------------------ seccomp */

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the sandbox does not know this processor's system calls"
#endif

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
/* The lower half of an argument: all that the kernel reads of flags, signals and process numbers. */
#define ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (n)))
#define UPPER_HALF(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (n) + 4))
#define ANSWER(action) BPF_STMT(BPF_RET | BPF_K, (action))
#define DENY ANSWER(SECCOMP_RET_ERRNO | EPERM)
/* Denies one system call. */
#define WITHOUT(name) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(name), 0, 1), DENY
/* Goes on with the next `count` statements for one system call only. */
#define FOR(name, count) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(name), 0, (count))

/* Denies what could reach the network, other processes, new programs or memory that no limit counts. */
static int confine_calls(uint32_t self) {
  struct sock_filter filter[] = {
      LOAD(arch),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0),
      ANSWER(SECCOMP_RET_KILL_PROCESS),
      LOAD(nr),
#if defined(__x86_64__)
      /* The x32 calls are numbered from here on. */
      BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
      DENY,
      WITHOUT(SYS_fork),
      WITHOUT(SYS_vfork),
#endif
      /* The network. */
      WITHOUT(SYS_socket),
      WITHOUT(SYS_socketpair),
      WITHOUT(SYS_connect),
      WITHOUT(SYS_bind),
      WITHOUT(SYS_listen),
      /* Everything that does other calls in one's stead. */
      WITHOUT(SYS_io_uring_setup),
      WITHOUT(SYS_io_uring_enter),
      WITHOUT(SYS_io_uring_register),
      WITHOUT(SYS_bpf),
      WITHOUT(SYS_perf_event_open),
      WITHOUT(SYS_userfaultfd),
      /* Other programs and processes. */
      WITHOUT(SYS_execve),
      WITHOUT(SYS_execveat),
      WITHOUT(SYS_ptrace),
      WITHOUT(SYS_process_vm_readv),
      WITHOUT(SYS_process_vm_writev),
      WITHOUT(SYS_pidfd_open),
      WITHOUT(SYS_pidfd_getfd),
      WITHOUT(SYS_pidfd_send_signal),
      WITHOUT(SYS_rt_sigqueueinfo),
      WITHOUT(SYS_rt_tgsigqueueinfo),
      WITHOUT(SYS_tkill),
      WITHOUT(SYS_setpriority),
      WITHOUT(SYS_sched_setaffinity),
      WITHOUT(SYS_sched_setscheduler),
      WITHOUT(SYS_sched_setattr),
      WITHOUT(SYS_kcmp),
      /* Rights, name spaces, mounts, keys. */
      WITHOUT(SYS_unshare),
      WITHOUT(SYS_setns),
      WITHOUT(SYS_chroot),
      WITHOUT(SYS_pivot_root),
      WITHOUT(SYS_mount),
      WITHOUT(SYS_umount2),
      WITHOUT(SYS_open_tree),
      WITHOUT(SYS_move_mount),
      WITHOUT(SYS_fsopen),
      WITHOUT(SYS_fsmount),
      WITHOUT(SYS_open_by_handle_at),
      WITHOUT(SYS_keyctl),
      WITHOUT(SYS_add_key),
      WITHOUT(SYS_request_key),
      WITHOUT(SYS_setrlimit),
      /* Files that are changed by name without being opened, which Landlock leaves alone. */
      WITHOUT(SYS_fchmod),
      WITHOUT(SYS_fchmodat),
      WITHOUT(SYS_fchown),
      WITHOUT(SYS_fchownat),
      WITHOUT(SYS_utimensat),
      WITHOUT(SYS_setxattr),
      WITHOUT(SYS_lsetxattr),
      WITHOUT(SYS_fsetxattr),
      WITHOUT(SYS_removexattr),
      WITHOUT(SYS_lremovexattr),
      WITHOUT(SYS_fremovexattr),
      WITHOUT(452), /* fchmodat2 */
      WITHOUT(463), /* setxattrat */
      WITHOUT(466), /* removexattrat */
      WITHOUT(469), /* file_setattr */
      /* Landlock knows truncation from version 3 on. */
      WITHOUT(SYS_truncate),
#if defined(__x86_64__)
      WITHOUT(SYS_chmod),
      WITHOUT(SYS_chown),
      WITHOUT(SYS_lchown),
      WITHOUT(SYS_utime),
      WITHOUT(SYS_utimes),
      WITHOUT(SYS_futimesat),
#endif
      /* Memory that RLIMIT_DATA does not count. */
      WITHOUT(SYS_memfd_create),
      WITHOUT(447), /* memfd_secret */
      WITHOUT(SYS_shmget),
      WITHOUT(SYS_shmat),
      WITHOUT(SYS_msgget),
      WITHOUT(SYS_semget),
      WITHOUT(SYS_mq_open),
      WITHOUT(SYS_mq_unlink),
      FOR(SYS_mmap, 4),
      ARGUMENT(3),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, MAP_SHARED | MAP_ANONYMOUS),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAP_SHARED | MAP_ANONYMOUS, 0, 1),
      DENY,
      LOAD(nr),
      /* Limits may be read, not set. */
      FOR(SYS_prlimit64, 5),
      ARGUMENT(2),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 2),
      UPPER_HALF(2),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
      DENY,
      LOAD(nr),
      /* Signals to oneself only: abort needs them. */
      FOR(SYS_kill, 4),
      ARGUMENT(0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, self, 1, 0),
      DENY,
      LOAD(nr),
      FOR(SYS_tgkill, 4),
      ARGUMENT(0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, self, 1, 0),
      DENY,
      LOAD(nr),
      /* It dies with its parent, whatever it thinks of that. */
      FOR(SYS_prctl, 4),
      ARGUMENT(0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PR_SET_PDEATHSIG, 0, 1),
      DENY,
      LOAD(nr),
      /* Threads, but no processes. clone3 hides its flags; told that it is not there, libraries take clone. */
      FOR(SYS_clone3, 1),
      ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
      FOR(SYS_clone, 4),
      ARGUMENT(0),
      BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x00010000 /* CLONE_THREAD */),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x00010000, 1, 0),
      DENY,
      ANSWER(SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0);
}

/* ---------------------------------------------------------------------------------------------------- confining */

static int limit(int resource, uint64_t most) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) return -1;
  if (now.rlim_max < most) most = now.rlim_max;
  struct rlimit new = {.rlim_cur = most, .rlim_max = most};
  return setrlimit(resource, &new);
}

/* Private memory that the process has already: RLIMIT_DATA counts it, too. */
static uint64_t private_memory(void) {
  char text[256] = {0};
  int file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return 0;
  /* The sixth number counts the pages of data and stack. */
  uint64_t value = 0;
  int place = 0;
  for (char *at = text; *at && place < 6; at++) {
    if (*at == ' ') {
      place++;
      if (place < 6) value = 0;
    } else if (*at >= '0' && *at <= '9' && place < 6) {
      value = value * 10 + (uint64_t)(*at - '0');
    }
  }
  return value * (uint64_t)sysconf(_SC_PAGESIZE);
}

int clues_confine(int parent, const char *const *readable, uint64_t memory, const char **step) {
  *step = "the signal of the parent's death";
  if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) return -1;
  /* The parent may have died before we asked. */
  if (getppid() != parent) {
    errno = ESRCH;
    return -1;
  }
  *step = "the limits on resources";
  if (limit(RLIMIT_CORE, 0) != 0 || limit(RLIMIT_FSIZE, 0) != 0 || limit(RLIMIT_NOFILE, 64) != 0 ||
      limit(RLIMIT_DATA, private_memory() + memory) != 0)
    return -1;
  *step = "giving up new rights";
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -1;
  *step = "Landlock";
  if (confine_files(readable) != 0) return -1;
  *step = "seccomp";
  return confine_calls((uint32_t)getpid());
}
