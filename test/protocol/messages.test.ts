import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { commandOf, parseMessage } from '../../protocol/index.ts'
import { asLatin1 } from './feed.ts'

describe('a message', () => {
  test.each<[string, string, string[]]>([
    ['PING', 'PING', []],
    ['ping a', 'PING', ['a']],
    ['PING :a b', 'PING', ['a b']],
    ['PING a :', 'PING', ['a', '']],
    ['PING a ', 'PING', ['a']],
    ['PING  a   b ', 'PING', ['a', 'b']],
    ['PING a:b', 'PING', ['a:b']],
    ['PING ::a', 'PING', [':a']],
    ['   PING a', 'PING', ['a']],
    [':alice!a@b PING a', 'PING', ['a']],
    ['@a=1;b=2 PING a', 'PING', ['a']],
    ['@a=1 :alice PING a', 'PING', ['a']],
    ['@a=1', '', []],
    [':alice', '', []],
    [':', '', []],
    ['', '', []],
    ['   ', '', []],
    ['\xffoo \xff', '\xffOO', ['\xff']],
    ['__proto__ constructor', '__PROTO__', ['constructor']],
  ])('%j', (line, command, params) => {
    expect(parseMessage(line)).toEqual({ command, params })
    expect(commandOf(line)).toBe(command)
  })

  test('has at most 15 parameters, the last of which is the rest', () => {
    const numbers = Array.from({ length: 20 }, (_, index) => `p${index}`)
    const { params } = parseMessage(`X ${numbers.join(' ')}`)
    expect(params).toHaveLength(15)
    expect(params[14]).toBe('p14 p15 p16 p17 p18 p19')
    expect(parseMessage(`X ${numbers.slice(0, 14).join(' ')} :a b`).params[14]).toBe('a b')
    expect(parseMessage(`X${' '.repeat(500)}a`).params).toEqual(['a'])
  })

  test('is read back as it was written', () => {
    const middle = fc.stringMatching(/^[^\s:\x80-\uffff][!-9;-~]{0,9}$/)
    const trailing = fc
      .string({ unit: 'grapheme' })
      .map((text) => asLatin1(text.replace(/\s/g, ' ')))
    fc.assert(
      fc.property(fc.array(middle, { maxLength: 14 }), trailing, (params, last) => {
        expect(parseMessage(['CMD', ...params, `:${last}`].join(' '))).toEqual({
          command: 'CMD',
          params: [...params, last],
        })
      }),
    )
  })

  test('comes from any line without a throw', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 100 }).map(asLatin1), (line) => {
        const { command, params } = parseMessage(line)
        expect(params.length).toBeLessThanOrEqual(15)
        expect(command).toBe(commandOf(line))
        // The command is bytes, and upper-casing it did not make anything else of them.
        expect(Buffer.from(command, 'latin1').toString('latin1')).toBe(command)
      }),
    )
  })
})
