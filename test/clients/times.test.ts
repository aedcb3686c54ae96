import * as fc from 'fast-check'
import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { describe, expect, test } from 'vitest'
import { Clock } from '../../clients/load/clock.ts'
import { allocateShared, BURSTS_KEPT, Control, STEP } from '../../clients/load/control.ts'
import { Tally } from '../../clients/load/tally.ts'
import { mergeTimes, TimeHistogram } from '../../clients/load/times.ts'
import { threadCpuNs } from '../../clients/load/usage.ts'

function encoded(values: readonly number[]): string {
  const histogram = new TimeHistogram()
  for (const value of values) histogram.record(value)
  const text = histogram.encode()
  histogram.destroy()
  return text
}

test.each([
  [99, [null, null, null]],
  [100, [90, null, null]],
  [1000, [900, 990, null]],
  [10_000, [9000, 9900, 9990]],
])('of %d times, percentiles are given that ten of them lie above', (count, expected) => {
  const { p90Ns, p99Ns, p999Ns } = mergeTimes([
    encoded(Array.from({ length: count }, (_, i) => i + 1)),
  ])
  const off = [p90Ns, p99Ns, p999Ns].map((ns, i) => ns && Math.abs(ns / expected[i]! - 1) < 0.002)
  expect(off).toEqual(expected.map((ns) => ns && true))
})

describe('times', () => {
  test('merged from several threads are those of one', () => {
    const times = fc.array(fc.integer({ min: 1, max: 3e12 }))
    fc.assert(
      fc.property(fc.array(times, { maxLength: 4 }), (threads) => {
        expect(mergeTimes(threads.map(encoded))).toEqual(mergeTimes([encoded(threads.flat())]))
      }),
      { numRuns: 30 },
    )
  })

  test('are off by a thousandth at most', () => {
    const times = mergeTimes([encoded([1000, 50_000, 1_234_567, 987_654_321])])
    expect(times.count).toBe(4)
    expect(times.minNs).toBe(1000)
    expect(Math.abs(times.maxNs / 987_654_321 - 1)).toBeLessThan(0.001)
    expect(Math.abs(times.p50Ns / 50_000 - 1)).toBeLessThan(0.001)
    expect(Math.abs(times.meanNs / 247_234_972 - 1)).toBeLessThan(0.001)
  })

  test('of nothing are zero', () => {
    expect(mergeTimes([encoded([]), encoded([])])).toMatchObject({
      count: 0,
      minNs: 0,
      p50Ns: 0,
      maxNs: 0,
      meanNs: 0,
    })
    expect(mergeTimes([])).toMatchObject({ count: 0 })
  })

  test('of nothing add nothing to others', () => {
    expect(mergeTimes([encoded([]), encoded([5])])).toMatchObject({ count: 1, minNs: 5, maxNs: 5 })
  })

  test('take the impossible as the nearest possible', () => {
    const times = mergeTimes([encoded([-5, 0, 0.5, 1.9, 1e15])])
    expect(times).toMatchObject({ count: 5, minNs: 1, p50Ns: 1 })
    expect(Math.abs(times.maxNs / 3.6e12 - 1)).toBeLessThan(0.001)
  })

  test('many at once are as many one by one', () => {
    const histogram = new TimeHistogram()
    histogram.recordMany(777, 3)
    expect(mergeTimes([histogram.encode()])).toEqual(mergeTimes([encoded([777, 777, 777])]))
    histogram.reset()
    expect(mergeTimes([histogram.encode()]).count).toBe(0)
    histogram.destroy()
  })

  test('can be decoded by any HdrHistogram', () => {
    const decoded = decodeFromCompressedBase64(mergeTimes([encoded([10, 20])]).hdr)
    expect(decoded.totalCount).toBe(2)
    expect(decoded.maxValue).toBe(20)
  })
})

describe('the clock', () => {
  test('agrees with the monotonic clock of the process', () => {
    const originNs = process.hrtime.bigint()
    const clock = new Clock(originNs)
    const before = Number(process.hrtime.bigint() - originNs)
    const now = clock.now()
    const after = Number(process.hrtime.bigint() - originNs)
    // The offset is known to less than what reading both clocks takes.
    expect(now).toBeGreaterThan(before - 20_000)
    expect(now).toBeLessThan(after + 20_000)
  })

  test('CPU time of the thread grows with work', () => {
    const before = threadCpuNs()
    if (before === null) return
    const until = performance.now() + 20
    while (performance.now() < until);
    expect(threadCpuNs()! - before).toBeGreaterThan(1e6)
  })
})

describe('a tally', () => {
  test('counts by cause', () => {
    const tally = new Tally()
    tally.add('a')
    tally.add('b', 2)
    tally.addAll({ a: 3 })
    expect(tally.toRecord()).toEqual({ a: 4, b: 2 })
  })

  test('is bounded, whatever a server says', () => {
    const tally = new Tally()
    for (let i = 0; i < 1000; i++) tally.add(`client ${i} refused ${'x'.repeat(1000)}`)
    const record = tally.toRecord()
    expect(Object.keys(record).length).toBeLessThanOrEqual(33)
    expect(record['other causes']).toBe(1000 - 32)
    expect(JSON.stringify(record).length).toBeLessThan(10_000)
  })

  test('shows no control characters', () => {
    const tally = new Tally()
    tally.add('\x1b[31mred\x9b')
    expect(tally.toRecord()).toEqual({ '?[31mred?': 1 })
  })
})

const shared = (threads: number, senders: number) =>
  new Control(allocateShared(threads, senders), threads)

describe('shared memory', () => {
  test('tells when all threads have come to a step', () => {
    const control = shared(2, 0)
    control.reach(0, STEP.drain)
    control.reach(1, STEP.setup)
    expect(control.allReached(STEP.setup)).toBe(true)
    expect(control.allReached(STEP.drain)).toBe(false)
  })

  test('adds up what the threads say', () => {
    const control = shared(3, 2)
    control.setClients(0, 5, 1)
    control.setClients(2, 7, 2)
    control.setOperations(1, 3e9)
    control.setOperations(2, 1)
    expect(control.served).toBe(12)
    expect(control.lost).toBe(3)
    expect(control.operations).toBe(3e9 + 1)
  })

  test('knows what a sender owes, and since when', () => {
    const control = shared(2, 3)
    for (let burst = 0; burst < BURSTS_KEPT + 10; burst++) {
      control.noteBurst(1, (burst + 1) * 4, 4, 1000 + burst)
    }
    const sent = (BURSTS_KEPT + 10) * 4
    expect([control.owed(0), control.owed(1), control.owed(2)]).toEqual([0, sent, 0])
    expect(control.sentAtNs(1, sent - 1, 4)).toBe(1000 + BURSTS_KEPT + 9)
    expect(control.sentAtNs(1, sent - 5, 4)).toBe(1000 + BURSTS_KEPT + 8)
    // Of what is older than is remembered, the oldest that is.
    expect(control.sentAtNs(1, 0, 4)).toBe(1010)
  })

  test('a sender that is gone owes what the server has confirmed', () => {
    const control = shared(1, 1)
    control.noteBurst(0, 8, 8, 1)
    control.confirm(0, 8)
    control.noteBurst(0, 16, 8, 2)
    control.giveUp(0)
    expect(control.owed(0)).toBe(8)
    expect(control.sent(0)).toBe(16)
  })
})
