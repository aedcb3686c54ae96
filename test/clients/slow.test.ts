// Workload `slow`: against servers that keep those who do not read, that let them go, and that cheat them.

import { describe, expect, test } from 'vitest'
import { type LoadResult, type LoadSpec, LoadSpecError, runLoad } from '../../clients/load/index.ts'
import { loadChat, server, startChat } from './chat-runs.ts'
import type { Client, Faults } from './chat-server.ts'
import { faultsOf, NONE, SHORT } from './short-runs.ts'

/** Six clients: 0 speaks, 5 stops reading. */
async function load(faults: Faults, spec: Partial<LoadSpec> = {}): Promise<LoadResult> {
  const slow = { ...SHORT, workload: 'slow', senders: 1, drainMs: 5000 } as const
  return loadChat(faults, { ...slow, ...spec })
}

const isSlow = ({ number }: Client) => number === 5

describe('slow', { timeout: 30_000 }, () => {
  test.each([1, 2])('on %i threads: who is kept gets everything in the end', async (threads) => {
    const result = await load({}, { threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, errors: {}, slow: { readers: 1, letGo: {} } })
    expect(result.ledger.sent).toBe(server!.messages)
    expect(result.ledger.received).toBe(server!.messages * 5)
    expect(result.operations).toBeGreaterThan(0)
    // Four of the five who hear the speaker count, and what was under way when the window ended is timed.
    expect(result.operations).toBeLessThanOrEqual(server!.messages * 4)
    expect(result.serviceTime.count).toBeLessThanOrEqual(server!.messages * 4)
  })

  test('who is let go is told by name, and is no fault; the others hear everything', async () => {
    let isLoaded = false
    const { address } = await startChat({
      tamper: (line, _, client) => {
        if (isLoaded && isSlow(client) && client.socket.writable) {
          client.socket.end('ERROR :SendQ exceeded\r\n')
        }
        return client.socket.writable ? [line] : []
      },
    })
    const result = await runLoad(
      { ...SHORT, workload: 'slow', senders: 1, address },
      {
        onPhase: (phase) => {
          // Long after it has stopped reading, and before it reads again.
          if (phase === 'measure') setTimeout(() => (isLoaded = true), SHORT.durationMs / 2)
        },
      },
    )
    expect(faultsOf(result)).toEqual(NONE)
    expect(result.slow).toEqual({ readers: 1, letGo: { 'ERROR :SendQ exceeded': 1 } })
    expect(result.errors).toEqual({})
  })

  test('a server that leaves out what the slow one should hear is found out', async () => {
    let heard = 0
    const { ledger, slow } = await load({
      tamper: (line, _, client) => (isSlow(client) && ++heard % 10 === 5 ? [] : [line]),
    })
    expect(slow).toEqual({ readers: 1, letGo: {} })
    expect(ledger.lost + ledger.outstanding).toBe(Math.floor((heard + 5) / 10))
    expect(ledger.lost).toBeGreaterThan(0)
  })

  test('another client that is let go is a fault, as always', async () => {
    let heard = 0
    const { errors, slow } = await load({
      tamper: (line, _, client) => {
        if (client.number === 3 && ++heard === 50) client.socket.destroy()
        return [line]
      },
    })
    expect(Object.values(errors)).toEqual([1])
    expect(slow).toEqual({ readers: 1, letGo: {} })
  })

  test('two at least must go on reading', async () => {
    await expect(load({}, { senders: 5 })).rejects.toThrow(LoadSpecError)
  })
})
