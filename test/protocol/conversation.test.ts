import * as fc from 'fast-check'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { describe, expect, test, vi } from 'vitest'
import type { ConversationEffect } from '../../protocol/index.ts'
import { IrcConversation, INPUT_BYTES_MAX, MERGED_REPLY_BYTES_MAX } from '../../protocol/index.ts'
import { anyBytes, anyWay, everyWay } from './feed.ts'
import { Loopback, OPTIONS } from './loopback.ts'

// Thousands of generated cases take a second on an idle machine; on one that has other work, longer.
vi.setConfig({ testTimeout: 60_000 })

const LAB = { ...OPTIONS, lab: true }

/** A conversation whose client is registered as alice, in a server with the computing commands. */
function registered(nowMs = 0): IrcConversation {
  const conversation = new IrcConversation(LAB, nowMs)
  conversation.identify('alice', true)
  return conversation
}

function receive(conversation: IrcConversation, bytes: string, nowMs = 0): void {
  conversation.receive(Buffer.from(bytes, 'latin1'), nowMs)
}

function effects(conversation: IrcConversation): ConversationEffect[] {
  const seen: ConversationEffect[] = []
  for (let next = conversation.nextEffect(); next !== null; next = conversation.nextEffect()) {
    seen.push(next)
  }
  return seen
}

/** The effects for the chunks; replies are joined, as they are on the wire. */
function inAll(conversation: IrcConversation, chunks: readonly string[]): ConversationEffect[] {
  const joined: ConversationEffect[] = []
  for (const chunk of chunks) {
    receive(conversation, chunk)
    for (const effect of effects(conversation)) {
      const last = joined.at(-1)
      if (effect.kind === 'reply' && last?.kind === 'reply') {
        joined[joined.length - 1] = { kind: 'reply', text: last.text + effect.text }
      } else joined.push(effect)
    }
  }
  return joined
}

const pong = (token: string) => `:hubbub.local PONG hubbub.local :${token}\r\n`

describe('a conversation', () => {
  test('gives one effect at a time, in the order of the lines', () => {
    const conversation = registered()
    expect(conversation.pending).toBe(false)
    receive(
      conversation,
      'PING a\nPING b\nJOIN #x\nPING c\nWORK 7\nWAIT 8\nPING d\nQUIT :e\nPING f\n',
    )
    expect(conversation.pending).toBe(true)
    expect(effects(conversation)).toEqual([
      { kind: 'reply', text: pong('a') + pong('b') },
      { kind: 'hub', line: 'JOIN #x' },
      { kind: 'reply', text: pong('c') },
      { kind: 'compute', ms: 7 },
      { kind: 'reply', text: ':hubbub.local WORK 7\r\n' },
      { kind: 'wait', ms: 8 },
      { kind: 'reply', text: `:hubbub.local WAIT 8\r\n${pong('d')}` },
      { kind: 'close', text: 'ERROR :Closing link: (Quit: e)\r\n', reason: 'Quit: e' },
    ])
    expect(conversation.pending).toBe(false)
    receive(conversation, 'PING g\n')
    expect(conversation.nextEffect()).toBeNull()
  })

  test.each([
    'PING a\r\nPING :b c\r\nping d\r\n',
    'JOIN #a\r\nPRIVMSG #a :hi\nPING x\n',
    'WORK 5\nPING a\nWORK 3000\n',
    'PRIVMSG a :caf\xe9\nPING a\0\nPING b\n',
    `PING ${'a'.repeat(600)}\nPING b\n`,
    `PING ${'a'.repeat(505)}\r\n`,
    'QUIT\nPING a\n',
    '\n\r\n\x16\x03\nPING a\n',
    'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  ])('does not care how %j is cut', (bytes) => {
    for (const isRegistered of [true, false]) {
      const made = () => {
        const conversation = new IrcConversation(LAB, 0)
        if (isRegistered) conversation.identify('alice', true)
        return conversation
      }
      const whole = inAll(made(), [bytes])
      for (const chunks of everyWay(bytes)) expect(inAll(made(), chunks)).toEqual(whole)
      expect(inAll(made(), [bytes, 'PING z\n'])).toEqual(inAll(made(), [`${bytes}PING z\n`]))
    }
  })

  test('does not care how anything is cut, nor throws', () => {
    fc.assert(
      fc.property(anyWay(anyBytes), fc.boolean(), (chunks, isRegistered) => {
        const [one, two] = [new IrcConversation(LAB, 0), new IrcConversation(LAB, 0)]
        for (const conversation of [one, two]) conversation.identify('alice', isRegistered)
        expect(inAll(one, chunks)).toEqual(inAll(two, [chunks.join('')]))
      }),
      { numRuns: 1_000 },
    )
  })

  test('copies what it is given', () => {
    const conversation = registered()
    const buffer = Buffer.from('PING :mi')
    conversation.receive(buffer, 0)
    expect(conversation.nextEffect()).toBeNull()
    buffer.fill('x')
    receive(conversation, 'ne\n')
    expect(effects(conversation)).toEqual([{ kind: 'reply', text: pong('mine') }])
  })

  test('takes as many of the bytes as it is told to', () => {
    const conversation = registered()
    conversation.receive(Buffer.from('PING a\nPING b\n'), 0, 7)
    expect(effects(conversation)).toEqual([{ kind: 'reply', text: pong('a') }])
    conversation.receive(Buffer.from('PING c\n'), 0, 0)
    expect(conversation.pending).toBe(false)
  })

  test('merges replies up to a bound, and keeps their order across it', () => {
    const conversation = registered()
    const tokens = Array.from({ length: 5_000 }, (_, index) => `t${index}`)
    receive(conversation, tokens.map((token) => `PING ${token}\n`).join(''))
    const replies = effects(conversation)
    const texts = replies.map((effect) => (effect.kind === 'reply' ? effect.text : ''))
    expect(texts.join('')).toBe(tokens.map(pong).join(''))
    expect(Math.max(...texts.map(({ length }) => length))).toBeLessThan(
      MERGED_REPLY_BYTES_MAX + 512,
    )
    expect(texts.length).toBe(Math.ceil(texts.join('').length / MERGED_REPLY_BYTES_MAX))
  })

  test('cuts a PONG to a line', () => {
    const conversation = registered()
    receive(conversation, `PING :${'\xc3\xa9'.repeat(252)}\r\n`)
    const [reply] = effects(conversation)
    expect(reply).toEqual({ kind: 'reply', text: pong('\xc3\xa9'.repeat(238)) })
  })

  test('lets others wait while it computes, and is bounded meanwhile', () => {
    const conversation = registered()
    receive(conversation, 'WORK 5\n')
    expect(conversation.nextEffect()).toEqual({ kind: 'compute', ms: 5 })
    const chunk = 'PING x\n'.repeat(1_000)
    for (let bytes = 0; bytes <= INPUT_BYTES_MAX + 10 * chunk.length; bytes += chunk.length) {
      receive(conversation, chunk)
    }
    expect(effects(conversation)).toEqual([
      { kind: 'reply', text: ':hubbub.local WORK 5\r\n' },
      {
        kind: 'close',
        text: 'ERROR :Closing link: (RecvQ exceeded)\r\n',
        reason: 'RecvQ exceeded',
      },
    ])
  })

  test('uses the name the hub gave it', () => {
    const conversation = new IrcConversation(LAB, 0)
    receive(conversation, 'PING\n')
    expect(effects(conversation)).toEqual([
      { kind: 'reply', text: ':hubbub.local 409 * :No origin specified\r\n' },
    ])
    conversation.identify('bob', false)
    receive(conversation, 'PING\n')
    expect(effects(conversation)).toEqual([
      { kind: 'reply', text: ':hubbub.local 409 bob :No origin specified\r\n' },
    ])
  })

  test('closes with a line of at most 512 bytes', () => {
    const conversation = registered()
    receive(conversation, `QUIT :${'\xc3\xa9'.repeat(250)}\n`)
    const [close] = effects(conversation)
    expect(close?.kind).toBe('close')
    if (close?.kind !== 'close') return
    expect(close.text.length).toBeLessThanOrEqual(512)
    expect(close.text).toMatch(/^ERROR :Closing link: \(Quit: (\xc3\xa9)+\)\r\n$/)
  })
})

describe('liveness', () => {
  const { registrationTimeoutMs, pingIntervalMs, pingTimeoutMs } = OPTIONS.limits

  test('a client that does not register is closed at the time-out, and not before', () => {
    const conversation = new IrcConversation(OPTIONS, 1_000)
    const deadlineMs = 1_000 + registrationTimeoutMs
    expect(conversation.nextTickMs()).toBe(deadlineMs)
    receive(conversation, 'PING a\n', 5_000)
    effects(conversation)
    // Being busy is no registration: the deadline stays.
    expect(conversation.nextTickMs()).toBe(deadlineMs)
    expect(conversation.tick(deadlineMs - 1)).toBeNull()
    expect(conversation.tick(deadlineMs)).toEqual({
      kind: 'close',
      text: 'ERROR :Closing link: (Registration timed out)\r\n',
      reason: 'Registration timed out',
    })
    expect(conversation.nextTickMs()).toBe(Infinity)
    expect(conversation.tick(Infinity)).toBeNull()
  })

  test('a silent client is sent a PING, and closed when it stays silent', () => {
    const conversation = registered(0)
    expect(conversation.nextTickMs()).toBe(pingIntervalMs)
    expect(conversation.tick(pingIntervalMs - 1)).toBeNull()
    expect(conversation.tick(pingIntervalMs)).toEqual({
      kind: 'reply',
      text: 'PING :hubbub.local\r\n',
    })
    expect(conversation.nextTickMs()).toBe(pingIntervalMs + pingTimeoutMs)
    expect(conversation.tick(pingIntervalMs + pingTimeoutMs - 1)).toBeNull()
    expect(conversation.tick(pingIntervalMs + pingTimeoutMs)).toEqual({
      kind: 'close',
      text: 'ERROR :Closing link: (Ping timeout)\r\n',
      reason: 'Ping timeout',
    })
  })

  test('any byte is a sign of life', () => {
    const conversation = registered(0)
    conversation.tick(pingIntervalMs)
    receive(conversation, 'P', pingIntervalMs + 5)
    expect(conversation.nextTickMs()).toBe(2 * pingIntervalMs + 5)
    expect(conversation.tick(pingIntervalMs + pingTimeoutMs)).toBeNull()
    expect(conversation.tick(2 * pingIntervalMs + 5)?.kind).toBe('reply')
  })

  test('silence that is our own doing is excused, and never brings the deadline nearer', () => {
    const conversation = registered(0)
    conversation.tick(pingIntervalMs)
    const lateMs = pingIntervalMs + 2 * pingTimeoutMs
    conversation.excuse(lateMs)
    expect(conversation.tick(lateMs)).toBeNull()
    expect(conversation.nextTickMs()).toBe(lateMs + pingTimeoutMs)
    receive(conversation, 'P', lateMs)
    conversation.excuse(lateMs)
    expect(conversation.nextTickMs()).toBe(lateMs + pingIntervalMs)
  })

  test('a second identify, a change of nickname, changes no deadline', () => {
    const conversation = registered(0)
    receive(conversation, 'NICK x\n', 500)
    effects(conversation)
    conversation.identify('x', true)
    expect(conversation.nextTickMs()).toBe(500 + pingIntervalMs)
  })

  test('peers see the QUIT of one who timed out', () => {
    const server = new Loopback()
    const [alice, bob] = [server.register('alice'), server.register('bob')]
    for (const client of [alice, bob]) client.say('JOIN #a')
    alice.take()
    server.pass(pingIntervalMs)
    expect([alice.take(), bob.take()]).toEqual([['PING :hubbub.local'], ['PING :hubbub.local']])
    bob.say('PONG hubbub.local')
    server.pass(pingTimeoutMs)
    expect(alice.ended).toBe(true)
    expect(bob.take()).toEqual([':alice!alice@127.0.0.1 QUIT :Ping timeout'])
  })
})

describe('memory', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const heapBytes = () => {
    collect()
    return process.memoryUsage().heapUsed
  }

  test('an idle conversation is small, and does not keep the chunk it was last fed', () => {
    const chunk = Buffer.from(`PING :${'x'.repeat(480)}\r\n`.repeat(130) + 'PING :half a line')
    const before = heapBytes()
    const conversations = Array.from({ length: 1_000 }, () => {
      const conversation = registered()
      conversation.receive(chunk, 0)
      effects(conversation)
      return conversation
    })
    const each = (heapBytes() - before) / conversations.length
    expect(each).toBeLessThan(1_024)
    receive(conversations[0] as IrcConversation, '\n')
    expect(effects(conversations[0] as IrcConversation)).toEqual([
      { kind: 'reply', text: pong('half a line') },
    ])
  })

  test('the hub keeps names and topics, and not the chunks they came in', () => {
    const server = new Loopback()
    const filler = 'PING :sixty-four bytes or so, to be thrown away\r\n'.repeat(1_000)
    const before = heapBytes()
    for (let index = 0; index < 200; index++) {
      const client = server.connect()
      const names = `NICK nickname-number-${index}\r\nUSER username-number 0 * :real name number ${index}\r\n`
      const channel = `JOIN #a-long-channel-name-${index}\r\nTOPIC #a-long-channel-name-${index} :a topic, number ${index}\r\n`
      client.write(
        `PASS a-long-password-indeed\r\n${names}${channel}MODE #a-long-channel-name-${index} +k a-long-channel-key\r\n${filler}`,
      )
      client.received = ''
    }
    expect((heapBytes() - before) / 200).toBeLessThan(8 * 1_024)
    expect(server.hub.clients).toBe(200)
  })
})
