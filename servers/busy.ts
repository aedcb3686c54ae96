// WORK: a piece of computing of a known length, as a stand-in for rendering, hashing or compressing.

/** Keeps this thread's CPU busy for `ms` milliseconds of wall-clock time. */
export function busyFor(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}
