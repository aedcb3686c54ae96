// Properties of the whole: several clients, conversations and hub together, fed with what fast-check
// makes up. Nothing throws, what comes out is well-formed, cuts do not matter, and who hears what agrees
// with a model that is too simple to be wrong.

import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { isUtf8 } from '../../protocol/index.ts'
import { anyBytes, asLatin1 } from './feed.ts'
import type { LoopbackClient } from './loopback.ts'
import { Loopback } from './loopback.ts'

// Thousands of generated cases take a second on an idle machine; on one that has other work, longer.
vi.setConfig({ testTimeout: 60_000 })

const NICKS = ['alice', 'Bob', 'carol', '__proto__']
const nick = fc.constantFrom(...NICKS, 'ALICE', 'nobody', 'constructor', '9')
const channel = fc.constantFrom('#a', '#B', '#b', '#__proto__', '#caf\xc3\xa9', '#', 'a', '0')
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }).map(asLatin1),
  fc.constantFrom('x', '', '\xc3\xa9'.repeat(250), '\xf0\x9f\x90\x9d'.repeat(120)),
)
const modes = fc.stringMatching(/^[+-]?[biknostvxé+-]{0,8}$/).map(asLatin1)
const several = (one: fc.Arbitrary<string>) =>
  fc.array(one, { minLength: 1, maxLength: 6 }).map((list) => list.join(','))

/** Lines that a client might send, and lines that are nearly that. */
const line: fc.Arbitrary<string> = fc
  .oneof(
    parts('JOIN', several(channel), fc.constantFrom('', 'k', 'k,k')),
    parts('PART', several(channel), text.map(trailing)),
    parts('PRIVMSG', several(fc.oneof(nick, channel)), text.map(trailing)),
    parts('NOTICE', several(fc.oneof(nick, channel)), text.map(trailing)),
    parts('TOPIC', channel, text.map(trailing)),
    parts('MODE', fc.oneof(nick, channel), modes, nick, fc.constantFrom('k', nickless())),
    parts('NICK', fc.oneof(nick, text)),
    parts('USER', nick, fc.constant('0 *'), text.map(trailing)),
    parts('CAP', fc.constantFrom('LS', 'REQ', 'END', 'LIST', 'X', ''), text.map(trailing)),
    parts(fc.constantFrom('NAMES', 'LIST', 'WHO', 'WHOIS'), fc.oneof(nick, channel, text)),
    parts(fc.constantFrom('PING', 'PONG', 'WORK', 'WAIT', 'PASS', 'TIME', 'VERSION'), text),
    fc.constantFrom('QUIT', 'JOIN :', 'JOIN ,', 'MOTD', ':', '@', 'GET / HTTP/1.1', '__proto__ x'),
    anyBytes,
  )
  .map((bytes) => bytes.slice(0, 700))

function parts(...words: (string | fc.Arbitrary<string>)[]): fc.Arbitrary<string> {
  const arbitraries = words.map((word) => (typeof word === 'string' ? fc.constant(word) : word))
  return fc.tuple(...arbitraries).map((all) => all.filter((word) => word !== '').join(' '))
}

function trailing(words: string): string {
  return `:${words}`
}

function nickless(): string {
  return 'a,b'
}

interface Act {
  readonly who: number
  readonly bytes: string
  /** Where the bytes are cut, and whether the connection breaks after them. */
  readonly cut: number
  readonly drops: boolean
}

const act: fc.Arbitrary<Act> = fc.record({
  who: fc.nat(NICKS.length - 1),
  bytes: fc.array(line, { minLength: 1, maxLength: 3 }).map((lines) => `${lines.join('\r\n')}\r\n`),
  cut: fc.nat(200),
  drops: fc.oneof({ weight: 30, arbitrary: fc.constant(false) }, fc.constant(true)),
})

/** Everything that each client received, in a server where these acts happened. */
function play(acts: readonly Act[], isCut: boolean): string[] {
  const server = new Loopback({ lab: true })
  const clients = NICKS.map(() => server.connect())
  for (const [index, client] of clients.entries()) {
    // The last one has to register by itself, if the acts make it.
    if (index < 3) client.write(`NICK ${NICKS[index]}\r\nUSER u 0 * :r\r\n`)
  }
  for (const { who, bytes, cut, drops } of acts) {
    const client = clients[who] as LoopbackClient
    if (isCut) {
      client.write(bytes.slice(0, cut))
      client.write(bytes.slice(cut))
    } else client.write(bytes)
    if (drops) client.drop()
  }
  return clients.map(({ received }) => received)
}

describe('whatever several clients send', () => {
  test('nothing throws, every line is whole, fits and is UTF-8, and cuts do not matter', () => {
    fc.assert(
      fc.property(fc.array(act, { maxLength: 30 }), (acts) => {
        const received = play(acts, false)
        for (const stream of received) {
          expect(stream === '' || stream.endsWith('\r\n')).toBe(true)
          for (const one of stream.split('\r\n')) {
            expect(one.length).toBeLessThanOrEqual(510)
            expect(one).not.toMatch(/[\0\r\n]/)
            if (!isUtf8(one)) expect.fail(`not UTF-8: ${JSON.stringify(one)}`)
          }
        }
        expect(play(acts, true)).toEqual(received)
      }),
      { numRuns: 1_000 },
    )
  })

  test('a relayed line is the sender and as much of the text as fits', () => {
    const long = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 470 }).map(asLatin1)
    fc.assert(
      fc.property(
        long.filter((said) => !/[\0\r\n]/.test(said) && said.length < 490),
        (said) => {
          const server = new Loopback()
          const [alice, bob] = [server.register('alice'), server.register('bob')]
          alice.say(`PRIVMSG bob :${said}`)
          const whole = `:alice!alice@127.0.0.1 PRIVMSG bob :${said}`
          const [heard = ''] = bob.take()
          expect(whole.startsWith(heard)).toBe(true)
          // At most one character, of at most four bytes, had to go with what did not fit.
          expect(heard.length).toBeGreaterThanOrEqual(Math.min(whole.length, 507))
          expect(heard.length).toBeLessThanOrEqual(510)
        },
      ),
      { numRuns: 500 },
    )
  })
})

// The model: who is in which channel. Its commands are valid ones, so that it needs no other rules.
type Move =
  | { readonly does: 'join' | 'part' | 'say'; readonly who: number; readonly where: number }
  | { readonly does: 'rename' | 'quit' | 'drop' | 'evict'; readonly who: number }

const MEMBERS = 5
const move: fc.Arbitrary<Move> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      does: fc.constantFrom('join', 'join', 'part', 'say', 'say'),
      who: fc.nat(MEMBERS - 1),
      where: fc.nat(2),
    }),
  },
  fc.record({
    does: fc.constantFrom('rename', 'rename', 'quit', 'drop', 'evict'),
    who: fc.nat(MEMBERS - 1),
  }),
)

describe('who hears what', () => {
  test('agrees with a model of the channels', () => {
    fc.assert(
      fc.property(fc.array(move, { maxLength: 60 }), (moves) => {
        const server = new Loopback()
        const clients = Array.from({ length: MEMBERS }, (_, who) => server.register(`n${who}`))
        const rooms = [new Set<number>(), new Set<number>(), new Set<number>()]
        for (const [at, one] of moves.entries()) {
          const client = clients[one.who] as LoopbackClient
          if (client.ended) continue
          const { expected, word } = expectation(one, rooms)
          perform(server, client, one, at)
          for (const [who, { received }] of clients.entries()) {
            const heard = received.split('\r\n').filter((each) => each.split(' ')[1] === word)
            expect([who, heard.length]).toEqual([who, expected.has(who) ? 1 : 0])
          }
          for (const each of clients) each.received = ''
        }
      }),
      { numRuns: 500 },
    )
  })
})

/** Who has to receive exactly one line with which word; the model moves on. */
function expectation(one: Move, rooms: readonly Set<number>[]) {
  const { who } = one
  if ('where' in one) {
    const room = rooms[one.where] as Set<number>
    const wasIn = room.has(who)
    const before = new Set(room)
    if (one.does === 'say') {
      before.delete(who)
      return { expected: wasIn ? before : new Set<number>(), word: 'PRIVMSG' }
    }
    if (one.does === 'join') {
      room.add(who)
      return { expected: wasIn ? new Set<number>() : before.add(who), word: 'JOIN' }
    }
    room.delete(who)
    return { expected: wasIn ? before : new Set<number>(), word: 'PART' }
  }
  const peers = new Set<number>()
  for (const room of rooms) if (room.has(who)) for (const peer of room) peers.add(peer)
  if (one.does === 'rename') return { expected: peers.add(who), word: 'NICK' }
  for (const room of rooms) room.delete(who)
  peers.delete(who)
  return { expected: peers, word: 'QUIT' }
}

function perform(server: Loopback, client: LoopbackClient, one: Move, at: number): void {
  switch (one.does) {
    case 'join':
    case 'part':
      client.write(`${one.does} #room${one.where}\r\n`)
      break
    case 'say':
      client.write(`PRIVMSG #room${one.where} :message ${at}\r\n`)
      break
    case 'rename':
      client.write(`NICK renamed${at}\r\n`)
      break
    case 'quit':
      client.write('QUIT :bye\r\n')
      break
    case 'drop':
      client.drop()
      break
    case 'evict':
      server.perform(server.hub.evict(client, 'SendQ exceeded'))
      break
  }
}
