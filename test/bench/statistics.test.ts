import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Spread } from '../../bench/statistics.ts'
import { lastThirdOverFirst, medianOf, rankSpreads, spreadOf } from '../../bench/statistics.ts'

function spread(min: number, median: number, max: number): Spread {
  return { min, median, max, coefficientOfVariation: null }
}

/** One every quarter of a second, as the generator reports them. */
function samples(...counts: readonly number[]) {
  return counts.map((operations, i) => ({ atMs: i * 250, operations }))
}

function ranks(...spreads: readonly Spread[]): string[] {
  return rankSpreads(spreads).map(({ rank, shared }) => `${rank}${shared ? '=' : ''}`)
}

describe('a spread', () => {
  test('is the median of the repeats and their range', () => {
    const { coefficientOfVariation, ...figures } = spreadOf([30, 10, 20])
    expect(figures).toEqual({ median: 20, min: 10, max: 30 })
    expect(coefficientOfVariation).toBeCloseTo(0.5)
  })

  test('of one repeat has no variation, and of nothing but zeros neither', () => {
    expect(spreadOf([5])).toEqual({ median: 5, min: 5, max: 5, coefficientOfVariation: null })
    expect(spreadOf([0, 0]).coefficientOfVariation).toBeNull()
  })

  test('is never NaN', () => {
    const values = fc.array(fc.double({ min: 0, max: 1e12, noNaN: true }), { minLength: 1 })
    fc.assert(
      fc.property(values, (list) => {
        for (const figure of Object.values(spreadOf(list))) {
          expect(figure === null || Number.isFinite(figure)).toBe(true)
        }
      }),
    )
  })
})

test('a median of what is there', () => {
  expect(medianOf([null, 3, null, 1])).toBe(2)
  expect(medianOf([null])).toBeNull()
})

describe('ranks', () => {
  test('go from the highest to the lowest, wherever they stand', () => {
    expect(ranks(spread(1, 2, 3), spread(10, 11, 12), spread(5, 6, 7))).toEqual(['3', '1', '2'])
  })

  test('are shared where ranges overlap, and the next rank counts those before it', () => {
    expect(ranks(spread(10, 11, 12), spread(9, 10, 10), spread(1, 2, 3))).toEqual(['1=', '1=', '3'])
  })

  test('are shared along a chain, because none in it beat its neighbour every time', () => {
    expect(ranks(spread(10, 11, 12), spread(8, 9, 10), spread(6, 7, 8))).toEqual(['1=', '1=', '1='])
  })

  test('are shared with a range that another one lies within', () => {
    expect(ranks(spread(1, 10, 12), spread(8, 9, 9), spread(2, 3, 4))).toEqual(['1=', '1=', '1='])
  })

  test('of nobody are none', () => expect(ranks()).toEqual([]))

  test('differ only between models of which one was better in every repeat', () => {
    const anySpread = fc
      .tuple(fc.nat(100), fc.nat(100), fc.nat(100))
      .map((three) => three.toSorted((a, b) => a - b))
      .map(([min = 0, median = 0, max = 0]) => spread(min, median, max))
    fc.assert(
      fc.property(fc.array(anySpread, { maxLength: 8 }), (spreads) => {
        const all = rankSpreads(spreads)
        for (const [i, a] of spreads.entries()) {
          for (const [j, b] of spreads.entries()) {
            if (all[i]!.rank < all[j]!.rank) expect(a.min).toBeGreaterThan(b.max)
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
