// How evenly clients are answered: the figures themselves, and what the generator makes of servers that are fair
// to all, or not.

import { describe, expect, test } from 'vitest'
import { fairnessOf } from '../../clients/load/fairness.ts'
import type { LoadResult, LoadSpec } from '../../clients/load/index.ts'
import { loadChat, server } from './chat-runs.ts'
import type { Faults } from './chat-server.ts'
import { IN_VAIN, faultsOf, NONE, SHORT } from './short-runs.ts'

const PATIENCE = { timeout: 30_000 }

async function load(faults: Faults, spec: Partial<LoadSpec>): Promise<LoadResult> {
  return loadChat(faults, { ...SHORT, workload: 'fairness', ...spec })
}

describe('the figures', () => {
  test.each([
    ['all got the same', [5, 5, 5, 5], 1, 1],
    ['one got everything', [12, 0, 0, 0], 1 / 4, 0],
    // (1 + 2 + 3)² / (3 × 14), and 1 of 2.
    ['some got more', [1, 3, 2], 36 / 42, 1 / 2],
    ['half got nothing', [4, 0, 4, 0], 1 / 2, 0],
  ])('%s', (_, answers, jain, worstOverMedian) => {
    expect(fairnessOf(answers)?.jain).toBeCloseTo(jain, 12)
    expect(fairnessOf(answers)?.worstOverMedian).toBeCloseTo(worstOverMedian, 12)
  })

  test.each([[[]], [[7]], [[0, 0]]])('of %j there are none', (answers) => {
    expect(fairnessOf(answers)).toBeNull()
  })
})

describe('the generator', PATIENCE, () => {
  test.each([1, 2])('on %i threads sees whom a server answers less', async (threads) => {
    const result = await load({ slowDown: (client) => client.number === 3 }, { threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result.operations).toBeGreaterThan(0)
    // One of six gets next to nothing: (5x)² / (6 × 5x²).
    expect(result.fairness!.jain).toBeLessThan(0.95)
    expect(result.fairness!.worstOverMedian).toBeLessThan(0.5)
  })

  test('counts those who were left waiting as clients who got nothing', async () => {
    const result = await load({ refuse: ({ number }) => number >= 3 }, IN_VAIN)
    expect(result).toMatchObject({ served: 3, unserved: 3 })
    expect(result.fairness!.jain).toBeLessThanOrEqual(1 / 2)
    expect(result.fairness!.worstOverMedian).toBe(0)
  })

  test.each(['ping', 'pipeline', 'room', 'idle', 'mix'] as const)(
    'tells it of %s',
    async (workload) => {
      const { fairness } = await load({}, { workload, senders: 2 })
      expect(fairness?.jain).toBeGreaterThan(0)
      expect(fairness?.jain).toBeLessThanOrEqual(1)
      expect(fairness?.worstOverMedian).toBeGreaterThanOrEqual(0)
      expect(fairness?.worstOverMedian).toBeLessThanOrEqual(1)
    },
  )

  test('leaves out who says nothing: the silent are not treated unfairly', async () => {
    // With the four silent ones, who get nothing, it could not be more than two of six.
    const { fairness } = await load({}, { workload: 'idle', senders: 2 })
    expect(fairness?.jain).toBeGreaterThan(2 / 6)
  })

  test('has none of clients that come and go, nor of one alone', async () => {
    expect((await load({}, { workload: 'session', pingsPerSession: 2 })).fairness).toBeNull()
    await server?.stop()
    expect((await load({}, { clients: 1 })).fairness).toBeNull()
  })
})
