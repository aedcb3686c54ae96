// Workload `wait`: against a server that waits for all at once, one that waits for one after the other, and some
// that do not wait at all.

import { describe, expect, test } from 'vitest'
import { WAIT_MS } from '../../clients/load/contract.ts'
import type { LoadResult, LoadSpec } from '../../clients/load/index.ts'
import { loadChat, server } from './chat-runs.ts'
import type { Faults } from './chat-server.ts'
import { faultsOf, NONE, SHORT } from './short-runs.ts'

async function load(faults: Faults, spec: Partial<LoadSpec> = {}): Promise<LoadResult> {
  const short = { ...SHORT, workload: 'wait', window: 1 } as const
  return loadChat(faults, { ...short, ...spec })
}

/** As many answers as a client can get that always waits, and one that was under way before. */
function mostOf(clients: number, { elapsedNs }: LoadResult): number {
  return clients * (elapsedNs / 1e6 / (WAIT_MS - 1) + 1)
}

describe('wait', { timeout: 30_000 }, () => {
  test.each([1, 2])(
    'on %i threads: every WAIT is answered, and takes its time',
    async (threads) => {
      const result = await load({}, { threads })
      expect(faultsOf(result)).toEqual(NONE)
      expect(result).toMatchObject({ served: 6, unserved: 0, errors: {}, beside: null })
      expect(result.ledger.sent).toBe(server!.waits)
      expect(server!.pings).toBe(server!.waits)
      expect(result.operations).toBeGreaterThan(0)
      expect(result.operations).toBeLessThanOrEqual(mostOf(6, result))
      expect(result.serviceTime.minNs).toBeGreaterThanOrEqual((WAIT_MS - 1) * 1e6)
    },
  )

  test('one after the other: six clients together get what one gets', async () => {
    const result = await load({ waitsInTurn: true })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result.operations).toBeGreaterThan(0)
    expect(result.operations).toBeLessThanOrEqual(mostOf(1, result))
  })

  test('a server that does not wait is found out', async () => {
    const result = await load({ idles: true })
    expect(result.ledger.corrupt).toBeGreaterThan(0)
  })

  test('a server that leaves out some of the WAIT is found out', async () => {
    let left = 0
    const result = await load({
      tamper: (line) => (line.includes(' WAIT ') && ++left % 5 === 0 ? [] : [line]),
    })
    expect(result.ledger.corrupt).toBeGreaterThanOrEqual(Math.floor(left / 5))
    expect({ ...faultsOf(result), corrupt: 0 }).toEqual(NONE)
  })
})
