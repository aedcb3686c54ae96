import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { service } from '../../../protocol/services/upper.ts'
import { anyBytes, anyWay, asLatin1, everyWay } from '../feed.ts'
import { told, worldOf } from './visit.ts'

const ALL_BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).join('')

/** What it should come to, said in another way: byte by byte. */
function capitals(text: string): string {
  const bytes = [...Buffer.from(text, 'latin1')]
  return bytes
    .map((byte) => String.fromCharCode(byte >= 97 && byte <= 122 ? byte - 32 : byte))
    .join('')
}

describe('upper', () => {
  test.each([
    ['Hello, world\r\n', 'HELLO, WORLD\r\n'],
    [asLatin1('straße, été, ﬁ, ÿ, µ'), asLatin1('STRAßE, éTé, ﬁ, ÿ, µ')],
    [ALL_BYTES, capitals(ALL_BYTES)],
    ['', ''],
  ])('answers %j', (text, answer) => {
    for (const way of everyWay(text)) {
      expect(told(worldOf(service), way)).toEqual({ text: answer, ended: false })
    }
    expect(service.datagram?.(text, 0)).toBe(answer)
  })

  test('is a function of the bytes, however they are cut', () => {
    fc.assert(
      fc.property(anyWay(anyBytes), (chunks) => {
        expect(told(worldOf(service), chunks).text).toBe(capitals(chunks.join('')))
      }),
    )
  })
})
