// Random numbers that a seed determines: a seed found in a report gives the same order again, and the same
// intervals.

/**
 * Numbers from 0 to 1 that a seed determines: mulberry32, the usual generator for shuffling where
 * nothing depends on its being unpredictable. Node has no random numbers with a seed.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
