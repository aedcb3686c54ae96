// Open loops: requests leave when they are due, and what that shows of servers that a closed loop hides. No test
// asks the machine to be quick: what is due and what is sent are counts, and times are compared with times.

import { describe, expect, test } from 'vitest'
import type { LoadResult, LoadSpec } from '../../clients/load/index.ts'
import { arrivalsWithin, poissonPacer } from '../../clients/load/pacer.ts'
import { loadChat, server } from './chat-runs.ts'
import type { Client, Faults } from './chat-server.ts'
import { faultsOf, IN_VAIN, NONE, SHORT } from './short-runs.ts'

const PATIENCE = { timeout: 30_000 }

const SPEC: LoadSpec = {
  ...SHORT,
  workload: 'ping',
  arrivals: 'constant',
  ratePerS: 1000,
}

async function load(faults: Faults, spec: Partial<LoadSpec> = {}): Promise<LoadResult> {
  return loadChat(faults, { ...SPEC, ...spec })
}

/** What was due in the window, as a count. */
function dueOf({ schedule, scheduledNs }: LoadResult): number {
  return Math.round(schedule!.offeredPerS * (scheduledNs / 1e9))
}

function sentOf({ schedule, scheduledNs }: LoadResult): number {
  return Math.round(schedule!.sentPerS * (scheduledNs / 1e9))
}

describe('constant arrivals', PATIENCE, () => {
  test.each([1, 2, 3])('on %i threads are exactly as many as they ought to be', async (threads) => {
    const result = await load({}, { threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, errors: {} })
    expect(result.ledger.sent).toBe(server!.pings)
    // One each millisecond, of a window that begins and ends at any moment of one.
    const expected = result.scheduledNs / 1e6
    expect(Math.abs(dueOf(result) - expected)).toBeLessThanOrEqual(1)
    expect(sentOf(result)).toBe(dueOf(result))
    // Over the whole run, warm-up included; the window of the closed loop plays no part.
    expect(server!.pings).toBeGreaterThanOrEqual((dueOf(result) + SPEC.warmupMs * 0.9) | 0)
  })

  test('go to the connections in turn', async () => {
    await load({}, { clients: 5 })
    const counts = [...server!.pingsBy.values()]
    expect(counts.length).toBe(5)
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
  })
})

describe('Poisson arrivals', PATIENCE, () => {
  test.each([1, 2])('on %i threads are those of the seed', async (threads) => {
    const spec = { arrivals: 'poisson', ratePerS: 2000, seed: 5, threads } as const
    const result = await load({}, spec)
    expect(faultsOf(result)).toEqual(NONE)
    expect(sentOf(result)).toBe(dueOf(result))
    // In all that was sent there is not one more or less than the schedule has up to some moment around the end.
    const wholeNs = (SPEC.warmupMs + SPEC.durationMs) * 1e6
    const pacer = poissonPacer(2000, 5)
    expect(server!.pings).toBeGreaterThanOrEqual(arrivalsWithin(pacer, wholeNs))
    // By chance: the standard deviation of a count is its root.
    const expected = (2000 * result.scheduledNs) / 1e9
    expect(Math.abs(dueOf(result) - expected)).toBeLessThan(5 * Math.sqrt(expected))
  })
})

describe('times', PATIENCE, () => {
  test('are recorded from when a request was due, from its sending, and in between', async () => {
    const result = await load({})
    const { responseTime, serviceTime, schedule } = result
    expect(responseTime!.count).toBe(serviceTime.count)
    expect(responseTime!.count).toBeGreaterThanOrEqual(result.operations)
    // No answer comes sooner from the intended sending than from the actual one; histograms are right to 1/1000.
    for (const at of ['minNs', 'p50Ns', 'maxNs', 'meanNs'] as const) {
      expect(responseTime![at]).toBeGreaterThanOrEqual(serviceTime[at] * 0.998)
    }
    expect(responseTime!.meanNs).toBeLessThanOrEqual(
      (serviceTime.meanNs + schedule!.lag.meanNs) * 1.5,
    )
    expect(schedule!.lag.count).toBeGreaterThan(0)
    expect(schedule!.lag.maxNs).toBeGreaterThanOrEqual(schedule!.lag.p50Ns)
  })

  test('of a closed loop have no schedule', async () => {
    const result = await load({}, { arrivals: 'closed', ratePerS: null })
    expect(result).toMatchObject({ responseTime: null, schedule: null, receivers: null })
  })
})

/** After a hundred answers it keeps the next ones to itself for so long, and then gives them all. */
function silentFor(ms: number): Faults {
  let until = Infinity
  const held: [Client, string][] = []
  return {
    tamper: (line, count, client) => {
      if (count === 100) {
        until = performance.now() + ms
        setTimeout(() => {
          until = 0
          for (const [one, text] of held) server!.say(one, text)
        }, ms)
      }
      if (until === Infinity || until === 0) return [line]
      held.push([client, line])
      return []
    },
  }
}

describe('a server that says nothing for a while', PATIENCE, () => {
  test('is seen by all who ask meanwhile', async () => {
    const result = await load(silentFor(100), { warmupMs: 0, durationMs: 400 })
    expect(sentOf(result)).toBe(dueOf(result))
    // A hundred of four hundred came during the silence, and waited half of it on average.
    expect(result.responseTime!.maxNs).toBeGreaterThan(90e6)
    expect(result.responseTime!.p90Ns).toBeGreaterThan(40e6)
  })
})

describe('a server that cannot keep up', PATIENCE, () => {
  test('is asked no less for it: what could not be sent is missing, and in the times', async () => {
    // Nothing is answered after the first ones: the connections are full before long.
    const deaf: Faults = { ignore: (line) => line.startsWith('PING') && server!.pings >= 20 }
    const result = await load(deaf, {
      clients: 4,
      ratePerS: 50_000,
      warmupMs: 0,
      durationMs: 300,
      drainMs: 20,
    })
    const due = dueOf(result)
    expect(Math.abs(due - (50_000 * result.scheduledNs) / 1e9)).toBeLessThanOrEqual(1)
    const { ledger } = result
    expect(ledger.received).toBeLessThanOrEqual(20)
    expect(ledger.outstanding).toBe(ledger.sent - ledger.received)
    // As much as there is room for, and no more: what had been answered by then made some.
    expect(ledger.sent).toBeGreaterThanOrEqual(4096)
    expect(ledger.sent).toBeLessThanOrEqual(4096 + 20)
    // Some of it may have been due before the window.
    const early = ledger.sent - sentOf(result)
    expect(early).toBeGreaterThanOrEqual(0)
    // Everything is in the times: answered, in flight, or never sent.
    expect(result.responseTime!.count).toBeGreaterThanOrEqual(due)
    expect(result.responseTime!.count).toBeLessThanOrEqual(due + early)
    expect(result.serviceTime.count).toBeLessThanOrEqual(ledger.sent)
    expect(result.responseTime!.p50Ns).toBeGreaterThan(100e6)
  })

  test('has no client: everything that was due is missing', async () => {
    const result = await load({ refuse: () => true }, { setupStallMs: 50, durationMs: 100 })
    expect(result).toMatchObject({ served: 0, operations: 0 })
    expect(result.schedule!.lag.count).toBe(0)
  })
})

/** One in ten has another last letter, if that was an x. */
function swapped(line: string, count: number): string[] {
  return [count % 10 === 5 ? line.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x')) : line]
}

describe('the other workloads', PATIENCE, () => {
  test.each([1, 2])('room on %i threads: an arrival is a message', async (threads) => {
    const result = await load({}, { workload: 'room', senders: 3, ratePerS: 200, threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(sentOf(result)).toBe(dueOf(result))
    expect(server!.messages).toBe(result.ledger.sent)
    expect(server!.pings).toBe(server!.messages)
    expect(result.ledger.received).toBe(server!.messages * 5)
    // Each receiver's times, from when the message was due and from its sending.
    expect(result.responseTime!.count).toBe(result.serviceTime.count)
    expect(result.responseTime!.meanNs).toBeGreaterThanOrEqual(result.serviceTime.meanNs * 0.998)
  })

  test('room: a message is timed at its first, median and last receiver', async () => {
    const result = await load({}, { workload: 'room', senders: 3, ratePerS: 200 })
    const { first, median, last } = result.receivers!
    expect(first.count).toBe(last.count)
    expect(median.count).toBe(last.count)
    expect(first.count * 5).toBe(result.responseTime!.count)
    for (const at of ['minNs', 'p50Ns', 'maxNs', 'meanNs'] as const) {
      expect(first[at]).toBeLessThanOrEqual(median[at])
      expect(median[at]).toBeLessThanOrEqual(last[at])
    }
    // The first of all is the first of somebody, and the last of all is somebody's last.
    expect(first.minNs).toBe(result.responseTime!.minNs)
    expect(last.maxNs).toBe(result.responseTime!.maxNs)
  })

  test('room: several threads do not know who was first', async () => {
    const closed = { arrivals: 'closed', ratePerS: null } as const
    const result = await load({}, { ...closed, workload: 'room', senders: 3, threads: 2 })
    expect(result.receivers).toBeNull()
  })

  test.each([1, 2])('session on %i threads: an arrival is a session', async (threads) => {
    // So many places that one is free for each, however slow the machine is.
    const many = { clients: 30, pingsPerSession: 3, ratePerS: 100, threads }
    const result = await load({}, { workload: 'session', ...many })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 30, errors: {} })
    expect(sentOf(result)).toBe(dueOf(result))
    // Thirty were nobody's arrival: each place is tried once before the load.
    expect(server!.quits).toBeGreaterThanOrEqual(dueOf(result) + 30)
    expect(server!.accepted).toBe(server!.quits)
    expect(result.ledger.received).toBe(server!.quits * 3)
  })

  test('session: whoever finds no free place waits, and that is response time', async () => {
    // Whoever quits is not let go before 50 ms are over: two places serve forty sessions a second at most.
    const lingering: Faults = {
      ignore: (line, client) => {
        if (line !== 'QUIT') return false
        setTimeout(() => client.socket.end('ERROR :Closing Link\r\n'), 50)
        return true
      },
    }
    const spec = { workload: 'session', pingsPerSession: 1, clients: 2, ratePerS: 400 } as const
    const result = await load(lingering, { ...spec, warmupMs: 0, durationMs: 500 })
    expect(faultsOf(result)).toEqual(NONE)
    expect(sentOf(result)).toBeLessThan(dueOf(result) / 2)
    expect(result.responseTime!.p50Ns).toBeGreaterThan(result.serviceTime.p50Ns)
    expect(result.responseTime!.maxNs).toBeGreaterThan(400e6)
    // What waits for a place does not wait for the generator.
    expect(result.schedule!.lag.p50Ns).toBeLessThan(result.responseTime!.p50Ns / 2)
  })

  test('idle: the PINGs are those of the active', async () => {
    const result = await load({}, { workload: 'idle', senders: 2, threads: 2 })
    expect(faultsOf(result)).toEqual(NONE)
    expect(sentOf(result)).toBe(dueOf(result))
    expect(server!.pingsBy.size).toBe(2)
    expect(server!.pings).toBe(result.ledger.sent)
  })
})

describe('without accounting', PATIENCE, () => {
  test.each(['ping', 'room', 'session'] as const)(
    '%s runs, and counts answers',
    async (workload) => {
      const closed = { arrivals: 'closed', ratePerS: null, senders: 2, pingsPerSession: 5 } as const
      const result = await load({}, { workload, ...closed, accounting: false })
      expect(faultsOf(result)).toEqual(NONE)
      expect(result.operations).toBeGreaterThan(0)
      expect(result.serviceTime.count).toBeGreaterThanOrEqual(result.operations)
    },
  )

  test('nothing that is wrong is noticed, which is why results say so', async () => {
    const spec = { arrivals: 'closed', ratePerS: null } as const
    expect(
      faultsOf(await load({ tamper: swapped }, { ...spec, ...IN_VAIN })).corrupt,
    ).toBeGreaterThan(0)
    await server!.stop()
    const blind = await load({ tamper: swapped }, { ...spec, accounting: false })
    expect(faultsOf(blind)).toEqual(NONE)
  })
})
