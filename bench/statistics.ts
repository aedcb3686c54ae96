// The statistics of repeats: small, pure, and the same for every workload.

import {
  coefficientOfVariation,
  max,
  median,
  medianAbsoluteDeviation,
  min,
  quantileSorted,
  sampleWithReplacement,
} from 'simple-statistics'
import { seededRandom } from './random.ts'

/** Between two values, both of them included. */
export interface Interval {
  readonly low: number
  readonly high: number
}

export interface Spread {
  readonly median: number
  /** Bootstrap 95 % interval of the median; null for a single repeat, which has none. */
  readonly low: number | null
  readonly high: number | null
  readonly min: number
  readonly max: number
  /** Sample standard deviation over mean; null where there is none. */
  readonly coefficientOfVariation: number | null
  /** Which of the values lie far from the others, from 0. They count like all others. */
  readonly outliers: number[]
}

/** At least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const list = [...values]
  const variation = list.length > 1 ? coefficientOfVariation(list) : null
  return {
    median: median(list),
    ...(intervalOfMedian(list) ?? { low: null, high: null }),
    min: min(list),
    max: max(list),
    // The mean of nothing but zeros is zero, and then the quotient says nothing.
    coefficientOfVariation: variation !== null && Number.isFinite(variation) ? variation : null,
    outliers: outliersOf(list),
  }
}

/** Enough for the ends of a 95 % interval (Efron and Tibshirani 1993, section 13.3), and takes a millisecond. */
const RESAMPLES = 2000
/** The same numbers for all, so that a report that is made again says the same again. */
const RESAMPLING_SEED = 1

/**
 * Percentile bootstrap 95 % interval of the median (Efron 1979), or null for fewer than two values. It is
 * exactly the range for two to five values, of which all resamples often enough have the lowest, or the
 * highest, as their median: see `rangeCoverage` for what that is worth. From six on it is narrower, and
 * holds the true median in 87 to 95 of 100 cases: fewest for 7, 94 for 10. BCa intervals would be no better:
 * their acceleration comes from the jackknife, which does not work for medians.
 */
export function intervalOfMedian(values: readonly number[]): Interval | null {
  return bootstrapInterval([values], ([resample = []]) => median(resample))
}

/**
 * The 95 % interval of a statistic of some samples: the middle of what it is when each of them is drawn
 * anew out of itself. Null when one has fewer than two values.
 */
export function bootstrapInterval(
  samples: readonly (readonly number[])[],
  statistic: (resamples: number[][]) => number,
): Interval | null {
  if (samples.some(({ length }) => length < 2)) return null
  const random = seededRandom(RESAMPLING_SEED)
  const lists = samples.map((values) => [...values])
  const resample = () => lists.map((list) => sampleWithReplacement(list, list.length, random))
  const drawn = Array.from({ length: RESAMPLES }, () => statistic(resample()))
  drawn.sort((a, b) => a - b)
  return { low: quantileSorted(drawn, 0.025), high: quantileSorted(drawn, 0.975) }
}

/**
 * How often the range of so many values holds the true median: unless all of them lie on one side of it.
 * 50 % for two, 75 % for three, 94 % for five.
 */
export function rangeCoverage(values: number): number {
  return 1 - 2 ** (1 - values)
}

/** Turns a median absolute deviation into a standard deviation, where values are normally distributed. */
const DEVIATION_PER_MAD = 1.4826
/**
 * Ten robust standard deviations, as in hyperfine. The textbook's 3.5 (Iglewicz and Hoaglin 1993) is for
 * larger samples: of ten normally distributed values it flags some in 13 of 100 cases, of five in 20. Ten
 * flags some in 0.2 and 3 of them.
 */
const OUTLIER_DEVIATIONS = 10
/** Of four, the two in the middle may lie close together by chance. */
const OUTLIER_VALUES_MIN = 5

/** The places, from 0, of values with a modified Z score beyond that. None where most are the same. */
export function outliersOf(values: readonly number[]): number[] {
  const list = [...values]
  const deviation = medianAbsoluteDeviation(list) * DEVIATION_PER_MAD
  if (list.length < OUTLIER_VALUES_MIN || deviation === 0) return []
  const middle = median(list)
  return list.flatMap((value, i) =>
    Math.abs(value - middle) / deviation > OUTLIER_DEVIATIONS ? [i] : [],
  )
}

/** The median of what is there; null when nothing is. */
export function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length > 0 ? median(known) : null
}

export interface Rank {
  /** 1 is the highest. */
  readonly rank: number
  readonly shared: boolean
}

/**
 * Ranks, highest first. Those whose intervals overlap share a rank, and so do those that a chain of
 * overlaps connects. After a first rank that two share comes rank 3.
 */
export function rankIntervals(intervals: readonly Interval[]): Rank[] {
  // By the upper end: then whoever overlaps with anybody before overlaps with the lowest end so far.
  const order = intervals
    .map((interval, index) => ({ interval, index }))
    .toSorted((a, b) => b.interval.high - a.interval.high)
  const groups: (typeof order)[] = []
  let lowest = Infinity
  for (const item of order) {
    const group = groups.at(-1)
    if (group && item.interval.high >= lowest) group.push(item)
    else groups.push([item])
    // Everybody before a new group lies above it, so one running minimum is enough.
    lowest = Math.min(lowest, item.interval.low)
  }
  const ranks: Rank[] = []
  let rank = 1
  for (const group of groups) {
    for (const { index } of group) ranks[index] = { rank, shared: group.length > 1 }
    rank += group.length
  }
  return ranks
}

/** A cumulative count at a moment of the monotonic clock. */
export interface Sample {
  readonly atMs: number
  readonly operations: number
}

/** Four samples have a third of the time between each two of them; fewer do not tell the thirds apart. */
const SAMPLES_MIN = 4

/**
 * Whether a run had reached its steady state: the rate in the last third of the window over the rate in
 * the first. 1 is steady; 1.2 means that it was still getting faster by 20 %. Null without samples enough.
 */
export function lastThirdOverFirst(
  samples: readonly Sample[],
  startMs: number,
  windowMs: number,
): number | null {
  const within = samples.filter(({ atMs }) => atMs >= startMs && atMs <= startMs + windowMs)
  const first = within[0]
  const last = within.at(-1)
  if (!first || !last || within.length < SAMPLES_MIN) return null
  const thirdMs = (last.atMs - first.atMs) / 3
  const operationsAt = (ms: number) => interpolate(within, ms)
  const early = operationsAt(first.atMs + thirdMs) - first.operations
  const late = last.operations - operationsAt(last.atMs - thirdMs)
  return early > 0 ? late / early : null
}

/** The count at a moment between two samples, as if it had grown evenly in between. */
function interpolate(samples: readonly Sample[], atMs: number): number {
  const after = samples.findIndex((sample) => sample.atMs >= atMs)
  const right = samples[after]
  const left = samples[after - 1]
  if (!right) return samples.at(-1)?.operations ?? 0
  if (!left || right.atMs === left.atMs) return right.operations
  const part = (atMs - left.atMs) / (right.atMs - left.atMs)
  return left.operations + part * (right.operations - left.operations)
}
