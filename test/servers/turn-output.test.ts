// What is written to many in one turn reaches each as it was meant for it: over real sockets, whose buffers
// are so small that hardly anything is taken at once.

import * as fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import {
  AGAIN,
  close,
  IoBuffer,
  recvNow,
  setNonBlocking,
  setSendBufferBytes,
  socketpair,
} from '../../posix/index.ts'
import { Output, TurnOutput } from '../../servers/turn-output.ts'

const RECEIVERS = 4
const input = new IoBuffer(1 << 16)

/** One receiver: what it should get, what it has got, and what is on its way. */
class Receiver {
  readonly output = new Output()
  readonly ends = socketpair()
  meant = ''
  got = ''

  constructor() {
    setNonBlocking(this.ends[0], true)
    setSendBufferBytes(this.ends[0], 1) // As small as the kernel allows: 2 to 5 KiB on Linux.
  }

  read(): void {
    for (;;) {
      const count = recvNow(this.ends[1], input, 0, input.length)
      if (count === AGAIN || count === 0) return
      this.got += input.read(0, count)
    }
  }

  close(): void {
    for (const end of this.ends) close(end)
  }
}

let receivers: Receiver[] = []
afterEach(() => {
  for (const receiver of receivers) receiver.close()
  receivers = []
})

const text = fc.oneof(
  fc.string({ unit: 'binary-ascii', minLength: 1, maxLength: 100 }),
  fc.constantFrom('same\r\n', 'x'.repeat(510), 'y'.repeat(20_000), 'z'.repeat(600_000)),
)
const step = fc.oneof(
  fc.record({
    kind: fc.constant('deliver' as const),
    text,
    to: fc.subarray([0, 1, 2, 3], { minLength: 1 }),
  }),
  fc.record({ kind: fc.constant('answer' as const), text, to: fc.nat(RECEIVERS - 1) }),
  fc.record({ kind: fc.constant('flush' as const), to: fc.nat(RECEIVERS - 1) }),
  fc.record({ kind: fc.constant('read' as const), to: fc.nat(RECEIVERS - 1) }),
  fc.record({ kind: fc.constant('end of turn' as const) }),
)

describe('the output of a turn', () => {
  test('reaches each receiver in order, whole, and nobody else', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const turn = new TurnOutput()
        receivers = Array.from({ length: RECEIVERS }, () => new Receiver())
        const flushAll = (): void => {
          for (const { output, ends } of receivers) turn.send(output, ends[0])
          turn.endTurn()
        }
        for (const one of steps) {
          if (one.kind === 'deliver') {
            for (const to of one.to) {
              receivers[to]!.meant += one.text
              turn.deliver(receivers[to]!.output, one.text)
            }
          } else if (one.kind === 'answer') {
            receivers[one.to]!.meant += one.text
            turn.answer(receivers[one.to]!.output, one.text)
          } else if (one.kind === 'flush') {
            turn.send(receivers[one.to]!.output, receivers[one.to]!.ends[0])
          } else if (one.kind === 'read') {
            receivers[one.to]!.read()
          } else {
            flushAll()
          }
          for (const { output, meant, got } of receivers) {
            expect(output.bytes).toBeLessThanOrEqual(meant.length - got.length)
          }
        }
        while (receivers.some(({ output }) => output.bytes > 0)) {
          flushAll()
          for (const receiver of receivers) receiver.read()
        }
        for (const receiver of receivers) {
          receiver.read()
          expect(receiver.got === receiver.meant).toBe(true)
          receiver.close()
        }
        receivers = []
      }),
      { numRuns: 100 },
    )
  })

  test('for one who only listens is one piece, however many have spoken', () => {
    const turn = new TurnOutput()
    const [speaker, listener] = [new Output(), new Output()]
    for (let i = 0; i < 10; i++) {
      turn.deliver(listener, `line ${i}\r\n`)
      turn.answer(speaker, `answer ${i}\r\n`)
    }
    expect(listener.earlier).toEqual([])
    expect(speaker.bytes).toBe(100)
    expect(listener.bytes).toBe(80)
  })

  test('keeps its receiver’s bytes in mind when they do not fit into a turn', () => {
    const turn = new TurnOutput()
    const output = new Output()
    for (let i = 0; i < 30; i++) turn.deliver(output, 'x'.repeat(100_000) + i)
    expect(output.bytes).toBe(30 * 100_000 + 10 + 2 * 20)
  })
})
