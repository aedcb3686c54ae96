// Workload `crash`: clients that are lost in the middle of it, and what servers make of that.

import { describe, expect, test } from 'vitest'
import type { LoadResult, LoadSpec } from '../../clients/load/index.ts'
import { loadChat, server } from './chat-runs.ts'
import type { Faults } from './chat-server.ts'
import { faultsOf, NONE, SHORT } from './short-runs.ts'

/** Two of six speak. In the middle of the window those whose numbers are given lose their connections. */
async function load(
  faults: Faults,
  lost: readonly number[],
  spec: Partial<LoadSpec> = {},
): Promise<LoadResult> {
  const crash = { ...SHORT, workload: 'crash', senders: 2, durationMs: 400 } as const
  const kill = () => {
    for (const { number, socket } of server!.clients) if (lost.includes(number)) socket.destroy()
  }
  return loadChat(
    faults,
    { ...crash, ...spec },
    { onPhase: (phase) => void (phase === 'measure' && setTimeout(kill, 100)) },
  )
}

describe('crash', { timeout: 30_000 }, () => {
  test.each([
    [1, [5]],
    [2, [5]],
    [1, [0, 3, 4]],
  ])(
    'on %i threads: %j are lost, others are told, new ones come, and nothing else is lost',
    async (threads, lost) => {
      const result = await load({}, lost, { threads })
      expect(faultsOf(result)).toEqual(NONE)
      expect(result).toMatchObject({ served: 6, errors: {}, refused: {} })
      expect(result.losses?.clients).toBe(lost.length)
      // Since the window began: they were lost a little later.
      expect(result.losses?.toldAtMs).toBeGreaterThan(50)
      expect(result.losses?.replacedAtMs).toBeGreaterThan(50)
      expect(server!.accepted).toBe(6 + lost.length)
      expect(server!.nicks.size).toBe(6 + lost.length)
    },
  )

  test('of nobody nothing is told', async () => {
    const { losses } = await load({}, [])
    expect(losses).toEqual({ clients: 0, toldAtMs: null, replacedAtMs: null })
  })

  test('a server that tells nobody has not told in time', async () => {
    const { losses } = await load({ hidesQuits: true }, [5])
    expect(losses).toMatchObject({ clients: 1, toldAtMs: null })
  })

  test('a server that takes no new client has replaced nobody', async () => {
    const { losses } = await load({ refuse: ({ number }) => number >= 6 }, [5])
    expect(losses).toMatchObject({ clients: 1, replacedAtMs: null })
  })

  test('what the others do not hear is missing', async () => {
    let heard = 0
    const { ledger } = await load(
      {
        tamper: (line, _, client) =>
          client.number === 3 && line.includes('PRIVMSG') && ++heard % 20 === 10 ? [] : [line],
      },
      [5],
    )
    expect(ledger.lost + ledger.outstanding).toBe(Math.floor((heard + 10) / 20))
    expect(ledger.lost).toBeGreaterThan(0)
  })
})
