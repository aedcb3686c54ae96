import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { service } from '../../../protocol/services/login.ts'
import { anyBytes, anyWay, asLatin1, everyWay } from '../feed.ts'
import { OPTIONS } from '../loopback.ts'
import { told, Visit, worldOf, type World } from './visit.ts'

/** In memory a hash is the password itself. */
function world(): World {
  const entries = [['alice', 'sesame'] as const, ['Zo', asLatin1('café|x')] as const]
  return worldOf(service, { accounts: { entries, dummy: '\0' } })
}

/** The answers to a text, the same in every way of cutting it. */
function answers(text: string): string {
  const whole = told(world(), [text])
  for (const way of everyWay(text)) expect(told(world(), way)).toEqual(whole)
  expect(whole.ended).toBe(false)
  return whole.text
}

describe('login', () => {
  test.each([
    ['alice|sesame\r\n', 'success\r\n'],
    ['alice|sesame\n', 'success\r\n'],
    ['ALICE|sesame\r\n', 'success\r\n'],
    ['alice|Sesame\r\n', 'fail\r\n'],
    ['bob|sesame\r\n', 'fail\r\n'],
    ['alice|\r\n', 'fail\r\n'],
    ['|sesame\r\n', 'fail\r\n'],
    ['|\r\n', 'fail\r\n'],
    ['alice|sesame ', ''],
    ['alice|sesame \r\n', 'fail\r\n'],
    [`alice|${'x'.repeat(400)}\r\n`, 'fail\r\n'],
    [asLatin1('Zo|café|x\r\n'), 'success\r\n'],
    [asLatin1('Zo|cafe\u0301|x\r\n'), 'success\r\n'],
    ['alice\r\n', 'error: a line is user|password\r\n'],
    ['alice|a\0b\r\n', 'error: a line is user|password\r\n'],
    ['alice|a\rb\r\n', 'error: a line is user|password\r\n'],
    ['alice|\xff\r\n', 'error: a line is user|password\r\n'],
    ['\r\n\r\n', ''],
  ])('answers %j', (text, answer) => {
    expect(answers(text)).toBe(answer)
    expect(answers(text.repeat(2))).toBe(answer.repeat(text.endsWith('\n') ? 2 : 0))
  })

  test('says once that a line is too long, and takes the next', () => {
    const { text, ended } = told(world(), [`alice|${'x'.repeat(600)}\r\nalice|sesame\r\n`])
    expect(text).toBe('error: a line is user|password\r\nsuccess\r\n')
    expect(ended).toBe(false)
  })

  test('ends with a line that does not', () => {
    const visit = new Visit(world())
    visit.say('x'.repeat(9_000))
    expect(visit.ended).toBe(true)
    expect(visit.reason).toBe('Line without end')
  })

  test('does not hash for the fourth wrong password in a minute, and says so', () => {
    const here = world()
    const visit = new Visit(here)
    const guesses = Array.from({ length: 1_000 }, (_, i) => visit.say(`alice|guess${i}\r\n`))
    expect(guesses.slice(0, 3)).toEqual(Array.from({ length: 3 }, () => 'fail\r\n'))
    expect(new Set(guesses.slice(3))).toEqual(
      new Set(['fail, too many attempts: wait a minute\r\n']),
    )
    expect(here.verified).toHaveLength(3)
    expect(new Visit(here, 'elsewhere').say('zo|x\r\n')).toBe('fail\r\n')
    here.nowMs += 60_000
    expect(new Visit(here).say('alice|sesame\r\n')).toBe('success\r\n')
  })

  test('hashes at most ten times a minute for a host that tries one password on all accounts', () => {
    const here = world()
    for (let i = 0; i < 1_000; i++) {
      const visit = new Visit(here, '192.0.2.1')
      visit.say(`user${i}|sesame\r\n`)
      visit.leave()
    }
    expect(here.verified).toHaveLength(10)
    expect(new Visit(here, '192.0.2.2').say('alice|sesame\r\n')).toBe('success\r\n')
  })

  test('says when the server is busy', () => {
    const here = world()
    here.verify = () => 'busy'
    expect(new Visit(here).say('alice|sesame\r\n')).toBe('busy, try again later\r\n')
  })

  test('says nothing to one that has gone while its password was verified', () => {
    const here = world()
    const visit = new Visit(here)
    here.verify = () => {
      visit.leave()
      return 'right'
    }
    expect(visit.say('alice|sesame\r\n')).toBe('')
  })

  test('without accounts lets nobody in', () => {
    const here = worldOf(service)
    expect(new Visit(here).say('alice|sesame\r\n')).toBe('fail\r\n')
  })

  test('ends one that is silent', () => {
    const visit = new Visit(world())
    visit.say('x')
    const { pingIntervalMs, pingTimeoutMs } = OPTIONS.limits
    visit.pass(pingIntervalMs + pingTimeoutMs)
    expect(visit.ended).toBe(true)
  })

  test('takes any bytes, however they are cut', () => {
    fc.assert(
      fc.property(anyWay(anyBytes), (chunks) => {
        const whole = told(world(), [chunks.join('')])
        expect(told(world(), chunks)).toEqual(whole)
        expect(whole.text).toMatch(
          /^(?:(?:success|fail(?:, too many attempts: wait a minute)?|error: .*)\r\n)*$/,
        )
      }),
    )
  })

  test('is bounded while nobody asks', () => {
    const here = world()
    const visit = new Visit(here)
    const chunk = Buffer.alloc(65_536, 'a|b\r\n')
    for (let i = 0; i < 64; i++) visit.conversation.receive(chunk, here.nowMs)
    visit.say('')
    expect(visit.ended).toBe(true)
    expect(visit.reason).toBe('RecvQ exceeded')
  })
})
