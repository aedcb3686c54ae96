// By clients that know HTTP from elsewhere: Node's own, and curl.

import { spawnSync } from 'node:child_process'
import { Agent, type IncomingMessage, request, type RequestOptions } from 'node:http'
import { connect } from 'node:net'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor } from '../../support/capabilities.ts'
import { closeClients, connectTo } from '../../support/client.ts'
import { PATIENCE_MS, until, within } from '../../support/conditions.ts'
import { connectOptions, exchange } from '../../support/exchange.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

const HOST = 'Host: test\r\n'
const GET = `GET / HTTP/1.1\r\n${HOST}\r\n`
const LAST = `GET / HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`

/** 200 ms for a head, 300 ms between requests: for tests that wait for it. */
const IMPATIENT = '--registration-timeout 200ms --ping-interval 200ms --ping-timeout 100ms'.split(
  ' ',
)

interface Page {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

export function http(model: ModelInfo): void {
  let server: TestServer
  /** Keeps its connection, and so its place with a server that serves one at a time. */
  let agent: Agent

  beforeAll(async () => {
    server = await startServer(model.name, ['--service', 'http', '--lab'])
  })
  afterEach(() => {
    agent?.destroy()
    closeClients()
  })
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
  })

  const ask = (path: string, options: RequestOptions = {}, body = ''): Promise<Page> =>
    within(PATIENCE_MS, `${path} should be answered`, page(server.address, path, options, body))

  test('serves Node’s client, on one connection', async () => {
    agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const pages = [await ask('/', { agent }), await ask('/none', { agent })]
    pages.push(await ask('/', { agent, method: 'POST' }, 'x'.repeat(60_000)))
    pages.push(await ask('/', { agent, method: 'HEAD' }))
    pages.push(await ask('/work?ms=3', { agent }))
    expect(pages.map(({ status }) => status)).toEqual([200, 404, 405, 200, 200])
    expect(pages.map(({ body }) => body)).toEqual([
      'hubbub\n',
      'Not Found: There is no such page.\n',
      'Method Not Allowed: This page is only read.\n',
      '',
      '3 ms\n',
    ])
    expect(pages[2]!.headers.allow).toBe('GET, HEAD')
    const { body } = await ask('/metrics', { agent })
    expect(body).toMatch(/^hubbub_clients 1$/m)
    expect(body).toMatch(/\n# EOF\n$/)
  })

  test('answers a thousand requests in one write, in their order', async () => {
    const work = `GET /work?ms=1 HTTP/1.1\r\n${HOST}\r\n`
    const many = (GET.repeat(99) + work).repeat(10)
    const answers = (await exchange(server.address, many + LAST)).toString('latin1')
    const bodies = [...answers.matchAll(/\r\n\r\n(.+)\n/g)].map(([, body]) => body)
    const hundred = [...Array.from({ length: 99 }, () => 'hubbub'), '1 ms']
    expect(bodies).toEqual([...Array.from({ length: 10 }, () => hundred).flat(), 'hubbub'])
  })

  test('answers a request that comes byte by byte', async () => {
    const socket = connect({ ...connectOptions(server.address), noDelay: true })
    let answer = ''
    socket.setEncoding('latin1').on('data', (text: string) => (answer += text))
    for (const byte of LAST) {
      socket.write(byte)
      await new Promise(setImmediate)
    }
    await until('the answer should come', () => answer.endsWith('hubbub\n'))
    socket.destroy()
  })

  test('answers before the end of the stream, and after the end of the client’s half', async () => {
    const answer = await exchange(server.address, GET)
    expect(answer.toString('latin1')).toMatch(/^HTTP\/1\.1 200 OK\r\n.*hubbub\n$/s)
  })

  test.each([
    [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nContent-Length: 30\r\n\r\nabc'],
    [400, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0'],
    [400, 'GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n c\r\n\r\n'],
    [400, '\x16\x03\x01\x02\0\x01'],
    [413, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n'],
    [431, `GET / HTTP/1.1\r\n${'X: y\r\n'.repeat(4_000)}`],
    [501, 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    [505, 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
  ])('%i, and the end of the connection: %j', async (status, text) => {
    // The client does not end its half: the server has to.
    const client = await connectTo(server.address)
    client.send(text)
    client.send(GET)
    const { lines } = await client.toEnd()
    expect(lines.filter((line) => line.startsWith('HTTP/'))).toEqual([
      expect.stringContaining(`HTTP/1.1 ${status} `),
    ])
    expect(lines).toContain('Connection: close')
  })

  test('ends what is slow with 408, and what is silent without a word', async () => {
    const impatient = await startServer(model.name, ['--service', 'http', ...IMPATIENT])
    const slow = await connectTo(impatient.address)
    slow.send('GET / HT')
    expect((await slow.toEnd()).lines[0]).toBe('HTTP/1.1 408 Request Timeout')
    slow.close()
    const silent = await connectTo(impatient.address)
    silent.send(GET)
    const { lines } = await silent.toEnd()
    expect(lines[0]).toBe('HTTP/1.1 200 OK')
    expect(lines.filter((line) => line.startsWith('HTTP/'))).toHaveLength(1)
    await stopCleanly(impatient)
  })

  testFor(model, { clients: 2 }, 'says 503 when there is no place', async () => {
    const small = await startServer(model.name, ['--service', 'http', '--max-clients', '1'])
    const first = await connectTo(small.address)
    first.send(GET)
    await until('the first should be served', () => first.partial === 'hubbub\n')
    const { status, headers } = await page(small.address, '/', {}, '')
    expect(status).toBe(503)
    expect(headers.connection).toBe('close')
    await stopCleanly(small)
  })

  testFor(
    model,
    { clients: 2, can: 'computes-apart' },
    'serves others during a /work',
    async () => {
      agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const busy = await connectTo(server.address)
      busy.send(GET)
      await until('the client should be served', () => busy.partial === 'hubbub\n')
      await ask('/', { agent })
      busy.send(`GET /work?ms=1500 HTTP/1.1\r\n${HOST}\r\n`)
      for (let i = 0; i < 10; i++) expect((await ask('/', { agent })).status).toBe(200)
      expect(busy.partial).toBe('hubbub\n')
      await until('the work should be done', () => busy.partial === '1500 ms\n')
    },
  )

  const curl = spawnSync('curl', ['--version']).error === undefined
  test.skipIf(!curl)(`serves curl${curl ? '' : ' (it is not installed)'}`, () => {
    const url = `http://${server.address}`
    const { status, stdout } = spawnSync(
      'curl',
      ['-sS', '-i', `${url}/`, `${url}/none`, '--next', '-sSI', `${url}/`],
      { encoding: 'latin1', timeout: PATIENCE_MS },
    )
    expect(status).toBe(0)
    expect([...stdout.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, code]) => code)).toEqual([
      '200',
      '404',
      '200',
    ])
    const posted = spawnSync('curl', ['-sS', '-d', 'x'.repeat(70_000), `${url}/`], {
      encoding: 'latin1',
      timeout: PATIENCE_MS,
    })
    expect(posted.stdout).toContain('Content Too Large')
  })
}

/** One page, by Node's client. */
function page(address: string, path: string, options: RequestOptions, body: string): Promise<Page> {
  return new Promise((resolve, reject) => {
    const asked = request({ ...connectOptions(address), path, ...options } as RequestOptions)
    asked.once('error', reject)
    asked.once('response', (response) => {
      let text = ''
      response.setEncoding('latin1').on('data', (chunk: string) => (text += chunk))
      response.once('end', () =>
        resolve({ status: response.statusCode!, headers: response.headers, body: text }),
      )
    })
    asked.end(body)
  })
}
