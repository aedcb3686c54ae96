// Accounts in the chat: PASS account:password, and SASL PLAIN. What is printed in PROTOCOL.md is not here.

import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { IrcHub } from '../../protocol/index.ts'
import { asLatin1 } from './feed.ts'
import { Loopback, type LoopbackClient, OPTIONS } from './loopback.ts'

const LONG = 'x'.repeat(128)
/** In memory a hash is the password itself. */
const ACCOUNTS = {
  entries: [
    ['alice', 'wonderland'],
    ['zoe', asLatin1('café')],
    ['long', LONG],
    ['colon', 'a:b c'],
  ] as const,
  dummy: '\0',
}

const WELCOME = / 001 /
const LOGGED_IN = / 900 /

function plain(name: string, password: string, actAs = ''): string {
  return Buffer.from(`${actAs}\0${name}\0${password}`, 'latin1').toString('base64')
}

/** A client that has asked for SASL. */
function negotiating(server = new Loopback({ accounts: ACCOUNTS })): LoopbackClient {
  const client = server.connect()
  client.say('CAP REQ :sasl')
  return client
}

function sasl(client: LoopbackClient, ...pieces: string[]): string {
  const [ready] = client.say('AUTHENTICATE plain')
  expect(ready).toBe('AUTHENTICATE +')
  return client.say(...pieces.map((piece) => `AUTHENTICATE ${piece}`)).join('\n')
}

describe('PASS', () => {
  test.each([
    ['alice:wonderland', true],
    ['ALICE:wonderland', true],
    [asLatin1('zoe:cafe\u0301'), true],
    [':colon:a:b c', true],
    ['alice:Wonderland', false],
    ['alice:', false],
    ['bob:wonderland', false],
    ['__proto__:x', false],
  ])('%s logs in: %s', (password, isRight) => {
    const client = new Loopback({ accounts: ACCOUNTS }).connect()
    const answer = client.say(`PASS ${password}`).join('\n')
    expect(LOGGED_IN.test(answer)).toBe(isRight)
    expect(client.ended).toBe(!isRight)
    if (!isRight) expect(answer).toMatch(/ 464 [^]*ERROR :Closing link: \(Bad password\)$/)
  })

  test.each(['sesame', ':', ':x', '::x'])(
    'that names no account is what it always was: %s',
    (word) => {
      const server = new Loopback({ accounts: ACCOUNTS })
      const answer = server.connect().say(`PASS ${word}`, 'NICK a', 'USER a 0 * :A').join('\n')
      expect(answer).toMatch(WELCOME)
      expect(answer).not.toMatch(LOGGED_IN)
    },
  )

  test('may be the server’s own, colon or not; and an account does instead of it', () => {
    for (const [password, said, enters] of [
      ['alice:of the server', 'alice:of the server', true],
      ['sesame', 'sesame', true],
      ['sesame', 'alice:wonderland', true],
      ['sesame', 'alice', false],
    ] as const) {
      const client = new Loopback({ accounts: ACCOUNTS, password }).connect()
      client.say(`PASS :${said}`, 'NICK a')
      expect(WELCOME.test(client.say('USER a 0 * :A').join('\n'))).toBe(enters)
    }
  })

  test('is not looked at after three wrong ones, whoever says it', () => {
    const server = new Loopback({ accounts: ACCOUNTS })
    for (let i = 0; i < 3; i++) server.connect(`host${i}`).say('PASS alice:guess')
    const client = server.connect('home')
    expect(client.say('PASS alice:wonderland')).toEqual([
      'ERROR :Closing link: (Too many attempts to log in, wait a minute)',
    ])
    expect(client.ended).toBe(true)
    server.pass(60_000)
    expect(server.connect().say('PASS alice:wonderland').join()).toMatch(LOGGED_IN)
  })

  test('without accounts may have a colon', () => {
    const client = new Loopback({ password: 'a:b' }).connect()
    expect(client.say('PASS a:b', 'NICK a', 'USER a 0 * :A').join()).toMatch(WELCOME)
  })
})

describe('SASL', () => {
  test.each([
    ['its own name twice', plain('alice', 'wonderland', 'Alice'), true],
    ['a decomposed password', plain('zoe', asLatin1('cafe\u0301')), true],
    ['somebody else’s name', plain('alice', 'wonderland', 'bob'), false],
    ['no password', plain('alice', ''), false],
    ['no name', plain('', 'wonderland'), false],
    ['two fields', Buffer.from('alice\0wonderland').toString('base64'), false],
    ['four fields', plain('alice', 'wonderland\0'), false],
    ['no padding', plain('alice', 'wonderland').replace('=', ''), false],
    ['the alphabet of URLs', '_-_-', false],
    ['nothing', '+', false],
    ['a password that is not UTF-8', plain('alice', '\xff'), false],
    ['more bytes than a password has', plain('long', `${LONG}x`), false],
    ['as many', plain('long', LONG), true],
  ])('with %s', (_, message, isRight) => {
    const client = negotiating()
    const answer = sasl(client, message)
    expect(/ 900 .* 903 /s.test(answer)).toBe(isRight)
    expect(/ 904 /.test(answer)).toBe(!isRight)
    expect(client.ended).toBe(false)
  })

  test('in pieces of 400 bytes, the last of which may be empty', () => {
    const [long, even] = [580, 282].map((bytes) => plain('alice', 'wonderland', 'x'.repeat(bytes)))
    // A name to act as that is too long is refused, but only when the whole message is there.
    const pieces = long!.match(/.{1,400}/g)!
    expect(sasl(negotiating(), ...pieces)).toMatch(/^\S+ 904 /)
    expect(even).toHaveLength(400)
    const client = negotiating()
    expect(sasl(client, even!)).toBe('')
    expect(client.say('AUTHENTICATE +').join()).toMatch(/ 904 /)
  })

  test('has bounds: 905, and from the beginning', () => {
    const client = negotiating()
    const piece = 'A'.repeat(400)
    expect(sasl(client, piece, piece)).toBe('')
    expect(client.say(`AUTHENTICATE ${piece}`).join()).toMatch(/ 905 /)
    expect(sasl(client, 'A'.repeat(401))).toMatch(/ 905 /)
    expect(sasl(client, plain('alice', 'wonderland'))).toMatch(LOGGED_IN)
  })

  test('is there for those who have asked for it, and nobody else', () => {
    const server = new Loopback({ accounts: ACCOUNTS })
    const client = server.connect()
    expect(client.say('AUTHENTICATE PLAIN').join()).toMatch(/ 451 /)
    expect(client.say('CAP REQ :sasl multi-prefix').join()).toMatch(/ NAK :sasl multi-prefix/)
    expect(client.say('AUTHENTICATE PLAIN').join()).toMatch(/ 451 /)
    client.say('CAP REQ :sasl', 'CAP REQ :-sasl')
    expect(client.say('AUTHENTICATE PLAIN').join()).toMatch(/ 451 /)
    client.say('NICK a', 'USER a 0 * :A', 'CAP END')
    expect(client.say('AUTHENTICATE PLAIN').join()).toMatch(/ 421 a AUTHENTICATE /)
  })

  test('does not exist without accounts', () => {
    const server = new Loopback()
    const client = server.connect()
    expect(client.say('CAP LS 302', 'CAP REQ :sasl', 'CAP REQ :-sasl', 'CAP LIST')).toEqual([
      ':hubbub.local CAP * LS :',
      ':hubbub.local CAP * NAK :sasl',
      ':hubbub.local CAP * NAK :-sasl',
      ':hubbub.local CAP * LIST :',
    ])
    expect(client.say('AUTHENTICATE PLAIN').join()).toMatch(/ 451 \* :/)
    expect(server.register('a').say('AUTHENTICATE PLAIN').join()).toMatch(/ 421 a AUTHENTICATE /)
  })

  test('may come after registration; who fails too often then is seen to go', () => {
    const server = new Loopback({ accounts: ACCOUNTS })
    const [alice, bob] = [server.register('alice'), server.register('bob')]
    for (const client of [alice, bob]) client.say('JOIN #a')
    alice.take()
    alice.say('CAP REQ :sasl')
    for (let i = 0; i < 3; i++) sasl(alice, plain('alice', 'guess'))
    expect(alice.ended).toBe(true)
    expect(bob.take()).toEqual([':alice!alice@127.0.0.1 QUIT :Too many failed log-ins'])
    bob.say('CAP REQ :sasl')
    expect(sasl(bob, plain('zoe', asLatin1('café')))).toMatch(/ 903 /)
  })

  test('says when the password is not looked at', () => {
    const server = new Loopback({ accounts: ACCOUNTS })
    for (let i = 0; i < 3; i++) sasl(negotiating(server), plain('alice', 'guess'))
    expect(sasl(negotiating(server), plain('alice', 'wonderland'))).toMatch(
      / 904 \* :SASL authentication failed, too many attempts: wait a minute$/,
    )
  })
})

describe('verifying', () => {
  test('is asked for last, and a client that has gone meanwhile is told nothing', () => {
    const hub = new IrcHub<string>({ ...OPTIONS, accounts: ACCOUNTS })
    hub.connect('a', 'host', 0)
    const effects = hub.receive('a', 'PASS alice:wonderland', 0)
    const guess = { password: 'wonderland', hash: 'wonderland', host: 'host' }
    expect(effects).toEqual([{ kind: 'verify', to: 'a', guess }])
    hub.disconnect('a', 'gone')
    expect(hub.verified('a', 'right', 1)).toEqual([])
    expect(hub.verified('a', 'right', 1)).toEqual([])
    expect(hub.verified('nobody', 'right', 1)).toEqual([])
  })

  test('that the server is too busy for does not count against anybody', () => {
    const hub = new IrcHub<string>({ ...OPTIONS, accounts: ACCOUNTS })
    for (let i = 0; i < 20; i++) {
      hub.connect(`${i}`, 'host', 0)
      expect(hub.receive(`${i}`, 'PASS alice:guess', 0)).toHaveLength(1)
      const [last] = hub.verified(`${i}`, 'busy', 0)
      expect(last).toMatchObject({
        kind: 'close',
        text: 'ERROR :Closing link: (The server is busy, try again later)\r\n',
      })
    }
  })
})

test('whatever a client says, it is registered once, and logged in only with the right password', () => {
  const RIGHT = ['PASS alice:wonderland', `AUTHENTICATE ${plain('alice', 'wonderland')}`]
  const said = fc.constantFrom(
    ...RIGHT,
    'PASS alice:no',
    'PASS x',
    'NICK alice',
    'USER a 0 * :A',
    'CAP LS',
    'CAP REQ :sasl',
    'CAP END',
    'AUTHENTICATE PLAIN',
    'AUTHENTICATE *',
    'AUTHENTICATE +',
    `AUTHENTICATE ${plain('alice', 'no')}`,
    `AUTHENTICATE ${'A'.repeat(400)}`,
  )
  fc.assert(
    fc.property(fc.array(said, { maxLength: 16 }), (lines) => {
      const client = new Loopback({ accounts: ACCOUNTS }).connect()
      let welcomes = 0
      for (const line of lines) {
        const answer = client.say(line).join('\n')
        if (WELCOME.test(answer)) welcomes++
        if (LOGGED_IN.test(answer)) {
          expect(RIGHT).toContain(line)
        }
      }
      expect(welcomes).toBeLessThanOrEqual(1)
    }),
    { numRuns: 1_000 },
  )
})
