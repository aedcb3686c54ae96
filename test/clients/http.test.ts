// Workload `http`, against servers that answer every request with the same page and servers that do not.

import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { type LoadResult, type LoadSpec, runLoad } from '../../clients/load/index.ts'
import { IN_VAIN, NONE, SHORT, faultsOf } from './short-runs.ts'

const PATIENCE = { timeout: 30_000 }
const PAGE = 'HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nhubbub\n'

const SPEC: LoadSpec = { ...SHORT, workload: 'http' }

const sockets = new Set<Socket>()
let server: Server | undefined
let requests = 0
afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  server?.close()
  server = undefined
})

async function listen(made: Server): Promise<string> {
  server = made
  requests = 0
  made.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  made.listen(0, '127.0.0.1')
  await once(made, 'listening')
  const address = made.address()
  return typeof address === 'object' && address ? `127.0.0.1:${address.port}` : ''
}

/** `answer` says what is sent instead of the page; `count` goes from 1, over all connections. */
async function load(
  answer: (count: number, socket: Socket) => string = () => PAGE,
  spec: Partial<LoadSpec> = {},
): Promise<LoadResult> {
  const address = await listen(
    createServer({ noDelay: true }, (socket) => {
      let rest = ''
      socket.on('error', () => socket.destroy())
      socket.setEncoding('latin1').on('data', (text: string) => {
        const asked = (rest + text).split('\r\n\r\n')
        rest = asked.pop()!
        const answers = asked.map(() => answer(++requests, socket)).join('')
        // In two pieces, which end anywhere.
        const cut = requests % (answers.length + 1)
        socket.write(answers.slice(0, cut), 'latin1')
        setImmediate(() => socket.destroyed || socket.write(answers.slice(cut), 'latin1'))
      })
    }),
  )
  return runLoad({ ...SPEC, address, ...spec })
}

const chosen = (count: number) => count % 100 === 50

describe('an honest server', PATIENCE, () => {
  test.each([
    [1, 1],
    [1, 4],
    [2, 4],
  ])('on %i threads, window %i: every request is answered', async (threads, window) => {
    const result = await load(undefined, { threads, window })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result).toMatchObject({ served: 6, unserved: 0, refused: {}, errors: {} })
    expect(result.ledger.sent).toBe(requests)
    expect(result.ledger.received).toBe(requests)
    expect(result.operations).toBeGreaterThan(100)
  })

  test('that says what time it is', async () => {
    const address = await listen(
      createHttpServer((_request, response) => {
        requests++
        response.setHeader('Date', `now ${requests}`)
        response.end('hubbub\n')
      }),
    )
    const result = await runLoad({ ...SPEC, address })
    expect(faultsOf(result)).toEqual(NONE)
    expect(result.ledger.received).toBe(requests)
    expect(result.served).toBe(6)
  })
})

describe('a server that answers wrongly is found out', PATIENCE, () => {
  test.each([
    ['another status', PAGE.replace('200 OK', '500 Internal Server Error')],
    ['another page', PAGE.replace('hubbub', 'bubhub')],
    ['a longer page', PAGE.replace('7\r', '8\r') + '\n'],
    ['an empty page', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ])('%s', async (_what, wrong) => {
    let count = 0
    const result = await load((n) => {
      if (!chosen(n)) return PAGE
      count++
      return wrong
    })
    expect(count).toBeGreaterThan(0)
    expect(faultsOf(result)).toEqual({ ...NONE, corrupt: count, lost: count })
    expect(result.ledger.sent).toBe(requests)
  })

  test('no answer at all', async () => {
    let dropped = 0
    const result = await load((n) => {
      if (!chosen(n) || dropped > 2) return PAGE
      dropped++
      return ''
    }, IN_VAIN)
    expect(dropped).toBeGreaterThan(0)
    expect(faultsOf(result)).toEqual({ ...NONE, outstanding: dropped })
  })

  test('two answers to one request', async () => {
    let twice = 0
    const result = await load((n) => {
      if (n !== 50) return PAGE
      twice++
      return PAGE + PAGE
    })
    expect(twice).toBe(1)
    // Which of them is too many, nobody can tell; but at the end there is one that nobody has asked for.
    expect(faultsOf(result)).toEqual({ ...NONE, corrupt: 1 })
  })

  test.each([
    ['is no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['does not say how long it is', 'HTTP/1.1 200 OK\r\n\r\nhubbub\n'],
    ['is too long', 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n'],
    ['has an endless head', `HTTP/1.1 200 OK\r\n${'x'.repeat(20_000)}`],
  ])('what %s', async (_what, wrong) => {
    const result = await load((n) => (n === 50 ? wrong : PAGE))
    expect(Object.values(result.errors)).toEqual([1])
    expect(result.errors).toHaveProperty(['not HTTP'])
  })

  test('a refusal', async () => {
    const refusal = 'HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n'
    const result = await load((n) => (n <= 2 ? refusal : PAGE))
    expect(result.refused).toEqual({ '503 Service Unavailable': 2 })
    expect(result).toMatchObject({ served: 4, errors: {} })
    expect(faultsOf(result)).toEqual(NONE)
  })

  test('the end of the connection', async () => {
    const result = await load((n, socket) => {
      if (n === 50) setImmediate(() => socket.end())
      return PAGE
    })
    expect(Object.values(result.errors)).toEqual([1])
  })
})
