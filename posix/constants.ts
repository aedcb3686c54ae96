// The numbers behind the names of <sys/socket.h>, <poll.h>, <errno.h> and their like. They are part of
// each platform's binary interface, so they never change there, but they differ between platforms.
// Linux: include/uapi and include/linux of the kernel, the same for all processors Node runs on.
// macOS: the headers of xnu's bsd/sys.

import { constants, platform } from 'node:os'

const linux = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 10,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_CLOEXEC: 0o2000000,
  SOL_SOCKET: 1,
  SO_REUSEADDR: 2,
  SO_ERROR: 4,
  SO_SNDBUF: 7,
  SO_RCVBUF: 8,
  SO_LINGER: 13,
  SO_RCVTIMEO: 20,
  SO_SNDTIMEO: 21,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 26,
  MSG_TRUNC: 0x20,
  MSG_DONTWAIT: 0x40,
  MSG_NOSIGNAL: 0x4000,
  MSG_CTRUNC: 0x8,
  MSG_CMSG_CLOEXEC: 0x40000000,
  SCM_RIGHTS: 1,
  /** Where `msg_flags` is in struct msghdr, and how long struct cmsghdr is: lengths are size_t here. */
  MSGHDR_FLAGS_AT: 48,
  CMSG_HEADER_BYTES: 16,
  F_SETFD: 2,
  FD_CLOEXEC: 1,
  F_GETFL: 3,
  F_SETFL: 4,
  O_NONBLOCK: 0o4000,
  O_CLOEXEC: 0o2000000,
  RLIMIT_NOFILE: 7,
  /** Bytes of `sun_path`, its terminating NUL included (unix(7)). */
  UNIX_PATH_BYTES: 108,
  /** BSD socket addresses start with their own length; Linux's do not. */
  SOCKADDR_HAS_LENGTH: false,
}

const darwin: typeof linux = {
  AF_UNIX: 1,
  AF_INET: 2,
  AF_INET6: 30,
  SOCK_STREAM: 1,
  SOCK_DGRAM: 2,
  SOCK_CLOEXEC: 0, // There is none: descriptors are marked by fcntl(2) after they were made.
  SOL_SOCKET: 0xffff,
  SO_REUSEADDR: 0x4,
  SO_ERROR: 0x1007,
  SO_SNDBUF: 0x1001,
  SO_RCVBUF: 0x1002,
  SO_LINGER: 0x80,
  SO_RCVTIMEO: 0x1006,
  SO_SNDTIMEO: 0x1005,
  IPPROTO_TCP: 6,
  TCP_NODELAY: 1,
  IPPROTO_IPV6: 41,
  IPV6_V6ONLY: 27,
  MSG_TRUNC: 0, // There it is an answer, never a question.
  MSG_DONTWAIT: 0x80,
  MSG_NOSIGNAL: 0, // Not needed: Node ignores SIGPIPE, so a broken pipe is always an error value.
  MSG_CTRUNC: 0x20,
  MSG_CMSG_CLOEXEC: 0, // As SOCK_CLOEXEC.
  SCM_RIGHTS: 1,
  MSGHDR_FLAGS_AT: 44, // Lengths are socklen_t, 32 bits.
  CMSG_HEADER_BYTES: 12,
  F_SETFD: 2,
  FD_CLOEXEC: 1,
  F_GETFL: 3,
  F_SETFL: 4,
  O_NONBLOCK: 0x4,
  O_CLOEXEC: 0x1000000,
  RLIMIT_NOFILE: 8,
  UNIX_PATH_BYTES: 104,
  SOCKADDR_HAS_LENGTH: true,
}

/** The constants of this platform. */
export const C = platform() === 'darwin' ? darwin : linux

/** Error numbers: Node knows them for every platform. */
export const E = constants.errno

// flock(2). The same everywhere, too.
export const LOCK_EX = 2
export const LOCK_NB = 4

// poll(2). These values are the same on Linux and macOS, and epoll(7) uses them too.
export const POLLIN = 0x1
export const POLLOUT = 0x4
export const POLLERR = 0x8
export const POLLHUP = 0x10
export const POLLNVAL = 0x20
