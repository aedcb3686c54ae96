// What is answered to whom, without a server: the clock is the test's.

import { expect, test } from 'vitest'
import { Sender } from '../../posix/index.ts'
import { Restraint } from '../../servers/restraint.ts'

/** As the source has them. */
const BURST = 20
const PER_S = 10
const BYTES_MAX = 512

function sender(host: string, port = 40_000): Sender {
  const one = new Sender()
  one.set({ family: host.includes(':') ? 'ipv6' : 'ipv4', host, port })
  return one
}

/** How many of `times` such requests are answered. */
function answered(
  restraint: Restraint,
  times: number,
  ask: { from: Sender; request?: string; answer?: string; nowMs?: number },
): number {
  const { from, request = '?', answer = 'a long answer', nowMs = 0 } = ask
  return Array.from({ length: times }, () =>
    restraint.mayAnswer(from, request, answer, nowMs),
  ).filter(Boolean).length
}

test('answers that are no longer than their requests are free', () => {
  const restraint = new Restraint()
  const from = sender('192.0.2.1')
  for (let i = 0; i < 10_000; i++) {
    expect(restraint.mayAnswer(from, `request ${i}`, `ANSWER ${i}`, 0)).toBe(true)
  }
})

test('longer ones are for a person’s pace: some at once, then some each second', () => {
  const restraint = new Restraint()
  const from = sender('192.0.2.1')
  expect(answered(restraint, 1_000, { from })).toBe(BURST)
  expect(answered(restraint, 1_000, { from, nowMs: 1_000 })).toBe(PER_S)
  expect(answered(restraint, 1_000, { from, nowMs: 1_050 })).toBe(0)
  expect(answered(restraint, 1_000, { from, nowMs: 1_100 })).toBe(1)
  expect(answered(restraint, 1_000, { from, nowMs: 3_600_000 })).toBe(BURST)
})

test('other ports of the same host, and other hosts of an IPv6 network, count as the same', () => {
  const restraint = new Restraint()
  answered(restraint, BURST, { from: sender('192.0.2.1', 40_000) })
  expect(answered(restraint, 1, { from: sender('192.0.2.1', 40_001) })).toBe(0)
  answered(restraint, BURST, { from: sender('2001:db8:0:1::1') })
  expect(answered(restraint, 1, { from: sender('2001:db8:0:1:ffff::2') })).toBe(0)
})

test('a flood from everywhere leaves most others their answers, and takes no memory', () => {
  const flood = Array.from({ length: 100 }, (_, i) => sender(`198.51.100.${i}`))
  const others = Array.from({ length: 200 }, (_, i) => sender(`203.0.113.${i}`))
  // Many times, because each draws its own number: whole networks must not fall onto each other by chance.
  for (let draw = 0; draw < 300; draw++) {
    const restraint = new Restraint()
    for (const from of flood) answered(restraint, BURST, { from })
    const served = others.filter((from) => answered(restraint, 1, { from }) === 1)
    expect(served.length).toBeGreaterThan(150)
  }
})

test.each([7, 13, 19, 1023])('a service on port %i is never answered', (port) => {
  const restraint = new Restraint()
  const from = sender('192.0.2.1', port)
  expect(answered(restraint, 1, { from, request: 'as long', answer: 'as this' })).toBe(0)
})

test('an answer of ours that comes back is answered some times only', () => {
  const restraint = new Restraint()
  const from = sender('192.0.2.1')
  expect(answered(restraint, 1_000, { from, request: 'ping', answer: 'ping' })).toBe(BURST + 1)
  // Whoever says something else, or speaks from elsewhere, is heard all the same.
  expect(answered(restraint, 1, { from, request: 'pong', answer: 'pong' })).toBe(1)
  const other = sender('192.0.2.1', 40_001)
  expect(answered(restraint, 1, { from: other, request: 'ping', answer: 'ping' })).toBe(1)
})

test('so are many that come back in turns', () => {
  const restraint = new Restraint()
  const from = sender('192.0.2.1')
  let sum = 0
  for (let round = 0; round < 100; round++) {
    for (let i = 0; i < 300; i++) {
      const text = `${i}`.padStart(BYTES_MAX)
      sum += answered(restraint, 1, { from, request: text, answer: text })
    }
  }
  // Two that fall into one place make each other forgotten: 300 do so seldom, in 65,536.
  expect(sum).toBeLessThan(300 + BURST + 10 * 100)
})
