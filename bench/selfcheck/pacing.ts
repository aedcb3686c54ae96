// The pacer: how late an open loop sends, at a constant rate, and what it is made of: the resolution of the clock, and
// how late a wait ends.

import { openSelector, sharpenTimers } from '../../posix/index.ts'
import { timeAtNs } from '../../clients/load/times.ts'
import { LAG_NS_MAX } from '../verdict.ts'
import { atServer, Bench, checked, CLOSED, THE_CHAT } from './measuring.ts'
import type { Check, Proof } from './proof.ts'
import { serverCommand } from './servers.ts'

const RATE_PER_S = 2000
const DURATION_MS = 2000
const CLIENTS = 10
/** The median, of which half of all are later: a tenth of what nobody may be. */
const LAG_MEDIAN_NS_MAX = LAG_NS_MAX / 10
const CLOCK_READINGS = 100_000
/** The least that a time in a report can be. */
const CLOCK_NS_MAX = 1000
const WAITS = 300
const WAIT_NS = 300_000

export const pacing: Proof = {
  name: 'pacing',
  title: 'Pacing',
  explanation: `${RATE_PER_S.toLocaleString('en-US')} requests a second, evenly: how late the generator sends (the schedule’s lag), how fine the clock is, and how much later than asked a wait ends.`,
  seconds: 4,
  run: (laboratory) =>
    atServer(serverCommand(), 'null', THE_CHAT, laboratory, async (server) => {
      const bench = new Bench(laboratory)
      laboratory.tell('schedule')
      const { schedule } = await bench.drive(server, {
        ...CLOSED,
        address: server.address,
        clients: CLIENTS,
        arrivals: 'constant',
        ratePerS: RATE_PER_S,
        durationMs: DURATION_MS,
      })
      const { hdr } = schedule!.lag
      const overshoots = overshootsNs()
      return bench.judged([
        lateness('schedule’s lag, p50', timeAtNs(hdr, 50), LAG_MEDIAN_NS_MAX),
        lateness('schedule’s lag, p99', timeAtNs(hdr, 99), LAG_NS_MAX),
        lateness('wait too long, p50', overshoots[Math.floor(WAITS * 0.5)]!, LAG_MEDIAN_NS_MAX),
        lateness('wait too long, p99', overshoots[Math.floor(WAITS * 0.99)]!, LAG_NS_MAX),
        lateness('clock’s resolution', resolutionNs(), CLOCK_NS_MAX),
      ])
    }),
}

function lateness(name: string, ns: number, boundNs: number): Check {
  return checked(
    name,
    `≤ ${inUs(boundNs)}`,
    inUs(ns),
    ns <= boundNs,
    'an open loop would be late',
    { ns, boundNs },
  )
}

function inUs(ns: number): string {
  const us = ns / 1000
  return `${us >= 100 ? Math.round(us) : Number(us.toPrecision(2))} µs`
}

/** The shortest step between two readings that differ. */
function resolutionNs(): number {
  let [shortestMs, before] = [Infinity, performance.now()]
  for (let i = 0; i < CLOCK_READINGS; i++) {
    const now = performance.now()
    if (now > before) shortestMs = Math.min(shortestMs, now - before)
    before = now
  }
  return shortestMs * 1e6
}

/** How much longer waits take than asked, as the generator waits; ascending. */
function overshootsNs(): number[] {
  sharpenTimers()
  const selector = openSelector()
  try {
    const overshoots = Array.from({ length: WAITS }, () => {
      const startMs = performance.now()
      selector.waitNs(WAIT_NS)
      return (performance.now() - startMs) * 1e6 - WAIT_NS
    })
    return overshoots.toSorted((a, b) => a - b)
  } finally {
    selector.close()
  }
}
