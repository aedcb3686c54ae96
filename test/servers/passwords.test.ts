import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import type { Verdict } from '../../protocol/index.ts'
import { compiledUrl } from '../support/program.ts'
import {
  costOf,
  DEFAULT_COST,
  hashPassword,
  isPasswordHash,
  verify,
  verifyNow,
} from '../../servers/passwords.ts'

const CHEAP = 4

/** RFC 7914 section 12, the third vector: N = 16384, r = 8, p = 1. */
const VECTOR =
  '7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2' +
  'd5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887'
const SALT = base64(Buffer.from('SodiumChloride'))
const KNOWN = `$scrypt$ln=14,r=8,p=1$${SALT}$${base64(Buffer.from(VECTOR, 'hex'))}`

/** Looks like any other, but RFC 7914 has no such parameters (N < 2^16r): scrypt throws. */
const IMPOSSIBLE = `$scrypt$ln=20,r=1,p=1$${SALT}$${base64(Buffer.alloc(32))}`

function verdictNow(password: string, hash: string): Verdict {
  return verifyNow({ password, hash })
}

function verdictOf(password: string, hash: string): Promise<Verdict> {
  return verify({ password, hash, host: 'one' })
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replaceAll('=', '')
}

describe('a hash', () => {
  test('of RFC 7914 is verified', async () => {
    expect(verdictNow('pleaseletmein', KNOWN)).toBe('right')
    expect(await verdictOf('pleaseletmein', KNOWN)).toBe('right')
    expect(verdictNow('pleaseletmeIn', KNOWN)).toBe('wrong')
    expect(await verdictOf('', KNOWN)).toBe('wrong')
  })

  test('is in the PHC format, with a salt of 16 bytes that is never the same', () => {
    const hashes = Array.from({ length: 20 }, () => hashPassword('sesame', CHEAP))
    for (const hash of hashes) {
      expect(hash).toMatch(/^\$scrypt\$ln=4,r=8,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
      expect(isPasswordHash(hash)).toBe(true)
      expect(verdictNow('sesame', hash)).toBe('right')
      expect(verdictNow('Sesame', hash)).toBe('wrong')
    }
    expect(new Set(hashes).size).toBe(20)
    expect(costOf(hashes[0]!)).toBe(CHEAP)
  })

  test('costs what OWASP asks for, unless it is told otherwise', () => {
    const hash = hashPassword('sesame')
    expect(costOf(hash)).toBe(DEFAULT_COST)
    expect(DEFAULT_COST).toBe(17)
    expect(verdictNow('sesame', hash)).toBe('right')
  })

  test('is of all bytes of the password', () => {
    const long = 'x'.repeat(127)
    const hash = hashPassword(`${long}a`, CHEAP)
    expect(verdictNow(`${long}a`, hash)).toBe('right')
    expect(verdictNow(`${long}b`, hash)).toBe('wrong')
    expect(verdictNow('\xc3\xa9', hashPassword('\xc3\xa9', CHEAP))).toBe('right')
  })

  test('with N = 2^20 has the memory that it needs', () => {
    const hash = hashPassword('sesame', CHEAP).replace('ln=4,r=8', 'ln=20,r=2')
    expect(verdictNow('sesame', hash)).toBe('wrong') // Computed: it is not busy.
  })

  test.each([
    ['nothing', ''],
    ['the password itself', 'sesame'],
    ['bcrypt', '$2b$12$abcdefghijklmnopqrstuuKuWfWeT0nP6MYlG3MmF7Fe1d2h6d4yS'],
    ['a short salt', KNOWN.replace(SALT, 'YWJj')],
    ['one cut short', KNOWN.slice(0, -50)],
    ['one with more behind it', `${KNOWN}\n`],
    ['no cost', KNOWN.replace('ln=14', 'ln=0')],
    ['r = 0', KNOWN.replace('r=8', 'r=0')],
    ['p = 0', KNOWN.replace('p=1', 'p=0')],
    ['more memory than a server has', KNOWN.replace('ln=14', 'ln=21')],
    ['still more', KNOWN.replace('ln=14,r=8', 'ln=99,r=99')],
  ])('is not %s', async (_, text) => {
    expect(isPasswordHash(text)).toBe(false)
    expect(verdictNow('sesame', text)).toBe('wrong')
    expect(await verdictOf('sesame', text)).toBe('wrong')
  })
})

describe('what cannot be found out', () => {
  test('is busy, and throws nothing', async () => {
    expect(isPasswordHash(IMPOSSIBLE)).toBe(true)
    expect(verdictNow('sesame', IMPOSSIBLE)).toBe('busy')
    expect(await Promise.all(Array.from({ length: 8 }, () => verdictOf('x', IMPOSSIBLE)))).toEqual(
      Array.from({ length: 8 }, () => 'busy'),
    )
    // And it has given its place back.
    expect(await verdictOf('pleaseletmein', KNOWN)).toBe('right')
  })
})

describe('many at a time', () => {
  test('wait for each other, and those who would wait too long are told so at once', async () => {
    const told: string[] = []
    const hash = hashPassword('sesame', 10)
    const all = Array.from({ length: 100 }, async (_, i) => {
      const verdict = await verdictOf(i % 2 ? 'sesame' : 'x', hash)
      told.push(`${i} ${verdict}`)
      return verdict
    })
    const verdicts = await Promise.all(all)
    const served = verdicts.filter((verdict) => verdict !== 'busy')
    expect(served).toHaveLength(66) // 2 at work, 64 in the queue.
    expect(verdicts.slice(66)).toEqual(Array.from({ length: 34 }, () => 'busy'))
    expect(verdicts.slice(0, 66)).toEqual(served.map((_, i) => (i % 2 ? 'right' : 'wrong')))
    // The busy ones first, without waiting.
    expect(told.slice(0, 34).every((one) => one.endsWith('busy'))).toBe(true)
  })

  test('are told that nobody will look when the server ends, but for those under way', async () => {
    const program = `
      const { hashPassword, refuseWaiting, verify } = await import(process.argv[1])
      const guess = { password: 'sesame', hash: hashPassword('sesame', 10), host: 'one' }
      const all = Array.from({ length: 10 }, () => verify(guess))
      refuseWaiting()
      console.log((await Promise.all([...all, verify(guess)])).join(' '))`
    const module = compiledUrl('servers/passwords.js')
    const words = ['--input-type=module', '-e', program, module]
    const { stdout } = await promisify(execFile)(process.execPath, words)
    expect(stdout.trim()).toMatch(/^right right( busy){8} (busy|right)$/)
  })

  test('leave the event loop its turns', async () => {
    let turns = 0
    const counting = setInterval(() => turns++, 1)
    await Promise.all(Array.from({ length: 8 }, () => verdictOf('x', KNOWN)))
    clearInterval(counting)
    expect(turns).toBeGreaterThan(10)
  })
})
