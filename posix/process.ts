// Six things about this process that Node does not tell or do.

import { getPriority, setPriority } from 'node:os'
import { IoBuffer } from './buffer.ts'
import { C, E, LOCK_EX, LOCK_NB } from './constants.ts'
import { SystemError } from './errors.ts'
import * as libc from './libc.ts'

const PR_SET_PDEATHSIG = 1
const PR_SET_TIMERSLACK = 29
const SIGKILL = 9
const NICENESS_MAX = 19

/** How many descriptors this process may have open (RLIMIT_NOFILE, the soft limit). getrlimit(2). */
export function openFilesMax(): number {
  const memory = new IoBuffer(16)
  if (libc.getrlimit(C.RLIMIT_NOFILE, memory.address) < 0) return Infinity
  return Number(memory.bytes.readBigUInt64LE(0))
}

/**
 * Locks an open file for this process, if nobody else has it locked: true when it is ours now. The lock
 * ends when the descriptor is closed, and so with the process at the latest. Who only reads or writes the
 * file is not kept from it. flock(2).
 */
export function lockFile(fd: number): boolean {
  if (libc.flock(fd, LOCK_EX | LOCK_NB) === 0) return true
  if (libc.errno() === E.EWOULDBLOCK) return false
  throw new SystemError(libc.errno(), 'flock')
}

/**
 * Asks the kernel to kill this process when its parent dies (prctl(2), Linux). Whoever waits in a
 * system call learns of it from a closed socket anyway; this is for a process that is in an endless loop
 * then. Does nothing on other platforms.
 */
export function dieWithParent(): void {
  if (process.platform === 'linux') libc.prctl(PR_SET_PDEATHSIG, SIGKILL)
}

/**
 * Lets others go first: adds `steps` to the niceness of the calling thread. Linux has one for each
 * thread, whatever POSIX says (setpriority(2), under C library differences). Where there is only one
 * for the whole process, it is left alone. Nobody may lower it again without a privilege.
 */
export function lowerPriority(steps: number): void {
  if (process.platform !== 'linux') return
  // 0 is "the caller", which Linux takes for the calling thread.
  setPriority(0, Math.min(NICENESS_MAX, getPriority(0) + steps))
}

/**
 * Lets the waits of the calling thread end when they are due. Unless asked, Linux lets each end up to 50 µs late, so
 * that it may wake several sleepers at once (PR_SET_TIMERSLACK, prctl(2)). Does nothing on other platforms.
 */
export function sharpenTimers(): void {
  if (process.platform === 'linux') libc.prctl(PR_SET_TIMERSLACK, 1)
}

/**
 * Ends the process now. `process.exit` waits for every thread that is blocked in a system call, which
 * may be for ever; _exit(2) does not.
 */
export function exitNow(status: number): never {
  libc.exitAtOnce(status)
  throw new Error('_exit returned')
}
