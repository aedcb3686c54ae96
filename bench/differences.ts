// What has become faster or slower from one run to another, and whether that is more than chance. Each
// point that both files have is compared in three figures of its repeats: throughput, 99th percentile, CPU
// time. Pure.

import { geometricMean, median } from 'simple-statistics'
import type { Chance, Sides } from './permutation.ts'
import { P_MAX, testDifferences } from './permutation.ts'
import { pointName, usable } from './points.ts'
import type { Point, Repeat, Results } from './schema.ts'
import { changesBetween } from './settings.ts'
import { bootstrapInterval } from './statistics.ts'

const MEASURES = ['throughput', 'p99', 'cpu'] as const
export type Measure = (typeof MEASURES)[number]

/** One figure of one point, in two runs. */
export interface Difference {
  readonly measure: Measure
  /**
   * Medians of the repeats: operations per second; nanoseconds, of the 99th percentile of each repeat; µs of
   * CPU time for each operation.
   */
  readonly old: number
  readonly new: number
  /** New over old, and the bootstrap 95 % interval of that; null for a single repeat. */
  readonly ratio: number
  readonly low: number | null
  readonly high: number | null
  /** Null where there are too few repeats to tell a difference from chance. */
  readonly p: number | null
  /** The same, with regard to how many differences were looked for: this one decides. */
  readonly pAmongAll: number | null
  readonly verdict: 'better' | 'worse' | 'unproven'
  /** Proven, and worse by more than the threshold. */
  readonly isRegression: boolean
}

export interface ComparedPoint {
  readonly point: Point
  /** How many repeats each side has. */
  readonly repeats: { readonly old: number; readonly new: number }
  /** At least one. */
  readonly differences: readonly Difference[]
}

export interface Comparison {
  readonly old: Results
  readonly new: Results
  readonly thresholdShare: number
  readonly points: readonly ComparedPoint[]
  /** Points, or figures of them, that cannot be compared, and why. */
  readonly leftOut: readonly { readonly point: string; readonly why: string }[]
  /** What else differs between the runs: differences may come from there. */
  readonly changes: readonly string[]
  /** Geometric mean of the ratios of all throughputs; null without any. */
  readonly throughputRatio: number | null
}

/** Pure: the same files have the same comparison. */
export function compareRuns(before: Results, after: Results, thresholdShare: number): Comparison {
  const leftOut: { point: string; why: string }[] = []
  const pairs = pairsOf(before, after, leftOut)
  const measured = pairs.flatMap((pair) => {
    const name = pointName(pair.new)
    return MEASURES.flatMap((measure) => {
      const sides = sidesOf(pair, measure)
      if (typeof sides !== 'string') return [{ pair, measure, sides }]
      leftOut.push({ point: `${name}, ${MEASURE_WORDS[measure]}`, why: sides })
      return []
    })
  })
  const chances = testDifferences(measured.map(({ sides }) => sides))
  const differences = measured.map(({ pair, measure, sides }, i) => ({
    pair,
    difference: differenceOf(measure, sides, chances[i] ?? null, thresholdShare),
  }))
  const throughputs = differences.flatMap(({ difference: { measure, ratio } }) =>
    measure === 'throughput' ? [ratio] : [],
  )
  return {
    old: before,
    new: after,
    thresholdShare,
    points: pairs.flatMap((pair) => {
      const own = differences.flatMap((one) => (one.pair === pair ? [one.difference] : []))
      const repeats = { old: pair.old.repeats.length, new: pair.new.repeats.length }
      return own.length > 0 ? [{ point: pair.new, repeats, differences: own }] : []
    }),
    leftOut,
    changes: changesBetween(before, after),
    throughputRatio: throughputs.length > 0 ? geometricMean(throughputs) : null,
  }
}

/** What is proven to be worse by more than the threshold. */
export function regressionsOf({ points }: Comparison): Difference[] {
  return points.flatMap(({ differences }) => differences.filter(({ isRegression }) => isRegression))
}

/** How a figure is called where there is no table. */
export const MEASURE_WORDS: Readonly<Record<Measure, string>> = {
  throughput: 'throughput',
  p99: 'p99',
  cpu: 'CPU',
}

interface Pair {
  readonly old: Point
  readonly new: Point
}

/** Points of both files with figures that may be used, in the order of the new one. */
function pairsOf(before: Results, after: Results, leftOut: { point: string; why: string }[]) {
  const byName = new Map(before.points.map((point) => [pointName(point), point]))
  const pairs: Pair[] = []
  for (const point of after.points) {
    const name = pointName(point)
    const earlier = byName.get(name)
    byName.delete(name)
    const why = earlier ? whyNot(earlier, point) : 'only in the new file'
    // What neither run has tried was not expected.
    if (earlier?.status === 'cannot' && point.status === 'cannot') continue
    if (why === null) pairs.push({ old: earlier!, new: point })
    else leftOut.push({ point: name, why })
  }
  for (const name of byName.keys()) leftOut.push({ point: name, why: 'only in the old file' })
  return pairs
}

function whyNot(before: Point, after: Point): string | null {
  const bad = [before, after].map((point) => (usable(point) ? null : STATUS_WORDS[point.status]))
  if (bad[0] && bad[0] === bad[1]) return `${bad[0]} in both files`
  if (bad[0]) return `${bad[0]} in the old file`
  if (bad[1]) return `${bad[1]} in the new file`
  return before.senders === after.senders ? null : 'other senders'
}

const STATUS_WORDS: Readonly<Record<Point['status'], string | null>> = {
  valid: null,
  'lower-bound': null,
  invalid: 'invalid',
  cannot: 'not run',
  interrupted: 'not run',
}

/** The repeats of one figure on both sides, or why they cannot be compared. */
function sidesOf(pair: Pair, measure: Measure): Sides | string {
  const [before, after] = [pair.old, pair.new].map(({ repeats }) => repeats.map(FIGURES[measure]))
  const sides = { old: positive(before!), new: positive(after!) }
  if (sides.old === null || sides.new === null) return MISSING[measure]
  if (measure === 'throughput') {
    // Its server can do more, nobody knows how much more.
    const slower = median([...sides.new]) < median([...sides.old]) ? pair.new : pair.old
    if (slower.status === 'lower-bound') return 'the load generator was the limit'
  }
  return { old: sides.old, new: sides.new }
}

const FIGURES: Readonly<Record<Measure, (repeat: Repeat) => number | null>> = {
  throughput: ({ throughputPerS }) => throughputPerS,
  // From the intended sending where there is one: what waited before it was sent counts, too.
  p99: ({ load }) => (load?.responseTime ?? load?.serviceTime)?.p99Ns ?? null,
  cpu: ({ load, resources }) =>
    load && resources && load.operations > 0 ? (resources.cpuMs * 1000) / load.operations : null,
}

const MISSING: Readonly<Record<Measure, string>> = {
  throughput: 'no repeats',
  p99: 'a repeat with less than 1,000 times has none',
  cpu: 'not measured',
}

/** All of them, if all are known and above zero: ratios are compared. */
function positive(values: readonly (number | null)[]): readonly number[] | null {
  const known = values.filter((value) => value !== null && value > 0) as number[]
  return known.length > 0 && known.length === values.length ? known : null
}

function differenceOf(
  measure: Measure,
  sides: Sides,
  chance: Chance | null,
  thresholdShare: number,
): Difference {
  const [before, after] = [median([...sides.old]), median([...sides.new])]
  const ratio = after / before
  const interval = bootstrapInterval(
    [sides.old, sides.new],
    ([old = [], now = []]) => median(now) / median(old),
  )
  const isProven = chance !== null && chance.pAmongAll < P_MAX && ratio !== 1
  const isWorse = measure === 'throughput' ? ratio < 1 : ratio > 1
  return {
    measure,
    old: before,
    new: after,
    ratio,
    low: interval?.low ?? null,
    high: interval?.high ?? null,
    p: chance?.p ?? null,
    pAmongAll: chance?.pAmongAll ?? null,
    verdict: isProven ? (isWorse ? 'worse' : 'better') : 'unproven',
    isRegression: isProven && isWorse && Math.abs(ratio - 1) > thresholdShare,
  }
}
