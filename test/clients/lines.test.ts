import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DeliveryReader, PongReader } from '../../clients/load/answers.ts'
import * as lines from '../../clients/load/lines.ts'
import { MessageCodec, viewOf } from '../../clients/load/message.ts'
import { nickname } from '../../clients/load/nickname.ts'

/** Feeds chunks as a connection would receive them, with other connections in between. */
function linesOf(chunks: readonly Buffer[]): string[] {
  const inbox = new lines.Inbox()
  const scanner = new lines.LineScanner()
  const found: string[] = []
  let rest: Buffer | null = null
  for (const chunk of chunks) {
    inbox.begin(rest)
    inbox.end += chunk.copy(inbox.bytes, inbox.end)
    for (
      let next;
      (next = scanner.next(inbox.bytes, inbox.at, inbox.end)) !== -1;
      inbox.at = next
    ) {
      found.push(inbox.bytes.toString('latin1', scanner.start, scanner.end))
    }
    rest = inbox.rest()
    // Whatever another connection leaves in the shared memory must not matter.
    inbox.bytes.fill(10)
  }
  if (rest) found.push(`unfinished: ${rest.toString('latin1')}`)
  return found
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const places = [0, ...at.map((place) => place % (bytes.length + 1)), bytes.length]
  const ordered = places.toSorted((a, b) => a - b)
  return ordered.slice(1).map((end, i) => bytes.subarray(ordered[i], end))
}

const texts = fc.uint8Array({ maxLength: 30 }).map((bytes) =>
  Buffer.from(bytes)
    .toString('latin1')
    .replaceAll(/[\r\n]/g, '.'),
)

describe('lines', () => {
  test('are the same however the stream is cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(texts, fc.constantFrom('\n', '\r\n'))),
        texts,
        fc.array(fc.nat()),
        (whole, unfinished, places) => {
          const stream = Buffer.from(
            whole.map((line) => line.join('')).join('') + unfinished,
            'latin1',
          )
          const expected = whole.map(([text]) => text)
          if (unfinished !== '') expected.push(`unfinished: ${unfinished}`)
          expect(linesOf(cut(stream, places))).toEqual(expected)
        },
      ),
    )
  })

  test('byte by byte', () => {
    const stream = Buffer.from(':a 001 b :c\r\nPING :x\n\r\n\nrest')
    const places = Array.from(stream, (_, i) => i)
    expect(linesOf(cut(stream, places))).toEqual([
      ':a 001 b :c',
      'PING :x',
      '',
      '',
      'unfinished: rest',
    ])
  })

  test('no bytes at all break the scanner', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.array(fc.nat()), (bytes, places) => {
        const stream = Buffer.from(bytes)
        const ends = stream.filter((byte) => byte === 10).length
        const found = linesOf(cut(stream, places))
        expect(found.filter((line) => !line.startsWith('unfinished: ')).length).toBe(ends)
      }),
    )
  })

  test.each([
    ['PING :abc', lines.PING, '', ':abc', 'abc'],
    ['PING abc', lines.PING, '', 'abc', 'abc'],
    [':srv PONG srv :a b', lines.PONG, 'srv', 'srv :a b', 'a b'],
    [':srv PONG srv a', lines.PONG, 'srv', 'srv a', 'a'],
    [':srv  PONG  srv  a', lines.PONG, 'srv', 'srv  a', 'a'],
    [':n!u@h PRIVMSG #bench ::x', lines.PRIVMSG, 'n!u@h', '#bench ::x', ':x'],
    ['ERROR :Closing Link: you', lines.ERROR, '', ':Closing Link: you', 'Closing Link: you'],
    [':srv 001 nick :Welcome', 1, 'srv', 'nick :Welcome', 'Welcome'],
    [':srv 433 * nick :In use', 433, 'srv', '* nick :In use', 'In use'],
    [':n JOIN #bench', lines.CHATTER, 'n', '#bench', '#bench'],
    [':srv 00x nick', lines.UNKNOWN, 'srv', 'nick', 'nick'],
    ['hello', lines.UNKNOWN, '', '', ''],
    ['', lines.BLANK, '', '', ''],
    [':', lines.UNKNOWN, '', '', ''],
    [':prefix-only', lines.UNKNOWN, 'prefix-only', '', ''],
    ['QUIT ', lines.QUIT, '', '', ''],
  ])('"%s" is divided', (text, command, prefix, parameters, last) => {
    const bytes = Buffer.from(`${text}\r\nnext line :with things\r\n`)
    const scanner = new lines.LineScanner()
    expect(scanner.next(bytes, 0, bytes.length)).toBe(text.length + 2)
    expect(scanner.command).toBe(command)
    expect(lines.textOf(bytes, scanner.prefixStart, scanner.prefixEnd)).toBe(prefix)
    expect(lines.textOf(bytes, scanner.parametersStart, scanner.end)).toBe(parameters)
    expect(lines.textOf(bytes, scanner.lastStart, scanner.end)).toBe(last)
  })
})

const MESSAGE_BYTES = 32
const codec = new MessageCodec(3, MESSAGE_BYTES)

function message(sender: number, number: number): string {
  const bytes = Buffer.alloc(MESSAGE_BYTES)
  codec.write(viewOf(bytes), 0, sender, number, 99)
  return bytes.toString('latin1')
}

/** An inbox with this text, and the first line of it found. */
function inboxWith(text: string) {
  const inbox = new lines.Inbox()
  inbox.begin(Buffer.from(text, 'latin1'))
  const line = new lines.LineScanner()
  line.next(inbox.bytes, 0, inbox.end)
  return { inbox, line }
}

function flip(text: string, at: number): string {
  const byte = String.fromCharCode(text.charCodeAt(at) ^ 1)
  return text.slice(0, at) + byte + text.slice(at + 1)
}

describe.each([
  {
    name: 'a PONG',
    reader: () => new PongReader(codec),
    lineOf: (number: number) => `:some.server PONG some.server :${message(1, number)}\r\n`,
  },
  {
    name: 'a PONG without prefix or colon',
    reader: () => new PongReader(codec),
    lineOf: (number: number) => `PONG ${message(1, number)}\r\n`,
  },
  {
    name: 'a delivery',
    reader: () => new DeliveryReader(codec, Buffer.from(nickname(8, 0) + nickname(8, 1))),
    lineOf: (number: number) =>
      `:${nickname(8, 1)}!~u@host.example PRIVMSG #bench :${message(1, number)}\r\n`,
  },
])('$name', ({ reader: make, lineOf }) => {
  test('is recognized quickly once one was read carefully', () => {
    const reader = make()
    const first = inboxWith(lineOf(1))
    expect(reader.quick(first.inbox)).toBe(0)
    expect(reader.careful(first.inbox, first.line)).toBe(true)
    const second = inboxWith(lineOf(2) + lineOf(3))
    expect(reader.quick(second.inbox)).toBe(lineOf(2).length)
    expect([codec.sender, codec.number, codec.timeNs]).toEqual([1, 2, 99])
    second.inbox.at += lineOf(2).length
    expect(reader.quick(second.inbox)).toBe(lineOf(3).length)
  })

  test('is not recognized before all of it is there', () => {
    const reader = make()
    const first = inboxWith(lineOf(1))
    reader.careful(first.inbox, first.line)
    for (let length = 0; length < lineOf(2).length; length++) {
      expect(reader.quick(inboxWith(lineOf(2).slice(0, length)).inbox)).toBe(0)
    }
  })

  test('is not recognized, quickly or carefully, with any one byte changed', () => {
    const reader = make()
    const first = inboxWith(lineOf(1))
    reader.careful(first.inbox, first.line)
    const text = lineOf(2)
    // The line end is the scanner's business: a CR that is none belongs to the message.
    for (let at = 0; at < text.length - 1; at++) {
      const { inbox, line } = inboxWith(flip(text, at))
      expect(reader.quick(inbox)).toBe(0)
      expect(reader.careful(inbox, line)).toBe(false)
    }
  })
})

test('a delivery under the name of another sender is none', () => {
  const reader = new DeliveryReader(codec, Buffer.from(nickname(8, 0) + nickname(8, 1)))
  const forged = inboxWith(`:${nickname(8, 0)}!u@h PRIVMSG #bench :${message(1, 0)}\r\n`)
  expect(reader.careful(forged.inbox, forged.line)).toBe(false)
  const stranger = inboxWith(`:${nickname(8, 2)}!u@h PRIVMSG #bench :${message(2, 0)}\r\n`)
  expect(reader.careful(stranger.inbox, stranger.line)).toBe(false)
})
