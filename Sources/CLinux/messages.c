#define _GNU_SOURCE
#include "clues_system.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int clues_channel(int ends[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends); }

int clues_pipe(int ends[2]) { return pipe2(ends, O_CLOEXEC | O_NONBLOCK); }

/* Room for the descriptors that travel with a message, aligned as the kernel wants it. */
typedef union {
  char bytes[CMSG_SPACE(CLUES_MESSAGE_FILES * sizeof(int))];
  struct cmsghdr alignment;
} file_room;

int clues_send(
    int channel, const void *message, uint64_t size, const int *files, uint32_t file_count, int milliseconds) {
  if (file_count > CLUES_MESSAGE_FILES) {
    errno = EINVAL;
    return -1;
  }
  struct iovec part = {.iov_base = (void *)message, .iov_len = size};
  file_room room = {0};
  struct msghdr header = {.msg_iov = &part, .msg_iovlen = 1};
  if (file_count > 0) {
    header.msg_control = room.bytes;
    header.msg_controllen = CMSG_SPACE(file_count * sizeof(int));
    struct cmsghdr *control = CMSG_FIRSTHDR(&header);
    control->cmsg_level = SOL_SOCKET;
    control->cmsg_type = SCM_RIGHTS;
    control->cmsg_len = CMSG_LEN(file_count * sizeof(int));
    memcpy(CMSG_DATA(control), files, file_count * sizeof(int));
  }
  /* Never waiting in the call itself: a peer that does not read must not stop us. */
  struct pollfd room_for_it = {.fd = channel, .events = POLLOUT};
  int ready = poll(&room_for_it, 1, milliseconds);
  if (ready < 0 && errno != EINTR) return -1;
  if (ready <= 0) {
    errno = EAGAIN;
    return -1;
  }
  return sendmsg(channel, &header, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -1 : 0;
}

int64_t clues_receive(int channel, void *message, uint64_t capacity, int files[CLUES_MESSAGE_FILES], int milliseconds) {
  for (int place = 0; place < CLUES_MESSAGE_FILES; place++) files[place] = -1;
  struct pollfd wait = {.fd = channel, .events = POLLIN};
  int ready = poll(&wait, 1, milliseconds);
  if (ready < 0 && errno != EINTR) return -1;
  if (ready <= 0) {
    errno = EAGAIN;
    return -1;
  }
  struct iovec part = {.iov_base = message, .iov_len = capacity};
  file_room room = {0};
  struct msghdr header = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof room.bytes};
  ssize_t size;
  do size = recvmsg(channel, &header, MSG_CMSG_CLOEXEC);
  while (size < 0 && errno == EINTR);
  /* A peer that died with our message unread resets the channel: it is closed, too. */
  if (size < 0) return errno == ECONNRESET ? 0 : -1;
  for (struct cmsghdr *control = CMSG_FIRSTHDR(&header); control; control = CMSG_NXTHDR(&header, control))
    if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SCM_RIGHTS)
      memcpy(files, CMSG_DATA(control), control->cmsg_len - CMSG_LEN(0));
  if (header.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
    for (int place = 0; place < CLUES_MESSAGE_FILES; place++)
      if (files[place] >= 0) close(files[place]);
    errno = EMSGSIZE;
    return -1;
  }
  return size;
}
