// The file calls that Node does not offer: those that take a folder by its descriptor, so that nobody can
// put another folder in its place meanwhile, and the one that sends a file without carrying its bytes
// through the process. Reading, writing and the rest are in node:fs, which takes these descriptors; close
// them with `close` of sockets.ts, because in a worker node:fs wants to have opened what it closes.

import { constants } from 'node:fs'
import { IoBuffer } from './buffer.ts'
import { C, E } from './constants.ts'
import { SystemError } from './errors.ts'
import * as libc from './libc.ts'
import { AGAIN } from './sockets.ts'

/**
 * Opens what a folder has under this name, which is one component of a path. openat(2). `flags` are those
 * of open(2), from `fs.constants`; a symbolic link is never followed (ELOOP, or ENOTDIR with O_DIRECTORY),
 * and what would wait to be opened, such as a FIFO without a writer, is opened without waiting.
 */
export function openAt(folder: number, name: string, flags: number): number {
  checkComponent(name)
  const always = constants.O_NOFOLLOW | constants.O_NONBLOCK | C.O_CLOEXEC
  for (;;) {
    const fd = libc.openat(folder, name, flags | always, 0o666)
    if (fd >= 0) return fd
    if (libc.errno() !== E.EINTR) throw new SystemError(libc.errno(), 'openat')
  }
}

/** Renames within a folder, and replaces what had the new name. renameat(2). */
export function renameAt(folder: number, from: string, to: string): void {
  checkComponent(from)
  checkComponent(to)
  if (libc.renameat(folder, from, folder, to) < 0) throw new SystemError(libc.errno(), 'renameat')
}

/** Removes a file of a folder. unlinkat(2). */
export function unlinkAt(folder: number, name: string): void {
  checkComponent(name)
  if (libc.unlinkat(folder, name, 0) < 0) throw new SystemError(libc.errno(), 'unlinkat')
}

/** Whether this platform has sendFile. macOS has a call of that name too, with other parameters. */
export const hasSendFile = process.platform === 'linux' && libc.LONG_BYTES === 8

/**
 * Writes up to `length` bytes of a file, from `position` on, to a socket, without copying them into this
 * process. sendfile(2). Returns how many the kernel took; 0 is the end of the file; AGAIN is "not now",
 * as in `send`. EINVAL: this kind of file cannot be sent so. A connection that is gone throws EPIPE or
 * ECONNRESET (Node ignores SIGPIPE, for which this call has no flag).
 */
export function sendFile(fd: number, file: number, position: number, length: number): number {
  for (;;) {
    offset.bytes.writeBigInt64LE(BigInt(position), 0)
    const count = libc.sendfile(fd, file, offset.address, length)
    if (count >= 0) return count
    const errno = libc.errno()
    if (errno === E.EAGAIN) return AGAIN
    if (errno !== E.EINTR) throw new SystemError(errno, 'sendfile')
  }
}

const offset = new IoBuffer(8)

/** `..` would leave the folder, and a NUL would end the name before its end. */
function checkComponent(name: string): void {
  if (name === '' || name === '.' || name === '..' || /[/\0]/.test(name)) {
    throw new RangeError('This is not the name of one thing in a folder')
  }
}
