#define _GNU_SOURCE
#include "clues_system.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <unistd.h>

static int start(
    const char *executable, char *const *arguments, char *const *environment, int channel, int output_pipe,
    int lifeline) {
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
        (failure = posix_spawn_file_actions_adddup2(&actions, output_pipe, 1)) ||
        (failure = posix_spawn_file_actions_adddup2(&actions, output_pipe, 2)) ||
        (failure = posix_spawn_file_actions_adddup2(&actions, channel, CLUES_WORKER_CHANNEL)) ||
        (failure = posix_spawn_file_actions_adddup2(&actions, lifeline, CLUES_WORKER_LIFELINE)) ||
        (failure = posix_spawn_file_actions_addclosefrom_np(&actions, CLUES_WORKER_LIFELINE + 1)) ||
        (failure = posix_spawn_file_actions_addchdir_np(&actions, "/")) ||
        (failure = posix_spawn(&process, executable, &actions, &attributes, arguments, environment));
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  errno = failure;
  return failure ? -1 : process;
}

/* Moves a descriptor out of the way of those that a worker gets. */
static int above_workers(int file) {
  if (file < 0 || file > CLUES_WORKER_LIFELINE) return file;
  int moved = fcntl(file, F_DUPFD_CLOEXEC, CLUES_WORKER_LIFELINE + 1);
  int reason = errno;
  close(file);
  errno = reason;
  return moved;
}

int clues_launch(
    const char *executable, char *const *arguments, char *const *environment, int *channel, int *output_pipe,
    int *lifeline) {
  /* The host's end of each, and the worker's. */
  int talk[2] = {-1, -1}, output[2] = {-1, -1}, life[2] = {-1, -1};
  int process = -1;
  /* What is written is never waited for: a worker that nobody listens to goes on. */
  if (clues_channel(talk) == 0 && clues_pipe(output) == 0 && pipe2(life, O_CLOEXEC) == 0 &&
      (talk[1] = above_workers(talk[1])) >= 0 && (output[1] = above_workers(output[1])) >= 0 &&
      (life[0] = above_workers(life[0])) >= 0)
    process = start(executable, arguments, environment, talk[1], output[1], life[0]);
  int reason = errno;
  if (talk[1] >= 0) close(talk[1]);
  if (output[1] >= 0) close(output[1]);
  if (life[0] >= 0) close(life[0]);
  if (process >= 0) {
    *channel = talk[0];
    *output_pipe = output[0];
    *lifeline = life[1];
    return process;
  }
  if (talk[0] >= 0) close(talk[0]);
  if (output[0] >= 0) close(output[0]);
  if (life[1] >= 0) close(life[1]);
  errno = reason;
  return -1;
}
