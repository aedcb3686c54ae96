// What the tests wait for: conditions, each within a bound, never a length of time that "should do".

import { setTimeout as sleep } from 'node:timers/promises'

/** Far longer than anything takes that does not say its own bound, so that reaching it means "never". */
export const PATIENCE_MS = 10_000

/** Looks again and again until `condition` holds; returns how long that took. */
export async function until(
  what: string,
  condition: () => boolean | Promise<boolean>,
  boundMs = PATIENCE_MS,
): Promise<number> {
  const startMs = performance.now()
  while (!(await condition())) {
    if (performance.now() - startMs > boundMs) {
      throw new Error(`Waited ${boundMs} ms in vain: ${what}`)
    }
    await sleep(2)
  }
  return performance.now() - startMs
}

/** `promise`, or a rejection that says what did not happen within the bound. */
export function within<Value>(
  boundMs: number,
  what: string,
  promise: Promise<Value>,
): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new Error(`Waited ${boundMs} ms in vain: ${what}`)),
      boundMs,
    )
    promise.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}

/** A condition: the value has been the same for some looks at it, and is not less than `min`. */
export function steadily(value: () => number, min = 0): () => boolean {
  let last = NaN
  let looks = 0
  return () => {
    const now = value()
    looks = now === last ? looks + 1 : 0
    last = now
    return now >= min && looks > 10
  }
}
