// The C library's socket calls, declared for koffi. Nothing else in the project calls koffi.
//
// Memory is passed by its address, as a number: a JavaScript number holds every address of a user
// process exactly (they have at most 47 bits, 2^53 are exact), and it costs nothing to add an offset to
// it, where a `subarray` of a Buffer would be an object for each call. The caller guarantees that the
// memory stays where it is: see IoBuffer.
//
// A call through koffi costs about 0.25 µs on top of the system call itself.

import koffi from 'koffi'
import { UnsupportedError } from './errors.ts'

const library = koffi.load(null)

type Call = (...args: number[]) => number
interface AsyncCall {
  (...args: number[]): number
  async: (...args: [...number[], (error: Error | null, result: number) => void]) => void
}

function declare(name: string, result: string, parameters: string[]): AsyncCall {
  return library.func(name, result, parameters)
}

/** Declares a call that not every platform has: calling it there throws UnsupportedError. */
export function declareIfThere(name: string, result: string, parameters: string[]): Call {
  try {
    return declare(name, result, parameters)
  } catch {
    return () => {
      throw new UnsupportedError(name)
    }
  }
}

// ssize_t and size_t have the width of a pointer wherever Node runs.
export const socket = declare('socket', 'int', ['int', 'int', 'int'])
export const socketpair = declare('socketpair', 'int', ['int', 'int', 'int', 'uintptr_t'])
export const bind = declare('bind', 'int', ['int', 'uintptr_t', 'uint32_t'])
export const listen = declare('listen', 'int', ['int', 'int'])
export const accept = declare('accept', 'int', ['int', 'uintptr_t', 'uintptr_t'])
export const accept4 = declareIfThere('accept4', 'int', ['int', 'uintptr_t', 'uintptr_t', 'int'])
export const connect = declare('connect', 'int', ['int', 'uintptr_t', 'uint32_t'])
// These two return a ssize_t. No buffer here has 2 GiB, so its lower half, an int, says it all, and koffi
// makes a small integer of that, where it would make an object on the heap of what may have 64 bits.
export const recv = declare('recv', 'int', ['int', 'uintptr_t', 'size_t', 'int'])
export const send = declare('send', 'int', ['int', 'uintptr_t', 'size_t', 'int'])
export const recvmsg = declare('recvmsg', 'intptr_t', ['int', 'uintptr_t', 'int'])
export const sendmsg = declare('sendmsg', 'intptr_t', ['int', 'uintptr_t', 'int'])
export const recvfrom = declare('recvfrom', 'intptr_t', [
  'int',
  'uintptr_t',
  'size_t',
  'int',
  'uintptr_t',
  'uintptr_t',
])
export const sendto = declare('sendto', 'intptr_t', [
  'int',
  'uintptr_t',
  'size_t',
  'int',
  'uintptr_t',
  'uint32_t',
])
export const shutdown = declare('shutdown', 'int', ['int', 'int'])
export const close = declare('close', 'int', ['int'])
// Its third argument is variadic, and Apple's processors pass those elsewhere than the named ones.
const fcntlOf: (fd: number, command: number, type: 'int', argument: number) => number =
  library.func('fcntl', 'int', ['int', 'int', '...'])
export function fcntl(fd: number, command: number, argument: number): number {
  return fcntlOf(fd, command, 'int', argument)
}
// Variadic, too: its mode.
const openatOf: (
  folder: number,
  name: string,
  flags: number,
  type: 'unsigned int',
  mode: number,
) => number = library.func('openat', 'int', ['int', 'const char *', 'int', '...'])
export function openat(folder: number, name: string, flags: number, mode: number): number {
  return openatOf(folder, name, flags, 'unsigned int', mode)
}
export const renameat: (from: number, name: string, to: number, newName: string) => number =
  library.func('renameat', 'int', ['int', 'const char *', 'int', 'const char *'])
export const unlinkat: (folder: number, name: string, flags: number) => number = library.func(
  'unlinkat',
  'int',
  ['int', 'const char *', 'int'],
)
export const flock = declare('flock', 'int', ['int', 'int'])
export const getsockname = declare('getsockname', 'int', ['int', 'uintptr_t', 'uintptr_t'])
export const getpeername = declare('getpeername', 'int', ['int', 'uintptr_t', 'uintptr_t'])
export const setsockopt = declare('setsockopt', 'int', [
  'int',
  'int',
  'int',
  'uintptr_t',
  'uint32_t',
])
export const getsockopt = declare('getsockopt', 'int', [
  'int',
  'int',
  'int',
  'uintptr_t',
  'uintptr_t',
])
export const poll = declare('poll', 'int', ['uintptr_t', 'unsigned long', 'int'])
export const exitAtOnce = declare('_exit', 'void', ['int'])
export const getrlimit = declare('getrlimit', 'int', ['int', 'uintptr_t'])

// Linux only.
export const ppoll = declareIfThere('ppoll', 'int', [
  'uintptr_t',
  'unsigned long',
  'uintptr_t',
  'uintptr_t',
])
export const epoll_create1 = declareIfThere('epoll_create1', 'int', ['int'])
export const epoll_ctl = declareIfThere('epoll_ctl', 'int', ['int', 'int', 'int', 'uintptr_t'])
export const epoll_wait = declareIfThere('epoll_wait', 'int', ['int', 'uintptr_t', 'int', 'int'])
export const epoll_pwait2 = declareIfThere('epoll_pwait2', 'int', [
  'int',
  'uintptr_t',
  'int',
  'uintptr_t',
  'uintptr_t',
])
export const sendfile = declareIfThere('sendfile', 'intptr_t', [
  'int',
  'int',
  'uintptr_t',
  'size_t',
])
export const sched_getaffinity = declareIfThere('sched_getaffinity', 'int', [
  'int',
  'size_t',
  'uintptr_t',
])
export const sched_setaffinity = declareIfThere('sched_setaffinity', 'int', [
  'int',
  'size_t',
  'uintptr_t',
])
export const prctl = declareIfThere('prctl', 'int', ['int', 'unsigned long'])

/** errno of the last call of this thread that was not `.async`. */
export const errno: () => number = koffi.errno

export const LONG_BYTES: number = koffi.sizeof('long')

/** Where the memory of `bytes` begins. */
export function addressOf(bytes: Uint8Array): number {
  return Number(koffi.address(bytes))
}

/** inet_pton(3): an IP address as its 4 or 16 bytes, or null when the text is not one. */
export function bytesOfIp(family: number, text: string): Buffer | null {
  const bytes = Buffer.from(new ArrayBuffer(16))
  return inet_pton(family, text, bytes) === 1 ? bytes : null
}

/** inet_ntop(3): 4 or 16 bytes as text. */
export function textOfIp(family: number, bytes: Buffer): string {
  const text = Buffer.from(new ArrayBuffer(64))
  inet_ntop(family, bytes, text, text.length)
  return text.toString('latin1', 0, text.indexOf(0))
}

type TextCall = (...args: (number | string | Buffer)[]) => unknown
const inet_pton = library.func('int inet_pton(int, const char *, void *)') as unknown as TextCall
const inet_ntop = library.func(
  'void *inet_ntop(int, const void *, void *, uint32_t)',
) as unknown as TextCall
