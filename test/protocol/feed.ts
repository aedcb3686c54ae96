// Ways to cut the same bytes into chunks. How a network cuts must never matter, so every case of
// decoding goes through here: whole, byte by byte, and in two parts at every place.

import * as fc from 'fast-check'
import type { FramingFault } from '../../protocol/index.ts'
import { LineReader } from '../../protocol/index.ts'

/** Chunks that together are `bytes`, in every one of these ways. */
export function everyWay(bytes: string): string[][] {
  const ways = [[bytes], bytes.split('')]
  for (let at = 1; at < bytes.length; at++) ways.push([bytes.slice(0, at), bytes.slice(at)])
  return ways
}

/** `bytes` cut at places that fast-check chooses. */
export function anyWay(bytes: fc.Arbitrary<string>): fc.Arbitrary<string[]> {
  return fc.tuple(bytes, fc.array(fc.nat(), { maxLength: 12 })).map(([text, places]) => {
    const cuts = [0, ...places.map((place) => place % (text.length + 1)), text.length]
    const inOrder = cuts.toSorted((a, b) => a - b)
    return inOrder.slice(1).map((end, index) => text.slice(inOrder[index], end))
  })
}

/** Latin1 text of any bytes, with those that framing cares for more often than chance has them. */
export const anyBytes: fc.Arbitrary<string> = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom('\n', '\r\n', '\r', '\0', ' ', ':', 'PING ') },
      { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }).map(asLatin1) },
      { weight: 2, arbitrary: fc.uint8Array({ maxLength: 4 }).map(latin1Of) },
      {
        weight: 1,
        arbitrary: fc.integer({ min: 500, max: 520 }).map((times) => 'x'.repeat(times)),
      },
      { weight: 1, arbitrary: fc.constant('y'.repeat(3_000)) },
    ),
    { maxLength: 24 },
  )
  .map((parts) => parts.join(''))

/** Text as the wire has it: the bytes of its UTF-8. */
export function asLatin1(text: string): string {
  return latin1Of(Buffer.from(text))
}

function latin1Of(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/** What a reader makes of the chunks, up to an endless line, after which nobody asks any more. */
export function read(chunks: readonly string[]): (string | FramingFault['what'][])[] {
  const reader = new LineReader()
  const seen: (string | FramingFault['what'][])[] = []
  for (const chunk of chunks) {
    reader.push(chunk)
    for (let next = reader.next(); next !== null; next = reader.next()) {
      seen.push(typeof next === 'string' ? next : [next.what])
      if (typeof next !== 'string' && next.what === 'endless') return seen
    }
  }
  return seen
}
