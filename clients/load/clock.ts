// One clock for all threads.
//
// performance.now() is CLOCK_MONOTONIC, but counted from the start of the thread that asks.
// process.hrtime.bigint() is the same clock and comparable everywhere, but makes a BigInt on the heap
// each time. So every thread finds its own offset once, and then reads the one that costs no garbage.

/** How often both clocks are read together: the closest pair says the offset best. */
const READINGS = 16

export class Clock {
  readonly #offsetNs: number

  /** `originNs`: the moment that counts as zero, of process.hrtime.bigint(). */
  constructor(originNs: bigint) {
    let offsetNs = 0
    let closestNs = Infinity
    for (let i = 0; i < READINGS; i++) {
      const before = process.hrtime.bigint()
      const own = performance.now()
      const apartNs = Number(process.hrtime.bigint() - before)
      if (apartNs >= closestNs) continue
      closestNs = apartNs
      offsetNs = Number(before - originNs) + apartNs / 2 - own * 1e6
    }
    this.#offsetNs = offsetNs
  }

  /** Nanoseconds since the origin, about 50 of which this call takes. */
  now(): number {
    return performance.now() * 1e6 + this.#offsetNs
  }
}
