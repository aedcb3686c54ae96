// Workload `login`, against a server that knows its clients and servers that do not.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoadResult, type LoadSpec, loginOf, runLoad } from '../../clients/load/index.ts'
import { IN_VAIN, NONE, SHORT, faultsOf } from './short-runs.ts'

const PATIENCE = { timeout: 30_000 }

const SPEC: LoadSpec = { ...SHORT, workload: 'login', senders: 2, window: 1 }
const KNOWN = new Set([0, 1].map((client) => `${loginOf(client).user}|${loginOf(client).password}`))

const sockets = new Set<Socket>()
let server: Server | undefined
let logins = 0
let others = 0
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  server?.close()
  server = undefined
})

function answerTo(line: string): string {
  if (!line.includes('|')) return 'error: a line is user|password'
  return KNOWN.has(line) ? 'success' : 'fail'
}

/** `tamper` says what is sent instead; `count` goes from 1, over all clients. */
async function load(
  tamper: (answer: string, count: number) => string = (answer) => answer,
  spec: Partial<LoadSpec> = {},
): Promise<LoadResult> {
  logins = others = 0
  server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    let rest = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) {
        if (line.includes('|')) logins++
        else others++
        const answer = tamper(answerTo(line), logins + others)
        if (answer !== '') socket.write(`${answer}\r\n`)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as { port: number }
  return runLoad({ ...SPEC, address: `127.0.0.1:${address.port}`, ...spec })
}

describe('logging in', PATIENCE, () => {
  test.each([
    [1, 1],
    [2, 4],
  ])('on %i threads, window %i: both kinds of clients are answered', async (threads, window) => {
    const result = await load(undefined, { threads, window })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    expect(result.ledger.sent).toBe(logins + others)
    expect(result.operations).toBeGreaterThan(0)
    expect(result.operations).toBeLessThanOrEqual(logins)
    expect(result.beside!.operations).toBeGreaterThan(0)
    expect(result.beside!.operations).toBeLessThanOrEqual(others)
  })

  test.each([
    ['fails', 'success', 'fail'],
    ['is put off', 'success', 'busy, try again later'],
    ['is one too many', 'success', 'fail, too many attempts: wait a minute'],
    ['is something else', 'error: a line is user|password', 'success'],
  ])('that %s is found out', async (_what, right, wrong) => {
    let count = 0
    const result = await load((answer, n) => {
      if (n < 50 || n % 50 > 5 || answer !== right) return answer
      count++
      return wrong
    })
    expect(count).toBeGreaterThan(0)
    expect(faultsOf(result)).toEqual({ ...NONE, corrupt: count, lost: count })
  })

  test('that is never answered is outstanding', async () => {
    let dropped = 0
    const result = await load((answer) => {
      if (answer !== 'success' || logins < 10 || dropped > 0) return answer
      dropped++
      return ''
    }, IN_VAIN)
    expect(faultsOf(result)).toEqual({ ...NONE, outstanding: 1 })
  })

  test('without an account is a refusal, in the words of the server', async () => {
    const result = await load(undefined, { senders: 4 })
    expect(result.refused).toEqual({ fail: 2 })
    expect(result.served).toBe(4)
  })
})
