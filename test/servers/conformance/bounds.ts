// Everything is bounded, and a client that comes to a bound is told which. The others do not notice.

import { afterEach, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor, whyNot } from '../../support/capabilities.ts'
import { type Client, closeClients, connectTo, members, registered } from '../../support/client.ts'
import { until } from '../../support/conditions.ts'
import { residentBytesOf, seesProcesses } from '../../support/processes.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'
import { SlowReader } from '../../support/slow-reader.ts'

/** What the kernel takes for a client that does not read is below this by far, on every system. */
const OFFERED_BYTES_MAX = 64 * 1024 * 1024
const MESSAGE_BYTES = 400
/** The queues hold less than 1 MB; the rest is room for the garbage that V8 has not collected yet. */
const GROWTH_BYTES_MAX = 96 * 1024 * 1024
const MESSAGES_MAX = OFFERED_BYTES_MAX / MESSAGE_BYTES
/** Messages between two looks at what has become of the slow reader. */
const BATCH = 250

export function bounds(model: ModelInfo): void {
  afterEach(async () => {
    closeClients()
    await endServers()
  })

  testFor(
    model,
    { clients: 4 },
    'a slow reader is let go with SendQ exceeded; the others get everything in order',
    async () => {
      const server = await startServer(model.name, ['--send-queue', '65536'])
      const [sender, healthy] = (await members(server.address, 2, '#flood')) as [Client, Client]
      const slow = new SlowReader(server.address)
      slow.say('NICK slow', 'USER slow 0 * :slow', 'JOIN #flood')
      await slow.lineLike(/ 366 /)
      await healthy.lineLike(/^:slow!\S+ JOIN /)

      const heard = { numbers: [] as number[], quits: [] as string[] }
      healthy.watch((line) => {
        if (/ PRIVMSG /.test(line)) heard.numbers.push(numberIn(line))
        else if (/ QUIT /.test(line)) heard.quits.push(line)
      })
      let sent = 0
      while (heard.quits.length === 0 && sent < MESSAGES_MAX) {
        sender.say(...firstNumbers(BATCH).map((number) => messageOf(sent + number)))
        sent += BATCH
        await sender.barrier()
        // No faster than the healthy one reads: on a busy machine it would be a slow reader, too.
        await until('the others should have all so far', () => heard.numbers.length >= sent)
      }
      await until('the room should hear of a departure', () => heard.quits.length > 0)
      expect(heard.quits).toEqual([expect.stringMatching(/^:slow!\S+ QUIT :SendQ exceeded$/)])

      // It reads on at last: whole lines in order, from the first one, and then why it was let go.
      const lines = (await slow.readToEnd()).split('\r\n')
      expect(lines.pop(), 'the last line should be whole').toBe('')
      expect(lines.pop()).toBe('ERROR :SendQ exceeded')
      const numbers = lines.filter((line) => / PRIVMSG /.test(line)).map(numberIn)
      expect(numbers).toEqual(firstNumbers(numbers.length))
      expect(numbers.length).toBeGreaterThan(0)
      slow.close()

      expect(heard.numbers).toEqual(firstNumbers(sent))
      await stopCleanly(server)
    },
  )

  test('a client that sends very much and reads the answers gets all of them', async () => {
    const server = await startServer(model.name)
    const client = await registered(server.address, 'eager')
    const requests = 60_000
    let answers = 0
    client.watch((line) => (answers += / PONG /.test(line) ? 1 : 0))
    // The shortest request there is: its answer is four times as long.
    client.send('PING a\r\n'.repeat(requests))
    await until(
      `all of ${requests} requests should be answered`,
      () => answers === requests || client.ending !== null,
    )
    expect(answers, `the connection: ${client.ending ?? 'lives'}`).toBe(requests)
    await stopCleanly(server)
  })

  test('a client that sends very much during its WAITs gets all answers', async () => {
    const server = await startServer(model.name, ['--lab'])
    const client = await registered(server.address, 'early')
    const waits = 40
    const requests = 3_000
    let answers = 0
    client.watch((line) => (answers += / PONG /.test(line) ? 1 : 0))
    client.send(`WAIT 20\r\n${'PING a\r\n'.repeat(requests)}`.repeat(waits))
    await until(
      'all requests should be answered',
      () => answers === waits * requests || client.ending !== null,
    )
    expect(answers, `the connection: ${client.ending ?? 'lives'}`).toBe(waits * requests)
    await stopCleanly(server)
  })

  test.skipIf(!seesProcesses)(
    'a client that sends very much and reads nothing costs little memory',
    async () => {
      const server = await startServer(model.name)
      const slow = new SlowReader(server.address)
      slow.say('NICK slow', 'USER slow 0 * :slow')
      await slow.lineLike(/ 422 /)
      const beforeBytes = residentBytes(server)
      // It is held back, or let go and what it still says is thrown away. Either costs a bounded amount.
      await slow.sayUntilRefused('PING :0123456789\r\n', 4 * OFFERED_BYTES_MAX)
      expect(residentBytes(server) - beforeBytes).toBeLessThan(GROWTH_BYTES_MAX)
      slow.close()
      const next = await registered(server.address, 'next')
      await next.barrier()
      await stopCleanly(server)
    },
  )

  testFor(
    model,
    { clients: 1 },
    'a client that asks for far more than may wait for it, and then reads, gets every answer',
    async () => {
      const server = await startServer(model.name, ['--send-queue', '70000'])
      const slow = new SlowReader(server.address)
      slow.say('NICK slow', 'USER slow 0 * :slow')
      await slow.lineLike(/ 422 /)
      const line = 'PING x\r\n'
      // The answer is more than four times as long as the question.
      const asked = Math.floor((await slow.sayUntilRefused(line, 1_000_000)) / line.length)
      expect(asked).toBeGreaterThan(10_000)
      expect(await slow.linesLike(/ PONG \S+ :x$/, asked)).not.toContain('ERROR')
      slow.close()
      await stopCleanly(server)
    },
  )

  testFor(
    model,
    { clients: 2 },
    'one client too many is told so; a place is free when one leaves',
    async () => {
      const server = await startServer(model.name, ['--max-clients', '2'])
      const [alice, bob] = (await members(server.address, 2, '#full')) as [Client, Client]
      for (let i = 0; i < 20; i++) {
        const refused = await connectTo(server.address)
        refused.say('NICK toomany', 'USER u 0 * :u')
        expect(await refused.toEnd()).toMatchObject({ lines: ['ERROR :Server full'] })
        refused.close()
      }
      alice.say('PRIVMSG #full :still here')
      await alice.barrier()
      expect(await bob.barrier()).toEqual([expect.stringMatching(/ PRIVMSG #full :still here$/)])
      await bob.quit()
      await until('there should be a place again', async () => {
        const next = await connectTo(server.address)
        next.say('NICK next', 'USER u 0 * :u')
        return !(await next.nextLine()).startsWith('ERROR')
      })
      await stopCleanly(server)
    },
  )

  test.skipIf(model.clientsAtOnce === Infinity)(
    `more clients than it serves at a time wait, and are served in their turn (${whyNot(model, { clients: Infinity }) ?? 'not this model: it serves all at a time'})`,
    async () => {
      const server = await startServer(model.name)
      const first = await Promise.all(
        Array.from({ length: model.clientsAtOnce }, (_, i) =>
          registered(server.address, `first${i}`),
        ),
      )
      const waiting = await connectTo(server.address)
      waiting.say('PING :patience')
      for (const client of first) await client.barrier()
      await expect(waiting.nextLine(50)).rejects.toThrow('in vain')
      for (const client of first) await client.quit()
      expect(await waiting.nextLine()).toMatch(/ PONG \S+ :patience$/)
      await stopCleanly(server)
    },
  )

  test('who does not register in time is let go', async () => {
    const server = await startServer(model.name, ['--registration-timeout', '500ms'])
    const silent = await connectTo(server.address)
    expect((await silent.toEnd()).lines).toEqual(['ERROR :Closing link: (Registration timed out)'])
    silent.close()

    // Saying something, however often, is not registering.
    const slow = await connectTo(server.address)
    await until('the slow one should be let go', () => {
      slow.send('P')
      return slow.ending !== null
    })
    expect((await slow.toEnd()).lines.at(-1)).toMatch(/^ERROR :Closing link: \(Registration timed/)
    slow.close()

    const quick = await registered(server.address, 'quick')
    await quick.barrier()
    await stopCleanly(server)
  })

  test('who is silent is sent a PING, and let go if it stays silent', async () => {
    const server = await startServer(model.name, [
      '--ping-interval',
      '300ms',
      '--ping-timeout',
      '700ms',
    ])
    const client = await registered(server.address, 'silent')
    for (let i = 0; i < 2; i++) {
      expect(await client.nextLine()).toBe('PING :hubbub.local')
      client.say('PONG :hubbub.local')
    }
    const { lines } = await client.toEnd()
    expect(lines).toEqual(['PING :hubbub.local', 'ERROR :Closing link: (Ping timeout)'])
    await stopCleanly(server)
  })

  test('who waits for the server is not taken for silent', async () => {
    const server = await startServer(model.name, [
      '--lab',
      '--ping-interval',
      '400ms',
      '--ping-timeout',
      '400ms',
    ])
    for (const [nick, ...lines] of [
      ['waits', 'WAIT 3000', 'PING :end'],
      [
        'computes',
        'WORK 700',
        'JOIN #a',
        'WORK 700',
        'PART #a',
        'WORK 700',
        'JOIN #b',
        'PING :end',
      ],
    ] as const) {
      const client = await registered(server.address, nick)
      let answered = false
      client.watch((line) => {
        answered ||= / PONG \S+ :end$/.test(line)
        if (line.startsWith('PING ')) client.say('PONG :hubbub.local')
      })
      client.say(...lines)
      await until('the last line should be answered', () => answered)
      client.close()
    }
    await stopCleanly(server)
  })

  testFor(model, { clients: 2 }, 'a room hears of a ping time-out', async () => {
    const server = await startServer(model.name, [
      '--ping-interval',
      '700ms',
      '--ping-timeout',
      '500ms',
    ])
    const [silent, watcher] = (await members(server.address, 2, '#silence')) as [Client, Client]
    const heard: string[] = []
    await until('the room should hear that somebody has gone', async () => {
      heard.push(...(await watcher.barrier()))
      return heard.length > 0
    })
    expect(heard).toEqual([expect.stringMatching(/^:member0!\S+ QUIT :Ping timeout$/)])
    expect((await silent.toEnd()).lines.at(-1)).toBe('ERROR :Closing link: (Ping timeout)')
    await stopCleanly(server)
  })
}

/** Of the whole process tree. */
function residentBytes(server: TestServer): number {
  return [server.pid, ...server.children()].map(residentBytesOf).reduce((sum, bytes) => sum + bytes)
}

function messageOf(number: number): string {
  const text = `PRIVMSG #flood :${number} `
  return text.padEnd(MESSAGE_BYTES - 2, '.')
}

function numberIn(line: string): number {
  return Number(/ PRIVMSG \S+ :(\d+) /.exec(line)?.[1])
}

function firstNumbers(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i)
}
