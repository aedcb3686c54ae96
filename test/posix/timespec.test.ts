// Where no call takes less than a millisecond: asking again and again.

import { describe, expect, test } from 'vitest'
import { UnsupportedError } from '../../posix/index.ts'
import { spin, takesTimespec } from '../../posix/timespec.ts'

/** A wait that takes its time, and finds nothing ready. */
function neverReady(asked: number[] = []): (timeoutMs: number) => number {
  return (timeoutMs) => {
    asked.push(timeoutMs)
    const untilMs = performance.now() + timeoutMs
    while (performance.now() < untilMs);
    return 0
  }
}

function failing(error: Error): number {
  throw error
}

describe('spinning', () => {
  test.each([0, 300_000, 900_000, 2_500_000])('lasts %i ns, and no less', (ns) => {
    const beforeMs = performance.now()
    expect(spin(neverReady(), ns)).toBe(0)
    expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(ns / 1e6)
  })

  test('asks at least once, and stops when something is ready', () => {
    expect(spin(() => 7, 0)).toBe(7)
    let asked = 0
    expect(spin(() => (++asked === 3 ? 1 : 0), 60e9)).toBe(1)
    expect(asked).toBe(3)
  })

  test('sleeps through the whole milliseconds', () => {
    const asked: number[] = []
    spin(neverReady(asked), 3_900_000)
    expect(asked[0]).toBe(3)
    expect(asked.at(-1)).toBe(0)
  })
})

describe('a call that takes a timespec', () => {
  test('is there when it can be made', () => expect(takesTimespec(() => 0)).toBe(true))

  test('is not there when the C library has none', () => {
    expect(takesTimespec(() => failing(new UnsupportedError('epoll_pwait2')))).toBe(false)
  })

  test('that fails in another way is no missing call', () => {
    const error = new TypeError('an address is a number')
    expect(() => takesTimespec(() => failing(error))).toThrow(error)
  })
})
