// Schedules, without waiting for them. The rows of the tables are sentences.

import { describe, expect, test } from 'vitest'
import {
  arrivalsWithin,
  constantPacer,
  type Pacer,
  poissonPacer,
} from '../../clients/load/pacer.ts'

const MS = 1e6
const SECOND = 1e9

/** The first so many moments of a schedule. */
function moments(pacer: Pacer, count: number): number[] {
  const due: number[] = []
  for (let number = 0; number < count; number++) due.push(pacer(number, due.at(-1) ?? 0))
  return due
}

describe('a constant pacer', () => {
  test.each([
    ['at 1/s', 1, 'the first arrival is due', 'at once', 0, 0],
    ['at 1/s', 1, 'the second arrival is due', 'after a second', 1, SECOND],
    ['at 1,000/s', 1000, 'arrival 999 is due', 'a millisecond before the second', 999, 999 * MS],
    ['at 0.1/s', 0.1, 'the second arrival is due', 'after ten seconds', 1, 10 * SECOND],
    ['at 3/s', 3, 'arrival 3,000,000 is due', 'after 10^6 s exactly', 3_000_000, 1e6 * SECOND],
    ['at 10^6/s', 1e6, 'arrival 7 is due', 'after seven microseconds', 7, 7000],
  ])('%s %#: %s %s', (_rate, ratePerS, _what, _when, number, dueNs) => {
    expect(constantPacer(ratePerS)(number, NaN)).toBe(dueNs)
  })

  test.each([
    ['at 1,000/s nothing is due before no time', 1000, 0, 0],
    ['at 1,000/s the first is due before any time', 1000, 1, 1],
    ['at 1,000/s a second has a thousand', 1000, SECOND, 1000],
    ['at 5,000/s 200 ms have a thousand', 5000, 200 * MS, 1000],
    ['at 7/s half a second has four: at 0, 1/7, 2/7 and 3/7', 7, SECOND / 2, 4],
  ])('%s', (_sentence, ratePerS, elapsedNs, count) => {
    expect(arrivalsWithin(constantPacer(ratePerS), elapsedNs)).toBe(count)
  })
})

describe('a Poisson pacer', () => {
  const RATE = 10_000
  const due = moments(poissonPacer(RATE, 42), 100_000)
  const gaps = due.map((at, i) => at - (due[i - 1] ?? 0))

  test('never goes back, and begins with a gap like all others', () => {
    expect(gaps.every((gap) => gap >= 0)).toBe(true)
    expect(due[0]).toBeGreaterThan(0)
  })

  test('is the same for the same seed, and another for another one', () => {
    expect(moments(poissonPacer(RATE, 42), 100)).toEqual(due.slice(0, 100))
    expect(moments(poissonPacer(RATE, 43), 100)).not.toEqual(due.slice(0, 100))
  })

  // Of n independent gaps with mean m the average is off by m/√n: within five times that, by chance, it is
  // not in one of a million seeds; and this seed is always the same.
  test('has the rate that it was made for', () => {
    expect(Math.abs(due.at(-1)! / 100_000 / (SECOND / RATE) - 1)).toBeLessThan(5 / Math.sqrt(1e5))
    expect(Math.abs(arrivalsWithin(poissonPacer(RATE, 7), SECOND) - RATE)).toBeLessThan(
      5 * Math.sqrt(RATE),
    )
  })

  test.each([
    ['half of the gaps are shorter than ln 2 of the mean', Math.LN2, 1 / 2],
    ['a tenth of them is shorter than 0.105 of the mean', -Math.log(0.9), 0.1],
    ['one in a thousand is longer than 6.9 times the mean', Math.log(1000), 0.999],
  ])('has exponential gaps: %s', (_sentence, means, shareBelow) => {
    const below = gaps.filter((gap) => gap < (means * SECOND) / RATE).length / gaps.length
    const chance = Math.sqrt((shareBelow * (1 - shareBelow)) / gaps.length)
    expect(Math.abs(below - shareBelow)).toBeLessThan(5 * chance)
  })

  test('has as much variance as mean in each millisecond: bursts, as independent users make them', () => {
    const counts = Array.from({ length: 9000 }, () => 0)
    for (const at of due) if (at < 9 * SECOND) counts[Math.floor(at / MS)]!++
    const mean = counts.reduce((sum, count) => sum + count, 0) / counts.length
    const variance =
      counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / (counts.length - 1)
    expect(variance / mean).toBeGreaterThan(0.92)
    expect(variance / mean).toBeLessThan(1.08)
  })

  test('one gap tells nothing of the next', () => {
    const mean = SECOND / RATE
    const products = gaps.slice(1).map((gap, i) => (gap / mean - 1) * (gaps[i]! / mean - 1))
    const correlation = products.reduce((sum, one) => sum + one, 0) / products.length
    expect(Math.abs(correlation)).toBeLessThan(5 / Math.sqrt(products.length))
  })
})
