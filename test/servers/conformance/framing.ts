// From bytes to lines, over a real connection: whatever the network does to a stream of bytes, and
// whatever a client puts into it, the answers are the same.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { type Client, closeClients, connectTo, registered } from '../../support/client.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'
import { CORPUS } from './corpus.ts'

export function framing(model: ModelInfo): void {
  let server: TestServer
  beforeAll(async () => {
    server = await startServer(model.name, ['--lab'])
  })
  afterEach(closeClients)
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
  })

  test('a line cut at any byte is the same line', async () => {
    const client = await inChannel(server)
    for (const line of CORPUS) {
      const whole = await answersTo(client, line)
      for await (const { cutAt, answers } of cutEverywhere(client, line)) {
        expect(answers, `${JSON.stringify(line)} cut after ${cutAt} bytes`).toEqual(whole)
      }
    }
  })

  test('every byte of every line in a write of its own', async () => {
    const client = await inChannel(server)
    const whole = await answersTo(client, CORPUS.join(''))
    for (const byte of CORPUS.join('')) {
      client.send(byte)
      await new Promise(setImmediate)
    }
    expect(await client.barrier()).toEqual(whole)
  })

  test('1,000 lines in one write are answered in their order', async () => {
    const client = await inChannel(server)
    const numbers = Array.from({ length: 1000 }, (_, i) => i)
    client.say(...numbers.map((i) => (i % 3 === 0 ? `PRIVMSG alice :${i}` : `PING :${i}`)))
    const lines = await client.linesTo(/ PONG \S+ :998$/)
    lines.push(await client.nextLine())
    expect(lines.map((line) => Number(line.slice(line.lastIndexOf(':') + 1)))).toEqual(numbers)
  })

  test('512 bytes are a line; one more is 417, once, and the next line is well', async () => {
    const client = await inChannel(server)
    for (const end of ['\r\n', '\n']) {
      expect(await answersTo(client, pingOf(512, end))).toHaveLength(1)
      expect((await answersTo(client, pingOf(512, end)))[0]).toMatch(/^:hubbub.local PONG /)
      expect(await answersTo(client, pingOf(513, end))).toEqual([
        expect.stringMatching(/ 417 alice /),
      ])
      expect(await answersTo(client, pingOf(5000, end))).toEqual([
        expect.stringMatching(/ 417 alice /),
      ])
    }
  })

  test('LF alone ends a line; CR alone does not', async () => {
    const client = await inChannel(server)
    expect(await answersTo(client, 'PING a\nPING b\n\n\r\nPING c\r\n')).toEqual(
      ['a', 'b', 'c'].map((token) => `:hubbub.local PONG hubbub.local :${token}`),
    )
    const [answer, ...more] = await answersTo(client, 'PING a\rPING b\r\n')
    expect(answer).toMatch(/ 400 alice /)
    expect(more).toEqual([])
  })

  test('NUL and malformed UTF-8 are refused, not relayed, and cost nothing else', async () => {
    const client = await inChannel(server)
    expect(await answersTo(client, 'PRIVMSG alice :a\0b\r\n')).toEqual([
      expect.stringMatching(/ 400 alice /),
    ])
    for (const bad of [
      '\xff',
      '\xc3',
      '\xc0\xaf',
      '\xed\xa0\x80',
      '\xf5\x80\x80\x80',
      '\xe2\x82',
    ]) {
      expect(await answersTo(client, `PRIVMSG alice :${bad}\r\n`)).toEqual([
        expect.stringContaining('INVALID_UTF8'),
      ])
    }
    const emoji = Buffer.from('a😀é\u{FEFF}').toString('latin1')
    expect(await answersTo(client, `PRIVMSG alice :${emoji}\r\n`)).toEqual([
      expect.stringMatching(new RegExp(`PRIVMSG alice :${emoji}$`)),
    ])
  })

  test('a line without end is ended', async () => {
    const client = await inChannel(server)
    client.send('x'.repeat(64 * 1024))
    const { lines } = await client.toEnd()
    expect(lines.at(-1)).toMatch(/^ERROR :Closing link: \(Line without end\)$/)
    expect(lines.length).toBeLessThanOrEqual(2) // 417, once, and this.
  })

  test('half a connection: a request right before the end of the stream is answered', async () => {
    for (let round = 0; round < 3; round++) {
      const client = await connectTo(server.address)
      client.say('NICK alice', 'USER alice 0 * :Alice', 'JOIN #half', 'WAIT 20', 'PING :last')
      client.halfClose()
      const { ending, lines } = await client.toEnd()
      expect(ending).toBe('end')
      expect(lines.find((line) => / 366 alice #half /.test(line))).toBeDefined()
      expect(lines.slice(-2)).toEqual([
        ':hubbub.local WAIT 20',
        ':hubbub.local PONG hubbub.local :last',
      ])
      client.close()
    }
  })

  test('a request without a line end is none', async () => {
    const client = await inChannel(server)
    client.send('PING :a\r\nPING :b')
    client.halfClose()
    const { ending, lines } = await client.toEnd()
    expect(ending).toBe('end')
    expect(lines).toEqual([':hubbub.local PONG hubbub.local :a'])
  })
}

/** A PING of so many bytes, its line end included. */
function pingOf(bytes: number, end: string): string {
  return `PING :${'x'.repeat(bytes - 6 - end.length)}${end}`
}

/** Alice, who is in #here, and has heard everything about it. */
async function inChannel(server: TestServer): Promise<Client> {
  return (await registered(server.address, 'alice')).join('#here')
}

async function answersTo(client: Client, bytes: string): Promise<string[]> {
  client.send(bytes)
  return client.barrier()
}

/**
 * Sends the line once for each place where it can be cut in two, and yields the answers. A PING goes
 * before the cut in the same write: when it is answered, the server has read the first part, so the
 * second is another read for sure. That makes a cut cost one round trip and no waiting.
 */
async function* cutEverywhere(
  client: Client,
  line: string,
): AsyncGenerator<{ cutAt: number; answers: string[] }, void, void> {
  for (let cutAt = 1; cutAt < line.length; cutAt++) {
    client.send(`PING :cut\r\n${line.slice(0, cutAt)}`)
    // A line that is too long is refused as soon as that is certain, which is before its end.
    const before = await client.linesTo(/ PONG \S+ :cut$/)
    client.send(line.slice(cutAt))
    yield { cutAt, answers: [...before.slice(0, -1), ...(await client.barrier())] }
  }
}
