// Waiting for less than a millisecond. poll(2) and epoll_wait(2) take whole milliseconds; ppoll(2) and
// epoll_pwait2(2) take a struct timespec. Where these are missing, there is only one way to be in time: wait
// for the whole milliseconds, and then ask again and again until the time has come. That keeps a core busy, and so
// a thread that waits like this comes out as one that works.

import { IoBuffer } from './buffer.ts'
import { E } from './constants.ts'
import { UnsupportedError } from './errors.ts'
import * as libc from './libc.ts'

const SECOND_NS = 1e9
const MS_NS = 1e6

/** struct timespec: two longs. */
export class Timespec {
  private readonly memory = new IoBuffer(16)
  private readonly longs = new BigInt64Array(this.memory.bytes.buffer)
  private heldNs = 0

  /** The address of a timespec of so many nanoseconds, which holds until the next call. */
  of(ns: number): number {
    if (ns !== this.heldNs) {
      this.heldNs = ns
      this.longs[0] = BigInt(Math.floor(ns / SECOND_NS))
      this.longs[1] = BigInt(Math.floor(ns % SECOND_NS))
    }
    return this.memory.address
  }
}

/**
 * Whether a call that takes a timespec is there. `attempt` makes the call once, without waiting. A C library may
 * lack it (UnsupportedError) and so may the kernel (ENOSYS); a sandbox that does not know it says EPERM.
 */
export function takesTimespec(attempt: () => number): boolean {
  if (libc.LONG_BYTES !== 8) return false
  try {
    if (attempt() >= 0) return true
    const errno = libc.errno()
    return errno !== E.ENOSYS && errno !== E.EPERM
  } catch (error) {
    if (error instanceof UnsupportedError) return false
    throw error
  }
}

/** Waits by `wait`, which takes milliseconds, and by asking again for the rest. */
export function spin(wait: (timeoutMs: number) => number, timeoutNs: number): number {
  const endMs = performance.now() + timeoutNs / MS_NS
  for (;;) {
    const leftMs = endMs - performance.now()
    const ready = wait(Math.max(0, Math.floor(leftMs)))
    if (ready > 0 || leftMs <= 0) return ready
  }
}
