/* Ends with 0 when a process is killed as soon as the other end of its lifeline is closed, and not before. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clues_system.h"

int main(void) {
  int life[2], ready[2];
  if (pipe(life) != 0 || pipe(ready) != 0) return 2;
  pid_t child = fork();
  if (child < 0) return 2;
  if (child == 0) {
    close(life[1]);
    if (clues_die_with(life[0]) != 0 || write(ready[1], "", 1) != 1) _exit(3);
    for (;;) pause();
  }
  char byte;
  close(life[0]);
  if (read(ready[0], &byte, 1) != 1) return 3;
  int status;
  sleep(1);
  if (waitpid(child, &status, WNOHANG) != 0) return 4;
  close(life[1]);
  for (int attempt = 0; attempt < 50; attempt++) {
    if (waitpid(child, &status, WNOHANG) == child) return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 0 : 5;
    usleep(100000);
  }
  kill(child, SIGKILL);
  return 6;
}
