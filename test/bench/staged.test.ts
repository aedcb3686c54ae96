import { describe, expect, test } from 'vitest'
import { fault } from '../../bench/verdict.ts'
import type { CapacitySearch, StageRun } from '../../bench/staged.ts'
import { searchCapacity } from '../../bench/staged.ts'
import type { LoadResult, LoadSpec } from '../../clients/load/contract.ts'
import { times } from './sample.ts'

const SPEC: LoadSpec = {
  workload: 'capacity',
  address: '127.0.0.1:1',
  clients: 8,
  senders: 1,
  arrivals: 'closed',
  ratePerS: null,
  window: 1,
  messageBytes: 64,
  accounting: true,
  workMs: 5,
  pingsPerSession: 10,
  warmupMs: 0,
  durationMs: 1000,
  setupStallMs: 1000,
  drainMs: 1000,
  threads: 1,
  seed: 1,
}
const LEDGER = { outstanding: 0, lost: 0, duplicated: 0, reordered: 0, corrupt: 0 }
const OBJECTIVE_NS = 10e6

interface Behaviour {
  readonly ledger?: Partial<LoadResult['ledger']>
  /** How late the generator is. */
  readonly lagUs?: number
  /** What it had of a core, in a second. */
  readonly cpuMs?: number
}

/** What a run of a second against a queue that serves 10,000 a second would be (M/M/1). */
function runOf(spec: LoadSpec, { ledger, lagUs = 1, cpuMs = 950 }: Behaviour = {}): StageRun {
  const SERVICE_PER_S = 10_000
  const offeredPerS = spec.ratePerS ?? SERVICE_PER_S
  const operations = Math.round(Math.min(offeredPerS, SERVICE_PER_S))
  const isOpen = spec.arrivals !== 'closed'
  const meanUs = offeredPerS < SERVICE_PER_S ? 1e6 / (SERVICE_PER_S - offeredPerS) : 1e6
  // Of times that are spread evenly, the 99th percentile is where that of a queue is.
  const response = times(1500, lagUs, lagUs + (meanUs * Math.log(100)) / 0.99)
  // Of a closed loop, those that Little's law has: requests in flight over their rate.
  const closedUs = (spec.clients * spec.window * 1e6) / SERVICE_PER_S
  const load: LoadResult = {
    spec,
    served: spec.clients,
    refused: {},
    unserved: 0,
    operations,
    elapsedNs: 1e9,
    scheduledNs: 1e9,
    serviceTime: isOpen ? response : times(operations, 0, 2 * closedUs),
    responseTime: isOpen ? response : null,
    schedule: isOpen ? { offeredPerS, sentPerS: operations, lag: times(1500, lagUs, lagUs) } : null,
    receivers: null,
    firstAnswerTime: null,
    fairness: null,
    slow: null,
    losses: null,
    beside: null,
    ledger: { sent: operations, received: operations, ...LEDGER, ...ledger },
    errors: {},
    generator: { threads: 1, busyShare: 0.5, cpuMs },
  }
  return { load, resources: null }
}

async function search(drive: (spec: LoadSpec) => StageRun = runOf): Promise<CapacitySearch> {
  return searchCapacity(SPEC, OBJECTIVE_NS, (spec) => Promise.resolve(drive(spec)))
}

/** Where p99 of the queue is 10 ms. */
const CAPACITY_PER_S = 10_000 - Math.log(100) / 0.01

describe('the search for capacity', () => {
  test('finds that of a queue, within a twentieth', async () => {
    const { capacity, kept, faults, isBroken } = await search()
    expect(capacity?.ratePerS).toBeLessThanOrEqual(CAPACITY_PER_S * 1.01)
    expect(capacity?.lowestMissedPerS).toBeGreaterThan(CAPACITY_PER_S * 0.99)
    expect(capacity!.lowestMissedPerS! / capacity!.ratePerS!).toBeLessThan(1.06)
    expect(capacity).toMatchObject({
      clients: 8,
      objectiveNs: OBJECTIVE_NS,
      generatorWasLimit: false,
    })
    expect(kept?.load.spec.ratePerS).toBe(capacity?.ratePerS)
    expect({ faults, isBroken }).toEqual({ faults: [], isBroken: false })
  })

  test('guesses by a closed loop, and then offers PINGs as independent users do', async () => {
    const asked: LoadSpec[] = []
    await search((spec) => {
      asked.push(spec)
      return runOf(spec)
    })
    const [guess, first, ...others] = asked
    expect(guess).toMatchObject({ workload: 'ping', arrivals: 'closed', ratePerS: null })
    expect(first).toMatchObject({ workload: 'ping', arrivals: 'poisson', ratePerS: 5000 })
    expect(new Set([first, ...others].map((spec) => spec?.seed)).size).toBe(asked.length - 1)
  })

  test('keeps every stage, with whether it was met', async () => {
    const { stages, capacity } = await search()
    const met = stages.filter(({ meetsObjective }) => meetsObjective)
    const missed = stages.filter(({ meetsObjective }) => !meetsObjective)
    expect(Math.max(...met.map(({ offeredPerS }) => offeredPerS))).toBe(capacity?.ratePerS)
    expect(Math.min(...missed.map(({ offeredPerS }) => offeredPerS))).toBe(
      capacity?.lowestMissedPerS,
    )
    for (const { p99Ns } of met) expect(p99Ns).toBeLessThanOrEqual(OBJECTIVE_NS)
  })

  test('ends where the server stops answering, with what was met before', async () => {
    const { capacity, stages, faults, isBroken } = await search((spec) =>
      (spec.ratePerS ?? 0) > 6000 ? { fault: fault('server-hung', 'it hung') } : runOf(spec),
    )
    expect(capacity).toMatchObject({ ratePerS: 5000, lowestMissedPerS: 10_000 })
    expect(stages.at(-1)).toMatchObject({ offeredPerS: 10_000, valid: false })
    expect(stages).toHaveLength(2)
    expect({ faults, isBroken }).toEqual({ faults: [], isBroken: true })
  })

  test.each([
    ['lost in a stage', { outstanding: 3 }, 'messages-missing', false],
    ['changed in a stage', { corrupt: 1 }, 'wrong-answers', true],
  ] as const)('of answers that were %s', async (_, ledger, kind, isInvalid) => {
    const { capacity, faults } = await search((spec) =>
      runOf(spec, (spec.ratePerS ?? 0) > 6000 ? { ledger } : {}),
    )
    expect(capacity).toMatchObject({ ratePerS: 5000, lowestMissedPerS: 10_000 })
    expect(faults.map((one) => one.kind)).toEqual(isInvalid ? [kind] : [])
  })

  test('is invalid when the server fails before any rate was met', async () => {
    const { capacity, faults } = await search((spec) =>
      spec.ratePerS === null ? runOf(spec) : { fault: fault('server-died', 'it died') },
    )
    expect(capacity?.ratePerS).toBeNull()
    expect(faults).toEqual([fault('server-died', 'it died')])
  })

  test('is invalid when already the closed loop went wrong', async () => {
    const { capacity, faults, stages } = await search((spec) =>
      runOf(spec, { ledger: { corrupt: 1 } }),
    )
    expect(capacity).toBeNull()
    expect(stages).toEqual([])
    expect(faults.map(({ kind }) => kind)).toEqual(['wrong-answers'])
  })

  test('is a lower bound where the generator could not offer more', async () => {
    const { capacity, faults } = await search((spec) =>
      runOf(spec, (spec.ratePerS ?? 0) > 6000 ? { lagUs: 20_000 } : {}),
    )
    expect(capacity?.generatorWasLimit).toBe(true)
    expect(capacity?.ratePerS).toBeLessThanOrEqual(6000)
    expect(capacity?.lowestMissedPerS).toBeGreaterThan(6000)
    expect(faults).toEqual([])
  })

  test('is that of the server where the generator was late because it had no core', async () => {
    const { capacity } = await search((spec) =>
      runOf(spec, (spec.ratePerS ?? 0) > 6000 ? { lagUs: 20_000, cpuMs: 500 } : {}),
    )
    expect(capacity?.generatorWasLimit).toBe(false)
  })

  test('says so when no rate keeps the objective', async () => {
    const { capacity, faults } = await searchCapacity(SPEC, 1, (spec) =>
      Promise.resolve(runOf(spec)),
    )
    expect(capacity).toMatchObject({ ratePerS: null, lowestMissedPerS: 10 })
    expect(faults).toEqual([])
  })
})
