import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { IrcConversation, MERGED_REPLY_BYTES_MAX } from '../../protocol/index.ts'
import { PongPrefix, pongsTo } from '../../protocol/pongs.ts'
import { anyBytes, everyWay } from './feed.ts'
import { OPTIONS } from './loopback.ts'

// Thousands of generated cases take a second on an idle machine; on one that has other work, longer.
vi.setConfig({ testTimeout: 60_000 })

const PREFIX = new PongPrefix('hubbub.local')
const pong = (token: string) => `${PREFIX.text}${token}\r\n`

/** The bytes with others before and behind them, as in memory that is read into again and again. */
function inMemory(text: string, at: number): Buffer {
  const memory = Buffer.alloc(at + text.length + 8, 'P')
  memory.write(text, at, 'latin1')
  return memory.subarray(at)
}

describe('a chunk of PINGs', () => {
  test.each([
    ['PING :a\r\n', ['a']],
    ['PING :abcd\r\n', ['abcd']],
    ['PING :abc\r\nPING :abcdefghi\r\nPING :~\r\n', ['abc', 'abcdefghi', '~']],
    ['PING :a b :c\r\n', ['a b :c']],
    ['PING :tabs\t and\x01\x0b\x7f more\r\n', ['tabs\t and\x01\x0b\x7f more']],
    [`PING :${'x'.repeat(477)}\r\n`, ['x'.repeat(477)]],
  ])('%j is answered', (chunk, tokens) => {
    for (let at = 0; at < 8; at++) {
      expect(pongsTo(inMemory(chunk, at), chunk.length, PREFIX)).toBe(tokens.map(pong).join(''))
    }
  })

  test.each([
    ['nothing', ''],
    ['half a line', 'PING :a'],
    ['a line and a half', 'PING :a\r\nPING :b'],
    ['another command', 'PONG :a\r\n'],
    ['another command behind it', 'PING :a\r\nPRIVMSG #a :b\r\n'],
    ['a word for a token', 'PING a\r\n'],
    ['small letters', 'ping :a\r\n'],
    ['no token', 'PING :\r\n'],
    ['LF alone', 'PING :a\n'],
    ['CR in a token', 'PING :a\rb\r\n'],
    ['CR CR LF', 'PING :a\r\r\n'],
    ['CR at the end', 'PING :abc\r'],
    ['NUL', 'PING :a\0b\r\n'],
    ['more than ASCII', 'PING :a\x80b\r\n'],
    ['an answer that is too long', `PING :${'x'.repeat(478)}\r\n`],
    ['a line without an end', `PING :${'x'.repeat(3_000)}\r\n`],
    ['more than is merged', 'PING :abc\r\n'.repeat(MERGED_REPLY_BYTES_MAX / 30)],
  ])('%s goes the usual way', (_, chunk) => {
    for (let at = 0; at < 8; at++) {
      expect(pongsTo(inMemory(chunk, at), chunk.length, PREFIX)).toBeNull()
    }
  })

  test('goes the usual way while an answer is owed, so that order is kept', () => {
    const conversation = new IrcConversation({ ...OPTIONS, lab: true }, 0)
    conversation.identify('alice', true)
    const receive = (text: string) => conversation.receive(Buffer.from(text, 'latin1'), 0)
    receive('WORK 5\r\n')
    expect(conversation.nextEffect()).toEqual({ kind: 'compute', ms: 5 })
    receive('PING :a\r\n')
    receive('PING :b\r\n')
    const work = ':hubbub.local WORK 5\r\n'
    expect(conversation.nextEffect()).toEqual({ kind: 'reply', text: work + pong('a') + pong('b') })
    expect(conversation.nextEffect()).toBeNull()
    expect(conversation.pending).toBe(false)
    receive('PING :c\r\n')
    expect(conversation.pending).toBe(true)
    receive('PING :d\r\n')
    expect(conversation.nextEffect()).toEqual({ kind: 'reply', text: pong('c') + pong('d') })
  })
})

/** What a client is told for these chunks: effects as they come, replies joined. */
function told(chunks: readonly Buffer[], serverName: string): string {
  const conversation = new IrcConversation({ ...OPTIONS, serverName }, 0)
  conversation.identify('alice', true)
  let all = ''
  for (const chunk of chunks) {
    conversation.receive(chunk, 0)
    for (let next = conversation.nextEffect(); next !== null; next = conversation.nextEffect()) {
      all += next.kind === 'reply' || next.kind === 'close' ? next.text : JSON.stringify(next)
    }
  }
  return all
}

describe('the short way', () => {
  const token = fc.oneof(
    fc.string({ minLength: 1, maxLength: 9 }),
    fc.integer({ min: 470, max: 515 }).map((times) => 'x'.repeat(times)),
    anyBytes,
  )
  const line = fc.oneof(
    { weight: 8, arbitrary: token.map((text) => `PING :${text}\r\n`) },
    { weight: 1, arbitrary: fc.constantFrom('PING :a\n', 'PING a\r\n', '\r\n', 'JOIN #a\r\n') },
    { weight: 1, arbitrary: anyBytes },
  )
  const name = fc.constantFrom('hubbub.local', 'x', 'ab', 'n'.repeat(63))

  test('comes to what the usual one comes to', () => {
    fc.assert(
      fc.property(fc.array(line, { maxLength: 6 }), fc.nat(7), name, (lines, at, serverName) => {
        // The first byte that a client says is looked at, so that something has to come before.
        const hello = Buffer.from('PING :hello\r\n')
        const text = lines.join('')
        const whole = told([hello, inMemory(text, at).subarray(0, text.length)], serverName)
        const bytewise = text.split('').map((byte) => Buffer.from(byte, 'latin1'))
        expect(whole).toBe(told([hello, ...bytewise], serverName))
      }),
      { numRuns: 5_000 },
    )
  })

  test('is taken wherever a chunk of PINGs is cut between lines', () => {
    for (const chunks of everyWay('PING :one\r\nPING :two\r\nPING :three\r\n')) {
      const all = told([Buffer.from('PING :0\r\n'), ...chunks.map((c) => Buffer.from(c))], 'x')
      expect(all).toBe(
        ['0', 'one', 'two', 'three'].map((word) => `:x PONG x :${word}\r\n`).join(''),
      )
    }
  })
})
