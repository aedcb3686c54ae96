import { permutationTest } from 'simple-statistics'
import { describe, expect, test, vi } from 'vitest'
import type { Sides } from '../../bench/permutation.ts'
import { P_MAX, testDifferences } from '../../bench/permutation.ts'
import { seededRandom } from '../../bench/random.ts'

// Many samples are drawn, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

/** Repeats of a figure around `mean` that vary by so much (standard deviation over mean). */
function repeats(count: number, mean: number, variation: number, random: () => number): number[] {
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  return Array.from({ length: count }, () => mean * (1 + variation * normal()))
}

/** So many comparisons of a thing with itself. */
function unchanged(comparisons: number, count: number, random: () => number): Sides[] {
  return Array.from({ length: comparisons }, (_, i) => ({
    old: repeats(count, 100 * (i + 1), 0.02 + 0.03 * random(), random),
    new: repeats(count, 100 * (i + 1), 0.02 + 0.03 * random(), random),
  }))
}

function proven(comparisons: readonly Sides[]): number[] {
  return testDifferences(comparisons).flatMap((chance, i) =>
    chance !== null && chance.pAmongAll < P_MAX ? [i] : [],
  )
}

function five(value: number): number[] {
  return [value, value, value, value, value]
}

describe('one comparison', () => {
  test('has the share of all ways to deal its repeats, counted', () => {
    const sides = { old: [1, 2, 3, 4, 5], new: [11, 12, 13, 14, 15] }
    const [chance] = testDifferences([sides])
    expect(chance!.p).toBe(2 / 252)
    expect(chance!.pAmongAll).toBeCloseTo(2 / 252, 12)
  })

  test.each([
    [3, 3, false],
    [3, 4, false],
    [4, 4, true],
    [2, 10, true],
    [1, 30, false],
    [1, 40, true],
  ])('of %d and %d repeats may be answered: %s', (old, now, isAnswered) => {
    const random = seededRandom(1)
    const sides = { old: repeats(old, 100, 0.02, random), new: repeats(now, 100, 0.02, random) }
    expect(testDifferences([sides])[0] !== null).toBe(isAnswered)
  })

  test.each([6, 10])('of %d repeats agrees with another implementation', (count) => {
    const random = seededRandom(count)
    for (let i = 0; i < 5; i++) {
      const sides = {
        old: repeats(count, 100, 0.03, random),
        new: repeats(count, 102, 0.03, random),
      }
      const [chance] = testDifferences([sides])
      const logs = [sides.old, sides.new].map((values) => values.map(Math.log))
      const p = permutationTest(logs[0]!, logs[1]!, 'two_side', 4000, random)
      expect(Math.abs(chance!.p - p)).toBeLessThan(0.03)
    }
  })

  test('of the same values is no difference, and of two values that never vary a certain one', () => {
    expect(testDifferences([{ old: five(7), new: five(7) }])).toEqual([{ p: 1, pAmongAll: 1 }])
    expect(testDifferences([{ old: five(7), new: five(8) }])[0]?.p).toBeCloseTo(2 / 252)
  })

  test('has no p of zero, however many ways there are', () => {
    const sides = { old: repeats(20, 1, 0, Math.random), new: repeats(20, 9, 0, Math.random) }
    expect(testDifferences([sides])[0]?.p).toBeCloseTo(1e-4, 5)
  })
})

describe('many comparisons', () => {
  test.each([
    [4, 200],
    [5, 200],
    [7, 40],
  ])(
    'of what has not changed, with %d repeats, find something in one of twenty runs',
    (count, runs) => {
      const random = seededRandom(count)
      let alarms = 0
      let alone = 0
      for (let run = 0; run < runs; run++) {
        const comparisons = unchanged(20, count, random)
        if (proven(comparisons).length > 0) alarms++
        if (testDifferences(comparisons).some((chance) => chance!.p < P_MAX)) alone++
      }
      // Twenty answers of one in twenty: two runs of three would raise a false alarm.
      expect(alone / runs).toBeGreaterThan(0.4)
      expect(alarms / runs).toBeLessThanOrEqual(0.1)
    },
  )

  test.each([
    [10, 3, 3],
    [5, 20, 17],
  ])('with %d repeats find the one that is 10 % slower', (count, runs, least) => {
    const random = seededRandom(count + 1)
    let found = 0
    for (let run = 0; run < runs; run++) {
      const comparisons = unchanged(23, count, random)
      comparisons.push({
        old: repeats(count, 5000, 0.015, random),
        new: repeats(count, 4500, 0.015, random),
      })
      if (proven(comparisons).includes(23)) found++
    }
    expect(found).toBeGreaterThanOrEqual(least)
  })

  test('find all that have changed, not only the largest', () => {
    const random = seededRandom(9)
    const comparisons = Array.from({ length: 24 }, () => ({
      old: repeats(5, 5000, 0.01, random),
      new: repeats(5, 3000, 0.01, random),
    }))
    expect(proven(comparisons)).toHaveLength(24)
  })

  test('never make an answer more certain than it is alone', () => {
    const random = seededRandom(3)
    const chances = testDifferences(unchanged(30, 6, random))
    for (const chance of chances)
      expect(chance!.pAmongAll).toBeGreaterThanOrEqual(chance!.p - 1e-12)
  })

  test('have the same answers every time, and wherever they stand', () => {
    const comparisons = unchanged(10, 9, seededRandom(4))
    const answers = testDifferences(comparisons)
    expect(testDifferences(comparisons)).toEqual(answers)
    expect(testDifferences(comparisons.toReversed()).toReversed()).toEqual(answers)
  })
})
