import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  MESSAGE_BYTES_MAX,
  MESSAGE_BYTES_MIN,
  MessageCodec,
  sameBytes,
  SENDERS_MAX,
  viewOf,
} from '../../clients/load/message.ts'
import { NICKNAME_BYTES, nickname, SERIALS_MAX } from '../../clients/load/nickname.ts'

const seeds = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const lengths = fc.integer({ min: MESSAGE_BYTES_MIN, max: MESSAGE_BYTES_MAX })
const messages = fc.record({
  sender: fc.integer({ min: 0, max: SENDERS_MAX - 1 }),
  number: fc.integer({ min: 0, max: 2 ** 30 - 1 }),
  timeNs: fc.integer({ min: 0, max: 2 ** 48 - 1 }),
})
type Message = { sender: number; number: number; timeNs: number }

function written(codec: MessageCodec, { sender, number, timeNs }: Message, at = 0): Buffer {
  const bytes = Buffer.alloc(at + codec.messageBytes + 3, '#')
  codec.write(viewOf(bytes), at, sender, number, timeNs)
  return bytes
}

describe('a message', () => {
  test('proves itself to another codec of the same seed', () => {
    fc.assert(
      fc.property(seeds, lengths, messages, fc.nat(7), (seed, lengthBytes, message, at) => {
        const bytes = written(new MessageCodec(seed, lengthBytes), message, at)
        const reader = new MessageCodec(seed, lengthBytes)
        expect(reader.read(viewOf(bytes), at)).toBe(true)
        expect({ sender: reader.sender, number: reader.number, timeNs: reader.timeNs }).toEqual(
          message,
        )
      }),
      // Each codec computes a text of 64 KiB.
      { numRuns: 30 },
    )
  })

  test('is exactly as long as asked for, and can stand in an IRC line', () => {
    const codec = new MessageCodec(5, 77)
    fc.assert(
      fc.property(messages, (message) => {
        const text = written(codec, message).toString('latin1')
        expect(text.slice(0, 77)).toMatch(/^[\w-]{77}$/)
        expect(text.slice(77)).toBe('###')
      }),
    )
  })

  test('with any one byte changed proves nothing', () => {
    const codec = new MessageCodec(1, 40)
    fc.assert(
      fc.property(messages, fc.nat(39), fc.integer({ min: 1, max: 255 }), (message, at, bits) => {
        const bytes = written(codec, message)
        bytes[at]! ^= bits
        expect(codec.read(viewOf(bytes), 0)).toBe(false)
      }),
      // One header in 65,536 is taken for another whose body begins at the same place; seeded, so
      // that the test meets the same ones each time.
      { numRuns: 3000, seed: 42 },
    )
  })

  test('of another seed proves nothing', () => {
    const message = { sender: 1, number: 2, timeNs: 3 }
    const bytes = written(new MessageCodec(1, 64), message)
    expect(new MessageCodec(2, 64).read(viewOf(bytes), 0)).toBe(false)
  })

  test('has a body of its own: neighbours differ', () => {
    const codec = new MessageCodec(9, 64)
    const bodies = new Set<string>()
    for (let number = 0; number < 1000; number++) {
      bodies.add(written(codec, { sender: 3, number, timeNs: 1e9 }).toString('latin1', 16, 64))
    }
    expect(bodies.size).toBeGreaterThan(980)
  })

  test('drops the fraction of a nanosecond', () => {
    const codec = new MessageCodec(9, 64)
    const bytes = written(codec, { sender: 3, number: 4, timeNs: 1234567.89 })
    expect(codec.read(viewOf(bytes), 0)).toBe(true)
    expect(codec.timeNs).toBe(1234567)
  })
})

test('sameBytes compares what Buffer.equals compares', () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ maxLength: 40 }),
      fc.uint8Array({ maxLength: 40 }),
      fc.nat(9),
      fc.nat(9),
      (one, other, oneAt, otherAt) => {
        const length = Math.min(one.length - oneAt, other.length - otherAt)
        if (length < 0) return
        const left = one.subarray(oneAt, oneAt + length)
        const right = other.subarray(otherAt, otherAt + length)
        expect(sameBytes(viewOf(one), oneAt, viewOf(other), otherAt, length)).toBe(
          Buffer.from(left).equals(right),
        )
        expect(sameBytes(viewOf(one), oneAt, viewOf(one), oneAt, length)).toBe(true)
      },
    ),
  )
})

describe('nicknames', () => {
  const serials = fc.integer({ min: 0, max: SERIALS_MAX - 1 })

  test('are valid, of one length, and differ when the serial numbers do', () => {
    fc.assert(
      fc.property(seeds, serials, serials, (seed, one, other) => {
        expect(nickname(seed, one)).toMatch(/^[a-z][a-z][a-z0-9]{7}$/)
        expect(nickname(seed, one)).toHaveLength(NICKNAME_BYTES)
        expect(nickname(seed, one) === nickname(seed, other)).toBe(one === other)
      }),
    )
  })

  test('of different seeds mostly differ', () => {
    expect(nickname(1, 0)).not.toBe(nickname(2, 0))
  })
})
