// Clients that ask for very much at a time: more than they read, or more than there is time for.

import { afterEach, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { DEFAULT_SERVER_LIMITS } from '../../../servers/limits.ts'
import { testFor } from '../../support/capabilities.ts'
import { Canaries } from '../../support/canaries.ts'
import { type Client, closeClients, connectTo, registered } from '../../support/client.ts'
import { until } from '../../support/conditions.ts'
import { residentBytesOf, seesProcesses } from '../../support/processes.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'
import { SlowReader } from '../../support/slow-reader.ts'

/** The queues hold less than 1 MB; the rest is room for the garbage that V8 has not collected yet. */
const GROWTH_BYTES_MAX = 96 * 1024 * 1024
/** drainMs (servers/limits.ts), a grace, and some for a busy machine. */
const DRAIN_MS_MAX = 6_000
/** hungMs, and the time of a look at it. */
const HUNG_MS = DEFAULT_SERVER_LIMITS.hungMs + 2 * DEFAULT_SERVER_LIMITS.heartbeatMs

export function floods(model: ModelInfo): void {
  afterEach(async () => {
    closeClients()
    await endServers()
  })

  testFor(model, { clients: 2 }, 'who is refused, and trickles on, is closed', async () => {
    const server = await startServer(model.name, ['--max-clients', '1'])
    await registered(server.address, 'first')
    const refused = await connectTo(server.address)
    expect((await refused.toEnd()).lines).toEqual(['ERROR :Server full'])
    // A connection that is closed answers what still comes with a reset.
    await until('the refused one should be closed', () => {
      refused.send('P')
      return refused.isClosed
    })
    await stopCleanly(server)
  })

  // One line of 6 bytes asks for 40 KB.
  const questions = ['LIST\r\n', 'NAMES\r\n', 'WHO *\r\n']
  testFor(
    model,
    { clients: 4, can: 'serves-clients-together' },
    'who asks for lists without end and reads nothing costs little memory, and nobody else',
    async (context) => {
      if (!seesProcesses) context.skip('This system does not tell what memory a process has.')
      const server = await startServer(model.name)
      const canaries = await Canaries.start(server.address)
      await makeChannels(server, 5)
      for (const question of questions) {
        const slow = new SlowReader(server.address)
        slow.say(`NICK ${question.slice(0, 3)}`, 'USER slow 0 * :slow')
        await slow.lineLike(/ 422 /)
        const before = residentBytes(server)
        await slow.sayUntilRefused(question, 1_000_000)
        await canaries.sang(50) // A second in which answers pile up, if nothing holds them back.
        expect(residentBytes(server) - before, question).toBeLessThan(GROWTH_BYTES_MAX)
        slow.close()
      }
      await canaries.stop()
      await stopCleanly(server)
    },
    60_000,
  )

  testFor(
    model,
    { clients: 3, can: 'computes-apart' },
    'who computes for longer than a hung one may, a piece at a time, is not taken for one',
    async () => {
      const server = await startServer(model.name, ['--lab'])
      const canaries = await Canaries.start(server.address)
      const busy = await registered(server.address, 'busy')
      const pieces = numbers(Math.ceil(HUNG_MS / 250))
      busy.say(...pieces.map(() => 'WORK 250'), 'PING :after')
      const answers = await busy.linesTo(/ :after$/, 2 * HUNG_MS)
      expect(answers.slice(0, -1)).toEqual(pieces.map(() => ':hubbub.local WORK 250'))
      await canaries.stop()
      await stopCleanly(server)
    },
  )

  testFor(
    model,
    { clients: 2 },
    'a thousand short computations of one client: another is answered in between',
    async () => {
      const server = await startServer(model.name, ['--lab'])
      const [busy, other] = await Promise.all([
        registered(server.address, 'busy'),
        registered(server.address, 'other'),
      ])
      const requests = numbers(1_000).flatMap((i) => ['WORK 5', `PING :${i}`])
      const answers: string[] = []
      busy.watch((line) => answers.push(line))
      busy.say(...requests)
      await until('the first should be answered', () => answers.length > 0)
      for (let i = 0; i < 10; i++) await other.barrier()
      expect(answers.length).toBeLessThan(requests.length / 2)
      await until('all should be answered', () => answers.length === requests.length, 20_000)
      expect(answers).toEqual(
        numbers(1_000).flatMap((i) => [
          ':hubbub.local WORK 5',
          `:hubbub.local PONG hubbub.local :${i}`,
        ]),
      )
      await stopCleanly(server)
    },
  )

  test('SIGTERM amid many computations of one client: it ends in time', async () => {
    const server = await startServer(model.name, ['--lab'])
    const busy = await registered(server.address, 'busy')
    busy.say(...numbers(1_000).map(() => 'WORK 2000'))
    await busy.flushed()
    expect(await server.stop(DRAIN_MS_MAX)).toEqual({ code: 0, signal: null })
  })
}

/** Channels with long topics: so many that a list of them is long. */
async function makeChannels(server: TestServer, owners: number): Promise<void> {
  for (let owner = 0; owner < owners; owner++) {
    const client: Client = await registered(server.address, `owner${owner}`)
    for (let i = 0; i < 20; i++) {
      const channel = `#${'channel'.repeat(5)}-${owner}-${i}`
      client.say(`JOIN ${channel}`, `TOPIC ${channel} :${'topic '.repeat(50)}`)
    }
    await client.barrier()
  }
}

/** Of the whole process tree. */
function residentBytes(server: TestServer): number {
  return [server.pid, ...server.children()].map(residentBytesOf).reduce((sum, bytes) => sum + bytes)
}

function numbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
