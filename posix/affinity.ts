// On which cores a thread may run. Linux has such calls; macOS has none.

import { IoBuffer } from './buffer.ts'
import { SystemError } from './errors.ts'
import * as libc from './libc.ts'

/** A bit for each core. The kernel refuses a mask that is smaller than its own, which has 8,192 at most. */
const MASK_BYTES = 1024

/**
 * The cores that a thread may run on, from 0; thread 0 is the calling one. Throws UnsupportedError where
 * there is no such call. sched_getaffinity(2).
 */
export function coresOf(threadId = 0): number[] {
  const mask = new IoBuffer(MASK_BYTES)
  if (libc.sched_getaffinity(threadId, MASK_BYTES, mask.address) < 0) {
    throw new SystemError(libc.errno(), 'sched_getaffinity')
  }
  const cores = Array.from({ length: MASK_BYTES * 8 }, (_, core) => core)
  return cores.filter((core) => (mask.bytes[core >> 3]! >> (core & 7)) & 1)
}

/**
 * Lets a thread run on these cores only, and what it starts from now on as well: threads and processes
 * inherit it, and keep it over exec. Throws UnsupportedError where there is no such call. sched_setaffinity(2).
 */
export function runOnCores(cores: readonly number[], threadId = 0): void {
  const mask = new IoBuffer(MASK_BYTES)
  for (const core of cores) mask.bytes[core >> 3]! |= 1 << (core & 7)
  if (libc.sched_setaffinity(threadId, MASK_BYTES, mask.address) < 0) {
    throw new SystemError(libc.errno(), 'sched_setaffinity')
  }
}
