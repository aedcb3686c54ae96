import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  ACCOUNT_RULE,
  Authenticator,
  asPassword,
  HOST_RULE,
  isAccountName,
  networkOf,
} from '../../protocol/accounts.ts'
import { asLatin1 } from './feed.ts'

const ACCOUNTS = { entries: [['Alice', 'hash of alice']] as const, dummy: 'hash of nobody' }

/** Begins and ends an attempt; what was verified against, or what came of it without that. */
function attempt(
  authenticator: Authenticator<object>,
  name: string,
  verdict: 'right' | 'wrong' | 'busy',
  { host = '192.0.2.1', nowMs = 0 } = {},
): string {
  const id = {}
  const begun = authenticator.begin(id, host, name, 'x', nowMs)
  if (typeof begun === 'string') return begun
  const ended = authenticator.end(id, verdict, nowMs)
  return `${begun.guess.hash}: ${ended?.verdict} ${ended?.name}`.trim()
}

describe('an account', () => {
  test('is found in any case, and has one spelling', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    expect(attempt(authenticator, 'aLICE', 'right')).toBe('hash of alice: right Alice')
  })

  test('that does not exist makes the same work, and nobody is right', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    for (const name of ['bob', '__proto__', 'constructor']) {
      expect(attempt(authenticator, name, 'right')).toBe('hash of nobody: wrong')
    }
  })

  test('is not hashed for after three wrong passwords in a minute, wherever they come from', () => {
    for (const name of ['alice', 'bob']) {
      const authenticator = new Authenticator<object>(ACCOUNTS)
      const tries = Array.from({ length: 6 }, (_, i) =>
        attempt(authenticator, i % 2 ? name : name.toUpperCase(), 'wrong', { host: `host${i}` }),
      )
      expect(tries.filter((one) => one !== 'throttled')).toHaveLength(ACCOUNT_RULE.wrongMax)
      expect(tries.slice(3)).toEqual(['throttled', 'throttled', 'throttled'])
      const later = { nowMs: ACCOUNT_RULE.windowMs }
      expect(attempt(authenticator, name, 'wrong', later)).toContain('wrong')
    }
  })

  test('has its wrong passwords forgiven by the right one', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    for (let i = 0; i < 4; i++) {
      for (let times = 0; times < 2; times++) {
        const host = `host${i}`
        expect(attempt(authenticator, 'alice', 'wrong', { host })).toContain('wrong')
      }
      expect(attempt(authenticator, 'alice', 'right')).toContain('right')
    }
  })

  test('is not charged for what nobody has looked at', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    for (let i = 0; i < 20; i++) {
      expect(attempt(authenticator, 'alice', 'busy')).toBe('hash of alice: busy Alice')
    }
  })
})

describe('a host', () => {
  test('is refused after ten wrong passwords in a minute; others are not', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    const tries = Array.from({ length: 1_000 }, (_, i) =>
      attempt(authenticator, `user${i}`, 'wrong'),
    )
    expect(tries.filter((one) => one !== 'throttled')).toHaveLength(HOST_RULE.wrongMax)
    expect(attempt(authenticator, 'alice', 'right')).toBe('throttled')
    expect(attempt(authenticator, 'alice', 'right', { host: '192.0.2.2' })).toContain('right')
    const later = { nowMs: HOST_RULE.windowMs }
    expect(attempt(authenticator, 'alice', 'right', later)).toContain('right')
  })

  test('is not pardoned by an account that it has', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    const tries = Array.from({ length: 40 }, (_, i) =>
      i % 2 ? attempt(authenticator, 'alice', 'right') : attempt(authenticator, `u${i}`, 'wrong'),
    )
    expect(tries.filter((one) => one.includes('wrong'))).toHaveLength(HOST_RULE.wrongMax)
  })

  test('has few attempts at the same moment', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    const begun = Array.from({ length: 1_000 }, (_, i) =>
      authenticator.begin({}, 'host', `user${i}`, 'x', 0),
    )
    expect(begun.filter((one) => one !== 'throttled')).toHaveLength(HOST_RULE.attemptsMax)
  })

  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['localhost', 'localhost'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:db8:1:2::6', '2001:db8:1:2'],
    ['2001:db8::6', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
    ['', ''],
  ])('%s is counted as %s', (host, network) => {
    expect(networkOf(host)).toBe(network)
  })
})

describe('an attempt', () => {
  test('whose client has gone is counted all the same', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    const ids = [{}, {}, {}]
    for (const id of ids) authenticator.begin(id, 'host', 'alice', 'x', 0)
    expect(attempt(authenticator, 'alice', 'right')).toBe('throttled')
    for (const id of ids) authenticator.end(id, 'wrong', 1)
    expect(attempt(authenticator, 'alice', 'right', { nowMs: 2 })).toBe('throttled')
  })

  test('that nobody has begun does not end', () => {
    expect(new Authenticator<object>(ACCOUNTS).end({}, 'right', 0)).toBeNull()
  })

  test('with a password or name that cannot be is wrong at once', () => {
    const authenticator = new Authenticator<object>(ACCOUNTS)
    const cases = [
      ['alice', ''],
      ['alice', 'x'.repeat(129)],
      ['alice', '\xff'],
      ['alice', 'a\0b'],
      ['al ice', 'x'],
      ['', 'x'],
      ['a'.repeat(33), 'x'],
    ]
    for (const [name, password] of cases) {
      expect(authenticator.begin({}, 'host', name!, password!, 0)).toBe('wrong')
    }
  })
})

describe('a password', () => {
  test.each([
    ['composed or not', 'café', 'cafe\u0301'],
    ['in Hangul', '각', '\u1100\u1161\u11a8'],
    ['with a no-break space', 'two words', 'two\u00a0words'],
    ['with an ideographic space', 'two words', 'two\u3000words'],
  ])('is the same %s', (_, one, other) => {
    expect(asPassword(asLatin1(other))).toBe(asPassword(asLatin1(one)))
    expect(asPassword(asLatin1(one))).toBe(asLatin1(one))
  })

  test('keeps what only looks similar', () => {
    const spellings = ['cafe', 'café', 'CAFE', 'ｃafe', 'cafe ', ' cafe', '\ufeffcafe']
    expect(new Set(spellings.map((text) => asPassword(asLatin1(text)))).size).toBe(7)
  })

  test('has 1 to 128 bytes, all of which count', () => {
    expect(asPassword('x'.repeat(128))).toBe('x'.repeat(128))
    expect(asPassword('x'.repeat(129))).toBeNull()
    expect(asPassword(asLatin1('é'.repeat(64)))).toHaveLength(128)
    expect(asPassword(asLatin1('é'.repeat(65)))).toBeNull()
  })

  test.each(['', '\0', 'a\nb', 'a\rb', '\xc3', '\xed\xa0\x80', '\xc0\x80'])(
    'is not %j',
    (bytes) => {
      expect(asPassword(bytes)).toBeNull()
    },
  )

  test('is the same when it is made the same again', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), (text) => {
        const password = asPassword(asLatin1(text))
        if (password !== null) expect(asPassword(password)).toBe(password)
      }),
    )
  })
})

describe('a name', () => {
  test.each([
    ['alice', true],
    ['A.b-c_9', true],
    ['_x', true],
    ['9', true],
    ['a'.repeat(32), true],
    ['a'.repeat(33), false],
    ['', false],
    ['.x', false],
    ['-x', false],
    ['a b', false],
    ['a:b', false],
    ['a|b', false],
    ['#a', false],
    ['é', false],
    ['a\n', false],
    ['__proto__', true],
  ])('%j: %s', (name, is) => {
    expect(isAccountName(name)).toBe(is)
  })
})
