// WORK and WAIT, for models that do them in place: a piece of computing of a known length, as a stand-in
// for rendering, hashing or compressing, and a piece of waiting, as a stand-in for a disk or a database.

/** Keeps this thread's CPU busy for `ms` milliseconds of wall-clock time. */
export function busyFor(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** Blocks this thread for `ms` milliseconds without using its CPU. */
export function restFor(ms: number): void {
  Atomics.wait(NEVER_WOKEN, 0, 0, ms)
}

const NEVER_WOKEN = new Int32Array(new SharedArrayBuffer(4))
