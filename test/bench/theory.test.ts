// The formulas that the self-check compares with, at values that are known, and against a simulation.

import { describe, expect, test } from 'vitest'
import {
  arrivalsNeeded,
  meanResponseMd1,
  meanResponseOf,
  meanWithInterval,
  responseOfFreeze,
} from '../../bench/selfcheck/theory.ts'
import { poissonPacer } from '../../clients/load/pacer.ts'

describe('M/D/1', () => {
  test.each([
    [0, 2],
    [0.5, 3],
    [0.7, 4.333],
    [0.8, 6],
    [0.9, 11],
  ])('at a load of %d and a service time of 2 the mean response time is %d', (load, response) => {
    expect(meanResponseMd1(2, load)).toBeCloseTo(response, 3)
  })

  test('of a queue that nobody waits in, all is service', () => {
    expect(meanResponseOf([0, 10, 20], 2)).toBe(2)
  })

  test('who comes together waits for each other', () => {
    // Responses of 2, 4 and 5.
    expect(meanResponseOf([0, 0, 1], 2)).toBeCloseTo(11 / 3)
    expect(meanResponseOf([0, 0, 1], 2, 2)).toBeCloseTo(9 / 2)
  })

  test.each([0.5, 0.8])('the recursion over many arrivals comes to theory at %d', (load) => {
    const pacer = poissonPacer(load / 2e-9, 7)
    const arrivals: number[] = []
    const count = Math.ceil(arrivalsNeeded(load, 0.02))
    for (let number = 0; number < count; number++) {
      arrivals.push(pacer(number, arrivals.at(-1) ?? 0))
    }
    const expected = meanResponseMd1(2, load)
    expect(Math.abs(meanResponseOf(arrivals, 2) / expected - 1)).toBeLessThan(0.03)
  })

  test('it takes more arrivals the higher the load, and the less error is allowed', () => {
    expect(Math.round(arrivalsNeeded(0.9, 0.1))).toBe(76_832)
    expect(arrivalsNeeded(0.8, 0.1) * 4).toBeCloseTo(arrivalsNeeded(0.9, 0.1))
    expect(arrivalsNeeded(0.9, 0.05)).toBeCloseTo(4 * arrivalsNeeded(0.9, 0.1))
  })
})

test.each([
  [0.95, 0.5],
  [0.99, 0.9],
  [0.9, 0],
  [0.5, 0],
])('of a freeze of 1 in 10, the %d of response times is %d', (share, response) => {
  expect(responseOfFreeze(1, 10, share)).toBeCloseTo(response)
})

test('the interval of a mean is that of Student', () => {
  const { mean, half } = meanWithInterval([1, 2, 3, 4])
  expect(mean).toBe(2.5)
  // t(3) = 3.182, s = 1.291.
  expect(half).toBeCloseTo(2.054, 3)
  expect(meanWithInterval([5, 5])).toEqual({ mean: 5, half: 0 })
})
