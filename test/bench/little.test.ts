// Little's law: it holds for every closed loop, whatever the service times, and for nothing that was miscounted.

import { describe, expect, test } from 'vitest'
import { holds, littlesLaw } from '../../bench/little.ts'
import { seededRandom } from '../../bench/random.ts'
import { faultsOfLoad } from '../../bench/verdict.ts'
import { mergeTimes, TimeHistogram } from '../../clients/load/times.ts'
import { type LoadResult, runLoad } from '../../clients/load/index.ts'
import { ChatServer } from '../clients/chat-server.ts'
import { SHORT } from '../clients/short-runs.ts'

const SECOND_NS = 1e9

/** Draws a service time. */
type Draw = (random: () => number) => number

const DRAWS: readonly (readonly [string, Draw])[] = [
  ['all alike', () => 1e6],
  ['exponential', (random) => -Math.log(1 - random()) * 1e6],
  ['mostly short, now and then a tenth of the window', (random) => (random() < 0.01 ? 1e8 : 1e5)],
  ['nearly as long as the window', (random) => (0.5 + random()) * 0.6 * SECOND_NS],
]

/** A closed loop as the generator sees it: `places` requests in flight, each followed by the next at once. */
function closedLoop(places: number, draw: Draw, seed = 1): LoadResult {
  const random = seededRandom(seed)
  const histogram = new TimeHistogram()
  let operations = 0
  for (let place = 0; place < places; place++) {
    // They began at different times, long before the window.
    let endNs = -10 * SECOND_NS + random() * SECOND_NS
    while (endNs < SECOND_NS) {
      const ns = draw(random)
      endNs += ns
      if (endNs >= 0) histogram.record(ns)
      if (endNs >= 0 && endNs < SECOND_NS) operations++
    }
  }
  const serviceTime = mergeTimes([histogram.encode()])
  histogram.destroy()
  return {
    ...NO_LOAD,
    spec: { ...NO_LOAD.spec, clients: places, window: 1 },
    served: places,
    operations,
    serviceTime,
    ledger: { ...NO_LOAD.ledger, sent: operations, received: operations },
  }
}

const empty = mergeTimes([])
const NO_LOAD: LoadResult = {
  spec: { ...SHORT, workload: 'ping' },
  served: 0,
  refused: {},
  unserved: 0,
  operations: 0,
  elapsedNs: SECOND_NS,
  scheduledNs: SECOND_NS,
  serviceTime: empty,
  responseTime: null,
  schedule: null,
  receivers: null,
  fairness: null,
  slow: null,
  losses: null,
  firstAnswerTime: null,
  beside: null,
  ledger: {
    sent: 0,
    received: 0,
    outstanding: 0,
    lost: 0,
    duplicated: 0,
    reordered: 0,
    corrupt: 0,
  },
  errors: {},
  generator: { threads: 1, busyShare: 0.5, cpuMs: 500 },
}

describe.each(DRAWS)('service times %s', (_, draw) => {
  test.each([1, 2, 12, 100])('%i in flight', (places) => {
    for (let seed = 1; seed <= 20; seed++) {
      const load = closedLoop(places, draw, seed)
      const law = littlesLaw(load)!
      expect(law.inFlight).toBe(places)
      expect(law, JSON.stringify(law)).toSatisfy(holds)
      expect(faultsOfLoad(load, places)).toEqual([])
    }
  })
})

describe('it is broken', () => {
  const load = closedLoop(12, DRAWS[1]![1])

  test.each<[string, Partial<LoadResult>]>([
    ['one in ten operations is not counted', { operations: Math.round(load.operations * 0.9) }],
    ['one in ten operations is counted twice', { operations: Math.round(load.operations * 1.1) }],
    ['the window was shorter than it seems', { elapsedNs: SECOND_NS * 1.1 }],
    ['a client sends nothing', { spec: { ...load.spec, clients: 13 }, served: 13 }],
    [
      'times are too short by a tenth',
      { serviceTime: { ...load.serviceTime, meanNs: load.serviceTime.meanNs * 0.9 } },
    ],
    [
      'the next request is sent a while after the answer',
      { serviceTime: closedLoop(12, (random) => -Math.log(1 - random()) * 0.9e6).serviceTime },
    ],
  ])('%s', (_, change) => {
    const tampered = { ...load, ...change }
    expect(littlesLaw(tampered)!).not.toSatisfy(holds)
    const faults = faultsOfLoad(tampered, tampered.served)
    expect(faults.map(({ kind }) => kind)).toEqual(['littles-law-broken'])
  })
})

describe('it says nothing', () => {
  const load = closedLoop(12, DRAWS[0]![1])

  test.each<[string, Partial<LoadResult>]>([
    ['of a room', { spec: { ...load.spec, workload: 'room' } }],
    ['of an open loop', { spec: { ...load.spec, arrivals: 'poisson', ratePerS: 1000 } }],
    ['of datagrams', { spec: { ...load.spec, workload: 'echo', address: 'udp:127.0.0.1:7' } }],
    ['when connections failed', { errors: { ECONNRESET: 1 } }],
    ['of a window in which nothing happened', { operations: 0 }],
    [
      'when senders may have been left out',
      { spec: { ...load.spec, workload: 'idle' }, served: 3 },
    ],
  ])('%s', (_, change) => {
    expect(littlesLaw({ ...load, ...change })).toBeNull()
  })
})

test.each([
  ['the senders', 'idle', 4 * 2],
  ['the others', 'mix', 8 * 2],
  ['all, one each', 'session', 12],
  ['all, one each, whatever the window', 'file', 12],
] as const)('in flight are requests of %s: %s', (_, workload, inFlight) => {
  const load = closedLoop(12, DRAWS[0]![1])
  const spec = { ...load.spec, workload, senders: 4, window: 2 }
  expect(littlesLaw({ ...load, spec })).toMatchObject({ inFlight })
})

describe('it holds for what the generator measures', { timeout: 30_000 }, () => {
  test.each([
    ['ping', 1],
    ['ping', 2],
    ['idle', 1],
    ['mix', 1],
    ['session', 1],
    ['session', 2],
  ] as const)('%s on %i threads', async (workload, threads) => {
    const server = await ChatServer.start()
    try {
      const { address } = server
      const spec = { ...SHORT, workload, threads, address, senders: 2, pingsPerSession: 5 }
      const law = littlesLaw(await runLoad(spec))
      expect(law, JSON.stringify(law)).toSatisfy(holds)
    } finally {
      await server.stop()
    }
  })
})
