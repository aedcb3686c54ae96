// Who says something and hangs up at once has said it: `printf ... | nc -U`. Over a Unix-domain socket the
// kernel reports the end at once, also when there is something left to be read before it, and a write fails
// from then on.

import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { accountLine, accountsFile, newFolder, removeFolders } from '../../support/accounts.ts'
import { testFor } from '../../support/capabilities.ts'
import { type Client, closeClients, connectTo, members } from '../../support/client.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

/** A password that takes 0.1 s to verify: much longer than to hang up. */
const COST = 15

const LAST_WORDS = 'PRIVMSG #room :last words'

/** The longest WAIT there is, and how soon others see that who waits is gone: at once, but machines are busy. */
const LONG_WAIT = 'WAIT 10000'
const NOTICED_MS_MAX = 3_000

/** What is said before the end, by a member of the room. */
const DEPARTURES: [string, (client: Client) => Promise<void> | void][] = [
  ['behind other requests', (client) => client.say('PING :a', 'TOPIC #room', LAST_WORDS)],
  ['behind a WAIT', (client) => client.say('WAIT 50', 'PING :a', 'WAIT 50', LAST_WORDS)],
  ['behind a WORK', (client) => client.say('WORK 50', 'PING :a', 'WORK 50', LAST_WORDS)],
  [
    'during a WAIT',
    async (client) => {
      client.say('PING :now', 'WAIT 300', 'PING :then')
      await client.lineLike(/ PONG /)
      client.say(LAST_WORDS)
    },
  ],
]

export function departures(model: ModelInfo): void {
  let server: TestServer
  let serverOverTcp: TestServer
  beforeAll(async () => {
    const accounts = accountsFile(accountLine('alice', 'secret', COST))
    const listen = `unix:${join(newFolder(), 'socket')}`
    const args = ['--listen', listen, '--lab', '--accounts', accounts]
    server = await startServer(model.name, args)
    serverOverTcp = await startServer(model.name, ['--lab'])
  })
  afterEach(closeClients)
  afterAll(async () => {
    await stopCleanly(server)
    await stopCleanly(serverOverTcp)
    await endServers()
    removeFolders()
  })

  for (const [when, say] of DEPARTURES) {
    testFor(model, { clients: 2 }, `last words ${when} are heard`, async () => {
      for (let round = 0; round < 5; round++) {
        const [leaver, watcher] = (await members(server.address, 2, '#room')) as [Client, Client]
        await watcher.barrier()
        await say(leaver)
        await leaver.flushed()
        leaver.close()
        await expectWords(watcher, 'member0')
        await watcher.quit()
      }
    })
  }

  testFor(model, { clients: 2 }, 'a reset is told as what it is', async () => {
    const [leaver, watcher] = (await members(serverOverTcp.address, 2, '#room')) as [Client, Client]
    await watcher.barrier()
    leaver.reset()
    await watcher.lineLike(/^:member0!\S+ QUIT :Connection reset by peer$/)
  })

  testFor(model, { clients: 2 }, 'a reset during a long WAIT is seen at once', async () => {
    const { waiter, watcher } = await waiting(serverOverTcp)
    waiter.reset()
    await watcher.lineLike(/^:waiter0!\S+ QUIT :/, NOTICED_MS_MAX)
  })

  testFor(model, { clients: 2 }, 'last words during long WAITs are heard at once', async () => {
    const { waiter, watcher } = await waiting(server)
    waiter.say('TOPIC #waiting', LONG_WAIT, 'PRIVMSG #waiting :last words')
    await waiter.flushed()
    waiter.close()
    await watcher.lineLike(/^:waiter0!\S+ PRIVMSG #waiting :last words$/, NOTICED_MS_MAX)
    await watcher.lineLike(/^:waiter0!\S+ QUIT :/, NOTICED_MS_MAX)
  })

  testFor(model, { clients: 2 }, 'all that is said is heard, a password included', async () => {
    for (const password of ['', 'PASS alice:secret']) {
      const [watcher] = (await members(server.address, 1, '#room')) as [Client]
      const leaver = await connectTo(server.address)
      leaver.say(password, 'NICK leaver', 'USER leaver 0 * :leaver', 'JOIN #room', LAST_WORDS)
      await leaver.flushed()
      leaver.close()
      expect(await watcher.nextLine()).toMatch(/^:leaver!\S+ JOIN #room/)
      await expectWords(watcher, 'leaver')
      await watcher.quit()
    }
  })
}

/** Two members of a room, one of which is in a WAIT, with another to come. */
async function waiting({ address }: TestServer): Promise<{ waiter: Client; watcher: Client }> {
  const [waiter, watcher] = (await members(address, 2, '#waiting', 'waiter')) as [Client, Client]
  await watcher.barrier()
  waiter.say('PING :now', LONG_WAIT, LONG_WAIT)
  await waiter.lineLike(/ PONG /)
  return { waiter, watcher }
}

async function expectWords(watcher: Client, nick: string): Promise<void> {
  expect(await watcher.nextLine()).toMatch(new RegExp(`^:${nick}!\\S+ ${LAST_WORDS}$`))
  expect(await watcher.nextLine()).toMatch(new RegExp(`^:${nick}!\\S+ QUIT :`))
}
