// Passing a descriptor to another process, over a Unix-domain socket. unix(7), SCM_RIGHTS.
//
// What is passed is not a number but the right to use what the number stands for, as if dup(2) reached
// across processes: the receiver gets a number of its own, and both sides close theirs. On its way the
// descriptor is open, too. If it never arrives, the kernel closes it.
//
// It travels with one byte of ordinary data. A stream can carry no descriptor alone (there would be
// nothing to wait for), and one read never takes bytes from both sides of a descriptor.

import { IoBuffer } from './buffer.ts'
import { C, E } from './constants.ts'
import { SystemError } from './errors.ts'
import * as libc from './libc.ts'
import { AGAIN, close, isNotNow } from './sockets.ts'

/**
 * Passes a descriptor to whoever reads the other end of `fd`. sendmsg(2). Returns 1, the byte that went
 * with it, or AGAIN: no room now. EPIPE: nobody will read it. EBADF: one of the two is not open.
 */
export function sendDescriptor(fd: number, descriptor: number): number {
  for (;;) {
    prepare()
    bytes.writeInt32LE(CONTROL_BYTES, CONTROL)
    bytes.writeInt32LE(C.SOL_SOCKET, DATA - 8)
    bytes.writeInt32LE(C.SCM_RIGHTS, DATA - 4)
    bytes.writeInt32LE(descriptor, DATA)
    const count = libc.sendmsg(fd, memory.address, C.MSG_NOSIGNAL)
    if (count >= 0 || isNotNow('sendmsg')) return count
  }
}

/**
 * Takes the next byte of `fd` and the descriptor that comes with it, close-on-exec, and waits for it if
 * `fd` blocks. recvmsg(2). Returns null at the end of the stream; AGAIN is "not now". Throws EPROTO when
 * the byte brings no descriptor, and EMSGSIZE when what it brings cannot be taken: this process may not
 * open another one, or there were several. (Linux only marks such a message; the BSDs fail, with that.)
 */
export function receiveDescriptor(fd: number): number | null {
  for (;;) {
    prepare()
    const count = libc.recvmsg(fd, memory.address, C.MSG_CMSG_CLOEXEC)
    if (count === 0) return null
    if (count > 0) return taken()
    if (isNotNow('recvmsg')) return AGAIN
  }
}

function taken(): number {
  const hasOne =
    bytes.readInt32LE(CONTROL_LENGTH) >= CONTROL_BYTES &&
    bytes.readInt32LE(DATA - 8) === C.SOL_SOCKET &&
    bytes.readInt32LE(DATA - 4) === C.SCM_RIGHTS
  const descriptor = hasOne ? bytes.readInt32LE(DATA) : null
  if (bytes.readInt32LE(C.MSGHDR_FLAGS_AT) & C.MSG_CTRUNC) {
    if (descriptor !== null) close(descriptor)
    throw new SystemError(E.EMSGSIZE, 'recvmsg')
  }
  if (descriptor === null) throw new SystemError(E.EPROTO, 'recvmsg')
  if (C.MSG_CMSG_CLOEXEC === 0) libc.fcntl(descriptor, C.F_SETFD, C.FD_CLOEXEC)
  return descriptor
}

// Four structures in one piece of memory: struct msghdr at its start, then an iovec (where the ordinary
// data is, and how much), then a cmsghdr with its data behind it, then the one byte.
const IOVEC = 56
const CONTROL = 72
const DATA = CONTROL + C.CMSG_HEADER_BYTES
const BYTE = 96
const memory = new IoBuffer(104)
const { bytes } = memory

// Within msghdr, the same everywhere but for the place of its flags.
const IOVEC_ADDRESS = 16
const IOVEC_COUNT = 24
const CONTROL_ADDRESS = 32
const CONTROL_LENGTH = 40

/**
 * Room for exactly one descriptor: CMSG_LEN(sizeof(int)). CMSG_SPACE would add what aligns the next
 * structure, and in that room Linux delivers a second one if there is one.
 */
const CONTROL_BYTES = C.CMSG_HEADER_BYTES + 4

/** What stays, and what the last call has overwritten. Lengths are small: their upper halves stay 0. */
function prepare(): void {
  bytes.fill(0)
  writeAddress(IOVEC_ADDRESS, memory.address + IOVEC)
  bytes.writeInt32LE(1, IOVEC_COUNT)
  writeAddress(CONTROL_ADDRESS, memory.address + CONTROL)
  bytes.writeInt32LE(CONTROL_BYTES, CONTROL_LENGTH)
  writeAddress(IOVEC, memory.address + BYTE)
  bytes.writeInt32LE(1, IOVEC + 8)
}

function writeAddress(at: number, address: number): void {
  bytes.writeBigUInt64LE(BigInt(address), at)
}
