import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { HubOptions } from '../../../protocol/index.ts'
import { service } from '../../../protocol/services/http.ts'
import { BODY_BYTES_MAX, HEAD_BYTES_MAX } from '../../../protocol/services/http-request.ts'
import { anyWay, everyWay } from '../feed.ts'
import { OPTIONS } from '../loopback.ts'
import { told, Visit, worldOf } from './visit.ts'

const HOST = 'Host: a\r\n'
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`
const HELLO =
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 7\r\n\r\nhubbub\n'

/** What is told to one client, the same in every way of cutting what it sends. */
function answers(
  text: string,
  options: Partial<HubOptions> = {},
): { text: string; ended: boolean } {
  const whole = told(worldOf(service, options), [text])
  const ways = text.length > 1_000 ? [text.split('')] : everyWay(text)
  for (const way of ways) expect(told(worldOf(service, options), way)).toEqual(whole)
  return whole
}

function statuses(text: string): number[] {
  return [...text.matchAll(/^HTTP\/1\.1 (\d{3}) /gm)].map(([, status]) => Number(status))
}

/** A GET with these lines between the request line and the blank line. */
function withFields(...lines: string[]): string {
  return ['GET / HTTP/1.1', ...lines, '', ''].join('\r\n')
}

describe('a request', () => {
  test('is answered, and the connection stays', () => {
    expect(answers(GET)).toEqual({ text: HELLO, ended: false })
  })

  test.each([
    ['with a query', `GET /?a=b HTTP/1.1\r\n${HOST}\r\n`],
    ['by its whole URI', `GET http://a.example:80/ HTTP/1.1\r\n${HOST}\r\n`],
    ['by a URI without a path', `GET http://a.example HTTP/1.1\r\n${HOST}\r\n`],
    ['with fields in any case', 'GET / HTTP/1.1\r\nhOsT:a\r\nACCEPT:*/*\r\n\r\n'],
    ['with blanks around a value', 'GET / HTTP/1.1\r\nHost: \t [::1]:80 \t \r\n\r\n'],
    ['with an empty Host', 'GET / HTTP/1.1\r\nHost:\r\n\r\n'],
    ['after blank lines', `\r\n\r\n${GET}`],
    ['with an empty field', `GET / HTTP/1.1\r\n${HOST}X:\r\n\r\n`],
    ['with bytes beyond ASCII in a field', `GET / HTTP/1.1\r\n${HOST}X: \xc3\xa9\xff\r\n\r\n`],
    ['of a later HTTP/1', `GET / HTTP/1.2\r\n${HOST}\r\n`],
  ])('%s is the same request', (_, text) => {
    expect(answers(text)).toEqual({ text: HELLO, ended: false })
  })

  test('that is one of many at a time is answered in its turn', () => {
    const { text, ended } = answers(
      `${GET}GET /none HTTP/1.1\r\n${HOST}\r\nHEAD / HTTP/1.1\r\n${HOST}\r\n${GET}`,
    )
    expect(statuses(text)).toEqual([200, 404, 200, 200])
    expect(ended).toBe(false)
  })

  test('with HEAD gets the same head and no body', () => {
    expect(answers(`HEAD / HTTP/1.1\r\n${HOST}\r\n`).text).toBe(HELLO.replace('hubbub\n', ''))
    const missing = answers(`HEAD /x HTTP/1.1\r\n${HOST}\r\n`).text
    expect(missing).toMatch(/^HTTP\/1\.1 404 .*\r\nContent-Length: [1-9]\d*\r\n\r\n$/s)
  })
})

describe('the connection', () => {
  test.each([
    ['close', true],
    ['Close', true],
    ['foo, CLOSE', true],
    ['close,foo', true],
    ['closed', false],
    ['keep-alive', false],
    ['upgrade', false],
  ])('Connection: %s ends it: %s', (value, ends) => {
    const { text, ended } = answers(`GET / HTTP/1.1\r\n${HOST}Connection: ${value}\r\n\r\n${GET}`)
    expect(ended).toBe(ends)
    expect(text.includes('\r\nConnection: close\r\n')).toBe(ends)
    expect(statuses(text)).toHaveLength(ends ? 1 : 2)
  })

  test('with HTTP/1.0 ends, unless the client asks for more', () => {
    expect(answers(`GET / HTTP/1.0\r\n\r\n${GET}`)).toEqual({
      text: HELLO.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'),
      ended: true,
    })
    expect(answers('GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n')).toEqual({
      text: HELLO.replace('\r\n\r\n', '\r\nConnection: keep-alive\r\n\r\n'),
      ended: false,
    })
    expect(answers('GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n').ended).toBe(true)
  })
})

describe('bodies', () => {
  test('are passed over, whatever is in them', () => {
    const body = 'GET /none HTTP/1.1\r\n\r\n'
    const { text, ended } = answers(
      `POST / HTTP/1.1\r\n${HOST}Content-Length: ${body.length}\r\n\r\n${body}${GET}`,
    )
    expect(statuses(text)).toEqual([405, 200])
    expect(text).toContain('\r\nAllow: GET, HEAD\r\n')
    expect(ended).toBe(false)
  })

  test('have a bound', () => {
    const fits = `GET / HTTP/1.1\r\n${HOST}Content-Length: ${BODY_BYTES_MAX}\r\n\r\n`
    const { text } = answers(fits + 'x'.repeat(BODY_BYTES_MAX) + GET)
    expect(statuses(text)).toEqual([200, 200])
    for (const length of [BODY_BYTES_MAX + 1, '0'.repeat(9) + '999999']) {
      const over = answers(`GET / HTTP/1.1\r\n${HOST}Content-Length: ${length}\r\n\r\nabc`)
      expect(statuses(over.text)).toEqual([413])
      expect(over.ended).toBe(true)
    }
  })

  test('that a client asks about first end the connection: nobody knows whether they come', () => {
    const asks = withFields('Host: a', 'Content-Length: 3', 'Expect: 100-continue')
    const { text, ended } = answers(asks)
    expect(statuses(text)).toEqual([200])
    expect(text).toContain('\r\nConnection: close\r\n')
    expect(ended).toBe(true)
  })
})

describe('what is refused, with the connection', () => {
  test.each([
    [400, 'no Host', withFields()],
    [400, 'two Hosts', withFields('Host: a', 'Host: a')],
    [400, 'a Host that is none', withFields('Host: a b')],
    [400, 'a Host with a path', withFields('Host: a/b')],
    [400, 'a folded field', withFields('Host: a', 'X: b', ' c')],
    [400, 'a blank before the colon', withFields('Host : a')],
    [400, 'a field without a name', withFields('Host: a', ': b')],
    [400, 'a field without a colon', withFields('Host: a', 'b')],
    [400, 'a lone CR', withFields('Host: a', 'X: b\rc')],
    [400, 'NUL', withFields('Host: a', 'X: b\0c')],
    [400, 'a lone LF', 'GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n'],
    [400, 'LF for every line', 'GET / HTTP/1.1\nHost: a\n\n'],
    [400, 'no version', 'GET /\r\n\r\n'],
    [400, 'a version in small letters', `GET / http/1.1\r\n${HOST}\r\n`],
    [400, 'two blanks', `GET  / HTTP/1.1\r\n${HOST}\r\n`],
    [400, 'a target beyond ASCII', `GET /\xe9 HTTP/1.1\r\n${HOST}\r\n`],
    [400, 'a method that is no token', `G(T / HTTP/1.1\r\n${HOST}\r\n`],
    [400, 'TLS', '\x16\x03\x01\x02\0\x01'],
    [400, 'a line of the chat', 'PRIVMSG #room :hello\r\n\r\n'],
    [400, 'two lengths', withFields('Host: a', 'Content-Length: 5', 'Content-Length: 6')],
    [400, 'the same length twice', withFields('Host: a', 'Content-Length: 5', 'Content-Length: 5')],
    [400, 'a list of lengths', withFields('Host: a', 'Content-Length: 5, 5')],
    [400, 'a negative length', withFields('Host: a', 'Content-Length: -1')],
    [400, 'a length with a sign', withFields('Host: a', 'Content-Length: +5')],
    [400, 'a hexadecimal length', withFields('Host: a', 'Content-Length: 0x5')],
    [400, 'a length with a blank of latin1', withFields('Host: a', 'Content-Length: \xa05')],
    [400, 'no length', withFields('Host: a', 'Content-Length:')],
    [
      400,
      'a length and a coding',
      withFields('Host: a', 'Content-Length: 5', 'Transfer-Encoding: chunked'),
    ],
    [
      400,
      'a coding and a length',
      withFields('Host: a', 'transfer-encoding: x', 'CONTENT-LENGTH: 0'),
    ],
    [400, 'a coding in HTTP/1.0', 'GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n'],
    [501, 'a coding', withFields('Host: a', 'Transfer-Encoding: chunked')],
    [505, 'HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    [505, 'HTTP/0.9, said aloud', `GET / HTTP/0.9\r\n${HOST}\r\n`],
  ])('%i: %s', (status, _, text) => {
    // What comes after it is never taken for a request.
    const { text: answer, ended } = answers(`${text}${GET}`)
    expect(statuses(answer)).toEqual([status])
    expect(answer).toContain('\r\nConnection: close\r\n')
    expect(ended).toBe(true)
  })

  test('431 and 414: a head beyond its bound', () => {
    const room = HEAD_BYTES_MAX - withFields('Host: a', 'X: ').length
    const longest = withFields('Host: a', `X: ${'x'.repeat(room)}`)
    expect(answers(longest)).toEqual({ text: HELLO, ended: false })
    for (const [status, text] of [
      [431, longest.replace('x', 'xx')],
      [431, `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(2_000)}`],
      [414, `GET /${'x'.repeat(HEAD_BYTES_MAX)}`],
    ] as const) {
      const { text: answer, ended } = answers(text)
      expect(statuses(answer)).toEqual([status])
      expect(ended).toBe(true)
    }
  })
})

describe('what is refused, and the connection stays', () => {
  test.each([
    [404, 'GET /none'],
    [404, 'GET /%2F'],
    [404, 'GET //'],
    [404, 'GET /work?ms=5'],
    [404, 'OPTIONS *'],
    [404, 'CONNECT a:80'],
    [405, 'POST /'],
    [405, 'DELETE /metrics'],
    [501, 'get /'],
    [501, 'BREW /'],
  ])('%i: %s', (status, start) => {
    const { text, ended } = answers(`${start} HTTP/1.1\r\n${HOST}\r\n${GET}`)
    expect(statuses(text)).toEqual([status, 200])
    expect(ended).toBe(false)
  })
})

function work(query: string): string {
  return `GET /work${query} HTTP/1.1\r\n${HOST}\r\n`
}

describe('/work', () => {
  test('computes before it answers, and the requests behind it wait', () => {
    const world = worldOf(service, { lab: true })
    const visit = new Visit(world)
    visit.conversation.receive(Buffer.from(GET + work('?ms=5') + GET), world.nowMs)
    const kinds = Array.from({ length: 4 }, () => visit.conversation.nextEffect()?.kind)
    expect(kinds).toEqual(['reply', 'compute', 'reply', undefined])
  })

  test.each([
    ['', ['reply', 'hub']],
    ['Connection: close\r\n', ['close']],
  ])('that is not done, because the server is busy, gets 503: %j', (field, kinds) => {
    const world = worldOf(service, { lab: true })
    const { conversation } = new Visit(world)
    const next = `GET /metrics HTTP/1.1\r\n${HOST}\r\n`
    const text = `GET /work?ms=5 HTTP/1.1\r\n${HOST}${field}\r\n${next}`
    conversation.receive(Buffer.from(text), world.nowMs)
    expect(conversation.nextEffect()?.kind).toBe('compute')
    conversation.refused()
    const answer = conversation.nextEffect()
    expect(answer).toHaveProperty('text', expect.stringContaining('HTTP/1.1 503 '))
    expect([answer, conversation.nextEffect()].map((one) => one?.kind)).toEqual(
      kinds.length === 1 ? [...kinds, undefined] : kinds,
    )
  })

  test('says how long it took', () => {
    const visit = new Visit(worldOf(service, { lab: true }))
    expect(visit.say(work('?ms=0005'))).toMatch(/^HTTP\/1\.1 200 .*\r\n\r\n5 ms\n$/s)
    expect(visit.worked).toEqual([5])
    visit.say('GET /work?ms=7 HTTP/1.0\r\n\r\n')
    expect(visit.worked).toEqual([5, 7])
    expect(visit.ended).toBe(true)
  })

  test.each(['', '?', '?ms=', '?ms=-1', '?ms=1e3', '?ms=2001', '?ms=1&ms=2', '?ms=9999999'])(
    'has bounds: %j',
    (query) => {
      const { text, ended } = answers(work(query), { lab: true })
      expect(statuses(text)).toEqual([400])
      expect(ended).toBe(false)
    },
  )
})

describe('/metrics', () => {
  test('is OpenMetrics text, of what the hub knows', () => {
    const world = worldOf(service, { createdAt: 'Thu, 01 Jan 2026 00:00:00 GMT' })
    const gone = new Visit(world)
    gone.leave()
    const other = new Visit(world)
    const visit = new Visit(world)
    const answer = visit.say(`GET /metrics HTTP/1.1\r\n${HOST}\r\n${GET}`)
    const [head, body, ...rest] = answer.split('\r\n\r\n') as [string, string]
    expect(head).toContain(
      'Content-Type: application/openmetrics-text; version=1.0.0; charset=utf-8',
    )
    const [, length] = /Content-Length: (\d+)/.exec(head)!
    const metrics = [body, ...rest].join('\r\n\r\n').slice(0, Number(length))
    expect(answer.endsWith(metrics + HELLO)).toBe(true)
    expect(metrics.endsWith('\n# EOF\n')).toBe(true)
    const samples = metrics.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
    expect(samples).toEqual([
      `hubbub_build_info{version="${OPTIONS.version}"} 1`,
      'hubbub_clients 2',
      'hubbub_connections_total 3',
      'hubbub_start_time_seconds 1767225600',
    ])
    for (const sample of samples) {
      const [name] = /^[a-z_]+?(?=_info|_total|\{| )/.exec(sample)!
      expect(metrics).toMatch(new RegExp(`^# TYPE ${name} (?:info|gauge|counter)$`, 'm'))
    }
    expect(other.take()).toBe('')
  })

  test('is a page like others: HEAD, and the end of the connection', () => {
    const visit = new Visit(worldOf(service))
    expect(visit.say(`HEAD /metrics HTTP/1.1\r\n${HOST}\r\n`)).toMatch(/\r\n\r\n$/)
    expect(visit.say('GET /metrics HTTP/1.0\r\n\r\n')).toMatch(
      /\r\nConnection: close\r\n\r\n.*# EOF\n$/s,
    )
    expect(visit.ended).toBe(true)
  })
})

describe('time', () => {
  const { registrationTimeoutMs: headMs, pingIntervalMs, pingTimeoutMs } = OPTIONS.limits
  const silenceMs = pingIntervalMs + pingTimeoutMs

  test('one that says nothing is let go without a word', () => {
    const visit = new Visit(worldOf(service))
    expect(visit.pass(headMs - 1)).toBe('')
    expect(visit.ended).toBe(false)
    expect(visit.pass(1)).toBe('')
    expect(visit.ended).toBe(true)
  })

  test('a head that comes too slowly gets 408, however many pieces it comes in', () => {
    const visit = new Visit(worldOf(service))
    visit.say(GET)
    visit.pass(silenceMs - 1)
    for (const piece of 'GET / H') {
      visit.say(piece)
      expect(visit.pass(headMs / 7 - 1)).toBe('')
    }
    const answer = visit.pass(7)
    expect(statuses(answer)).toEqual([408])
    expect(visit.ended).toBe(true)
  })

  test('a body that comes too slowly ends the connection; its answer is out already', () => {
    const visit = new Visit(worldOf(service))
    visit.say(`GET / HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\n`)
    visit.say('ab')
    expect(visit.pass(headMs)).toBe('')
    expect(visit.ended).toBe(true)
  })

  test('between requests there is more of it', () => {
    const visit = new Visit(worldOf(service))
    for (let i = 0; i < 3; i++) {
      visit.say(GET)
      visit.pass(silenceMs - 1)
      expect(visit.ended).toBe(false)
    }
    visit.say('\r\n')
    expect(visit.pass(1)).toBe('')
    expect(visit.ended).toBe(true)
  })

  test('one that could not be heard is excused', () => {
    const world = worldOf(service)
    const visit = new Visit(world)
    world.nowMs += headMs
    visit.conversation.excuse(world.nowMs)
    visit.pass(headMs - 1)
    expect(visit.ended).toBe(false)
    visit.pass(1)
    expect(visit.ended).toBe(true)
  })
})

const PIECES = [
  GET,
  GET,
  GET,
  'GET / HTTP/1.1\r\n',
  HOST,
  '\r\n',
  '\n',
  '\r',
  '\0',
  ' ',
  ':',
  'Content-Length: 3',
  'Content-Length: 99',
  'Connection: close',
  'X: y\r\n',
  'Transfer-Encoding: chunked',
  'HEAD /metrics',
  ' HTTP/1.0\r\n',
  'x'.repeat(5_000),
  'POST /work?ms=3 HTTP/1.1\r\n',
]

describe('any bytes', () => {
  const pieces = fc
    .array(
      fc.oneof(
        fc.constantFrom(...PIECES),
        fc.string({ unit: 'binary-ascii', maxLength: 6 }),
        fc.uint8Array({ maxLength: 4 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
      ),
      { maxLength: 20 },
    )
    .map((parts) => parts.join(''))

  test('do not break it, and the answers do not depend on how they are cut', () => {
    fc.assert(
      fc.property(anyWay(pieces), (chunks) => {
        const whole = told(worldOf(service, { lab: true }), [chunks.join('')])
        expect(told(worldOf(service, { lab: true }), chunks)).toEqual(whole)
      }),
      { numRuns: 3_000 },
    )
  })

  test('are bounded while nobody asks for their answers', () => {
    const world = worldOf(service)
    const visit = new Visit(world)
    const chunk = Buffer.alloc(65_536, GET)
    for (let i = 0; i < 64; i++) visit.conversation.receive(chunk, world.nowMs)
    expect(visit.say('')).toBe('')
    expect(visit.ended).toBe(true)
    expect(visit.reason).toBe('RecvQ exceeded')
  })

  test('of a hostile head are read once: were it not so, this would not end in time', () => {
    const room = HEAD_BYTES_MAX - 40
    for (const filler of ['a: b\r\n', ' ', '\t', 'a', ':', 'close,', 'host:']) {
      const head = `GET / HTTP/1.1\r\nConnection: ${filler.repeat(room / filler.length)}`
      for (let i = 0; i < 100; i++) {
        expect(told(worldOf(service), [`${head}\x01\r\n\r\n`]).ended).toBe(true)
      }
    }
  })
})
