#define _GNU_SOURCE
#include "confinement.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECBIT_NO_CAP_AMBIENT_RAISE
#define SECBIT_NO_CAP_AMBIENT_RAISE (1 << 6)
#define SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED (1 << 7)
#endif

static int is_privileged(void) {
  return prctl(PR_CAPBSET_READ, CAP_SETPCAP, 0, 0, 0) == 1;
}

int clues_drop_capabilities(void) {
  struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
  struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3];
  if (syscall(SYS_capget, &header, sets) != 0) return -1;
  /* Whoever may not change these has no rights that they could bring back. */
  int may = is_privileged() && (sets[CAP_SETPCAP / 32].effective & (1u << (CAP_SETPCAP % 32)));
  if (may) {
    for (int capability = 0; prctl(PR_CAPBSET_READ, capability, 0, 0, 0) >= 0; capability++)
      if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0) return -1;
    unsigned long bits = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |
                         SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) != 0) return -1;
  }
  if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0) return -1;
  memset(sets, 0, sizeof sets);
  if (syscall(SYS_capset, &header, sets) != 0) return -1;
  /* Looked at again, for everything else rests on it. */
  if (syscall(SYS_capget, &header, sets) != 0) return -1;
  for (int part = 0; part < _LINUX_CAPABILITY_U32S_3; part++)
    if (sets[part].effective | sets[part].permitted | sets[part].inheritable) {
      errno = EPERM;
      return -1;
    }
  return 0;
}
