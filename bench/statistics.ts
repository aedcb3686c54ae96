// The statistics of repeats: small, pure, and the same for every workload.

import { coefficientOfVariation, max, median, min } from 'simple-statistics'

export interface Spread {
  readonly median: number
  readonly min: number
  readonly max: number
  /** Sample standard deviation over mean; null where there is none. */
  readonly coefficientOfVariation: number | null
}

/** At least one value. */
export function spreadOf(values: readonly number[]): Spread {
  const list = [...values]
  const variation = list.length > 1 ? coefficientOfVariation(list) : null
  return {
    median: median(list),
    min: min(list),
    max: max(list),
    // The mean of nothing but zeros is zero, and then the quotient says nothing.
    coefficientOfVariation: variation !== null && Number.isFinite(variation) ? variation : null,
  }
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
 * Ranks, highest first. Those whose ranges from the lowest to the highest repeat overlap share a rank, and
 * so do those that a chain of overlaps connects: nobody is placed before another whom he did not beat in
 * every repeat. After a first rank that two share comes rank 3.
 *
 * The range of a few repeats is no confidence interval, but it errs on the careful side: the more repeats
 * there are, the wider it gets and the more ranks are shared.
 */
export function rankSpreads(spreads: readonly Spread[]): Rank[] {
  // By the upper end: then whoever overlaps with anybody before overlaps with the lowest end so far.
  const order = spreads
    .map((spread, index) => ({ spread, index }))
    .toSorted((a, b) => b.spread.max - a.spread.max)
  const groups: (typeof order)[] = []
  let lowest = Infinity
  for (const item of order) {
    const group = groups.at(-1)
    if (group && item.spread.max >= lowest) group.push(item)
    else groups.push([item])
    // Everybody before a new group lies above it, so one running minimum is enough.
    lowest = Math.min(lowest, item.spread.min)
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
