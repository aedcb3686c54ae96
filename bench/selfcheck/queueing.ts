// M/D/1: the one queue whose response times are known exactly and that can be built. Poisson arrivals of the open
// loop meet a server that takes D for each (queue-server.ts), at four loads. What D really is, is measured first, and
// so is what a response takes beside: the way to the server and back.
//
// At a load of 0.9 the mean of a run is known to 10 % only after 77,000 arrivals (theory.ts), which would take
// three minutes. But the arrivals come from a seed, so what chance has done is known: the same arrivals go
// through Lindley's recursion, and its deviation from theory is taken out of what was measured (a control variate).
// What remains is what is to be proved: how far the instrument is from the truth.

import { arrivalsWithin, poissonPacer } from '../../clients/load/pacer.ts'
import type { RunningServer } from '../server.ts'
import { atServer, Bench, checked, CLOSED, inMs, THE_CHAT } from './measuring.ts'
import type { Check, Proof } from './proof.ts'
import { SERVICE_MS } from './queue-server.ts'
import { serverCommand } from './servers.ts'
import { meanResponseMd1, meanResponseOf, meanWithInterval } from './theory.ts'

/** Loads, and how long each of the runs is: long queues change slowly. */
const LOADS = [
  { load: 0.5, durationMs: 1000 },
  { load: 0.7, durationMs: 1000 },
  { load: 0.8, durationMs: 1500 },
  { load: 0.9, durationMs: 2500 },
] as const
/** Independent runs of each, from which the interval is. */
const RUNS = 4
/** That clocks, sockets and wake-ups are not all alike is not in the theory. */
const ERROR_MAX = 0.1
/** Half of the service time: with more it would be another queue. */
const WAY_NS_MAX = (SERVICE_MS * 1e6) / 2
/** So few, and evenly, that none waits for another. */
const ALONE_PER_S = 100
/** As many in flight keep the server from ever waiting. */
const SATURATING_WINDOW = 4

export const queueing: Proof = {
  name: 'queueing',
  title: 'M/D/1',
  explanation:
    'Poisson arrivals at a server that takes 2 ms for each: the mean response time must be that of Pollaczek and Khinchine, D (1 + ρ / (2 (1 − ρ))), to within 10 %. What chance did to these very arrivals is known, and taken out.',
  seconds: 38,
  run: (laboratory) =>
    atServer(serverCommand(), 'queue', THE_CHAT, laboratory, async (server) => {
      const bench = new Bench(laboratory)
      laboratory.tell('the service time')
      const serviceNs = await effectiveServiceNs(server, bench)
      const aloneNs = await aloneResponseNs(server, bench)
      const measured = { serviceNs, wayNs: aloneNs - serviceNs }
      const checks = [serviceCheck(serviceNs), wayCheck(measured.wayNs)]
      for (const { load, durationMs } of LOADS) {
        // It would take its time, and prove nothing.
        if (bench.isDisturbed) break
        laboratory.tell(`load ${load}`)
        checks.push(await responseAt(load, durationMs, measured, server, bench))
      }
      return bench.judged(checks)
    }),
}

/**
 * A server that never waits takes its service time for each answer, and with w in flight each takes w of them. The
 * median, because a single interruption would make all of them seem longer.
 */
async function effectiveServiceNs(server: RunningServer, bench: Bench): Promise<number> {
  const spec = { ...CLOSED, address: server.address, clients: 1, window: SATURATING_WINDOW }
  const { serviceTime } = await bench.drive(server, { ...spec, durationMs: 1000 })
  return serviceTime.p50Ns / SATURATING_WINDOW
}

/** Of who meets nobody: the service time, and the way there and back with all that has to wake up for it. */
async function aloneResponseNs(server: RunningServer, bench: Bench): Promise<number> {
  const spec = { ...CLOSED, address: server.address, clients: 1, arrivals: 'constant' } as const
  const load = await bench.drive(server, { ...spec, ratePerS: ALONE_PER_S, durationMs: 1000 })
  return load.responseTime!.p50Ns
}

function serviceCheck(serviceNs: number): Check {
  const isSo = Math.abs(serviceNs / (SERVICE_MS * 1e6) - 1) <= ERROR_MAX
  const why = 'the server is slower than it should be'
  const expected = inMs(SERVICE_MS * 1e6)
  return checked('service time D', expected, inMs(serviceNs), isSo, why, { serviceNs })
}

function wayCheck(wayNs: number): Check {
  const isSo = wayNs >= 0 && wayNs <= WAY_NS_MAX
  const why = 'the way to the server takes too long'
  const expected = `≤ ${inMs(WAY_NS_MAX)}`
  return checked('way there and back', expected, inMs(wayNs), isSo, why, { wayNs })
}

/** What theory needs to know. */
interface Measured {
  readonly serviceNs: number
  /** What a response takes beside waiting and service. */
  readonly wayNs: number
}

async function responseAt(
  load: number,
  durationMs: number,
  { serviceNs, wayNs }: Measured,
  server: RunningServer,
  bench: Bench,
): Promise<Check> {
  const ratePerS = (load / serviceNs) * 1e9
  const errors: number[] = []
  let arrivals = 0
  for (let seed = 1; seed <= RUNS; seed++) {
    const { responseTime, elapsedNs } = await bench.drive(server, {
      ...CLOSED,
      address: server.address,
      clients: 1,
      arrivals: 'poisson',
      ratePerS,
      durationMs,
      seed,
    })
    const { count, meanNs } = responseTime!
    arrivals += count
    const due = schedule(ratePerS, seed, CLOSED.warmupMs * 1e6 + elapsedNs)
    errors.push(meanNs - wayNs - meanResponseOf(due, serviceNs, Math.min(count, due.length)))
  }
  const theoryNs = meanResponseMd1(serviceNs, load) + wayNs
  const { mean, half } = meanWithInterval(errors)
  const isNear = Math.abs(mean) <= ERROR_MAX * theoryNs
  const verdict = isNear ? 'pass' : Math.abs(mean) <= half ? 'inconclusive' : 'fail'
  return {
    name: `load ${load}`,
    expected: inMs(theoryNs),
    seen: `${inMs(theoryNs + mean)} ± ${(half / 1e6).toFixed(2)}`,
    verdict,
    why: WHY[verdict],
    figures: { load, theoryNs, seenNs: theoryNs + mean, halfIntervalNs: half, arrivals },
  }
}

const WHY = {
  pass: '',
  inconclusive: 'the runs differ too much to tell',
  fail: 'response times of the open loop are not what they should be',
} as const

/** When they were due, warm-up included: the queue of the window begins there. */
function schedule(ratePerS: number, seed: number, endNs: number): number[] {
  const pacer = poissonPacer(ratePerS, seed)
  const count = arrivalsWithin(pacer, endNs)
  let dueNs = 0
  return Array.from({ length: count }, (_, number) => (dueNs = pacer(number, dueNs)))
}
