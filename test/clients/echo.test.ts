// Workload `echo`, against servers that send back what they got and servers that do not.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoadResult, type LoadSpec, runLoad } from '../../clients/load/index.ts'
import { EchoServer, type Tamper } from './echo-server.ts'

const PATIENCE = { timeout: 30_000 }

const SPEC: LoadSpec = {
  workload: 'echo',
  address: '',
  clients: 6,
  senders: 0,
  window: 4,
  messageBytes: 64,
  pingsPerSession: 0,
  warmupMs: 50,
  durationMs: 200,
  setupStallMs: 400,
  drainMs: 400,
  threads: 1,
  seed: 11,
}
const NONE = { lost: 0, duplicated: 0, reordered: 0, corrupt: 0, outstanding: 0 }

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

function faultsOf({ ledger }: LoadResult) {
  const { lost, duplicated, reordered, corrupt, outstanding } = ledger
  return { lost, duplicated, reordered, corrupt, outstanding }
}

/** One in five hundred, but not among the first, by which clients are served. */
const chosen = (count: number) => count % 500 === 250

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
  test('loses one message in five hundred', async () => {
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
    })
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
    const { result } = await streams((message, count) => (count <= 2 ? [] : [message]))
    expect(result).toMatchObject({ served: 4, unserved: 2, errors: {} })
    expect(faultsOf(result)).toEqual(NONE)
  })
})

function flip(message: string, at: number): string {
  return `${message.slice(0, at)}${message[at] === '~' ? '^' : '~'}${message.slice(at + 1)}`
}
