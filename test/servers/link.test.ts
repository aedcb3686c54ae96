// The link's frames: whatever pieces the stream comes in, the same frames come out.

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ACK,
  DELIVER,
  deliveryFrames,
  frame,
  HEADER_BYTES,
  LINE,
  PAYLOAD_BYTES_MAX,
  readFrames,
} from '../../servers/link.ts'

type Frame = [kind: number, payload: string]

function readAll(pieces: readonly string[]): { frames: Frame[]; rest: string } {
  const frames: Frame[] = []
  let rest = ''
  for (const piece of pieces) {
    rest = readFrames(rest + piece, (kind, payload) => frames.push([kind, payload]))
  }
  return { frames, rest }
}

const latin1 = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((n) => String.fromCharCode(n)),
})

describe('frames', () => {
  it('come out as they went in, however the stream is cut', () => {
    const frames = fc.array(fc.tuple(fc.constantFrom(LINE, ACK, DELIVER), latin1))
    fc.assert(
      fc.property(frames, fc.array(fc.nat()), (sent, cuts) => {
        const stream = sent.map(([kind, payload]) => frame(kind, payload)).join('')
        const at = cuts.map((cut) => cut % (stream.length + 1)).toSorted((a, b) => a - b)
        const pieces = [0, ...at].map((start, i) => stream.slice(start, at[i] ?? stream.length))
        expect(readAll(pieces)).toEqual({ frames: sent, rest: '' })
      }),
    )
  })

  it('keep an unfinished one for later', () => {
    const whole = frame(LINE, 'JOIN #a')
    const { frames, rest } = readAll([whole + whole.slice(0, HEADER_BYTES + 2)])
    expect(frames).toEqual([[LINE, 'JOIN #a']])
    expect(rest).toBe(whole.slice(0, HEADER_BYTES + 2))
  })

  it('carry the longest payload', () => {
    const longest = 'x'.repeat(PAYLOAD_BYTES_MAX)
    expect(readAll([frame(DELIVER, longest)]).frames).toEqual([[DELIVER, longest]])
  })
})

describe('a long delivery', () => {
  it.each([1, PAYLOAD_BYTES_MAX, PAYLOAD_BYTES_MAX + 1, 5 * PAYLOAD_BYTES_MAX + 7])(
    'of %i bytes is cut into frames that together are the whole',
    (length) => {
      const text = 'abcdefghij'.repeat(Math.ceil(length / 10)).slice(0, length)
      const { frames, rest } = readAll([deliveryFrames(text)])
      expect(rest).toBe('')
      expect(frames.map(([, payload]) => payload).join('')).toBe(text)
      for (const [kind, payload] of frames) {
        expect(kind).toBe(DELIVER)
        expect(payload.length).toBeLessThanOrEqual(PAYLOAD_BYTES_MAX)
      }
    },
  )
})
