// A difference, or chance? A permutation test over the repeats of two runs, and what its answers are worth
// when many questions are asked at once. Pure, and the same every time.
//
// If a change has changed nothing, it is chance alone that has dealt the repeats to the old and the new
// run: any other way to deal them would have been as likely. So the p value of a difference is the share of
// all ways to deal them in which the two sides differ at least as much (Fisher 1935). No distribution has to
// be assumed.
//
// Twenty such questions have one answer with p < 0.05 although nothing has changed. So each difference is
// measured against the largest that chance makes in any of the comparisons (the step-down maxT procedure of
// Westfall and Young 1993): whatever is compared, and however much of it, in 95 of 100 cases nothing at
// all is taken for a difference that is none. Holm's correction promises the same, but five repeats on each
// side can be dealt in 252 ways only: their p is 0.008 at best, and would be worth nothing times 70.

import { sum } from 'simple-statistics'
import { seededRandom } from './random.ts'

/** The repeats of one figure in two runs; all of them above zero, because ratios are what counts. */
export interface Sides {
  readonly old: readonly number[]
  readonly new: readonly number[]
}

export interface Chance {
  /** How often chance alone makes a difference this large in this comparison. */
  readonly p: number
  /** How often it makes one this large in any of the comparisons that are left when larger ones are taken out. */
  readonly pAmongAll: number
}

/** What is proven is so in 95 of 100 cases. */
export const P_MAX = 0.05

/** Up to so many, every way to deal the repeats is looked at: 8 and 8 of them have 12,870. */
const DEALS_MAX = 20_000
/** Otherwise as many as this, at random. Then no p is below 1 in 10,000. */
const DEALS_DRAWN = 10_000
const SEED = 1

/**
 * The answers, in order. Null where there are too few repeats for any answer: three and three can be dealt in
 * twenty ways, and two of those differ as much as can be.
 */
export function testDifferences(comparisons: readonly Sides[]): (Chance | null)[] {
  const asked = comparisons.map((sides) => (isAnswerable(sides) ? new Deals(sides) : null))
  const largestFirst = asked
    .filter((deals) => deals !== null)
    .toSorted((a, b) => b.difference - a.difference)
  const pAmongAll = new Map<Deals, number>()
  let pBefore = 0
  for (const [i, deals] of largestFirst.entries()) {
    // That none is so large: of independent comparisons the chances multiply.
    const none = largestFirst
      .slice(i)
      .reduce((product, other) => product * (1 - other.shareFrom(deals.difference)), 1)
    // A smaller difference is never more certain than a larger one.
    pBefore = Math.max(pBefore, 1 - none)
    pAmongAll.set(deals, pBefore)
  }
  return asked.map(
    (deals) =>
      deals && { p: deals.shareFrom(deals.difference), pAmongAll: pAmongAll.get(deals) ?? 1 },
  )
}

/** Whether the most extreme way to deal so many repeats, and its mirror image, would be rare enough. */
function isAnswerable(sides: Sides): boolean {
  return 2 / waysToDeal(sides.old.length + sides.new.length, sides.old.length) <= P_MAX
}

/** How many ways there are to choose some of all. */
function waysToDeal(all: number, some: number): number {
  let ways = 1
  for (let i = 1; i <= some; i++) ways = (ways * (all - some + i)) / i
  return Math.round(ways)
}

/** Sums differ in their last digits by the order in which they were added. */
const ROUNDING = 1e-9

/** One comparison, and how large its difference is under every way to deal its repeats. */
class Deals {
  /** Student's t, without its sign: the difference of the means of the logarithms, in standard errors. */
  readonly difference: number
  /** The smallest first. */
  readonly #differences: Float64Array

  constructor(sides: Sides) {
    const logs = [...sides.old, ...sides.new].map(Math.log)
    const count = sides.old.length
    const tOf = studentOf(logs, count)
    this.difference = tOf(sum(logs.slice(0, count)))
    const sums =
      waysToDeal(logs.length, count) <= DEALS_MAX ? allSums(logs, count) : someSums(logs, count)
    this.#differences = Float64Array.from(sums, tOf).toSorted()
  }

  /** The share of all deals in which the difference is at least so large. */
  shareFrom(difference: number): number {
    const list = this.#differences
    const least = difference * (1 - ROUNDING)
    let [low, high] = [0, list.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (list[middle]! < least) low = middle + 1
      else high = middle
    }
    return (list.length - low) / list.length
  }
}

/** t as a function of the sum of one side: all else is the same, however the values are dealt. */
function studentOf(values: readonly number[], count: number): (sumOfSide: number) => number {
  const all = values.length
  const mean = sum([...values]) / all
  const squares = sum(values.map((value) => (value - mean) ** 2))
  return (sumOfSide) => {
    const between = ((sumOfSide - count * mean) ** 2 * all) / (count * (all - count))
    const within = squares - between
    if (between <= squares * ROUNDING) return 0
    return within <= squares * ROUNDING ? Infinity : Math.sqrt((between / within) * (all - 2))
  }
}

/** The sum of each choice of so many of the values. */
function allSums(values: readonly number[], count: number): number[] {
  const sums: number[] = []
  const choose = (from: number, left: number, total: number) => {
    if (left === 0) sums.push(total)
    else {
      for (let i = from; i <= values.length - left; i++) {
        choose(i + 1, left - 1, total + values[i]!)
      }
    }
  }
  choose(0, count, 0)
  return sums
}

/** The same of some choices, at random, and of the one that was made: so that no p is zero. */
function someSums(values: readonly number[], count: number): number[] {
  const random = seededRandom(SEED)
  const list = [...values]
  const sums = [sum(list.slice(0, count))]
  while (sums.length <= DEALS_DRAWN) {
    // The first steps of a shuffle (Fisher and Yates): the rest of the order does not matter.
    let total = 0
    for (let i = 0; i < count; i++) {
      const j = i + Math.floor(random() * (list.length - i))
      ;[list[i], list[j]] = [list[j]!, list[i]!]
      total += list[i]!
    }
    sums.push(total)
  }
  return sums
}
