import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Throttle, type ThrottleRule } from '../../protocol/throttle.ts'

const RULE: ThrottleRule = { wrongMax: 3, attemptsMax: 4, windowMs: 60_000, keysMax: 100 }

function wrong(throttle: Throttle, key: string, nowMs: number): void {
  throttle.begin(key, nowMs)
  throttle.end(key, true, nowMs)
}

describe('a throttle', () => {
  test('lets nobody try after so many wrong attempts, until they count no longer', () => {
    const throttle = new Throttle(RULE)
    for (const nowMs of [0, 59_000, 59_500]) {
      expect(throttle.allows('a', nowMs)).toBe(true)
      wrong(throttle, 'a', nowMs)
    }
    expect(throttle.allows('a', 59_999)).toBe(false)
    expect(throttle.allows('b', 59_999)).toBe(true)
    // The first one is forgotten, the others are not: there is room for one.
    expect(throttle.allows('a', 60_000)).toBe(true)
    wrong(throttle, 'a', 60_000)
    expect(throttle.allows('a', 60_001)).toBe(false)
  })

  test('counts what is under way as if it were wrong', () => {
    const throttle = new Throttle(RULE)
    for (let i = 0; i < 4; i++) {
      expect(throttle.allows('a', i)).toBe(true)
      throttle.begin('a', i)
    }
    expect(throttle.allows('a', 5)).toBe(false)
    throttle.end('a', false, 6)
    expect(throttle.allows('a', 6)).toBe(true)
    throttle.end('a', true, 7)
    throttle.end('a', true, 7)
    expect(throttle.allows('a', 7)).toBe(true) // Two wrong, one under way.
    throttle.begin('a', 8)
    expect(throttle.allows('a', 8)).toBe(false)
  })

  test('pardons', () => {
    const throttle = new Throttle(RULE)
    for (let i = 0; i < 3; i++) wrong(throttle, 'a', 0)
    throttle.pardon('a')
    throttle.pardon('b')
    expect(throttle.allows('a', 0)).toBe(true)
  })

  test('keeps nothing of those who were right', () => {
    const throttle = new Throttle(RULE)
    for (let i = 0; i < 1_000; i++) {
      throttle.begin(`key ${i}`, 0)
      throttle.end(`key ${i}`, false, 0)
    }
    expect(throttle.size).toBe(0)
  })

  test('forgets with time, and at its bound those that were wrong longest ago', () => {
    const throttle = new Throttle(RULE)
    for (let i = 0; i < 1_000; i++) {
      for (let times = 0; times < 3; times++) wrong(throttle, `key ${i}`, i)
    }
    expect(throttle.size).toBeLessThanOrEqual(RULE.keysMax + 1)
    expect(throttle.allows('key 0', 1_000)).toBe(true)
    expect(throttle.allows('key 999', 1_000)).toBe(false)
    for (let i = 0; i < 200; i++) wrong(throttle, 'one', 120_000)
    expect(throttle.size).toBe(1)
  })

  test('never lets more be wrong within a window than it may', () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b'),
      what: fc.constantFrom('try', 'wrong', 'right', 'unknown'),
      afterMs: fc.integer({ min: 0, max: 20_000 }),
    })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const throttle = new Throttle(RULE)
        const underWay = { a: 0, b: 0 } as Record<string, number>
        const began: Record<string, number[]> = { a: [], b: [] }
        let nowMs = 0
        for (const { key, what, afterMs } of steps) {
          nowMs += afterMs
          if (what === 'try') {
            if (!throttle.allows(key, nowMs)) continue
            throttle.begin(key, nowMs)
            underWay[key]!++
          } else if (underWay[key]! > 0) {
            underWay[key]!--
            if (what === 'wrong') began[key]!.push(nowMs)
            throttle.end(key, what === 'wrong', nowMs)
          }
          expect(underWay[key]).toBeLessThanOrEqual(RULE.attemptsMax)
          const recent = began[key]!.filter((ms) => nowMs - ms < RULE.windowMs)
          expect(recent.length).toBeLessThanOrEqual(RULE.attemptsMax)
        }
      }),
    )
  })
})
