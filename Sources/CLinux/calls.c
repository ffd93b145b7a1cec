/*
 * The system calls of a confined process. What is listed here is allowed; all others are refused, those that the kernel will
 * get after this was written included.
 */
#define _GNU_SOURCE
#include "clues_system.h"
#include "confinement.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define THIS_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "the sandbox does not know this processor's system calls"
#endif

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Of these every use is harmless. Those that are called most stand first. */
static const uint32_t allowed[] = {
    /* The talk with the host. */
    SYS_recvmsg, SYS_sendmsg, SYS_ppoll, SYS_pselect6,
    /* Memory and locks. */
    SYS_brk, SYS_munmap, SYS_mremap, SYS_futex,
    /* Files: Landlock says which can be opened. */
    SYS_read, SYS_pread64, SYS_readv, SYS_write, SYS_writev, SYS_lseek, SYS_openat, SYS_fstat, SYS_newfstatat, SYS_statx,
    SYS_faccessat, 439 /* faccessat2 */, SYS_readlinkat, SYS_getdents64, SYS_getcwd,
    /* Clocks. */
    SYS_clock_gettime, SYS_clock_getres, SYS_gettimeofday, SYS_nanosleep, SYS_clock_nanosleep, SYS_times, SYS_getrusage,
    /* Its own signals and its end. */
    SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigsuspend, SYS_sigaltstack, SYS_restart_syscall,
    SYS_exit, SYS_exit_group,
    /* What it is and where it runs. */
    SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_sched_yield, SYS_sched_getaffinity,
    SYS_getcpu, SYS_sysinfo, SYS_uname, SYS_getrandom, SYS_set_robust_list, SYS_rseq,
#if defined(__x86_64__)
    SYS_poll, SYS_select, SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_pause, SYS_time, SYS_arch_prctl,
    SYS_getrlimit,
#endif
};

/* What the checker needs to watch standard output and what a plugin changes in its process. */
static const uint32_t allowed_in_checks[] = {
    SYS_pipe2, SYS_dup, SYS_chdir, SYS_fchdir, SYS_umask,
};

/* The oldest call of those that came lately: whoever uses one of these knows what to do without. */
enum { LATELY = 424 };

struct program {
  struct sock_filter statements[512];
  unsigned short count;
};

static void put(struct program *program, uint16_t code, uint32_t value, uint8_t if_true, uint8_t if_false) {
  /* A program that is too long is cut, and then refused as a whole. */
  if (program->count < COUNT(program->statements))
    program->statements[program->count] = (struct sock_filter)BPF_JUMP(code, value, if_true, if_false);
  program->count++;
}

static void answer(struct program *program, uint32_t action) { put(program, BPF_RET | BPF_K, action, 0, 0); }
static void allow(struct program *program) { answer(program, SECCOMP_RET_ALLOW); }
static void refuse(struct program *program, uint32_t reason) { answer(program, SECCOMP_RET_ERRNO | reason); }

static void load(struct program *program, size_t offset) {
  put(program, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

/* The lower half of an argument: all that the kernel reads of flags, commands, descriptors, signals and processes. */
static void load_argument(struct program *program, unsigned place) {
  load(program, offsetof(struct seccomp_data, args) + 8 * place);
}

/* What follows, up to the `end` of this place, is for one system call, and ends with an answer. */
static unsigned begin(struct program *program, uint32_t call) {
  put(program, BPF_JMP | BPF_JEQ | BPF_K, call, 0, 0);
  return program->count - 1u;
}

static void end(struct program *program, unsigned place) {
  if (program->count <= COUNT(program->statements))
    program->statements[place].jf = (uint8_t)(program->count - place - 1);
}

/* Goes on with the next statement where what is loaded is `value`, else with the one after it. */
static void when(struct program *program, uint32_t value) { put(program, BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1); }

static void allow_calls(struct program *program, const uint32_t *calls, size_t count) {
  for (size_t place = 0; place < count; place++) {
    when(program, calls[place]);
    allow(program);
  }
}

/* Allows a call where one of its arguments is one of some values. */
static void allow_where(
    struct program *program, uint32_t call, unsigned argument, const uint32_t *values, size_t count) {
  unsigned place = begin(program, call);
  load_argument(program, argument);
  allow_calls(program, values, count);
  refuse(program, EPERM);
  end(program, place);
}

/* Allows a call unless one of its arguments is `value`. */
static void allow_unless(struct program *program, uint32_t call, unsigned argument, uint32_t value) {
  unsigned place = begin(program, call);
  load_argument(program, argument);
  when(program, value);
  refuse(program, EPERM);
  allow(program);
  end(program, place);
}

/* Allows a call where an argument has none of these bits. */
static void allow_without_bits(struct program *program, uint32_t call, unsigned argument, uint32_t bits) {
  unsigned place = begin(program, call);
  load_argument(program, argument);
  put(program, BPF_ALU | BPF_AND | BPF_K, bits, 0, 0);
  when(program, 0);
  allow(program);
  refuse(program, EPERM);
  end(program, place);
}

/*
 * Mappings that RLIMIT_DATA and RLIMIT_AS count. A mapping that grows downwards is a stack to them, shared memory without a
 * file is a file, and huge pages are a pool of their own.
 */
static void allow_mapping(struct program *program) {
  const uint32_t flags = MAP_SHARED | MAP_PRIVATE | MAP_FIXED | MAP_ANONYMOUS | MAP_DENYWRITE | MAP_EXECUTABLE |
                         MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | 0x100000 /* MAP_FIXED_NOREPLACE */
#if defined(__x86_64__)
                         | MAP_32BIT
#endif
      ;
  unsigned place = begin(program, SYS_mmap);
  load_argument(program, 3);
  put(program, BPF_ALU | BPF_AND | BPF_K, ~flags, 0, 0);
  put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
  refuse(program, EPERM);
  load_argument(program, 3);
  put(program, BPF_ALU | BPF_AND | BPF_K, MAP_SHARED | MAP_ANONYMOUS, 0, 0);
  when(program, MAP_SHARED | MAP_ANONYMOUS);
  refuse(program, EPERM);
  allow(program);
  end(program, place);
}

/* Limits may be read, not set. */
static void allow_reading_limits(struct program *program) {
  unsigned place = begin(program, SYS_prlimit64);
  for (unsigned half = 0; half < 2; half++) {
    load(program, offsetof(struct seccomp_data, args) + 8 * 2 + 4 * half);
    put(program, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0);
    refuse(program, EPERM);
  }
  allow(program);
  end(program, place);
}

/* A thread as the C library starts one, and nothing else that clone can make. */
static void allow_threads(struct program *program) {
  const uint32_t flags = CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS |
                         CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID;
  allow_where(program, SYS_clone, 0, &flags, 1);
}

/* The host's sign of life stays open, and its signal with it. */
static void allow_copies(struct program *program) {
#if defined(__x86_64__)
  allow_unless(program, SYS_dup2, 1, CLUES_WORKER_LIFELINE);
#endif
  allow_unless(program, SYS_dup3, 1, CLUES_WORKER_LIFELINE);
}

int clues_confine_calls(uint32_t self, int who) {
  static const uint32_t file_commands[] = {F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC, 1034 /* F_GET_SEALS */};
  static const uint32_t terminal_questions[] = {TCGETS, TIOCGWINSZ};
  static const uint32_t process_options[] = {PR_SET_NAME, PR_GET_NAME, 0x53564d41 /* PR_SET_VMA: names of memory */};
  static const uint32_t advice[] = {
      MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_HUGEPAGE, MADV_NOHUGEPAGE,
      MADV_DONTDUMP, MADV_DODUMP};
  struct program program = {.count = 0};

  load(&program, offsetof(struct seccomp_data, arch));
  put(&program, BPF_JMP | BPF_JEQ | BPF_K, THIS_ARCHITECTURE, 1, 0);
  answer(&program, SECCOMP_RET_KILL_PROCESS);
  load(&program, offsetof(struct seccomp_data, nr));
#if defined(__x86_64__)
  /* The x32 calls are numbered from here on. */
  put(&program, BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1);
  refuse(&program, EPERM);
#endif
  allow_calls(&program, allowed, COUNT(allowed));
  allow_mapping(&program);
  allow_without_bits(&program, SYS_mprotect, 2, PROT_GROWSDOWN | PROT_GROWSUP);
  allow_where(&program, SYS_madvise, 2, advice, COUNT(advice));
  allow_unless(&program, SYS_close, 0, CLUES_WORKER_LIFELINE);
  allow_where(&program, SYS_fcntl, 1, file_commands, COUNT(file_commands));
  allow_where(&program, SYS_ioctl, 1, terminal_questions, COUNT(terminal_questions));
  allow_where(&program, SYS_prctl, 0, process_options, COUNT(process_options));
  allow_reading_limits(&program);
  /* Signals to oneself only: abort needs them. */
  allow_where(&program, SYS_kill, 0, &self, 1);
  allow_where(&program, SYS_tgkill, 0, &self, 1);
  if (who != CLUES_CONFINED_WORKER) {
    allow_calls(&program, allowed_in_checks, COUNT(allowed_in_checks));
    allow_copies(&program);
  }
  if (who == CLUES_CONFINED_THREADED_CHECK) allow_threads(&program);
  /* clone3 is among these: libraries take clone then, whose flags can be seen here. */
  put(&program, BPF_JMP | BPF_JGE | BPF_K, LATELY, 0, 1);
  refuse(&program, ENOSYS);
  refuse(&program, EPERM);

  if (program.count > COUNT(program.statements)) {
    errno = E2BIG;
    return -1;
  }
  struct sock_fprog whole = {.len = program.count, .filter = program.statements};
  return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &whole, 0, 0);
}
