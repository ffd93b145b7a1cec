#define _GNU_SOURCE
#include "clues_system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int start(const char *executable, char *const *arguments, char *const *environment, int channel, int murmur) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  pid_t process = -1;
  sigemptyset(&none);
  sigfillset(&all);
  int failure = posix_spawn_file_actions_init(&actions);
  if (failure) {
    errno = failure;
    return -1;
  }
  failure = posix_spawnattr_init(&attributes);
  if (!failure) {
    /* A group of its own: Ctrl-C is for the host, which then asks the worker to stop. */
    (failure = posix_spawnattr_setflags(
         &attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK)) ||
        (failure = posix_spawnattr_setpgroup(&attributes, 0)) ||
        (failure = posix_spawnattr_setsigmask(&attributes, &none)) ||
        (failure = posix_spawnattr_setsigdefault(&attributes, &all)) ||
        (failure = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)) ||
        (failure = posix_spawn_file_actions_adddup2(&actions, murmur, 1)) ||
        (failure = posix_spawn_file_actions_adddup2(&actions, murmur, 2)) ||
        (failure = posix_spawn_file_actions_adddup2(&actions, channel, CLUES_WORKER_CHANNEL)) ||
        (failure = posix_spawn_file_actions_addclosefrom_np(&actions, CLUES_WORKER_CHANNEL + 1)) ||
        (failure = posix_spawn_file_actions_addchdir_np(&actions, "/")) ||
        (failure = posix_spawn(&process, executable, &actions, &attributes, arguments, environment));
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  errno = failure;
  return failure ? -1 : process;
}

int clues_launch(
    const char *executable, char *const *arguments, char *const *environment, int *channel, int *murmur) {
  int ends[2], pipe[2];
  if (clues_channel(ends) != 0) return -1;
  /* Never blocking: a worker that nobody listens to goes on. */
  if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
    int reason = errno;
    close(ends[0]);
    close(ends[1]);
    errno = reason;
    return -1;
  }
  int process = start(executable, arguments, environment, ends[1], pipe[1]);
  int reason = errno;
  close(ends[1]);
  close(pipe[1]);
  if (process < 0) {
    close(ends[0]);
    close(pipe[0]);
    errno = reason;
    return -1;
  }
  *channel = ends[0];
  *murmur = pipe[0];
  return process;
}
