// Whole runs of the load generator, against honest servers and against dishonest ones. The worker
// threads run the compiled generator in dist/, so the build must be up to date (`npm test` sees to it).

import { tmpdir } from 'node:os'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  type LoadHooks,
  type LoadPhase,
  type LoadResult,
  type LoadSpec,
  runLoad,
} from '../../clients/load/index.ts'
import { IN_VAIN, NONE, SHORT, faultsOf } from './short-runs.ts'
import { close, formatAddress, listenOn } from '../../posix/index.ts'
import { loadChat, server, startChat } from './chat-runs.ts'
import { ChatServer, type Client, type Faults } from './chat-server.ts'

/** Threads and WebAssembly have to start, on a machine that may be busy with other tests. */
const PATIENCE = { timeout: 30_000 }

const SPEC: LoadSpec = { ...SHORT, workload: 'ping', senders: 2, pingsPerSession: 5 }

async function load(
  faults: Faults,
  spec: Partial<LoadSpec> = {},
  hooks: LoadHooks = {},
): Promise<LoadResult> {
  return loadChat(faults, { ...SPEC, ...spec }, hooks)
}

const everyThousandth = (count: number) => count % 1000 === 500
const dropped = (line: string, count: number) => (everyThousandth(count) ? [] : [line])

describe('an honest server', PATIENCE, () => {
  test.each([1, 2])('ping on %i threads: every request is answered once', async (threads) => {
    const result = await load({}, { threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    expect(result.ledger.sent).toBe(server!.pings)
    expect(result.ledger.received).toBe(server!.pings)
    expect(result.operations).toBeGreaterThan(0)
    // What was in flight when the window ended is timed as well, but is no operation of the window.
    expect(result.serviceTime.count).toBeGreaterThanOrEqual(result.operations)
    expect(result.serviceTime.count).toBeLessThanOrEqual(result.operations + 6 * 4)
    expect(result.firstAnswerTime).toBeNull()
  })

  test.each([1, 2])('room on %i threads: every member gets every message once', async (threads) => {
    const result = await load({}, { workload: 'room', threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    expect(result.ledger.sent).toBe(server!.messages)
    expect(result.ledger.received).toBe(server!.messages * 5)
    // One barrier for each burst.
    expect(server!.pings * SPEC.window).toBe(server!.messages)
    expect(result.operations).toBeGreaterThan(0)
  })

  test.each([1, 2])('mix on %i threads: some work, the others PING', async (threads) => {
    const result = await load({}, { workload: 'mix', threads, workMs: 7 })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    // Each WORK has a PING behind it.
    expect(result.ledger.sent).toBe(server!.pings)
    expect(server!.workMs).toEqual(new Set(['7']))
    expect(server!.works).toBeGreaterThan(0)
    expect(server!.works).toBeLessThan(server!.pings)
    expect(result.operations).toBeGreaterThan(0)
    expect(result.beside!.operations).toBeGreaterThan(0)
    expect(result.beside!.operations).toBeLessThanOrEqual(server!.works)
    expect(result.beside!.serviceTime.count).toBeGreaterThanOrEqual(result.beside!.operations)
  })

  test.each([1, 2])('idle on %i threads: some PING, the others are there', async (threads) => {
    const result = await load({}, { workload: 'idle', threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    expect(server!.nicks.size).toBe(6)
    expect(server!.pingsBy.size).toBe(SPEC.senders)
    expect(result.ledger.sent).toBe(server!.pings)
    expect(result.operations).toBeGreaterThan(0)
  })

  test.each([1, 2])('session on %i threads: sessions follow one another', async (threads) => {
    const result = await load({}, { workload: 'session', threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    expect(result.operations).toBeGreaterThan(6)
    expect(result.ledger.received).toBe(server!.pings)
    expect(server!.pings).toBe(server!.quits * SPEC.pingsPerSession)
    expect(server!.nicks.size).toBe(server!.accepted)
    expect(server!.accepted).toBe(server!.quits)
    expect(result.firstAnswerTime!.count).toBeGreaterThanOrEqual(result.operations)
    expect(result.firstAnswerTime!.p50Ns).toBeLessThan(result.serviceTime.p50Ns)
  })

  test.each(['ping', 'room', 'session'] as const)(
    '%s: other names, other line ends, other lengths',
    async (workload) => {
      const result = await load(
        { serverName: 'irc.a-rather-long-name.example.org', terminator: '\n' },
        { workload, messageBytes: 137, window: 3, seed: 4_000_000_000 },
      )
      expect(faultsOf(result)).toEqual(NONE)
      expect(result.operations).toBeGreaterThan(0)
    },
  )

  test.each(['ping', 'room'] as const)('%s: lines that come in pieces', async (workload) => {
    const result = await load({ torn: true }, { workload })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result.served).toBe(6)
    expect(result.operations).toBeGreaterThan(100)
  })

  test('over a Unix-domain socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'load-'))
    try {
      // So small a backlog is full at once, and a Unix-domain socket says so.
      const { address } = await startChat({ backlog: 1 }, join(folder, 'chat'))
      const result = await runLoad({ ...SPEC, address, clients: 300 })
      expect(faultsOf(result)).toEqual(NONE)
      expect(result).toMatchObject({ served: 300, errors: {} })
    } finally {
      await rm(folder, { recursive: true })
    }
  })

  test('the phases come in order, and connections stay open while hold lasts', async () => {
    const phases: LoadPhase[] = []
    let openInHold = 0
    let pingsInHold = -1
    let pingsAfterHold = -2
    const result = await load(
      {},
      {},
      {
        onPhase: async (phase) => {
          phases.push(phase)
          if (phase === 'setup') expect(server!.accepted).toBe(0)
          if (phase !== 'hold') return
          // The drain is over when nothing was asked for a while.
          await settled(() => server!.pings)
          pingsInHold = server!.pings
          await new Promise((resolve) => setTimeout(resolve, 50))
          pingsAfterHold = server!.pings
          openInHold = server!.clients.size
        },
      },
    )
    expect(phases).toEqual(['setup', 'warmup', 'measure', 'hold', 'finish'])
    expect(openInHold).toBe(6)
    expect(pingsAfterHold).toBe(pingsInHold)
    expect(result.elapsedNs).toBeGreaterThan(SPEC.durationMs * 1e6 * 0.5)
    expect(faultsOf(result)).toEqual(NONE)
  })

  test('the generator tells its own state, and its progress', async () => {
    const seen: number[] = []
    const result = await load({}, { durationMs: 900 }, { onProgress: (n) => seen.push(n) })
    expect(result.generator.threads).toBe(1)
    expect(result.generator.busyShare).toBeGreaterThan(0)
    expect(result.generator.busyShare).toBeLessThanOrEqual(1)
    expect(result.generator.cpuMs).toBeGreaterThan(0)
    expect(seen.length).toBeGreaterThanOrEqual(2)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
    expect(seen.at(-1)).toBeGreaterThan(0)
  })
})

describe('a server that sends PING', PATIENCE, () => {
  test('is answered, during the load and while the run holds', async () => {
    const answered = new Set<string>()
    const ignore = (line: string) => {
      if (!line.startsWith('PONG')) return false
      answered.add(line)
      return true
    }
    let asked = false
    const result = await load(
      {
        ignore,
        tamper: (line, count, client) => {
          if (count % 50 !== 0) return [line]
          return ['PING :under-load', line, `PING ${client.nick}`]
        },
      },
      {},
      {
        onPhase: async (phase) => {
          if (phase !== 'hold') return
          await settled(() => server!.pings)
          for (const client of server!.clients) server!.say(client, 'PING :while-holding')
          await until(() => answered.has('PONG :while-holding'))
          asked = true
        },
      },
    )
    expect(asked).toBe(true)
    expect(answered).toContain('PONG :under-load')
    expect(faultsOf(result)).toEqual(NONE)
  })
})

describe('a server that answers wrongly is found out', PATIENCE, () => {
  test('drops one answer in a thousand', async () => {
    const result = await load({ tamper: dropped })
    const { ledger } = result
    expect(ledger.lost + ledger.outstanding).toBe(droppedOf(server!))
    expect(ledger.lost).toBeGreaterThan(0)
    expect(ledger.sent).toBe(ledger.received + ledger.lost + ledger.outstanding)
    expect({ ...faultsOf(result), lost: 0, outstanding: 0 }).toEqual(NONE)
  })

  test('drops one answer in a thousand, with one in flight: it stays outstanding', async () => {
    const result = await load({ tamper: dropped }, { ...IN_VAIN, window: 1 })
    const { ledger } = result
    expect(ledger.outstanding).toBe(droppedOf(server!))
    expect(ledger.outstanding).toBeGreaterThan(0)
    expect(ledger.sent).toBe(ledger.received + ledger.outstanding)
  })

  test('drops one delivery in a thousand', async () => {
    const result = await load(
      { tamper: (line, count) => (line.includes('PRIVMSG') ? dropped(line, count) : [line]) },
      { workload: 'room' },
    )
    const { ledger } = result
    expect(ledger.lost).toBeGreaterThan(0)
    expect(ledger.sent * 5).toBe(ledger.received + ledger.lost + ledger.outstanding)
  })

  test.each(['ping', 'room', 'session'] as const)('%s: answers twice', async (workload) => {
    let twice = 0
    const result = await load(
      {
        tamper: (line, count) => {
          if (!everyThousandth(count) || (workload === 'room' && line.includes('PONG')))
            return [line]
          twice++
          return [line, line]
        },
      },
      { workload },
    )
    expect(twice).toBeGreaterThan(0)
    expect(faultsOf(result)).toEqual({ ...NONE, duplicated: twice })
  })

  test.each(['ping', 'room'] as const)('%s: answers in another order', async (workload) => {
    let swapped = 0
    const kind = workload === 'room' ? 'PRIVMSG' : 'PONG'
    const held = new Map<unknown, string>()
    const result = await load(
      {
        tamper: (line, _count, client) => {
          const kept = held.get(client)
          held.delete(client)
          // Only two of the same burst are swapped: nothing may be held back for ever.
          if (kept !== undefined) {
            swapped++
            return [line, kept]
          }
          const first = swapped + held.size < 3 && line.includes(kind) && isFirstOfBurst(line)
          if (first) held.set(client, line)
          return first ? [] : [line]
        },
      },
      { workload, senders: 1, window: 4, clients: 3 },
    )
    expect(swapped).toBeGreaterThan(0)
    expect(faultsOf(result)).toEqual({ ...NONE, reordered: swapped })
  })

  test.each([
    ['in the message', (line: string) => line.length - 20],
    ['in the number', (line: string) => line.length - 60],
    ['in the time', (line: string) => line.length - 52],
    ['before the message', (line: string) => line.length - 64 - 8],
    ['at the very beginning', () => 0],
  ])('ping: changes one byte %s', async (_where, at) => {
    let changed = 0
    const result = await load({
      tamper: (line, count) => {
        if (!everyThousandth(count)) return [line]
        changed++
        return [flip(line, at(line))]
      },
    })
    const { ledger } = result
    expect(changed).toBeGreaterThan(0)
    expect(ledger.corrupt).toBe(changed)
    expect(ledger.lost + ledger.outstanding).toBe(changed)
  })

  test.each([
    ['in the message', (line: string) => line.length - 20],
    ['in the time', (line: string) => line.length - 52],
    ['in the nickname', () => 3],
    ['in the room', (line: string) => line.length - 64 - 4],
  ])('room: changes one byte %s', async (_where, at) => {
    let changed = 0
    const result = await load(
      {
        tamper: (line, count) => {
          if (count % 1000 < 500 || line.includes('PONG') || changed >= 3) return [line]
          changed++
          return [flip(line, at(line))]
        },
      },
      { workload: 'room' },
    )
    const { ledger } = result
    expect(changed).toBe(3)
    expect(ledger.corrupt).toBe(3)
    expect(ledger.lost + ledger.outstanding).toBe(3)
  })

  test.each([
    ['a word of its own', () => ':tests.local PONG tests.local :pong'],
    ['nonsense', () => 'HTTP/1.1 400 Bad Request'],
    ['an error reply', () => ':tests.local 421 you PING :Unknown command'],
    ['the answer of somebody else', (line: string, others: string[]) => others.at(-1) ?? line],
  ])('answers with %s', async (_what, instead) => {
    const others: string[] = []
    let wrong = 0
    const result = await load(
      {
        tamper: (line, count, client) => {
          if (client.number === 0) others.push(line)
          if (client.number !== 1 || count < 100) return [line]
          wrong++
          return [instead(line, others)]
        },
      },
      IN_VAIN,
    )
    expect(wrong).toBeGreaterThan(0)
    expect(result.ledger.corrupt).toBe(wrong)
  })

  test.each([
    ['does not do', () => []],
    ['does twice', (line: string) => [line, line]],
    ['does otherwise', (line: string) => [`${line}0`]],
    ['refuses', () => [':tests.local 400 you WORK :The server is busy, try again later']],
  ])('%s some of the WORK', async (_what, instead) => {
    let works = 0
    let wrong = 0
    const result = await load(
      {
        tamper: (line) => {
          if (!line.includes(' WORK ') || ++works % 10 !== 5) return [line]
          wrong++
          return instead(line)
        },
      },
      { workload: 'mix' },
    )
    expect(wrong).toBeGreaterThan(0)
    expect(result.ledger.corrupt).toBeGreaterThanOrEqual(wrong)
    expect({ ...faultsOf(result), corrupt: 0 }).toEqual(NONE)
  })

  test('answers a WORK without doing it', async () => {
    const result = await load({ idles: true }, { workload: 'mix', window: 1 })
    expect(server!.works).toBeGreaterThan(0)
    // On a busy machine an answer may come late enough by chance.
    expect(result.ledger.corrupt).toBeGreaterThan(0)
    expect({ ...faultsOf(result), corrupt: 0 }).toEqual(NONE)
  })

  test('tells a speaker what it has said itself', async () => {
    let echoed = 0
    const result = await load(
      {
        tamper: (line, _count, client) => {
          if (client.number !== 0 || echoed > 0 || !line.includes('PONG')) return [line]
          echoed++
          return [said.at(-1)!, line]
        },
        ignore: (line, client) => {
          if (client.number === 0 && line.startsWith('PRIVMSG')) {
            said.push(`:${client.nick}!~bench@127.0.0.1 ${line}`)
          }
          return false
        },
      },
      { workload: 'room' },
    )
    expect(result.ledger.corrupt).toBe(1)
  })
  const said: string[] = []
})

describe('a server that stops', PATIENCE, () => {
  test('stalls: the run ends in time, and what is outstanding is timed by then', async () => {
    const beganAt = performance.now()
    const result = await load({ tamper: (line, count) => (count > 200 ? [] : [line]) }, IN_VAIN)
    expect(performance.now() - beganAt).toBeLessThan(10_000)
    expect(result.ledger.outstanding).toBe(6 * 4)
    expect(result.ledger.sent).toBe(result.ledger.received + 24)
    // The requests have waited for the rest of the window, and for the whole drain.
    expect(result.serviceTime.maxNs).toBeGreaterThanOrEqual(IN_VAIN.drainMs * 1e6)
    expect(result.serviceTime.count).toBeGreaterThanOrEqual(24)
    expect(result.errors).toEqual({})
  })

  test('stalls in a room: deliveries that are outstanding are timed by then', async () => {
    const result = await load(
      { tamper: (line, count) => (count > 200 ? [] : [line]) },
      { ...IN_VAIN, workload: 'room' },
    )
    const { ledger } = result
    expect(ledger.outstanding).toBeGreaterThanOrEqual(2)
    // Two speakers wait for their barrier; the rest are deliveries.
    expect(ledger.sent * 5).toBe(ledger.received + ledger.lost + ledger.outstanding - 2)
    expect(result.serviceTime.maxNs).toBeGreaterThanOrEqual(IN_VAIN.drainMs * 1e6)
  })

  test('stalls in a session: it is timed by then, and outstanding', async () => {
    const result = await load(
      { tamper: (line, count) => (count > 200 ? [] : [line]) },
      { ...IN_VAIN, workload: 'session' },
    )
    expect(result.ledger.outstanding).toBeGreaterThan(0)
    expect(result.serviceTime.maxNs).toBeGreaterThanOrEqual(IN_VAIN.drainMs * 1e6)
  })

  test('closes without a word', async () => {
    const result = await load({
      tamper: (line, count, client) => {
        if (count >= 100 && client.number === 2) client.socket.destroy()
        return [line]
      },
    })
    const causes = Object.keys(result.errors)
    expect(causes).toHaveLength(1)
    expect(['closed by server', 'ECONNRESET', 'EPIPE']).toContain(causes[0])
    expect(result.errors[causes[0]!]).toBe(1)
    expect(result.served).toBe(6)
    expect(faultsOf(result)).toEqual(NONE)
    // What was in flight on the connection is all that is missing.
    const { sent, received } = result.ledger
    expect(sent - received).toBeGreaterThan(0)
    expect(sent - received).toBeLessThanOrEqual(SPEC.window)
  })

  test('closes with its reason', async () => {
    const result = await load({
      tamper: (line, count, client) => {
        if (count >= 500 && client.number < 2 && client.socket.writable) {
          client.socket.end('ERROR :SendQ exceeded\r\n')
        }
        return client.socket.writable ? [line] : []
      },
    })
    expect(result.errors).toEqual({ 'ERROR :SendQ exceeded': 2 })
  })

  test('closes on a member of the room: the others get everything', async () => {
    const result = await load(
      {
        tamper: (line, count, client) => {
          if (count >= 500 && client.number === 5) client.socket.destroy()
          return [line]
        },
      },
      { workload: 'room' },
    )
    expect(faultsOf(result)).toEqual(NONE)
    expect(Object.values(result.errors)).toEqual([1])
  })

  test('closes on a speaker of the room, whose last words nobody gets', async () => {
    let unheard = 0
    const result = await load(
      {
        ignore: (line, client) => {
          if (client.nick.endsWith('0000000') && server!.messages > 50) {
            if (line.startsWith('PRIVMSG')) unheard++
            client.socket.destroy()
          }
          return client.socket.destroyed
        },
      },
      { workload: 'room' },
    )
    expect(unheard).toBeGreaterThan(0)
    expect(Object.values(result.errors)).toEqual([1])
    // They are nowhere in the ledger but in the difference between sent and delivered.
    expect(faultsOf(result)).toEqual(NONE)
    expect(result.ledger.sent).toBeGreaterThanOrEqual(server!.messages + unheard)
  })

  test('sends a line that never ends', async () => {
    const result = await load({
      tamper: (line, count, client) => {
        if (count === 100) client.socket.write('x'.repeat(100_000))
        return [line]
      },
    })
    expect(result.errors).toEqual({ 'endless line': 1 })
  })
})

describe('a server that does not serve', PATIENCE, () => {
  test.each(['ping', 'session'] as const)('%s: never accepts', async (workload) => {
    const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 16 })
    try {
      const address = formatAddress(listener.address)
      const result = await runLoad({ ...SPEC, ...IN_VAIN, workload, address })
      expect(result).toMatchObject({
        served: 0,
        unserved: 6,
        operations: 0,
        errors: {},
        refused: {},
      })
      expect(result.ledger.sent).toBe(0)
      // Who waits for a session is timed; who waits for nothing to begin is not.
      expect(result.firstAnswerTime?.count ?? 0).toBe(workload === 'session' ? 6 : 0)
    } finally {
      close(listener.fd)
    }
  })

  test('refuses some, in so many words', async () => {
    const result = await load({
      refuse: (client) => {
        if (client.number < 4) return false
        client.socket.end('ERROR :Server full\r\n')
        return true
      },
    })
    expect(result.refused).toEqual({ 'Server full': 2 })
    expect(result).toMatchObject({ served: 4, unserved: 0, errors: {} })
    expect(faultsOf(result)).toEqual(NONE)
  })

  test('refuses with a numeric', async () => {
    const result = await load({
      ignore: (line, client) => {
        if (!line.startsWith('USER') || client.number !== 3) return false
        server!.say(client, `:tests.local 433 * ${client.nick} :Nickname is already in use`)
        return true
      },
    })
    expect(result.refused).toEqual({ '433 Nickname is already in use': 1 })
    expect(result.served).toBe(5)
  })

  test.each(['ping', 'room', 'session'] as const)(
    '%s: welcomes somebody else than has come',
    async (workload) => {
      const result = await load(
        {
          ignore: (line, client) => {
            if (!line.startsWith('USER') || client.number !== 3) return false
            server!.say(client, ':tests.local 001 somebody :Welcome')
            return true
          },
        },
        { workload },
      )
      expect(result.errors).toEqual({ 'welcomed as somebody else': 1 })
      // A session that fails is followed by another in its place.
      expect(result.served).toBe(workload === 'session' ? 6 : 5)
      expect(faultsOf(result)).toEqual(NONE)
    },
  )

  test('refuses a session, and is asked again', async () => {
    const result = await load(
      {
        refuse: (client) => {
          if (client.number % 10 !== 9) return false
          client.socket.end('ERROR :Try again\r\n')
          return true
        },
      },
      { workload: 'session' },
    )
    expect(result.refused['Try again']).toBeGreaterThan(0)
    expect(result.served).toBe(6)
    expect(result.operations).toBeGreaterThan(0)
    expect(faultsOf(result)).toEqual(NONE)
  })

  test('leaves some unanswered: they stay connected, and take no part', async () => {
    let connectedInHold = 0
    const result = await load({ refuse: (client) => client.number >= 4 }, IN_VAIN, {
      onPhase: (phase) => {
        if (phase === 'hold') connectedInHold = server!.clients.size
      },
    })
    expect(result).toMatchObject({ served: 4, unserved: 2, errors: {}, refused: {} })
    expect(connectedInHold).toBe(6)
    expect(faultsOf(result)).toEqual(NONE)
  })

  test('serves one at a time: sessions wait their turn', async () => {
    const waiting: Client[] = []
    let served: Client | undefined
    const serveNext = () => {
      served = waiting.shift()
      served?.socket.resume()
    }
    const result = await load(
      {
        refuse: (client) => {
          waiting.push(client)
          // Not before the server reads from it, which starts the flow.
          setImmediate(() => {
            if (client !== served) client.socket.pause()
          })
          client.socket.on('close', () => {
            if (client === served) serveNext()
          })
          if (served === undefined) serveNext()
          return false
        },
      },
      { workload: 'session', clients: 10 },
    )
    expect(faultsOf(result)).toEqual(NONE)
    expect(result.served).toBe(10)
    // The first answer is most of what a session takes: the rest is over in no time.
    expect(result.firstAnswerTime!.p50Ns).toBeGreaterThan(result.serviceTime.p50Ns / 2)
  })

  test('is not there', async () => {
    const gone = await ChatServer.start()
    const { address } = gone
    await gone.stop()
    const result = await runLoad({ ...SPEC, address })
    expect(result.errors).toEqual({ ECONNREFUSED: 6 })
    expect(result).toMatchObject({ served: 0, unserved: 0, operations: 0 })
  })
})

describe('ending early', PATIENCE, () => {
  test.each(['setup', 'warmup', 'measure', 'hold'] as const)('abort in %s', async (phase) => {
    const abort = new AbortController()
    const reason = new Error('enough')
    const running = load(
      {},
      { durationMs: 60_000, warmupMs: 60_000, ...(phase === 'warmup' ? {} : shortUntil(phase)) },
      {
        signal: abort.signal,
        onPhase: (now) => {
          if (now === phase) setTimeout(() => abort.abort(reason), 20)
          // A phase is as long as its hook: only the abort ends these.
          return now === phase ? new Promise(() => {}) : undefined
        },
      },
    )
    await expect(running).rejects.toBe(reason)
    await until(() => server!.clients.size === 0)
  })

  test('aborted before it began', async () => {
    const reason = new Error('never mind')
    const running = load({}, {}, { signal: AbortSignal.abort(reason) })
    await expect(running).rejects.toBe(reason)
    expect(server!.accepted).toBe(0)
  })

  test('aborted while threads start', async () => {
    const abort = new AbortController()
    const reason = new Error('too late')
    const running = load({}, {}, { signal: abort.signal })
    setImmediate(() => abort.abort(reason))
    await expect(running).rejects.toBe(reason)
    await until(() => server!.clients.size === 0)
  })

  test('a progress display that fails ends the run', async () => {
    const failure = new Error('no terminal')
    const onProgress = () => {
      throw failure
    }
    await expect(load({}, { durationMs: 60_000 }, { onProgress })).rejects.toBe(failure)
  })

  test('a hook that fails ends the run', async () => {
    const running = load(
      {},
      { durationMs: 60_000 },
      {
        onPhase: (phase) => {
          if (phase === 'measure') throw new Error('hook failed')
        },
      },
    )
    await expect(running).rejects.toThrow('hook failed')
    await until(() => server!.clients.size === 0)
  })
})

/** The earlier phases are short, so that this one comes at all. */
function shortUntil(phase: LoadPhase): Partial<LoadSpec> {
  return phase === 'hold' ? { warmupMs: 0, durationMs: 20 } : { warmupMs: 0 }
}

function droppedOf({ answers }: ChatServer): number {
  return Math.floor((answers + 500) / 1000)
}

/** Whether the number in a message is a multiple of four, which is the window. */
function isFirstOfBurst(line: string): boolean {
  const last = line.at(-64 + 3 + 5 - 1)!
  return '048CGKOSWaeimquy'.includes(last)
}

function flip(line: string, at: number): string {
  return `${line.slice(0, at)}${line[at] === '~' ? '^' : '~'}${line.slice(at + 1)}`
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5))
}

/** Waits until a count has not changed for a while. */
async function settled(count: () => number): Promise<void> {
  for (let before = -1; before !== count();) {
    before = count()
    await new Promise((resolve) => setTimeout(resolve, 30))
  }
}
