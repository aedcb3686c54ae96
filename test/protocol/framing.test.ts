import * as fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { LineReader, cutBytes, isUtf8, wireLine } from '../../protocol/index.ts'
import { anyBytes, anyWay, asLatin1, everyWay, read } from './feed.ts'

// Thousands of generated cases take a second on an idle machine; on one that has other work, longer.
vi.setConfig({ testTimeout: 60_000 })

const tooLong = ['too long']
const forbidden = ['forbidden byte']
const notUtf8 = ['not UTF-8']

describe('a line', () => {
  test.each<[string, string, (string | string[])[]]>([
    ['ends with CR LF', 'PING a\r\n', ['PING a']],
    ['ends with LF', 'PING a\n', ['PING a']],
    ['may follow another', 'a\r\nb\nc\r\n', ['a', 'b', 'c']],
    ['may be blank, and then is none', '\r\n\n\r\n\na\n', ['a']],
    ['of spaces is one', '  \r\n', ['  ']],
    ['without an end is none yet', 'PING a', []],
    ['of 512 bytes with CR LF is one', `${'a'.repeat(510)}\r\n`, ['a'.repeat(510)]],
    ['of 512 bytes with LF is one', `${'a'.repeat(511)}\n`, ['a'.repeat(511)]],
    ['of 513 bytes with CR LF is too long', `${'a'.repeat(511)}\r\nb\n`, [tooLong, 'b']],
    ['of 513 bytes with LF is too long', `${'a'.repeat(512)}\nb\n`, [tooLong, 'b']],
    [
      'twice too long is said twice',
      `${'a'.repeat(600)}\n${'b'.repeat(600)}\n`,
      [tooLong, tooLong],
    ],
    ['may have any control character but two', '\x01\x02\x7f\x16\n', ['\x01\x02\x7f\x16']],
    ['has no NUL', 'a\0b\nc\n', [forbidden, 'c']],
    ['has no CR within', 'a\rb\nc\n', [forbidden, 'c']],
    ['has no CR before its CR LF', 'a\r\r\nc\n', [forbidden, 'c']],
    ['is UTF-8', `${asLatin1('é€🐝')}\n`, [asLatin1('é€🐝')]],
    ['keeps a byte order mark', `${asLatin1('\uFEFFa')}\n`, [asLatin1('\uFEFFa')]],
    ['is not latin1', 'caf\xe9\nc\n', [notUtf8, 'c']],
    [
      'has no overlong form',
      '\xc0\xaf\n\xe0\x80\xaf\n\xf0\x80\x80\xaf\n',
      [notUtf8, notUtf8, notUtf8],
    ],
    ['has no surrogate', '\xed\xa0\x80\n', [notUtf8]],
    ['has nothing above U+10FFFF', '\xf4\x90\x80\x80\n\xf5\x80\x80\x80\n', [notUtf8, notUtf8]],
    ['has no character cut short', '\xe2\x82\n', [notUtf8]],
    ['has no lone continuation', '\x80\n', [notUtf8]],
  ])('%s', (_, bytes, lines) => {
    for (const chunks of everyWay(bytes)) {
      expect(read(chunks)).toEqual(lines)
      // What follows, in the same chunk or in one of its own, is a line of its own.
      const isOpen = !bytes.endsWith('\n')
      if (isOpen) continue
      expect(read([...chunks, 'next\r\n'])).toEqual([...lines, 'next'])
      expect(read([...chunks.slice(0, -1), `${chunks.at(-1)}next\n`])).toEqual([...lines, 'next'])
    }
  })

  test('that does not end is given up after 8 KiB', () => {
    const bytes = 'a'.repeat(8 * 1024 + 1)
    expect(read([bytes])).toEqual([tooLong, ['endless']])
    expect(read(bytes.split(''))).toEqual([tooLong, ['endless']])
    expect(read([`${bytes}\n`])).toEqual([tooLong, ['endless']])
    expect(read([`${bytes.slice(1)}\n`, 'b\n'])).toEqual([tooLong, 'b'])
  })
})

describe('a reader', () => {
  test('gives what a reader in plain words gives, however the bytes are cut', () => {
    fc.assert(
      fc.property(anyWay(anyBytes), (chunks) => {
        const lines = readSimply(chunks.join(''))
        expect(read(chunks)).toEqual(lines)
      }),
      { numRuns: 2_000 },
    )
  })

  test('takes 64 MiB without a line end at once and in parts, and holds none of it', () => {
    const part = 'a'.repeat(64 * 1024)
    const reader = new LineReader()
    reader.push(part)
    expect(reader.next()).toMatchObject({ what: 'too long' })
    for (let parts = 0; parts < 1_024; parts++) {
      expect(reader.next()).toMatchObject({ what: 'endless' })
      expect(reader.length).toBe(0)
      reader.push(part)
    }
  })

  test('takes a million lines in one chunk', () => {
    const reader = new LineReader()
    reader.push('P\n'.repeat(1_000_000))
    let lines = 0
    while (reader.next() !== null) lines++
    expect(lines).toBe(1_000_000)
  })

  test('holds only the half line that it waits for the rest of', () => {
    const reader = new LineReader()
    expect(reader.firstByte).toBe(-1)
    reader.push('one\r\ntwo')
    expect(reader.firstByte).toBe('o'.charCodeAt(0))
    expect(reader.next()).toBe('one')
    expect(reader.next()).toBeNull()
    expect(reader.length).toBe(3)
    reader.clear()
    expect(reader.length).toBe(0)
  })
})

describe('UTF-8', () => {
  test('is what TextDecoder takes', () => {
    fc.assert(
      fc.property(anyBytes, (bytes) => {
        expect(isUtf8(bytes)).toBe(isDecodable(bytes))
      }),
      { numRuns: 2_000 },
    )
  })

  test('is checked for every sequence of two bytes, and every three-byte lead', () => {
    for (let lead = 0x80; lead <= 0xff; lead++) {
      for (let second = 0; second <= 0xff; second++) {
        for (const tail of ['', '\x80', '\x80\x80', '\xbf\xbf']) {
          const bytes = String.fromCharCode(lead, second) + tail
          if (isUtf8(bytes) !== isDecodable(bytes)) expect.fail(`${lead} ${second} ${tail.length}`)
        }
      }
    }
  })

  test('is cut at the longest place that cuts no character', () => {
    const character = fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }).map(asLatin1)
    fc.assert(
      fc.property(fc.array(character, { maxLength: 40 }), fc.nat(60), (characters, bytesMax) => {
        const cut = cutBytes(characters.join(''), bytesMax)
        let longest = ''
        for (const one of characters) {
          if (longest.length + one.length > bytesMax) break
          longest += one
        }
        expect(cut).toBe(longest)
      }),
    )
  })

  test.each([509, 510, 511, 600])('a line of %i bytes goes out with at most 512', (bytes) => {
    expect(wireLine('a'.repeat(bytes))).toBe(`${'a'.repeat(Math.min(bytes, 510))}\r\n`)
  })
})

/** The rules of framing said once more, for whole input and without regard to cost. */
function readSimply(bytes: string): (string | string[])[] {
  const seen: (string | string[])[] = []
  const parts = bytes.split('\n')
  for (const [index, part] of parts.entries()) {
    const isEnded = index < parts.length - 1
    if (part.length > 511) {
      seen.push(tooLong)
      if (part.length > 8 * 1024) return [...seen, ['endless']]
    } else if (isEnded && part !== '' && part !== '\r') {
      const line = part.endsWith('\r') ? part.slice(0, -1) : part
      if (/[\0\r]/.test(line)) seen.push(forbidden)
      else seen.push(isDecodable(line) ? line : notUtf8)
    }
  }
  return seen
}

const decoder = new TextDecoder('utf-8', { fatal: true })

function isDecodable(bytes: string): boolean {
  try {
    decoder.decode(Buffer.from(bytes, 'latin1'))
    return true
  } catch {
    return false
  }
}
