// The conversation of the file service, against files in memory: what is said, however the bytes come.

import * as fc from 'fast-check'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  DEFAULT_PROTOCOL_LIMITS,
  FILE_LINE_BYTES_MAX,
  type FileAnswer,
  type FileRequest,
} from '../../../protocol/index.ts'
import { FileConversation } from '../../../protocol/services/file.ts'
import { anyBytes, anyWay, asLatin1, everyWay } from '../feed.ts'

const SERVER = {
  serverName: 'tests.local',
  version: 'hubbub-0',
  lab: false,
  limits: DEFAULT_PROTOCOL_LIMITS,
}

const sha256 = (text: string): string => createHash('sha256').update(text, 'latin1').digest('hex')

/** Files in memory. It answers a few bytes at a time, and `again` before every hash. */
class Files {
  readonly files = new Map<string, string>()
  readonly parts = new Map<string, string>()
  readonly asked: FileRequest[] = []
  pieceBytes = 5
  private open = ''
  private receiving: { name: string; sha256: string } | null = null
  private hashed = false

  answer(request: FileRequest): FileAnswer {
    this.asked.push(request)
    if ((request.kind === 'open' || request.kind === 'commit') && !this.hashed) {
      this.hashed = true
      return { kind: 'again', at: 1, bytes: 12 }
    }
    this.hashed = false
    switch (request.kind) {
      case 'open': {
        const text = this.files.get(request.name)
        if (text === undefined) return { kind: 'refused', words: 'There is no such file' }
        this.open = text
        return { kind: 'opened', bytes: text.length, sha256: sha256(text) }
      }
      case 'send': {
        const end = Math.min(this.pieceBytes, request.bytes) + request.from
        const text = this.open.slice(request.from, end)
        if (text === '') return { kind: 'refused', words: 'The file has changed' }
        return { kind: 'piece', text }
      }
      case 'create':
        this.receiving = { name: request.name, sha256: request.sha256 }
        return { kind: 'created', from: this.parts.get(request.sha256)?.length ?? 0 }
      case 'append': {
        const { sha256: hash } = this.receiving!
        const more = request.piece.toString('latin1')
        if (more.includes('#')) return { kind: 'refused', words: 'The disk is full' }
        this.parts.set(hash, (this.parts.get(hash) ?? '') + more)
        return { kind: 'done' }
      }
      case 'commit':
        break
    }
    const { name, sha256: hash } = this.receiving!
    const text = this.parts.get(hash) ?? ''
    this.parts.delete(hash)
    if (sha256(text) !== hash) return { kind: 'refused', words: 'The hash is another' }
    this.files.set(name, text)
    return { kind: 'done' }
  }
}

/** What is said while a file of 10 bytes is hashed, each of which takes so long. */
function saidDuring(byteMs: readonly number[]): string {
  const conversation = new FileConversation(SERVER, 0)
  conversation.receive(Buffer.from('GET 0 a\r\n'), 0)
  let [said, nowMs, at] = ['', 1_000, 0]
  for (;;) {
    const effect = conversation.nextEffect()
    if (effect === null) return said
    if (effect.kind === 'reply') said += effect.text
    else if (at === byteMs.length) {
      conversation.answered({ kind: 'opened', bytes: 10, sha256: HASH }, nowMs)
    } else {
      nowMs += byteMs[at]!
      conversation.answered({ kind: 'again', at: ++at, bytes: 10 }, nowMs)
    }
  }
}

/** Says the chunks; returns all that comes back, with `<end>` where the connection ended. */
function talk(chunks: readonly string[], files: Files): string {
  const conversation = new FileConversation(SERVER, 0)
  let said = ''
  for (const chunk of chunks) {
    conversation.receive(Buffer.from(chunk, 'latin1'), 0)
    for (;;) {
      const effect = conversation.nextEffect()
      if (effect === null) break
      if (effect.kind === 'file') {
        // Nothing happens to it until the answer is there.
        expect(conversation.nextEffect()).toBeNull()
        conversation.answered(files.answer(effect.request), 0)
      } else if (effect.kind === 'reply') said += effect.text
      else if (effect.kind === 'close') return `${said}${effect.text}<end>`
      else throw new Error(`It asks for ${effect.kind}`)
    }
  }
  return said
}

const TEXT = 'one\r\nOK\r\ntwo'
const HASH = sha256(TEXT)
const EMPTY = sha256('')

function withFiles(): Files {
  const files = new Files()
  files.files.set('a.txt', TEXT)
  files.files.set('empty', '')
  files.files.set('a folder/größe 🐝', 'honey')
  return files
}

const NAME = asLatin1('a folder/größe 🐝')

const CASES: readonly (readonly [string, string, string])[] = [
  ['gives a file', 'GET 0 a.txt\r\nOK\r\n', `SIZE 12 ${HASH}\r\n${TEXT}`],
  ['takes a bare LF, and any case', 'get 0 a.txt\nok\n', `SIZE 12 ${HASH}\r\n${TEXT}`],
  ['gives the rest of a file', 'GET 5 a.txt\r\nOK\r\n', `SIZE 12 ${HASH}\r\n${TEXT.slice(5)}`],
  [
    'gives nothing of a whole file',
    'GET 12 a.txt\r\nOK\r\nFOO\r\n',
    `SIZE 12 ${HASH}\r\nERROR That is no command: GET, PUT, OK or QUIT\r\n`,
  ],
  ['gives an empty file', 'GET 0 empty\r\nOK\r\n', `SIZE 0 ${EMPTY}\r\n`],
  ['knows any name', `GET 0 ${NAME}\r\nOK\r\n`, `SIZE 5 ${sha256('honey')}\r\nhoney`],
  [
    'starts not behind the end',
    'GET 13 a.txt\r\nOK\r\n',
    'ERROR The file is shorter than that\r\nERROR That is no command: GET, PUT, OK or QUIT\r\n',
  ],
  [
    'lets a client decline',
    'GET 0 a.txt\r\nGET 9 a.txt\r\nOK\r\n',
    `SIZE 12 ${HASH}\r\nSIZE 12 ${HASH}\r\ntwo`,
  ],
  ['ends', 'QUIT\r\nGET 0 a.txt\r\n', '<end>'],
  [
    'ends after what was asked before',
    'GET 0 a.txt\r\nOK\r\nQUIT\r\n',
    `SIZE 12 ${HASH}\r\n${TEXT}<end>`,
  ],
  ['refuses a name that is not UTF-8', 'GET 0 \xff\r\n', 'ERROR A name is UTF-8\r\n'],
  [
    'refuses what is no number',
    'GET -1 a.txt\r\nGET 1e3 a.txt\r\n',
    'ERROR That is no command: GET, PUT, OK or QUIT\r\n'.repeat(2),
  ],
  ['ignores blank lines', '\r\n\n\r\nGET 0 empty\r\n\r\nOK\r\n', `SIZE 0 ${EMPTY}\r\n`],
  [
    'takes a file',
    `PUT 12 ${HASH} b\r\n${TEXT}GET 9 b\r\nOK\r\n`,
    `SEND 0\r\nDONE\r\nSIZE 12 ${HASH}\r\ntwo`,
  ],
  [
    'takes an empty file',
    `PUT 0 ${EMPTY} b\r\nGET 0 b\r\n`,
    `SEND 0\r\nDONE\r\nSIZE 0 ${EMPTY}\r\n`,
  ],
  [
    'refuses a wrong hash and goes on',
    `PUT 3 ${HASH} b\r\nabcGET 0 b\r\n`,
    'SEND 0\r\nERROR The hash is another\r\nERROR There is no such file\r\n',
  ],
  [
    'ends when it can take no more',
    `PUT 9 ${HASH} b\r\nabc#`,
    'SEND 0\r\nERROR The disk is full\r\n<end>',
  ],
]

describe('the file conversation', () => {
  test.each(CASES)('%s', (_, said, expected) => {
    for (const chunks of everyWay(said)) {
      const files = withFiles()
      expect(talk(chunks, files)).toBe(expected)
    }
  })

  test('speaks as PROTOCOL.md shows', () => {
    const document = readFileSync(new URL('../../../PROTOCOL.md', import.meta.url), 'utf8')
    const lines = /```file\n(.*?)\n```/s.exec(document)![1]!.split('\n')
    const said = (who: string): string =>
      lines
        .filter((line) => line.startsWith(who))
        .map((line) => `${line.slice(who.length)}\r\n`.replace('<cut>\r\n', ''))
        .join('')
    const files = withFiles()
    files.files.set('notes/today.txt', 'hello\r\n')
    expect(`${talk([said('C: ')], files)}\r\n`).toBe(said('S: '))
  })

  test('goes on where a broken upload has ended', () => {
    const files = withFiles()
    files.parts.set(HASH, TEXT.slice(0, 7))
    expect(talk([`PUT 12 ${HASH} b\r\n`, TEXT.slice(7)], files)).toBe('SEND 7\r\nDONE\r\n')
    expect(files.files.get('b')).toBe(TEXT)
  })

  test('appends no byte more than was announced, whatever comes in one piece with it', () => {
    const files = withFiles()
    talk([`PUT 12 ${HASH} b\r\n${TEXT}${TEXT}${TEXT}`], files)
    const appended = files.asked.flatMap((one) => (one.kind === 'append' ? [one.piece.length] : []))
    expect(appended).toEqual([12])
  })

  test('asks for pieces until all is sent, and for none before the OK', () => {
    const files = withFiles()
    expect(talk(['GET 0 a.txt\r\n'], files)).toBe(`SIZE 12 ${HASH}\r\n`)
    expect(files.asked.map(({ kind }) => kind)).toEqual(['open', 'open'])
    talk(['GET 2 a.txt\r\nOK\r\n'], files)
    expect(files.asked.slice(4)).toEqual([
      { kind: 'send', from: 2, bytes: 10 },
      { kind: 'send', from: 7, bytes: 5 },
    ])
  })

  test('counts what was sent for it', () => {
    const conversation = new FileConversation(SERVER, 0)
    conversation.receive(Buffer.from('GET 0 x\r\nOK\r\n'), 0)
    conversation.nextEffect()
    conversation.answered({ kind: 'opened', bytes: 10, sha256: HASH }, 0)
    conversation.nextEffect()
    expect(conversation.nextEffect()).toMatchObject({ request: { kind: 'send', from: 0 } })
    conversation.answered({ kind: 'sent', bytes: 4 }, 0)
    expect(conversation.nextEffect()).toMatchObject({ request: { from: 4, bytes: 6 } })
  })

  test('says nothing in the middle of the bytes: it ends', () => {
    const files = withFiles()
    const conversation = new FileConversation(SERVER, 0)
    conversation.receive(Buffer.from('GET 0 a.txt\r\nOK\r\n'), 0)
    for (let sent = 0; sent < 2;) {
      const effect = conversation.nextEffect()
      if (effect?.kind === 'file') conversation.answered(files.answer(effect.request), 0)
      if (effect?.kind === 'reply') sent++
    }
    expect(conversation.nextEffect()).toMatchObject({ request: { kind: 'send', from: 5 } })
    conversation.answered({ kind: 'refused', words: 'The file has changed' }, 0)
    expect(conversation.nextEffect()).toEqual({
      kind: 'close',
      text: '',
      reason: 'The file has changed',
    })
    expect(conversation.nextEffect()).toBeNull()
  })

  test('a line has a bound, and so the input', () => {
    const longest = `GET 0 ${'x'.repeat(FILE_LINE_BYTES_MAX - 8)}\r\n`
    expect(talk([longest], withFiles())).toBe('ERROR There is no such file\r\n')
    for (const chunks of [
      [`GET 0 x${longest.slice(6)}`],
      'y'.repeat(FILE_LINE_BYTES_MAX + 1).split(''),
    ]) {
      expect(talk(chunks, withFiles())).toBe('ERROR The line is too long\r\n<end>')
    }
  })

  test('ends a client that is silent, but not one that is being served', () => {
    const limits = { ...DEFAULT_PROTOCOL_LIMITS, pingIntervalMs: 100, pingTimeoutMs: 50 }
    const conversation = new FileConversation({ ...SERVER, limits }, 0)
    conversation.receive(Buffer.from('GET 0 x\r\nOK\r\n'), 100)
    conversation.nextEffect()
    conversation.answered({ kind: 'opened', bytes: 10, sha256: HASH }, 240)
    expect(conversation.nextTickMs()).toBe(390)
    expect(conversation.tick(389)).toBeNull()
    expect(conversation.tick(390)).toMatchObject({ kind: 'close', text: '' })
  })

  test('says how far it is when hashing takes long', () => {
    const size = `SIZE 10 ${HASH}\r\n`
    expect(saidDuring([])).toBe(size)
    expect(saidDuring([20_000, 4_000, 999])).toBe(size) // It may have had to wait for its turn.
    expect(saidDuring([0, 4_999, 1, 1, 6_000, 1])).toBe(`CHECKING 3 10\r\nCHECKING 5 10\r\n${size}`)
  })

  test('any bytes in any pieces: the answers are the same, and it never fails', () => {
    const words = fc.constantFrom(
      'GET 0 a.txt',
      'OK',
      `PUT 3 ${HASH} b`,
      'abc',
      'QUIT',
      '\r\n',
      '\n',
      ' ',
    )
    const text = fc.tuple(fc.array(words), anyBytes).map(([some, rest]) => some.join('') + rest)
    fc.assert(
      fc.property(
        text.chain((whole) => fc.tuple(fc.constant(whole), anyWay(fc.constant(whole)))),
        ([whole, chunks]) => {
          expect(talk(chunks, withFiles())).toBe(talk([whole], withFiles()))
        },
      ),
    )
  })
})
