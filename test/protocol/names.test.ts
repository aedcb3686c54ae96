import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foldName, isChannelName, isNick } from '../../protocol/index.ts'
import { asHost, asUser, isKey, matchesMask } from '../../protocol/names.ts'

describe('names', () => {
  test.each([
    ['a', true],
    ['Alice-9', true],
    ['[\\]`_^{|}', true],
    ['__proto__', true],
    ['n'.repeat(30), true],
    ['n'.repeat(31), false],
    ['', false],
    ['9a', false],
    ['-a', false],
    ['a b', false],
    ['a!b', false],
    ['a@b', false],
    ['#a', false],
    ['a\x00', false],
    ['a\x1f', false],
    ['a\x7f', false],
    ['a\xe9', false],
    ['a\n', false],
  ])('nickname %j: %s', (name, is) => {
    expect(isNick(name)).toBe(is)
  })

  test.each([
    ['#a', true],
    ['##', true],
    ['#caf\xc3\xa9', true],
    ['#constructor', true],
    [`#${'c'.repeat(49)}`, true],
    [`#${'c'.repeat(50)}`, false],
    ['#', false],
    ['', false],
    ['a', false],
    ['&a', false],
    ['#a b', false],
    ['#a,b', false],
    ['#a:b', false],
    ['#a\x07', false],
    ['#a\x7f', false],
    ['#a\n', false],
  ])('channel %j: %s', (name, is) => {
    expect(isChannelName(name)).toBe(is)
  })

  test('no control character is in any name', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary-ascii', maxLength: 12 }), (text) => {
        for (const name of [text, `#${text}`, `a${text}`]) {
          const isName = isNick(name) || isChannelName(name) || isKey(name)
          if (isName) expect(name).toMatch(/^[\x21-\x2b\x2d-\x7e]+$/)
        }
      }),
    )
  })

  test('fold from A to Z and nothing else', () => {
    expect(foldName('#ABCxyz[]\\^\xc3\x89')).toBe('#abcxyz[]\\^\xc3\x89')
  })

  test('users and hosts become one word', () => {
    expect(asUser('al ice!@\xff')).toBe('alice')
    expect(asUser('!@')).toBe('user')
    expect(asUser('u'.repeat(99))).toHaveLength(16)
    expect(asHost('::1')).toBe('0::1')
    expect(asHost('127.0.0.1')).toBe('127.0.0.1')
    expect(asHost('a b@c\0')).toBe('abc')
    expect(asHost('')).toBe('unknown')
  })
})

describe('a mask', () => {
  test.each([
    ['*', '', true],
    ['*', 'anything', true],
    ['?', '', false],
    ['a*c', 'abbbc', true],
    ['a*c', 'abbb', false],
    ['a?c', 'abc', true],
    ['*a*b*', 'xxaxxbxx', true],
    ['a', 'ab', false],
    ['', 'a', false],
  ])('%j and %j: %s', (mask, name, is) => {
    expect(matchesMask(mask, name)).toBe(is)
  })

  test('matches what the same regular expression matches', () => {
    const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 })
    fc.assert(
      fc.property(letters, fc.stringMatching(/^[ab]{0,8}$/), (mask, name) => {
        const expression = mask.replace(/\*+/g, '.*').replace(/\?/g, '.')
        expect(matchesMask(mask, name)).toBe(new RegExp(`^${expression}$`).test(name))
      }),
      { numRuns: 1_000 },
    )
  })

  test('made to be slow is not', () => {
    expect(matchesMask('*a'.repeat(200), 'a'.repeat(199) + 'b')).toBe(false)
  })
})
