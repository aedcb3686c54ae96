// Workload `file`, against a server that sends the right bytes and servers that do not.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { fileBytes, type LoadSpec, runLoad } from '../../clients/load/index.ts'
import { NONE, SHORT, faultsOf } from './short-runs.ts'

const PATIENCE = { timeout: 30_000 }
const FILE = fileBytes()
const SIZE = `SIZE ${FILE.length} ${createHash('sha256').update(FILE).digest('hex')}`

const SPEC: LoadSpec = {
  ...SHORT,
  workload: 'file',
  clients: 4,
  durationMs: 300,
  setupStallMs: 2000,
  drainMs: 1000,
}

interface Faults {
  /** What is said instead of SIZE, and sent instead of the file; `count` goes from 1, over all. */
  readonly announce?: (count: number) => string
  readonly send?: (count: number) => Buffer
}

const sockets = new Set<Socket>()
let server: Server | undefined
let files = 0
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  server?.close()
  server = undefined
})

async function load({ announce, send }: Faults = {}, spec: Partial<LoadSpec> = {}) {
  let asked = 0
  files = 0
  server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    let rest = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (line === 'GET 0 bench.bin') socket.write(`${announce?.(++asked) ?? SIZE}\r\n`)
        else if (line === 'OK') socket.write(send?.(++files) ?? (files++, FILE))
        else socket.destroy()
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  return runLoad({ ...SPEC, address: `127.0.0.1:${port}`, ...spec })
}

describe('fetching a file', PATIENCE, () => {
  test.each([1, 2])('on %i threads: all bytes are right', async (threads) => {
    const result = await load({}, { threads })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 4, unserved: 0, refused: {}, errors: {} })
    expect(result.operations).toBeGreaterThan(4)
    expect(result.ledger.sent).toBe(files)
    expect(result.ledger.received).toBe(files)
  })

  test.each([
    ['the first byte', 0],
    ['a byte in the middle', 500_001],
    ['the last byte', FILE.length - 1],
  ])('finds %s that was changed', async (_what, at) => {
    const changed = Buffer.from(FILE)
    changed[at]! ^= 1
    const result = await load({ send: (count) => (count === 10 ? changed : FILE) })
    expect(files).toBeGreaterThan(10)
    expect(faultsOf(result)).toEqual({ ...NONE, corrupt: 1, lost: 1 })
  })

  test('finds a file that is not whole', async () => {
    const cut = FILE.subarray(0, -1)
    const result = await load({ send: (count) => (count === 10 ? cut : FILE) })
    expect(faultsOf(result)).toEqual({ ...NONE, outstanding: 1 })
  })

  test('finds a file that has a byte too many', async () => {
    const result = await load({
      send: (count) => (count === 10 ? Buffer.concat([FILE, FILE.subarray(0, 1)]) : FILE),
    })
    const { errors, ledger } = result
    // It comes before the next announcement, or when nobody has asked for anything any more.
    expect(Object.keys(errors).length + ledger.corrupt).toBe(1)
  })

  test.each([
    ['another size', SIZE.replace('SIZE 1', 'SIZE 2')],
    ['another hash', SIZE.slice(0, -1) + (SIZE.endsWith('0') ? '1' : '0')],
    ['an error', 'ERROR no such file'],
  ])('does not want %s', async (_what, announced) => {
    const result = await load({ announce: (count) => (count === 10 ? announced : SIZE) })
    expect(result.errors).toEqual({ [`announced "${announced}"`.slice(0, 120)]: 1 })
  })

  test('is refused in the words of the server', async () => {
    const result = await load({ announce: () => 'ERROR no such file' })
    expect(result.refused).toEqual({ 'ERROR no such file': 4 })
    expect(result.served).toBe(0)
  })
})
