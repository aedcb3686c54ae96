// First, median and last receiver, by counting: every row is what somebody receives.

import { expect, test } from 'vitest'
import { ReceiverCounts, receiversOf } from '../../clients/load/receivers.ts'

/** Deliveries [number, nowNs] of messages sent at 1000 × their number, heard by `receivers`. */
function timesOf(receivers: number, deliveries: [number, number][], endNs: number) {
  const counts = new ReceiverCounts(1, 1)
  counts.begin(receivers)
  for (const [number, nowNs] of deliveries) counts.received(0, number, 1000 * number, nowNs)
  counts.end(endNs)
  const { first, median, last } = receiversOf([counts.encode()])!
  counts.destroy()
  return [first, median, last].map(({ count, minNs, maxNs }) => [count, minNs, maxNs])
}

test.each<[string, number, [number, number][], number[][]]>([
  [
    'one receiver is first, median and last',
    1,
    [[0, 5]],
    [
      [1, 5, 5],
      [1, 5, 5],
      [1, 5, 5],
    ],
  ],
  [
    'of two the first is the median',
    2,
    [
      [0, 5],
      [0, 9],
    ],
    [
      [1, 5, 5],
      [1, 5, 5],
      [1, 9, 9],
    ],
  ],
  [
    'of five the third is the median',
    5,
    [
      [0, 1],
      [0, 2],
      [0, 30],
      [0, 40],
      [0, 500],
    ],
    [
      [1, 1, 1],
      [1, 30, 30],
      [1, 500, 500],
    ],
  ],
  [
    'messages that overtake each other are kept apart',
    2,
    [
      [0, 10],
      [1, 1020],
      [0, 1100],
      [1, 1300],
    ],
    [
      [2, 10, 20],
      [2, 10, 20],
      [2, 300, 1100],
    ],
  ],
  [
    'who has not received it has waited until the end',
    3,
    [[0, 10]],
    [
      [1, 10, 10],
      [1, 2000, 2000],
      [1, 2000, 2000],
    ],
  ],
])('%s', (_sentence, receivers, deliveries, expected) => {
  const all = timesOf(receivers, deliveries, 2000)
  for (const [i, times] of all.entries()) {
    expect(times[0]).toBe(expected[i]![0])
    // Histograms are right to a thousandth.
    expect(times[1]! / expected[i]![1]!).toBeCloseTo(1, 2)
    expect(times[2]! / expected[i]![2]!).toBeCloseTo(1, 2)
  }
})

test('a message that takes longer than is remembered is entered at the time that it took by then', () => {
  const many = Array.from({ length: 300 }, (_, n): [number, number] => [n, 1000 * n + 7])
  const [first, median, last] = timesOf(2, many, 300_000)
  expect(first![0]).toBe(300)
  expect(median![0]).toBe(300)
  expect(last![0]).toBe(300)
  // The oldest gave way to the one that came 256 messages later.
  expect(last![2]! / 256_007).toBeCloseTo(1, 2)
})

test('several threads know nothing of it', () => {
  const counts = new ReceiverCounts(1, 1)
  expect(receiversOf([counts.encode(), counts.encode()])).toBeNull()
  expect(receiversOf([null])).toBeNull()
  counts.destroy()
})
