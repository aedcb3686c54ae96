// The model without connections: what it answers, what it does not, and that nobody can make it harm others.
// Loopback keeps datagrams in order, so "no answer" is seen by the answer to what was asked after it.

import { spawn } from 'node:child_process'
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test, type TestContext } from 'vitest'
import { type IpAddress, parseAddress } from '../../posix/index.ts'
import { hasIpv6, IPV6_MISSING } from '../posix/conditions.ts'
import { until, within, PATIENCE_MS } from '../support/conditions.ts'
import { run } from '../support/program.ts'
import { endServers, startServer, type TestServer } from '../support/server.ts'
import { inject, straceMissing } from '../support/strace.ts'

const MODEL = 'udp'
/** What a request, and an answer, may have. */
const BYTES_MAX = 512
/** Answers at once that are longer than their requests, and then in each second (servers/restraint.ts). */
const BURST = 20
const PER_S = 10
const TIME = /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z\r\n$/
const ANY = { ipv4: '127.0.0.1:0', ipv6: '[::1]:0' }

const clients: Client[] = []
afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  await endServers()
})

/** A datagram socket that speaks with one server, or several. */
class Client {
  readonly socket: Socket
  readonly heard: string[] = []

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('message', (bytes) => this.heard.push(bytes.toString('latin1')))
    clients.push(this)
  }

  static async at(host: string, port = 0): Promise<Client> {
    const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
    socket.bind(port, host)
    await once(socket, 'listening')
    return new Client(socket)
  }

  static of(server: TestServer): Promise<Client> {
    return Client.at(addressOf(server).host)
  }

  say(server: TestServer, ...texts: readonly (string | Buffer)[]): void {
    const { host, port } = addressOf(server)
    for (const text of texts) this.socket.send(Buffer.from(text as string, 'latin1'), port, host)
  }

  /** The next that is heard after this was said. */
  async ask(server: TestServer, text: string | Buffer): Promise<string> {
    const { length } = this.heard
    this.say(server, text)
    await until(`${text.length} bytes should be answered`, () => this.heard.length > length)
    return this.heard[length]!
  }

  close(): void {
    try {
      this.socket.close()
    } catch {
      // The test has closed it.
    }
  }
}

function addressOf(server: TestServer): IpAddress {
  return parseAddress(server.address) as IpAddress
}

function serve(service: string, listen = ANY.ipv4): Promise<TestServer> {
  return startServer(MODEL, ['--service', service, '--listen', listen])
}

/** What the server has last said of datagrams that it did not answer. */
function unanswered(server: TestServer): { malformed: number; withheld: number; failed: number } {
  const [malformed, withheld, failed] =
    [...server.words().matchAll(/so far: (\d+) malformed, (\d+) withheld, (\d+) failed/g)]
      .at(-1)
      ?.slice(1)
      .map(Number) ?? []
  return { malformed: malformed ?? 0, withheld: withheld ?? 0, failed: failed ?? 0 }
}

async function stop(server: TestServer): Promise<void> {
  expect(await server.stop()).toEqual({ code: 0, signal: null })
}

describe.each(['ipv4', 'ipv6'] as const)('over %s', (family) => {
  const start = (service: string, context: TestContext): Promise<TestServer> => {
    context.skip(family === 'ipv6' && !hasIpv6, IPV6_MISSING)
    return serve(service, ANY[family])
  }

  test('says in its ready line where it is, and that it is UDP', async (context) => {
    const server = await start('upper', context)
    expect(JSON.parse(server.output())).toEqual({
      model: MODEL,
      service: 'upper',
      pid: server.pid,
      listen: server.address,
      transport: 'udp',
    })
    expect(addressOf(server).port).toBeGreaterThan(0)
    await stop(server)
    await expect.poll(server.words).toContain('(UDP)')
  })

  test('echo gives back every byte there is, and as many as are allowed', async (context) => {
    const server = await start('echo', context)
    const client = await Client.of(server)
    const bytes = Buffer.from(Array.from({ length: BYTES_MAX }, (_, i) => i & 0xff))
    expect(await client.ask(server, bytes)).toBe(bytes.toString('latin1'))
    expect(await client.ask(server, '\0')).toBe('\0')
    await stop(server)
    await expect.poll(() => unanswered(server)).toEqual({ malformed: 0, withheld: 0, failed: 0 })
  })

  test('upper answers in capitals', async (context) => {
    const server = await start('upper', context)
    expect(await (await Client.of(server)).ask(server, 'Hello, world\n')).toBe('HELLO, WORLD\n')
    await stop(server)
  })

  test('daytime tells the time', async (context) => {
    const server = await start('daytime', context)
    const answer = await (await Client.of(server)).ask(server, '\n')
    expect(answer).toMatch(TIME)
    expect(Math.abs(Date.now() - Date.parse(answer.trim().replace(' ', 'T')))).toBeLessThan(60_000)
    await stop(server)
  })

  test('one socket may ask two servers, and two sockets one server', async (context) => {
    const servers = [await start('echo', context), await start('upper', context)]
    const [one, other] = [await Client.of(servers[0]!), await Client.of(servers[0]!)]
    expect(await one.ask(servers[0]!, 'abc')).toBe('abc')
    expect(await one.ask(servers[1]!, 'abc')).toBe('ABC')
    expect(await other.ask(servers[1]!, 'def')).toBe('DEF')
    expect(one.heard).toHaveLength(2)
  })
})

test('without --service it echoes', async () => {
  const server = await startServer(MODEL)
  expect(JSON.parse(server.output())).toMatchObject({ service: 'echo' })
  expect(await (await Client.of(server)).ask(server, 'hello?')).toBe('hello?')
})

test('nc -u is a client', async (context) => {
  const server = await serve('upper')
  const { host, port } = addressOf(server)
  const nc = spawn('nc', ['-u', host, `${port}`], { stdio: ['pipe', 'pipe', 'ignore'] })
  const isThere = await new Promise((resolve) => {
    nc.once('spawn', () => resolve(true)).once('error', () => resolve(false))
  })
  context.skip(!isThere, 'nc is not installed.')
  let said = ''
  nc.stdout.setEncoding('utf8').on('data', (text: string) => (said += text))
  nc.stdin.write('is anybody there?\n')
  await until('nc should print the answer', () => said === 'IS ANYBODY THERE?\n')
  const ended = once(nc, 'exit')
  nc.kill()
  await ended
})

describe('what is no request', () => {
  test.each(['echo', 'upper', 'daytime'])('is not answered by %s, and counted', async (service) => {
    const server = await serve(service)
    const client = await Client.of(server)
    client.say(server, '', 'x'.repeat(BYTES_MAX + 1), 'x'.repeat(65_507))
    const answer = await client.ask(server, 'now?')
    expect(answer).toMatch(service === 'daytime' ? TIME : /^now\?$/i)
    expect(client.heard).toHaveLength(1)
    await stop(server)
    await expect.poll(() => unanswered(server)).toEqual({ malformed: 3, withheld: 0, failed: 0 })
  })

  test('is told at most once in a second, however much of it there is, and at the end', async () => {
    const server = await serve('echo')
    const client = await Client.of(server)
    const startMs = performance.now()
    let sent = 0
    while (unanswered(server).malformed < 300) {
      client.say(server, '')
      sent++
      await client.ask(server, `and ${sent}`) // So that none is lost.
    }
    const seconds = (performance.now() - startMs) / 1000
    client.say(server, '')
    await client.ask(server, 'that was all')
    await stop(server)
    await expect.poll(() => unanswered(server).malformed).toBe(sent + 1)
    const sentences = server.words().match(/so far/g)!.length
    expect(sentences).toBeGreaterThan(1)
    expect(sentences).toBeLessThanOrEqual(seconds + 2)
  })
})

test('of a burst some may be lost; what is answered is answered once, and with its own', async () => {
  const server = await serve('echo')
  const client = await Client.of(server)
  const requests = Array.from({ length: 5_000 }, (_, i) => `${i} `.padEnd(BYTES_MAX, '.'))
  client.say(server, ...requests)
  expect(await client.ask(server, requests[0]!)).not.toBe('')
  await until('the last one should come back', async () => {
    client.say(server, 'the end')
    return client.heard.includes('the end')
  })
  const answers = client.heard.filter((text) => text !== 'the end')
  const own = new Set(requests)
  expect(answers.every((answer) => own.has(answer))).toBe(true)
  expect(answers.filter((answer) => answer !== requests[0])).toHaveLength(
    new Set(answers).size - Number(answers.includes(requests[0]!)),
  )
  await stop(server)
})

describe('in another’s name', () => {
  test('a flood of little questions does not become a flood of longer answers', async () => {
    const server = await serve('daytime')
    const client = await Client.of(server)
    const startMs = performance.now()
    await client.ask(server, '?')
    let sent = 1
    while (unanswered(server).withheld < 2_000) {
      for (let i = 0; i < 50; i++) client.say(server, '?')
      sent += 50
      await new Promise((resolve) => setImmediate(resolve))
    }
    const seconds = (performance.now() - startMs) / 1000
    expect(sent).toBeGreaterThan(2_000)
    expect(client.heard.length).toBeLessThanOrEqual(BURST + PER_S * seconds + 1)
    await stop(server)
  })

  test('what could be an answer of another daytime is not answered', async () => {
    const server = await serve('daytime')
    const client = await Client.of(server)
    const answer = await client.ask(server, '?')
    client.say(server, answer, 'x'.repeat(answer.length))
    await client.ask(server, 'x'.repeat(answer.length - 1))
    expect(client.heard).toHaveLength(2)
    await stop(server)
    await expect.poll(() => unanswered(server)).toMatchObject({ withheld: 2 })
  })

  test('what comes from a port of a service is not answered', async (context) => {
    const server = await serve('echo')
    const service = await Client.at('127.0.0.1', 1021).catch(() => null)
    if (service === null) context.skip('This user cannot have such a port.')
    service!.say(server, 'hello')
    await (await Client.of(server)).ask(server, 'hello')
    await stop(server)
    await expect.poll(() => unanswered(server)).toMatchObject({ withheld: 1 })
    expect(service!.heard).toEqual([])
  })

  test.each([
    ['echo', 'echo'],
    ['echo', 'upper'],
    ['echo', 'daytime'],
    ['daytime', 'daytime'],
  ])('%s and %s do not answer each other for ever', async (...services) => {
    const servers = [await serve(services[0]), await serve(services[1])] as const
    // What one of them says comes to the other from the socket that the other's answers go to.
    const sides = [await Client.of(servers[0]), await Client.of(servers[1])] as const
    let passedOn = 0
    sides.forEach((side, i) => {
      side.socket.on('message', (bytes) => {
        passedOn++
        sides[1 - i]!.say(servers[1 - i]!, bytes)
      })
    })
    const words = Array.from({ length: 10 }, (_, i) => `hello ${i}`)
    sides[0].say(servers[0], ...words)
    const withheld = () => servers.reduce((sum, server) => sum + unanswered(server).withheld, 0)
    await until('each should have been left without an answer', () => withheld() === words.length)
    const total = passedOn
    expect(total).toBeLessThanOrEqual(4 * (BURST + PER_S + words.length))
    for (const server of servers) await (await Client.of(server)).ask(server, 'still there?')
    expect(passedOn).toBe(total)
    for (const server of servers) await stop(server)
  })
})

describe('what fails', () => {
  test('those who have gone before their answer do no harm', async () => {
    const server = await serve('echo')
    for (let i = 0; i < 50; i++) {
      const gone = await Client.of(server)
      await new Promise((resolve) => {
        const { host, port } = addressOf(server)
        gone.socket.send('hello', port, host, resolve)
      })
      gone.close()
    }
    expect(await (await Client.of(server)).ask(server, 'and now?')).toBe('and now?')
    await stop(server)
  })

  test('calls that fail for one datagram cost that one', async (context) => {
    if (straceMissing !== null) context.skip(straceMissing)
    const server = await serve('echo')
    const client = await Client.of(server)
    await client.ask(server, 'before')
    const failing = await inject(
      server.tasks(),
      'trace=recvfrom,sendto',
      'inject=recvfrom:error=ECONNREFUSED:when=1..2',
      'inject=sendto:error=EPERM:when=1',
    )
    await until('it should answer again', async () => {
      client.say(server, `${client.heard.length} after`)
      return client.heard.length > 1
    })
    await failing.end()
    await stop(server)
    await expect.poll(() => unanswered(server).failed).toBe(3)
    expect(server.words()).toContain('EPERM')
  })

  test('a socket that is none any more ends it, with exit code 1', async (context) => {
    if (straceMissing !== null) context.skip(straceMissing)
    const server = await serve('echo')
    await (await Client.of(server)).ask(server, 'before')
    await inject(server.tasks(), 'trace=recvfrom', 'inject=recvfrom:error=EBADF')
    expect(await within(PATIENCE_MS, 'it should end', server.ended)).toMatchObject({ code: 1 })
    await expect.poll(server.words).toMatch(/thread has ended: recvfrom EBADF/)
  })
})

test('SIGTERM ends it at once, also while datagrams come', async () => {
  const idle = await serve('echo')
  expect(await idle.stop(1_000)).toEqual({ code: 0, signal: null })

  const server = await serve('echo')
  const client = await Client.of(server)
  let said = 0
  const flood = setInterval(() => {
    for (let i = 0; i < 20; i++) client.say(server, `${said++}`)
  })
  await until('it should be busy', () => client.heard.length > 100)
  const end = await server.stop(1_000)
  clearInterval(flood)
  expect(end).toEqual({ code: 0, signal: null })
})

describe('is refused in one sentence', () => {
  test.each([
    ['a service that needs connections', ['--service', 'irc', '--port', '0'], /irc needs connec/],
    ['the same, and what to choose', ['--service', 'irc', '--port', '0'], /echo, upper, daytime\./],
    ['a Unix-domain socket', ['--listen', 'unix:/tmp/hubbub-udp'], /no Unix-domain sockets/],
  ])('%s, as wrong usage', async (_, args, sentence) => {
    const { code, stdout, stderr } = await run(['serve', MODEL, ...args])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr.trim().split('\n')).toEqual([expect.stringMatching(sentence)])
  })

  test('an address that is in use', async () => {
    const server = await serve('echo')
    const { code, stderr } = await run(['serve', MODEL, '--listen', server.address])
    expect(code).toBe(1)
    expect(stderr.trim().split('\n')).toEqual([
      expect.stringContaining(`${server.address} is in use: stop what listens there`),
    ])
    expect(await (await Client.of(server)).ask(server, 'undisturbed')).toBe('undisturbed')
  })
})
