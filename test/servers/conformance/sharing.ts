// What clients share: nicknames and rooms. Their conversations may live in threads or processes apart;
// that must not show.

import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor } from '../../support/capabilities.ts'
import {
  type Client,
  closeClients,
  connectTo,
  members,
  NICK_FREE_MS_MAX,
  registered,
} from '../../support/client.ts'
import { until } from '../../support/conditions.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

export function sharing(model: ModelInfo): void {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(model.name)
  })
  afterEach(closeClients)
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
  })

  testFor(
    model,
    { clients: 4 },
    'a message reaches every other member, and nobody else',
    async () => {
      const [alice, bob, carol] = await members(server.address, 3, '#talk')
      const dave = await registered(server.address, 'dave')
      alice!.say('PRIVMSG #talk :hello', 'NOTICE member1 :psst')
      expect(await alice!.barrier()).toEqual([])
      expect(await bob!.barrier()).toEqual([
        ':member0!member0@127.0.0.1 PRIVMSG #talk :hello',
        ':member0!member0@127.0.0.1 NOTICE member1 :psst',
      ])
      expect(await carol!.barrier()).toEqual([':member0!member0@127.0.0.1 PRIVMSG #talk :hello'])
      expect(await dave.barrier()).toEqual([])
    },
  )

  testFor(
    model,
    { clients: 2 },
    'of two that want the same nickname, exactly one gets it',
    async () => {
      const [one, other] = (await members(server.address, 2, '#race')) as [Client, Client]
      for (let round = 0; round < 60; round++) {
        one.say(`NICK race${round}`)
        other.say(`NICK race${round}`)
        const answers = await Promise.all([one.barrier(), other.barrier()])
        const refused = answers.map((lines) => lines.filter((line) => / 433 /.test(line)).length)
        expect(
          refused.toSorted((a, b) => a - b),
          `round ${round}: ${answers.join(' | ')}`,
        ).toEqual([0, 1])
        expect(await nickOf(one)).not.toBe(await nickOf(other))
      }
    },
  )

  testFor(
    model,
    { clients: 4 },
    'of four that register under one nickname, exactly one is welcomed',
    async () => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => connectTo(server.address)))
      for (const client of clients) client.say('NICK wanted', 'USER u 0 * :u')
      const outcomes = await Promise.all(
        clients.map((client) => client.lineLike(/^\S+ (?:001|433) /)),
      )
      const welcomed = outcomes.filter((line) => / 001 /.test(line))
      expect(welcomed, outcomes.join(' | ')).toHaveLength(1)
    },
  )

  const departures: [string, (client: Client) => void][] = [
    ['QUIT', (client) => client.say('QUIT')],
    ['the end of its stream', (client) => client.halfClose()],
    ['a reset', (client) => client.reset()],
    ['a close', (client) => client.close()],
  ]
  for (const [how, depart] of departures) {
    testFor(
      model,
      { clients: 2 },
      `a nickname is free soon after ${how}, and a room is told`,
      async () => {
        const [leaver, watcher] = (await members(server.address, 2, '#leave')) as [Client, Client]
        depart(leaver)
        const tookMs = await until('the nickname should be free', async () => {
          watcher.say('NICK member0')
          return !(await watcher.barrier()).some((line) => / 433 /.test(line))
        })
        expect(tookMs).toBeLessThan(NICK_FREE_MS_MAX)
      },
    )
  }

  testFor(
    model,
    { clients: 2 },
    'a reset in the middle of a line: the room hears of it once, and no half message',
    async () => {
      for (let round = 0; round < 3; round++) {
        const [leaver, watcher] = (await members(server.address, 2, '#reset')) as [Client, Client]
        leaver.send('PING :read\r\nPRIVMSG #reset :half a mess')
        await leaver.lineLike(/ PONG \S+ :read$/)
        leaver.reset()
        expect(await watcher.nextLine()).toMatch(/^:member0!\S+ QUIT :/)
        expect(await watcher.barrier()).toEqual([])
        await watcher.quit()
      }
    },
  )
}

/** Who the server says that this client is. */
async function nickOf(client: Client): Promise<string> {
  client.say('VERSION')
  const line = await client.lineLike(/^\S+ 351 /)
  return line.split(' ')[2] as string
}
