// What open and closed loops see of a real server that freezes, and the law that every closed loop keeps.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type LoadHooks,
  type LoadResult,
  type LoadSpec,
  runLoad,
} from '../../clients/load/index.ts'
import { SHORT } from '../clients/short-runs.ts'
import { endServers, startServer, type TestServer } from '../support/server.ts'

const PATIENCE = { timeout: 60_000 }
const CLIENTS = 20

let server: TestServer
beforeAll(async () => {
  server = await startServer('async')
})
afterAll(endServers)

const OPEN = { arrivals: 'constant', ratePerS: 1000 } as const

async function load(spec: Partial<LoadSpec>, hooks: LoadHooks = {}): Promise<LoadResult> {
  const usual = { workload: 'ping', clients: CLIENTS, window: 1, setupStallMs: 10_000 } as const
  const times = { warmupMs: 200, durationMs: 1000, drainMs: 10_000 }
  return runLoad({ ...SHORT, ...usual, ...times, address: server.address, ...spec }, hooks)
}

/** Stops the server for 300 ms in the middle of the measured 3 s. */
function frozen(spec: Partial<LoadSpec>): Promise<LoadResult> {
  return load(
    { ...spec, durationMs: 3000 },
    {
      onPhase: (phase) => {
        if (phase !== 'measure') return
        setTimeout(() => server.signal('SIGSTOP'), 1000)
        setTimeout(() => server.signal('SIGCONT'), 1300)
      },
    },
  )
}

test(
  'a freeze of 300 ms is in the response times of an open loop, and hardly in a closed one',
  PATIENCE,
  async () => {
    const open = await frozen(OPEN)
    const closed = await frozen({})
    // Of 3,000 arrivals 300 came meanwhile, and each waited for the rest of it: a tenth, evenly up to 300 ms.
    expect(open.responseTime!.p99Ns).toBeGreaterThan(200e6)
    expect(open.schedule!.sentPerS).toBe(open.schedule!.offeredPerS)
    // Each client of the closed one asked once, and then waited to ask again.
    expect(closed.serviceTime.maxNs).toBeGreaterThan(250e6)
    expect(closed.serviceTime.p99Ns).toBeLessThan(open.responseTime!.p99Ns! / 2)
  },
)

describe('Little’s law', PATIENCE, () => {
  test.each([1, 3])('holds in a closed loop with a window of %i', async (window) => {
    const { operations, elapsedNs, serviceTime } = await load({ window })
    const inFlight = (operations / elapsedNs) * serviceTime.meanNs
    expect(inFlight / (CLIENTS * window)).toBeGreaterThan(0.95)
    expect(inFlight / (CLIENTS * window)).toBeLessThan(1.05)
  })
})
