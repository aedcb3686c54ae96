// How a server ends: it accepts nobody any more, says its last words after everything else it had to
// say, loses nothing that was acknowledged, and is gone within seconds, whatever its clients do.

import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { atMost, testFor } from '../../support/capabilities.ts'
import { type Client, closeClients, connectTo, members, registered } from '../../support/client.ts'
import { steadily, until, within } from '../../support/conditions.ts'
import { connectOptions } from '../../support/exchange.ts'
import { isAlive } from '../../support/processes.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'
import { SlowReader } from '../../support/slow-reader.ts'

/** From SIGTERM to the end of the process, at the most. */
const DRAIN_MS_MAX = 5_000
/** After the second signal it does nothing more at all. */
const AT_ONCE_MS = 1_000
const LAST_WORDS = 'ERROR :Server shutting down'

export function endings(model: ModelInfo): void {
  afterEach(async () => {
    closeClients()
    await endServers()
  })

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) {
    test(`${signal} drains: everybody is told, nobody is accepted, exit code 0`, async () => {
      const server = await startServer(model.name)
      const clients = await crowd(model, server)
      const family = server.children()
      server.signal(signal)
      for (const client of clients) {
        const { ending, lines } = await client.toEnd()
        expect(ending).toBe('end')
        expect(lines.at(-1)).toBe(LAST_WORDS)
        client.close()
      }
      expect(await within(DRAIN_MS_MAX, 'the server should end', server.ended)).toEqual({
        code: 0,
        signal: null,
      })
      await expect(connectTo(server.address)).rejects.toThrow('ECONNREFUSED')
      expect(family.filter(isAlive)).toEqual([])
    })
  }

  test.each(['tcp', 'unix'])(
    'who quits, ends its half and then reads gets every answer, over %s',
    async (transport) => {
      const folder = mkdtempSync(join(tmpdir(), 'hubbub-'))
      const listen = transport === 'tcp' ? '127.0.0.1:0' : `unix:${join(folder, 'socket')}`
      const server = await startServer(model.name, ['--listen', listen])
      // What the kernel holds, and a bit more, up to what the server holds, and more than that.
      const counts = transport === 'tcp' ? [20_000] : [1_500, 2_000, 2_500, 2_700, 3_000, 10_000]
      for (const count of counts) expect(await quitAfter(server.address, count)).toBe(count)
      await stopCleanly(server)
      rmSync(folder, { recursive: true, force: true })
    },
  )

  // At the beginning of the load, and in the midst of it.
  test.each([0, 7, 20, 45, 90])(
    'drained under load after %i ms, it loses no message that was acknowledged',
    async (delayMs) => {
      const server = await startServer(model.name)
      const speakers = (await crowd(model, server)).map((client, i) => new Speaker(client, i))
      for (const speaker of speakers) speaker.start(speakers.length === 1)
      await sleep(delayMs)
      server.signal('SIGTERM')
      for (const { client } of speakers) await client.toEnd()
      for (const { client } of speakers) client.close()
      expect(await within(DRAIN_MS_MAX, 'the server should end', server.ended)).toEqual({
        code: 0,
        signal: null,
      })
      for (const receiver of speakers) {
        expect(receiver.lastLine).toBe(LAST_WORDS)
        expect(receiver.client.partial, 'the last line should be whole').toBe('')
        for (const sender of speakers) {
          if (sender === receiver && speakers.length > 1) continue
          const numbers = receiver.received.get(sender.nick) ?? []
          expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i))
          expect(numbers.length, `of ${sender.nick} at ${receiver.nick}`).toBeGreaterThanOrEqual(
            sender.acknowledged,
          )
        }
      }
    },
  )

  test('a client that neither reads nor leaves does not hold the end up', async () => {
    const server = await startServer(model.name)
    const slow = new SlowReader(server.address)
    slow.say('NICK slow', 'USER slow 0 * :slow')
    await slow.lineLike(/ 422 /)
    await slow.sayUntilRefused('PING :0123456789\r\n', 64 * 1024 * 1024)
    expect(await server.stop(DRAIN_MS_MAX)).toEqual({ code: 0, signal: null })
    slow.close()
  })

  test('a client in a long WAIT does not hold the end up', async () => {
    const server = await startServer(model.name, ['--lab'])
    const client = await registered(server.address, 'waiter')
    client.say('PING :now', 'WAIT 10000')
    await client.lineLike(/ PONG /)
    const [lastLine, end] = await Promise.all([lastLineOf(client), server.stop(DRAIN_MS_MAX)])
    expect(lastLine).toBe(LAST_WORDS)
    expect(end).toEqual({ code: 0, signal: null })
  })

  test('clients that connect while it drains are not left in limbo', async () => {
    const server = await startServer(model.name)
    const [client] = (await crowd(model, server)) as [Client]
    const late = Promise.allSettled(
      Array.from({ length: 10 }, async () => {
        const other = await connectTo(server.address)
        await other.toEnd()
        other.close()
      }),
    )
    server.signal('SIGTERM')
    await client.toEnd()
    closeClients()
    expect((await within(DRAIN_MS_MAX, 'the server should end', server.ended)).code).toBe(0)
    await within(DRAIN_MS_MAX, 'late clients should see an end, or be refused', late)
  })

  test('a second signal ends it at once, with exit code 1', async () => {
    const server = await startServer(model.name)
    const client = await registered(server.address, 'stayer') // It does not end its side.
    const family = server.children()
    server.signal('SIGTERM')
    await client.lineLike(new RegExp(`^${LAST_WORDS}$`))
    server.signal('SIGTERM')
    expect(await within(AT_ONCE_MS, 'the server should end at once', server.ended)).toEqual({
      code: 1,
      signal: null,
    })
    await until('its processes should end with it', () => !family.some(isAlive), AT_ONCE_MS)
  })

  testFor(
    model,
    { clients: 2 },
    'it ends with many clients who leave at the same time',
    async () => {
      const server = await startServer(model.name)
      await members(server.address, 8, '#leaving')
      closeClients()
      expect(await server.stop(DRAIN_MS_MAX)).toEqual({ code: 0, signal: null })
    },
  )
}

/** What the client hears last. Then it ends its side. */
async function lastLineOf(client: Client): Promise<string | undefined> {
  const { lines } = await client.toEnd()
  client.close()
  return lines.at(-1)
}

/** Five in a room, or as many as the model serves at a time. */
function crowd(model: ModelInfo, server: TestServer): Promise<Client[]> {
  return members(server.address, atMost(model, 5), '#drain')
}

/** Keeps eight messages under way, each with a PING behind it, and counts what it hears. */
class Speaker {
  readonly client: Client
  readonly nick: string
  /** How many of its messages the server has acknowledged: the PONG behind them has come. */
  acknowledged = 0
  readonly received = new Map<string, number[]>()
  lastLine = ''
  #sent = 0
  #target = '#drain'

  constructor(client: Client, index: number) {
    this.client = client
    this.nick = `member${index}`
  }

  /** Who is alone talks to itself: a room does not echo. */
  start(alone: boolean): void {
    if (alone) this.#target = this.nick
    this.client.watch((line) => this.#hear(line))
    for (let i = 0; i < 8; i++) this.#speak()
  }

  #hear(line: string): void {
    this.lastLine = line
    const [, nick, text] = /^:([^!]+)!\S+ PRIVMSG \S+ :(\d+)$/.exec(line) ?? []
    if (nick !== undefined) {
      const numbers = this.received.get(nick) ?? []
      this.received.set(nick, numbers)
      numbers.push(Number(text))
    } else if (/ PONG \S+ :said$/.test(line)) {
      this.acknowledged++
      this.#speak()
    }
  }

  #speak(): void {
    if (this.client.ending === null)
      this.client.say(`PRIVMSG ${this.#target} :${this.#sent++}`, 'PING :said')
  }
}

/** Sends so many PINGs and QUIT, and reads only then. Returns how many were answered. */
async function quitAfter(address: string, count: number): Promise<number> {
  const socket = connect({ ...connectOptions(address), allowHalfOpen: true })
  try {
    const pings = Array.from({ length: count }, (_, i) => `PING :${i} ${'x'.repeat(80)}\r\n`)
    socket.pause()
    socket.end(`NICK late\r\nUSER late 0 * :late\r\n${pings.join('')}QUIT\r\n`)
    const left = () => socket.writableLength
    await until('the server should have stopped reading, or be done', steadily(left))
    let text = ''
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
    socket.resume()
    await until('the server should end its side', () => socket.readableEnded)
    expect(text.slice(-80)).toContain('ERROR :Closing link: (Client quit)\r\n')
    return text.match(/ PONG \S+ :/g)?.length ?? 0
  } finally {
    socket.destroy()
  }
}
