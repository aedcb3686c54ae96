import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { seededRandom } from '../../bench/random.ts'
import type { Interval } from '../../bench/statistics.ts'
import {
  bootstrapInterval,
  intervalOfMedian,
  lastThirdOverFirst,
  medianOf,
  outliersOf,
  rangeCoverage,
  rankIntervals,
  spreadOf,
} from '../../bench/statistics.ts'

// Many samples are drawn, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

function interval(low: number, high: number): Interval {
  return { low, high }
}

/** Normally distributed around 0, by the seed (Box and Muller 1958). */
function normals(count: number, random: () => number): number[] {
  const one = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Array.from({ length: count }, one)
}

/** In which share of samples of that size something holds; always the same samples. */
function shareOfSamples(size: number, says: (values: number[]) => boolean): number {
  const random = seededRandom(size)
  const drawn = Array.from({ length: 300 }, () => normals(size, random))
  return drawn.filter(says).length / drawn.length
}

/** One every quarter of a second, as the generator reports them. */
function samples(...counts: readonly number[]) {
  return counts.map((operations, i) => ({ atMs: i * 250, operations }))
}

function ranks(...intervals: readonly Interval[]): string[] {
  return rankIntervals(intervals).map(({ rank, shared }) => `${rank}${shared ? '=' : ''}`)
}

describe('a spread', () => {
  test('is the median of the repeats, its interval and their range', () => {
    const { coefficientOfVariation, ...figures } = spreadOf([30, 10, 20])
    expect(figures).toEqual({ median: 20, low: 10, high: 30, min: 10, max: 30, outliers: [] })
    expect(coefficientOfVariation).toBeCloseTo(0.5)
  })

  test('of one repeat has no interval and no variation, and of nothing but zeros no variation', () => {
    const nothing = { low: null, high: null, coefficientOfVariation: null, outliers: [] }
    expect(spreadOf([5])).toEqual({ median: 5, min: 5, max: 5, ...nothing })
    expect(spreadOf([0, 0]).coefficientOfVariation).toBeNull()
  })

  test('is never NaN, and its interval lies around the median and within the range', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), {
      minLength: 2,
      maxLength: 12,
    })
    fc.assert(
      fc.property(values, (list) => {
        const { outliers, ...figures } = spreadOf(list)
        for (const figure of Object.values(figures)) {
          expect(figure === null || Number.isFinite(figure)).toBe(true)
        }
        const { min, low, median, high, max } = figures
        const order = [min, low, median, high, max]
        expect(order).toEqual(order.toSorted((a, b) => a! - b!))
        expect(outliers.every((i) => i < list.length)).toBe(true)
      }),
      { numRuns: 50 },
    )
  })

  test('flags what lies far from the others, by its place, and counts it', () => {
    const spread = spreadOf([100, 101, 99, 40, 100.5, 98.5])
    expect(spread.outliers).toEqual([3])
    expect(spread.min).toBe(40)
  })

  test('flags nothing of a few, nothing where most are the same, and hardly anything by chance', () => {
    expect(spreadOf([100, 100.1, 100.2, 5]).outliers).toEqual([])
    expect(spreadOf([100, 100, 100, 100, 5]).outliers).toEqual([])
    expect(shareOfSamples(10, flagged)).toBeLessThan(0.02)
    expect(shareOfSamples(5, flagged)).toBeLessThan(0.07)
  })
})

describe('the interval of a median', () => {
  test.each([2, 3, 4, 5])('of %d values is their range', (count) => {
    const values = [7, 3, 9, 1, 5].slice(0, count)
    expect(intervalOfMedian(values)).toEqual({
      low: Math.min(...values),
      high: Math.max(...values),
    })
  })

  test('of more is narrower, and the same every time', () => {
    const values = [10, 11, 12, 13, 14, 15, 16, 17, 18, 90]
    const { low, high } = intervalOfMedian(values)!
    expect(low).toBeGreaterThan(10)
    expect(high).toBeLessThan(19)
    expect(intervalOfMedian(values)).toEqual({ low, high })
    // Where they stand changes the draws, and so at most the last digits.
    expect(intervalOfMedian(values.toReversed())!.low).toBeCloseTo(low, 0)
  })

  test.each([
    [2, 0.5],
    [3, 0.75],
    [5, 0.9375],
  ])('of %d values holds the true median as often as it is said to', (count, share) => {
    expect(rangeCoverage(count)).toBe(share)
    const held = shareOfSamples(count, (values) => holds(intervalOfMedian(values), 0))
    expect(Math.abs(held - share)).toBeLessThan(0.08)
  })

  test('of ten values holds it in about 94 of 100 cases', () => {
    const held = shareOfSamples(10, (values) => holds(intervalOfMedian(values), 0))
    expect(held).toBeGreaterThan(0.9)
    expect(held).toBeLessThan(0.98)
  })
})

test('a bootstrap interval is that of any statistic, and none of a single value', () => {
  const { low, high } = bootstrapInterval(
    [
      [1, 2, 9],
      [4, 1],
    ],
    differenceOfMaxima,
  )!
  expect([low, high]).toEqual([-3, 8])
  expect(bootstrapInterval([[1, 2, 3], [1]], differenceOfMaxima)).toBeNull()
})

function flagged(values: number[]): boolean {
  return outliersOf(values).length > 0
}

function differenceOfMaxima([a = [], b = []]: number[][]): number {
  return Math.max(...a) - Math.max(...b)
}

function holds(around: Interval | null, value: number): boolean {
  return around !== null && around.low <= value && value <= around.high
}

test('a median of what is there', () => {
  expect(medianOf([null, 3, null, 1])).toBe(2)
  expect(medianOf([null])).toBeNull()
})

describe('ranks', () => {
  test('go from the highest to the lowest, wherever they stand', () => {
    expect(ranks(interval(1, 3), interval(10, 12), interval(5, 7))).toEqual(['3', '1', '2'])
  })

  test('are shared where intervals overlap, and the next rank counts those before it', () => {
    expect(ranks(interval(10, 12), interval(9, 10), interval(1, 3))).toEqual(['1=', '1=', '3'])
  })

  test('are shared along a chain, because none in it is above its neighbour', () => {
    expect(ranks(interval(10, 12), interval(8, 10), interval(6, 8))).toEqual(['1=', '1=', '1='])
  })

  test('are shared with an interval that another one lies within', () => {
    expect(ranks(interval(1, 12), interval(8, 9), interval(2, 4))).toEqual(['1=', '1=', '1='])
  })

  test('of nobody are none', () => expect(ranks()).toEqual([]))

  test('differ only between models of which one lies above the other', () => {
    const anyInterval = fc
      .tuple(fc.nat(100), fc.nat(100))
      .map(([a, b]) => interval(Math.min(a, b), Math.max(a, b)))
    fc.assert(
      fc.property(fc.array(anyInterval, { maxLength: 8 }), (intervals) => {
        const all = rankIntervals(intervals)
        for (const [i, a] of intervals.entries()) {
          for (const [j, b] of intervals.entries()) {
            if (all[i]!.rank < all[j]!.rank) expect(a.low).toBeGreaterThan(b.high)
          }
        }
      }),
    )
  })
})

describe('the last third over the first', () => {
  test('of a steady rate is 1', () => {
    expect(lastThirdOverFirst(samples(0, 10, 20, 30, 40, 50, 60), 0, 1500)).toBeCloseTo(1)
  })

  test('of a rate that doubles is 2', () => {
    expect(lastThirdOverFirst(samples(0, 10, 20, 35, 50, 70, 90), 0, 1500)).toBeCloseTo(2)
  })

  test('looks at the window only', () => {
    const late = samples(0, 0, 0, 0, 10, 20, 30, 40, 50, 50, 50)
    expect(lastThirdOverFirst(late, 750, 1250)).toBeCloseTo(1)
  })

  test('is unknown with too few samples, and when nothing happened in the first', () => {
    expect(lastThirdOverFirst(samples(0, 10, 20), 0, 1000)).toBeNull()
    expect(lastThirdOverFirst(samples(0, 0, 0, 0, 0, 5, 9), 0, 1500)).toBeNull()
    expect(lastThirdOverFirst([], 0, 1000)).toBeNull()
  })
})
