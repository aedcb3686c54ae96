// The BSD socket calls that Node does not offer, named like the system calls they are. A socket is its
// descriptor, a number. Whoever makes one closes it, once: a number closed twice, or closed while
// another thread still uses it, soon belongs to somebody else's connection.
//
// Three rules for all of them:
//
// - A failure throws a SystemError of the shape Node's own errors have.
// - EINTR, "a signal came first", is retried: no caller here wants to know.
// - "Not now" is a value, not a failure: AGAIN. That is EAGAIN on a non-blocking socket, and the end of
//   a time-out on a blocking one.
//
// Descriptors are made close-on-exec. Otherwise a child started for one client would inherit the sockets
// of all others, and a connection that its server has closed would live on in strangers.

import {
  type Address,
  decodeAddress,
  encodeAddress,
  familyNumber,
  SOCKADDR_BYTES,
  subjectOf,
} from './address.ts'
import { IoBuffer } from './buffer.ts'
import { C, E, POLLOUT } from './constants.ts'
import { SystemError } from './errors.ts'
import * as libc from './libc.ts'

/** "Not now", from recv, send and accept. */
export const AGAIN = -1

/**
 * Makes a blocking socket, for a stream (TCP) or for datagrams (UDP). socket(2). After `connect`, a datagram
 * socket takes part in `send` and `recv`: each is one datagram, whole, or cut to the length that is given,
 * and `recv` returning 0 is an empty one. Nobody answers a connect, so whether anybody is there is learned
 * from a later call, which throws ECONNREFUSED once for each refusal (ICMP) that has come back.
 */
export function socket(family: Address['family'], type: 'stream' | 'datagram' = 'stream'): number {
  const kind = type === 'stream' ? C.SOCK_STREAM : C.SOCK_DGRAM
  const fd = libc.socket(familyNumber(family), kind | C.SOCK_CLOEXEC, 0)
  if (fd < 0) throw new SystemError(libc.errno(), 'socket')
  return closeOnExec(fd)
}

/** Two connected Unix-domain stream sockets. socketpair(2). */
export function socketpair(): [number, number] {
  const made = libc.socketpair(C.AF_UNIX, C.SOCK_STREAM | C.SOCK_CLOEXEC, 0, scratch.address)
  if (made < 0) throw new SystemError(libc.errno(), 'socketpair')
  const [one, other] = [scratch.bytes.readInt32LE(0), scratch.bytes.readInt32LE(4)]
  return [closeOnExec(one), closeOnExec(other)]
}

/** Names a socket. bind(2): EADDRINUSE, EADDRNOTAVAIL (not an address of this machine), EACCES. */
export function bind(fd: number, address: Address): void {
  const { memory, lengthBytes } = encodeAddress(address)
  if (libc.bind(fd, memory.address, lengthBytes) < 0) {
    throw new SystemError(libc.errno(), 'bind', subjectOf(address))
  }
}

/** Starts to queue connections, up to `backlog` of them (the kernel may cap it). listen(2). */
export function listen(fd: number, backlog: number): void {
  if (libc.listen(fd, backlog) < 0) throw new SystemError(libc.errno(), 'listen')
}

/**
 * Takes the next connection from the backlog, and waits for one if the listener blocks. accept(2).
 * EINVAL means that the listener was shut down. A connection that was reset while it waited in the
 * backlog (ECONNABORTED) is nobody's failure: the next one is taken.
 */
export function accept(fd: number): number {
  for (;;) {
    const client =
      C.SOCK_CLOEXEC === 0 ? libc.accept(fd, 0, 0) : libc.accept4(fd, 0, 0, C.SOCK_CLOEXEC)
    if (client >= 0) return asAcceptedOnLinux(client)
    const errno = libc.errno()
    if (errno === E.EAGAIN) return AGAIN
    if (errno !== E.EINTR && errno !== E.ECONNABORTED) throw new SystemError(errno, 'accept')
  }
}

/**
 * Connects. connect(2). On a non-blocking socket false means "in progress": the socket becomes writable
 * when it is decided, and socketError tells how. On a blocking one the result is always true. A
 * Unix-domain socket is never in progress: when the backlog is full, a non-blocking one throws EAGAIN.
 */
export function connect(fd: number, address: Address): boolean {
  const { memory, lengthBytes } = encodeAddress(address)
  let errno: number
  do {
    if (libc.connect(fd, memory.address, lengthBytes) === 0) return true
    errno = libc.errno()
    // A Unix-domain connect that was interrupted while it waited for room in the backlog has done
    // nothing yet.
  } while (errno === E.EINTR && address.family === 'unix')
  if (errno === E.EINPROGRESS) return false
  if (errno !== E.EINTR) throw new SystemError(errno, 'connect', subjectOf(address))
  // Over TCP it goes on by itself, and must not be called again: wait for its outcome.
  pollOne(fd, POLLOUT)
  const error = socketError(fd)
  if (error) throw new SystemError(-error.errno, 'connect', subjectOf(address))
  return true
}

/** Takes the pending error of a socket (SO_ERROR), or null when there is none. */
export function socketError(fd: number, syscall = 'connect'): SystemError | null {
  scratch.bytes.writeInt32LE(4, 8)
  if (libc.getsockopt(fd, C.SOL_SOCKET, C.SO_ERROR, scratch.address, scratch.address + 8) < 0) {
    return new SystemError(libc.errno(), 'getsockopt')
  }
  const errno = scratch.bytes.readInt32LE(0)
  return errno === 0 ? null : new SystemError(errno, syscall)
}

/**
 * Reads at most `length` bytes to `buffer` at `offset`, and waits for the first of them if the socket
 * blocks. recv(2). Returns how many; 0 is the end of the stream; AGAIN is "not now".
 */
export function recv(fd: number, buffer: IoBuffer, offset: number, length: number): number {
  return receive(fd, buffer, offset, length, 0)
}

/** As recv, but never waits, whatever the socket would do (MSG_DONTWAIT). */
export function recvNow(fd: number, buffer: IoBuffer, offset: number, length: number): number {
  return receive(fd, buffer, offset, length, C.MSG_DONTWAIT)
}

function receive(
  fd: number,
  buffer: IoBuffer,
  offset: number,
  length: number,
  flags: number,
): number {
  checkRange(buffer, offset, length)
  for (;;) {
    const count = libc.recv(fd, buffer.address + offset, length, flags)
    if (count >= 0 || isNotNow('recv')) return count
  }
}

/**
 * Writes up to `length` bytes of `buffer` from `offset` on. send(2). Returns how many the kernel took: a
 * blocking socket takes all of them unless its send time-out ends first, a non-blocking one what there
 * is room for. AGAIN is "nothing, now". A connection that is gone throws EPIPE or ECONNRESET.
 */
export function send(fd: number, buffer: IoBuffer, offset: number, length: number): number {
  return transmit(fd, buffer, offset, length, C.MSG_NOSIGNAL)
}

/** As send, but never waits, whatever the socket would do (MSG_DONTWAIT). */
export function sendNow(fd: number, buffer: IoBuffer, offset: number, length: number): number {
  return transmit(fd, buffer, offset, length, C.MSG_NOSIGNAL | C.MSG_DONTWAIT)
}

function transmit(
  fd: number,
  buffer: IoBuffer,
  offset: number,
  length: number,
  flags: number,
): number {
  checkRange(buffer, offset, length)
  for (;;) {
    const count = libc.send(fd, buffer.address + offset, length, flags)
    if (count >= 0 || isNotNow('send')) return count
  }
}

/** Of a call that returned -1, which is AGAIN: true if that is it, false if it has to be made again. */
export function isNotNow(syscall: string): boolean {
  const errno = libc.errno()
  if (errno !== E.EAGAIN && errno !== E.EINTR) throw new SystemError(errno, syscall)
  return errno === E.EAGAIN
}

/**
 * Writes all of it on a blocking socket, however often the kernel takes only a part. When the socket
 * has a send time-out, `onStall` is called each time it ends before all was taken, with the number of
 * bytes that were taken meanwhile: possibly none. It may throw to give up.
 */
export function sendAll(
  fd: number,
  buffer: IoBuffer,
  offset: number,
  length: number,
  onStall?: (takenBytes: number) => void,
): void {
  const end = offset + length
  for (let at = offset; at < end;) {
    const count = send(fd, buffer, at, end - at)
    if (count !== AGAIN) at += count
    if (at < end) onStall?.(Math.max(0, count))
  }
}

const HOW = { read: 0, write: 1, both: 2 } as const

/**
 * Ends one or both directions for every holder of the socket, in every thread and process. shutdown(2).
 * This is what wakes a thread that is blocked on it: its recv returns 0 (after what had already
 * arrived), its accept fails with EINVAL. close(2) would not wake it. A socket that is not connected
 * any more is no failure.
 */
export function shutdown(fd: number, how: keyof typeof HOW): void {
  if (libc.shutdown(fd, HOW[how]) === 0) return
  const errno = libc.errno()
  if (errno !== E.ENOTCONN) throw new SystemError(errno, 'shutdown')
}

/** Gives the descriptor back. close(2). Never retried: after EINTR the number is free on Linux. */
export function close(fd: number): void {
  if (libc.close(fd) === 0) return
  const errno = libc.errno()
  if (errno !== E.EINTR) throw new SystemError(errno, 'close')
}

/** The address a socket is bound to: after bind to port 0, the port that the kernel chose. */
export function getsockname(fd: number): Address {
  return nameOf(fd, libc.getsockname, 'getsockname')
}

/** The address of the other side. getpeername(2): ENOTCONN when there is none any more. */
export function getpeername(fd: number): Address {
  return nameOf(fd, libc.getpeername, 'getpeername')
}

function nameOf(fd: number, call: typeof libc.getsockname, syscall: string): Address {
  const memory = new IoBuffer(SOCKADDR_BYTES + 4)
  memory.bytes.writeUInt32LE(SOCKADDR_BYTES, SOCKADDR_BYTES)
  if (call(fd, memory.address, memory.address + SOCKADDR_BYTES) < 0) {
    throw new SystemError(libc.errno(), syscall)
  }
  return decodeAddress(memory.bytes, memory.bytes.readUInt32LE(SOCKADDR_BYTES))
}

/** O_NONBLOCK on or off. It belongs to the socket, not to the descriptor: all holders share it. */
export function setNonBlocking(fd: number, on: boolean): void {
  const flags = libc.fcntl(fd, C.F_GETFL, 0)
  const wanted = on ? flags | C.O_NONBLOCK : flags & ~C.O_NONBLOCK
  if (flags < 0 || libc.fcntl(fd, C.F_SETFL, wanted) < 0) {
    throw new SystemError(libc.errno(), 'fcntl')
  }
}

/**
 * Nagle's algorithm off, or on again. TCP_NODELAY, tcp(7). A Unix-domain socket has no such algorithm
 * to turn off, so it is left as it is.
 */
export function setNoDelay(fd: number, on: boolean): void {
  scratch.bytes.writeInt32LE(on ? 1 : 0, 0)
  if (libc.setsockopt(fd, C.IPPROTO_TCP, C.TCP_NODELAY, scratch.address, 4) === 0) return
  const errno = libc.errno()
  if (errno !== E.EOPNOTSUPP && errno !== E.ENOPROTOOPT && errno !== E.EINVAL) {
    throw new SystemError(errno, 'setsockopt')
  }
}

/** A listener may take an address whose old connections are still in TIME_WAIT. SO_REUSEADDR. */
export function setReuseAddress(fd: number): void {
  setInt(fd, C.SOL_SOCKET, C.SO_REUSEADDR, 1)
}

/** An IPv6 listener takes IPv6 only: else [::] would silently take IPv4's port too. IPV6_V6ONLY. */
export function setIpv6Only(fd: number): void {
  setInt(fd, C.IPPROTO_IPV6, C.IPV6_V6ONLY, 1)
}

/** Size of the kernel's send buffer. Linux doubles it for its own book-keeping. SO_SNDBUF. */
export function setSendBufferBytes(fd: number, lengthBytes: number): void {
  setInt(fd, C.SOL_SOCKET, C.SO_SNDBUF, lengthBytes)
}

/** Size of the kernel's receive buffer. Set it before connecting. SO_RCVBUF. */
export function setReceiveBufferBytes(fd: number, lengthBytes: number): void {
  setInt(fd, C.SOL_SOCKET, C.SO_RCVBUF, lengthBytes)
}

/** A blocking recv or accept gives up with AGAIN after this long; 0 is never. SO_RCVTIMEO. */
export function setReceiveTimeoutMs(fd: number, ms: number): void {
  setTimeval(fd, C.SO_RCVTIMEO, ms)
}

/** A blocking send gives up with AGAIN (or a partial count) after this long; 0 is never. SO_SNDTIMEO. */
export function setSendTimeoutMs(fd: number, ms: number): void {
  setTimeval(fd, C.SO_SNDTIMEO, ms)
}

/** close(2) waits this long for unsent bytes; 0 resets the connection; null is the default. SO_LINGER. */
export function setLinger(fd: number, seconds: number | null): void {
  scratch.bytes.writeInt32LE(seconds === null ? 0 : 1, 0)
  scratch.bytes.writeInt32LE(seconds ?? 0, 4)
  if (libc.setsockopt(fd, C.SOL_SOCKET, C.SO_LINGER, scratch.address, 8) < 0) {
    throw new SystemError(libc.errno(), 'setsockopt')
  }
}

function setInt(fd: number, level: number, option: number, value: number): void {
  scratch.bytes.writeInt32LE(value, 0)
  if (libc.setsockopt(fd, level, option, scratch.address, 4) < 0) {
    throw new SystemError(libc.errno(), 'setsockopt')
  }
}

/** struct timeval: two longs, seconds and microseconds. */
function setTimeval(fd: number, option: number, ms: number): void {
  scratch.bytes.fill(0, 0, 16)
  const us = Math.ceil(ms * 1000) // Rounded down, a very short time-out would be none.
  scratch.bytes.writeUInt32LE(Math.floor(us / 1e6), 0)
  scratch.bytes.writeUInt32LE(us % 1e6, libc.LONG_BYTES)
  if (libc.setsockopt(fd, C.SOL_SOCKET, option, scratch.address, 2 * libc.LONG_BYTES) < 0) {
    throw new SystemError(libc.errno(), 'setsockopt')
  }
}

/** The caller's memory, not the kernel's good will, is what keeps a wrong length from being a breach. */
export function checkRange(buffer: IoBuffer, offset: number, length: number): void {
  if (!(offset >= 0 && length >= 0 && offset + length <= buffer.length)) {
    throw new RangeError(`${length} bytes at ${offset} lie outside of ${buffer.length} bytes`)
  }
}

function closeOnExec(fd: number): number {
  if (C.SOCK_CLOEXEC === 0) libc.fcntl(fd, C.F_SETFD, C.FD_CLOEXEC)
  return fd
}

/** Elsewhere accept(2) has no flags, and the new socket inherits O_NONBLOCK from its listener. */
function asAcceptedOnLinux(fd: number): number {
  if (C.SOCK_CLOEXEC === 0) setNonBlocking(closeOnExec(fd), false)
  return fd
}

function pollOne(fd: number, events: number): void {
  scratch.bytes.writeInt32LE(fd, 0)
  scratch.bytes.writeInt16LE(events, 4)
  while (libc.poll(scratch.address, 1, -1) < 0 && libc.errno() === E.EINTR);
}

/** Room for the small structures that calls want by address. Each thread has its own. */
const scratch = new IoBuffer(32)
