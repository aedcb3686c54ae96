// `bench --precision`: when a point has repeats enough. A figure that settles early leaves its time to
// nobody, but the run ends sooner; the others go on taking turns.

import type { Config, Point, Repeat } from './schema.ts'
import { spreadOf } from './statistics.ts'

/** How many repeats a run was asked for, and how precise they have to be. */
export type Asked = Pick<Config, 'repeats' | 'precisionShare'>

/**
 * The interval of fewer is their range, which is narrow by chance too often: that of five holds the true median
 * in 94 of 100 cases.
 */
export const REPEATS_PRECISE_MIN = 5

/**
 * Whether half the interval of the throughput is no wider than that share of its median. Who looks after each
 * repeat, and stops when it is so, stops a little more often where it is narrow by chance: such an interval
 * holds the true median somewhat less often than one of a fixed number of repeats.
 */
export function isPrecise(repeats: readonly Repeat[], { precisionShare }: Asked): boolean {
  if (precisionShare === null || repeats.length < REPEATS_PRECISE_MIN) return false
  const rates = repeats.map(({ throughputPerS }) => throughputPerS ?? 0)
  const { median, low, high } = spreadOf(rates)
  return low !== null && high !== null && (high - low) / 2 <= precisionShare * median
}

/** Why a point that can be run has no more repeats than it has. */
export function whyStopped(
  repeats: readonly Repeat[],
  asked: Asked,
  isFaulty: boolean,
): NonNullable<Point['stoppedBy']> {
  if (isFaulty) return 'fault'
  if (repeats.length >= asked.repeats) return 'repeats'
  return isPrecise(repeats, asked) ? 'precision' : 'interruption'
}
