import { describe, expect, test } from 'vitest'
import { NUMERICS, formatNumeric } from '../../protocol/index.ts'

describe('a numeric', () => {
  test('has the shape of the table', () => {
    expect(formatNumeric('srv', 'alice', 'ERR_NOSUCHCHANNEL', '#none')).toBe(
      ':srv 403 alice #none :No such channel\r\n',
    )
    expect(formatNumeric('srv', '*', 'ERR_INPUTTOOLONG')).toBe(
      ':srv 417 * :Input line was too long\r\n',
    )
    expect(formatNumeric('srv', 'a', 'RPL_WHOREPLY', '#c', 'u', 'h', 's', 'n', 'H@', 'A B')).toBe(
      ':srv 352 a #c u h s n H@ :0 A B\r\n',
    )
    expect(formatNumeric('srv', 'a', 'RPL_CHANNELMODEIS', '#c', '+k key')).toBe(
      ':srv 324 a #c +k key\r\n',
    )
  })

  test('keeps a value to the one word it stands for', () => {
    for (const value of ['', ':x', ' ']) {
      expect(formatNumeric('srv', 'a', 'ERR_NOSUCHNICK', value)).toBe(
        ':srv 401 a * :No such nick/channel\r\n',
      )
    }
    expect(formatNumeric('srv', 'a', 'ERR_NOSUCHNICK', 'b c')).toMatch(/ 401 a b :/)
  })

  test('is never longer than a line', () => {
    const line = formatNumeric('srv', 'a', 'ERR_UNKNOWNCOMMAND', '\xc3\xa9'.repeat(255))
    expect(line.length).toBeLessThanOrEqual(512)
    expect(line.endsWith('\xc3\xa9\r\n')).toBe(true)
  })

  test('has a number of its own', () => {
    const numbers = Object.values(NUMERICS).map(([number]) => number)
    expect(new Set(numbers).size).toBe(numbers.length)
    expect(numbers.every((number) => /^[0-9]{3}$/.test(number))).toBe(true)
  })
})
