/* Does what no plugin may, as its parameter says; answers 1 when it got away with it, and 0 when it was stopped. */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <mqueue.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clues_plugin.h"

/* Runs as soon as the library is loaded: leaves a mark for whoever wants to know. */
__attribute__((constructor)) static void leave_a_mark(void) {
  const char *path = getenv("ROGUE_MARK");
  int file = path ? open(path, O_CREAT | O_WRONLY, 0600) : -1;
  if (file >= 0) close(file);
}

typedef struct {
  const clues_host *host;
  char deed[24];
  char path[512];
} rogue;

static clues_status create(const clues_merge_method *method, const clues_host *host, const clues_parameters *parameters,
                           void **instance) {
  (void)method;
  rogue *self = calloc(1, sizeof *self);
  if (!self) return CLUES_OUT_OF_MEMORY;
  self->host = host;
  for (uint32_t i = 0; i < parameters->count; i++) {
    const clues_parameter *p = parameters->items[i];
    if (strcmp(p->name, "deed") == 0) strncpy(self->deed, p->text, sizeof self->deed - 1);
    if (strcmp(p->name, "path") == 0) strncpy(self->path, p->text, sizeof self->path - 1);
  }
  *instance = self;
  return CLUES_OK;
}

static void destroy(void *instance) { free(instance); }

static int opens(const char *path, int flags) {
  int file = open(path, flags, 0600);
  if (file >= 0) close(file);
  return file >= 0;
}

static void *nothing(void *argument) { return argument; }

/* Whether the deed was done. */
static int attempt(const rogue *self, const clues_merge_unit *unit) {
  const char *deed = self->deed;
  if (strcmp(deed, "create-file") == 0) return opens(self->path, O_CREAT | O_WRONLY);
  if (strcmp(deed, "append-file") == 0) return opens(self->path, O_WRONLY | O_APPEND);
  if (strcmp(deed, "read-file") == 0) return opens(self->path, O_RDONLY);
  if (strcmp(deed, "remove-file") == 0) return unlink(self->path) == 0;
  if (strcmp(deed, "rename-file") == 0) return rename(self->path, "/tmp/elsewhere") == 0;
  if (strcmp(deed, "chmod-file") == 0) return chmod(self->path, 0777) == 0;
  if (strcmp(deed, "list-folder") == 0) return opens(self->path, O_RDONLY | O_DIRECTORY);
  if (strcmp(deed, "tcp") == 0) return socket(AF_INET, SOCK_STREAM, 0) >= 0;
  if (strcmp(deed, "udp") == 0) return socket(AF_INET6, SOCK_DGRAM, 0) >= 0;
  if (strcmp(deed, "unix-socket") == 0) return socket(AF_UNIX, SOCK_STREAM, 0) >= 0;
  if (strcmp(deed, "fork") == 0) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
    return child > 0;
  }
  if (strcmp(deed, "exec") == 0) {
    char *const arguments[] = {"true", NULL};
    execv("/bin/true", arguments);
    return 0;
  }
  if (strcmp(deed, "signal-parent") == 0) return kill(getppid(), 0) == 0;
  if (strcmp(deed, "trace-parent") == 0) return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == 0;
  if (strcmp(deed, "outlive-parent") == 0) return prctl(PR_SET_PDEATHSIG, 0) == 0;
  if (strcmp(deed, "raise-limit") == 0) {
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    return setrlimit(RLIMIT_DATA, &limit) == 0;
  }
  if (strcmp(deed, "allocate") == 0) {
    for (int i = 0; i < 64; i++) {
      char *block = malloc(64 << 20);
      if (!block) return 0;
      memset(block, 1, 64 << 20);
    }
    return 1;
  }
  if (strcmp(deed, "shared-memory") == 0)
    return mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
  if (strcmp(deed, "memory-file") == 0) return memfd_create("x", 0) >= 0;
  if (strcmp(deed, "message-queue") == 0) return mq_open("/clues-rogue", O_CREAT | O_RDWR, 0600, NULL) >= 0;
  if (strcmp(deed, "unprotect-input") == 0) {
    uintptr_t page = (uintptr_t)unit->inputs[0]->value->data & ~(uintptr_t)4095;
    return mprotect((void *)page, 4096, PROT_READ | PROT_WRITE) == 0;
  }
  if (strcmp(deed, "environment") == 0) return getenv("HOME") != NULL || getenv("PATH") != NULL;
  if (strcmp(deed, "descriptors") == 0) {
    /* Beside standard ones and the channel: memory files of the host, and nothing else. */
    for (int file = 4; file < 64; file++) {
      char name[64], target[256] = "";
      snprintf(name, sizeof name, "/proc/self/fd/%d", file);
      ssize_t length = readlink(name, target, sizeof target - 1);
      if (length > 0 && strncmp(target, "/memfd:", 7) != 0) return 1;
    }
    return 0;
  }
  /* This one is allowed. */
  if (strcmp(deed, "thread") == 0) {
    pthread_t thread;
    return pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
  }
  return -1;
}

static clues_status merge(void *instance, const clues_merge_unit *unit, const clues_tensor *output) {
  const rogue *self = instance;
  const char *deed = self->deed;
  self->host->log(self->host, CLUES_LOG_INFO, "about to do it");
  if (strcmp(deed, "crash") == 0) *(volatile int *)8 = 1;
  if (strcmp(deed, "abort") == 0) abort();
  if (strcmp(deed, "exit") == 0) exit(0);
  if (strcmp(deed, "leave") == 0) _exit(7);
  if (strcmp(deed, "loop") == 0) for (volatile int i = 0;; i++) continue;
  if (strcmp(deed, "deaf") == 0) for (;;) pause();
  if (strcmp(deed, "polite") == 0) {
    while (!self->host->is_cancelled(self->host)) usleep(1000);
    self->host->set_error(self->host, "stopped");
    return CLUES_CANCELLED;
  }
  if (strcmp(deed, "write-input") == 0) ((float *)unit->inputs[0]->value->data)[0] = 42;
  if (strcmp(deed, "overrun-output") == 0) memset(output->data, 1, 1 << 30);
  if (strcmp(deed, "murmur") == 0) {
    fputs("this is heard\n", stderr);
    fflush(stderr);
    abort();
  }
  if (strcmp(deed, "chatter") == 0)
    for (int i = 0; i < 100000; i++) fputs("a line that nobody reads, again and again and again\n", stdout);
  if (strcmp(deed, "close-channel") == 0) {
    for (int file = 0; file < 64; file++) close(file);
    for (;;) pause();
  }
  if (strcmp(deed, "forge") == 0) {
    /* Tells the host that the call is done, with more than there is. */
    uint64_t message[3] = {2, 1ull << 40, 0};
    if (write(3, message, sizeof message) < 0) abort();
    for (;;) pause();
  }
  if (strcmp(deed, "babble") == 0) {
    if (write(3, "?", 1) < 0) abort();
    for (;;) pause();
  }
  memset(output->data, 0, (size_t)(output->shape[0] * output->shape[1]) * sizeof(float));
  ((float *)output->data)[0] = (float)attempt(self, unit);
  return CLUES_OK;
}

static const clues_descriptor about = {
    .struct_size = CLUES_DESCRIPTOR_SIZE,
    .id = "rogue",
    .summary = "Does what no plugin may.",
    .parameters = "{\"deed\": {\"type\": \"string\", \"default\": \"thread\"}, "
                  "\"path\": {\"type\": \"string\", \"default\": \"/\"}}",
};

static const clues_merge_method method = {
    .struct_size = CLUES_MERGE_METHOD_SIZE,
    .about = &about,
    .minimum_inputs = 1,
    .spaces = CLUES_SPACE_DELTA | CLUES_SPACE_CORE | CLUES_SPACE_FACTORS,
    .default_space = CLUES_SPACE_DELTA,
    .dtypes = 1u << CLUES_F32,
    .create = create,
    .destroy = destroy,
    .merge = merge,
};
static const clues_merge_method *const methods[] = {&method};

static const clues_plugin plugin = {
    .struct_size = CLUES_PLUGIN_SIZE,
    .abi_minor = CLUES_ABI_MINOR,
    .name = "rogue",
    .version = "1.0.0",
    .merge_method_count = 1,
    .merge_methods = methods,
};

CLUES_EXPORT const clues_plugin *clues_plugin_entry_v1(uint32_t host_abi_minor) {
  (void)host_abi_minor;
  return &plugin;
}
