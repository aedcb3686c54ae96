// Workload `echo`, against servers that send back what they got and servers that do not.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoadSpec, runLoad } from '../../clients/load/index.ts'
import { IN_VAIN, NONE, SHORT, faultsOf } from './short-runs.ts'
import { DatagramEchoServer, EchoServer, type Tamper } from './echo-server.ts'

const PATIENCE = { timeout: 30_000 }

const SPEC: LoadSpec = { ...SHORT, workload: 'echo' }

let server: { stop(): Promise<void> } | undefined
afterEach(async () => {
  await server?.stop()
  server = undefined
})

async function streams(tamper?: Tamper, spec: Partial<LoadSpec> = {}) {
  const echo = await EchoServer.start(tamper)
  server = echo
  return { result: await runLoad({ ...SPEC, address: echo.address, ...spec }), echo }
}

async function datagrams(tamper?: Tamper, spec: Partial<LoadSpec> = {}, host?: string) {
  const echo = await DatagramEchoServer.start(tamper, host)
  server = echo
  return { result: await runLoad({ ...SPEC, address: echo.address, ...spec }), echo }
}

/** One in a hundred, but not among the first, by which clients are served. */
const chosen = (count: number) => count % 100 === 50

describe('an honest echo', PATIENCE, () => {
  test.each([1, 2])('on %i threads: every message comes back once', async (threads) => {
    const { result, echo } = await streams(undefined, { threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    expect(result.ledger.sent).toBe(echo.messages)
    expect(result.ledger.received).toBe(echo.messages)
    expect(result.operations).toBeGreaterThan(100)
    expect(result.serviceTime.count).toBeGreaterThanOrEqual(result.operations)
  })

  test('over a Unix-domain socket', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'load-'))
    try {
      const echo = await EchoServer.start(undefined, join(folder, 'echo'))
      server = echo
      const result = await runLoad({ ...SPEC, address: echo.address, messageBytes: 200 })
      expect(faultsOf(result)).toEqual(NONE)
      expect(result.served).toBe(6)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})

describe('an echo that is none is found out', PATIENCE, () => {
  test('loses one message in a hundred', async () => {
    let dropped = 0
    const { result } = await streams((message, count) => {
      if (!chosen(count)) return [message]
      dropped++
      return []
    })
    const { ledger } = result
    expect(dropped).toBeGreaterThan(0)
    expect(ledger.lost + ledger.outstanding).toBe(dropped)
    expect(ledger.sent).toBe(ledger.received + ledger.lost + ledger.outstanding)
  })

  test('sends one twice', async () => {
    let twice = 0
    const { result } = await streams((message, count) => {
      if (!chosen(count)) return [message]
      twice++
      return [message, message]
    })
    expect(twice).toBeGreaterThan(0)
    expect(faultsOf(result)).toEqual({ ...NONE, duplicated: twice })
  })

  test.each([
    ['in the message', (message: string) => flip(message, 40)],
    ['in the number', (message: string) => flip(message, 5)],
    ['in the line end', (message: string) => flip(message, message.length - 2)],
    ['which is missing', (message: string) => message.slice(0, 20) + message.slice(21)],
    ['which is one too many', (message: string) => `${message.slice(0, 20)}x${message.slice(20)}`],
    ['and all others', () => 'hello\r\n'],
  ])('changes a byte %s', async (_where, changed) => {
    let wrong = 0
    const { result } = await streams((message, count) => {
      if (!chosen(count)) return [message]
      wrong++
      return [changed(message)]
    }, IN_VAIN)
    const { ledger } = result
    expect(wrong).toBeGreaterThan(0)
    expect(ledger.corrupt).toBe(wrong)
    expect(ledger.lost + ledger.outstanding).toBe(wrong)
  })

  test('sends what somebody else has said', async () => {
    let other = ''
    let wrong = 0
    const { result } = await streams((message, count) => {
      if (count <= 6) other = message
      if (!chosen(count) || message.startsWith(other.slice(0, 3))) return [message]
      wrong++
      return [other]
    })
    expect(wrong).toBeGreaterThan(0)
    expect(result.ledger.corrupt).toBe(wrong)
  })

  test('greets its clients, as no echo server does', async () => {
    const { result } = await streams((message, count) =>
      count <= 6 ? [flip(message, 0)] : [message],
    )
    expect(result).toMatchObject({ served: 0, refused: { 'not an echo': 6 }, operations: 0 })
  })

  test('leaves some unanswered: nothing of theirs is missing', async () => {
    const { result } = await streams((message, count) => (count <= 2 ? [] : [message]), IN_VAIN)
    expect(result).toMatchObject({ served: 4, unserved: 2, errors: {} })
    expect(faultsOf(result)).toEqual(NONE)
  })
})

describe('an echo of datagrams', PATIENCE, () => {
  test.each([
    [1, '127.0.0.1'],
    [2, '::1'],
  ])('on %i threads, over %s: every message comes back once', async (threads, host) => {
    const { result, echo } = await datagrams(undefined, { threads }, host)
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    expect(result.ledger.sent).toBe(echo.messages)
    expect(result.ledger.received).toBe(echo.messages)
    expect(result.operations).toBeGreaterThan(100)
  })

  test.each([1, 4])(
    'loses some, window %i: they are counted, and the others go on',
    async (window) => {
      let dropped = 0
      const { result, echo } = await datagrams(
        (message, count) => {
          if (count < 50 || count % 100 !== 50) return [message]
          dropped++
          return []
        },
        { window, durationMs: 1500 },
      )
      expect(dropped).toBeGreaterThan(6)
      expect(faultsOf(result)).toEqual({ ...NONE, lost: dropped })
      expect(result.ledger.sent).toBe(echo.messages)
      expect(result.ledger.received).toBe(echo.messages - dropped)
      expect(result.errors).toEqual({})
    },
  )

  test('loses the first of each client, which asks again', async () => {
    const { result } = await datagrams((message, count) => (count <= 6 ? [] : [message]), {
      setupStallMs: 5000,
    })
    expect(result).toMatchObject({ served: 6, unserved: 0, errors: {} })
    expect(faultsOf(result)).toEqual({ ...NONE, lost: 6 })
  })

  test('loses all after a while: their places are used again, and given up again', async () => {
    const { result, echo } = await datagrams((message, count) => (count > 500 ? [] : [message]), {
      durationMs: 2500,
    })
    // Once when they were first sent, and at least twice more.
    expect(echo.messages).toBeGreaterThanOrEqual(500 + 3 * 6 * 4)
    expect(faultsOf(result)).toEqual({ ...NONE, lost: echo.messages - 500 })
  })

  test('sends some twice, and some damaged', async () => {
    let [twice, damaged] = [0, 0]
    const { result } = await datagrams((message, count) => {
      if (chosen(count)) {
        twice++
        return [message, message]
      }
      if (!chosen(count + 50)) return [message]
      damaged++
      return [damaged % 2 === 0 ? '' : flip(message, 30)]
    })
    expect(Math.min(twice, damaged)).toBeGreaterThan(0)
    expect(faultsOf(result)).toMatchObject({ duplicated: twice, corrupt: damaged, lost: damaged })
  })

  test('sends some in another order', async () => {
    const held = new Map<string, string>()
    let swapped = 0
    const { result } = await datagrams((message, count) => {
      const sender = message.slice(0, 3)
      const kept = held.get(sender)
      held.delete(sender)
      if (kept !== undefined) {
        swapped++
        return [message, kept]
      }
      if (count < 100 || swapped + held.size >= 3) return [message]
      held.set(sender, message)
      return []
    })
    expect(swapped).toBeGreaterThan(0)
    expect(faultsOf(result)).toEqual({ ...NONE, reordered: swapped })
  })

  test('is not there', async () => {
    const echo = await DatagramEchoServer.start()
    const { address } = echo
    await echo.stop()
    const result = await runLoad({ ...SPEC, address })
    expect(result.errors).toEqual({ ECONNREFUSED: 6 })
    expect(result).toMatchObject({ served: 0, operations: 0 })
  })

  test('says nothing', async () => {
    const { result } = await datagrams(() => [], IN_VAIN)
    expect(result).toMatchObject({ served: 0, unserved: 6, operations: 0, errors: {} })
  })
})

function flip(message: string, at: number): string {
  return `${message.slice(0, at)}${message[at] === '~' ? '^' : '~'}${message.slice(at + 1)}`
}
