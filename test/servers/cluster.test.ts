// What only `cluster` promises: processes that share the port and the rooms, a message that crosses to each of
// them once, and workers that may die. The rest it has in common with all models (conformance.test.ts).

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import {
  AGAIN,
  close,
  formatAddress,
  IoBuffer,
  type Listener,
  listenOn,
  recvNow,
  sendNow,
  setNonBlocking,
  setSendBufferBytes,
  socketpair,
} from '../../posix/index.ts'
import { loadService } from '../../protocol/index.ts'
import { ClusterHub, type Trunk } from '../../servers/cluster-hub.ts'
import {
  ACCEPT,
  ACK,
  CONNECT,
  DELIVER,
  frame,
  IDENTIFY,
  LINE,
  LIST,
  MESSAGE,
  NOBODY,
  numberAt,
  readFrames,
  spellNumber,
  SYNC,
} from '../../servers/cluster-link.ts'
import { LINK_BUFFER_BYTES } from '../../servers/link.ts'
import { Canaries } from '../support/canaries.ts'
import { type Client, closeClients, connectTo, members, registered } from '../support/client.ts'
import { until } from '../support/conditions.ts'
import { holderOf, isAlive, residentBytesOf, seesProcesses, stateOf } from '../support/processes.ts'
import { compiled, run } from '../support/program.ts'
import { preloading, sabotaged } from '../support/sabotage.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../support/server.ts'
import { SETTINGS } from '../support/settings.ts'

/**
 * From the death of a worker to the end of its clients' connections, and to the first client of another. A
 * tenth of it, nearly always; but a process that starts beside a suite that keeps both cores busy is slow.
 */
const REPLACED_MS_MAX = 5_000
/** hungMs (servers/limits.ts) and the heartbeat after which it is looked at, and some for a busy machine. */
const HUNG_MS_MAX = 8_000
/** The bound of what waits, and room for the garbage that V8 has not collected yet. */
const GROWTH_BYTES_MAX = 192 * 1024 * 1024
/** Of three workers, one that has none of so many clients takes none. */
const CLIENTS_MAX = 60
/** From the death of the server to that of its last process. */
const ORPHAN_MS_MAX = 2_000

const cleanUp: (() => void)[] = []

afterEach(async () => {
  closeClients()
  await endServers()
  for (const clean of cleanUp.splice(0).toReversed()) clean()
})

/** One end of a link, with what the kernel has not taken waiting as in a net.Socket. */
class ScriptedEnd {
  readonly frames: [kind: number, payload: string][] = []
  queue = ''
  /** The other end, when that is of a real hub. */
  readonly trunk: Trunk | null
  private readonly fd: number
  private incoming = ''
  private readonly memory = new IoBuffer(1 << 20)

  constructor(fd: number, trunk: Trunk | null = null) {
    this.fd = fd
    this.trunk = trunk
    setNonBlocking(fd, true)
    cleanUp.push(() => close(fd))
  }

  write(kind: number, payload: string): void {
    this.queue += frame(kind, payload)
    this.flush()
  }

  /** Lets the kernel take what it will. */
  flush(): void {
    while (this.queue !== '') {
      const length = this.memory.write(this.queue, 0)
      const count = sendNow(this.fd, this.memory, 0, length)
      if (count === AGAIN) return
      this.queue = this.queue.slice(count)
    }
  }

  read(): void {
    const count = recvNow(this.fd, this.memory, 0, this.memory.length)
    if (count <= 0) return
    const text = this.incoming + this.memory.read(0, count)
    this.incoming = readFrames(text, (kind, payload) => this.frames.push([kind, payload]))
  }

  /** Takes frames up to the first of a kind, and returns that one's payload. */
  async next(wanted: number): Promise<string> {
    let found: [number, string] | undefined
    await until(`a frame of kind ${String.fromCharCode(wanted)} should come`, () => {
      this.read()
      while (found === undefined && this.frames.length > 0) {
        const first = this.frames.shift()!
        if (first[0] === wanted) found = first
      }
      return found !== undefined
    })
    return found![1]
  }
}

test.skipIf(!seesProcesses)(
  'clients are in several processes, and share nicknames and rooms',
  async () => {
    const server = await startServer('cluster', ['--workers', '3'])
    expect(server.children()).toHaveLength(3)
    const clients = await members(server.address, 12, '#all')
    const countOf = (pid: number): number =>
      clients.filter(({ port }) => holderOf(port, [pid]) !== null).length
    // Whoever is woken first accepts: a busy machine may well leave one of them out for some time.
    while (server.children().some((pid) => countOf(pid) === 0) && clients.length < CLIENTS_MAX) {
      const one = await registered(server.address, `member${clients.length}`)
      clients.push(await one.join('#all'))
    }
    const counts = server.children().map(countOf)
    expect(counts.reduce((sum, count) => sum + count)).toBe(clients.length)
    expect(Math.min(...counts), counts.join(' ')).toBeGreaterThan(0)
    for (const client of clients) await client.barrier()
    for (const [i, client] of clients.entries()) {
      client.say(`PRIVMSG #all :from ${i}`, 'NICK member0')
      expect((await client.barrier()).some((line) => / 433 /.test(line))).toBe(i > 0)
    }
    for (const [i, client] of clients.entries()) {
      const heard = (await client.barrier()).filter((line) => / PRIVMSG /.test(line))
      expect(heard.length, `by member${i}`).toBe(clients.length - 1 - i)
    }
    await stopCleanly(server)
  },
)

test('a message crosses to each process once, whoever and however many hear it', async () => {
  const hub = new ClusterHub(SETTINGS, await loadService('irc'), () => {})
  const workers = await Promise.all([10, 5].map((clients, i) => joined(hub, clients, `w${i}n`)))
  for (const worker of workers) await settled(worker)

  const [one, other] = workers as [ScriptedEnd, ScriptedEnd]
  for (const end of [one, other]) end.frames.length = 0
  for (const text of ['first', 'second']) {
    one.write(LINE, `${spellNumber(3)}PRIVMSG #room :${text}`)
    expect(numberAt(await one.next(ACK), 0)).toBe(3)
  }
  await settled(other)
  // The list was known from the last JOIN, and the sender is excepted.
  const messages = (end: ScriptedEnd) => end.frames.filter(([kind]) => kind !== ACK)
  expect(messages(one)).toEqual([])
  expect(messages(other)).toEqual([
    [MESSAGE, `${NOBODY}:w0n3!u@h PRIVMSG #room :first\r\n`],
    [MESSAGE, `${NOBODY}:w0n3!u@h PRIVMSG #room :second\r\n`],
  ])

  // Who leaves is not on the next list; the other process keeps the one that it has.
  other.frames.length = 0
  one.write(LINE, `${spellNumber(7)}PART #room`)
  expect((await one.next(LIST)).length / spellNumber(7).length).toBe(9)
  await one.next(ACK)
  one.write(LINE, `${spellNumber(3)}PRIVMSG #room :third`)
  expect(await one.next(MESSAGE)).toBe(`${spellNumber(3)}:w0n3!u@h PRIVMSG #room :third\r\n`)
  await settled(other)
  expect(messages(other).map(([kind]) => kind)).toEqual([MESSAGE, MESSAGE])
  hub.shutdown()
})

test('senders learn that a line was handled when all processes have been told what it said', async () => {
  const hub = new ClusterHub(SETTINGS, await loadService('irc'), () => {})
  const workers = await Promise.all([2, 2, 2].map((clients, i) => joined(hub, clients, `w${i}n`)))
  for (const worker of workers) await settled(worker)
  for (const end of workers) end.frames.length = 0
  // What is written when, to whichever link.
  const writes = workers.map(({ trunk }) => vi.spyOn(trunk!.socket, 'write'))
  const timesOf = (worker: number, wanted: (kind: number, payload: string) => boolean): number[] =>
    writes[worker]!.mock.calls.flatMap(([text], call) => {
      const times: number[] = []
      readFrames(text as string, (kind, payload) => {
        if (wanted(kind, payload)) times.push(writes[worker]!.mock.invocationCallOrder[call]!)
      })
      return times
    })
  const rounds = 20
  for (let round = 0; round < rounds; round++) {
    // All three have something to say in one turn, and each hears the others.
    for (const end of workers) end.write(LINE, `${spellNumber(1)}PRIVMSG #room :${round}`)
    for (const end of workers) await end.next(ACK)
  }
  for (const [sender] of workers.entries()) {
    const learned = timesOf(sender, (kind) => kind === ACK)
    expect(learned).toHaveLength(rounds)
    for (const [receiver] of workers.entries()) {
      const isHers = (kind: number, text: string): boolean =>
        kind === MESSAGE && text.includes(`:w${sender}n1!`)
      const told = timesOf(receiver, isHers)
      expect(told).toHaveLength(rounds)
      for (const [i, time] of told.entries()) expect(time).toBeLessThanOrEqual(learned[i]!)
    }
  }
  hub.shutdown()
})

test('what was relayed before a PING is written before its answer, whichever is read first', async () => {
  const { worker, link, address } = startWorker()
  const [client, number] = await clientOf(link, address)
  for (let round = 0; round < 20; round++) {
    client.send('PIN')
    await client.flushed()
    process.kill(worker.pid!, 'SIGSTOP')
    await until('it should be stopped', () => !seesProcesses || stateOf(worker.pid!) === 'T')
    // It will find the client readable first, and the link after it.
    client.send('G :early\r\nPIN')
    await client.flushed()
    link.write(DELIVER, `${number}:hub before ${round}\r\n`)
    client.send(`G :${round}\r\n`)
    await client.flushed()
    process.kill(worker.pid!, 'SIGCONT')
    const lines = await client.linesTo(new RegExp(` PONG \\S+ :${round}$`))
    expect(lines).toContain(`:hub before ${round}`)
  }
})

test('what a full link holds back is written before the next answer', async () => {
  const { worker, link, address } = startWorker()
  const [client, number] = await clientOf(link, address)
  process.kill(worker.pid!, 'SIGSTOP')
  while (link.queue === '') link.write(DELIVER, `${number}:filler ${'y'.repeat(8_000)}\r\n`)
  const late = frame(DELIVER, `${number}:late\r\n`)
  client.say('PING :one')
  await client.flushed()
  const [held, queued] = [link.queue + late, (link.queue = '')]
  expect(queued).toBe('')
  process.kill(worker.pid!, 'SIGCONT')
  await link.next(SYNC)
  client.say('PING :two')
  link.queue = held
  await until('the rest should be taken', () => (link.flush(), link.queue === ''))
  link.write(ACK, NOBODY)
  const lines = await client.linesTo(/ PONG \S+ :one$/)
  expect(lines).toContain(':late')
  const answering = client.linesTo(/ PONG \S+ :two$/)
  let answered = false
  void answering.then(() => (answered = true))
  await until('the second should be answered', () => {
    link.read()
    for (const [kind] of link.frames.splice(0)) if (kind === SYNC) link.write(ACK, NOBODY)
    return answered
  })
})

test.skipIf(!seesProcesses)(
  'a worker is killed: its clients see the end, others a QUIT; another one takes its place',
  async () => {
    const server = await startServer('cluster')
    const { mine, others, pid, workers } = await split(server, '#room')
    const watcher = others[0]!
    const departed = mine.map((client) => client.toEnd(REPLACED_MS_MAX))
    process.kill(pid, 'SIGKILL')
    await Promise.all(departed)
    for (const client of mine) client.close()

    const quits = await watcher.linesTo(/ QUIT /)
    while (quits.length < mine.length) quits.push(...(await watcher.linesTo(/ QUIT /)))
    expect(quits.every((line) => line.endsWith(' QUIT :Connection lost'))).toBe(true)

    await registered(server.address, /^:([^!]+)!/.exec(quits[0]!)![1]!) // The name is free.
    await until(
      'a new worker should serve a new client',
      async () => {
        const client = await connectTo(server.address)
        await client.barrier()
        const fresh = server.children().filter((child) => !workers.includes(child))
        return holderOf(client.port, fresh) !== null
      },
      REPLACED_MS_MAX,
    )
    expect(server.words()).toMatch(/A worker has ended \(SIGKILL\); another one takes its place/)
    for (const client of others) await client.barrier()
    await stopCleanly(server)
  },
)

test.skipIf(!seesProcesses)(
  'workers that always die after their first word are not started again and again',
  async () => {
    // From the moment in which there is such a file, each ends when it has said that it runs.
    const folder = mkdtempSync(join(tmpdir(), 'hubbub-'))
    cleanUp.push(() => rmSync(folder, { recursive: true }))
    const fault = join(folder, 'fault')
    const dying = `import { existsSync } from 'node:fs'
      import { Socket } from 'node:net'
      const { write } = Socket.prototype
      if (process.argv[1].endsWith('cluster-worker.js')) Socket.prototype.write = function (...args) {
        setImmediate(() => existsSync('${fault}') && process.kill(process.pid, 'SIGUSR2'))
        return write.apply(this, args)
      }`
    const server = await startServer('cluster', ['--workers', '2'], preloading(dying))
    const first = server.children()
    writeFileSync(fault, '')
    const startMs = performance.now()
    for (const pid of first) process.kill(pid, 'SIGKILL')
    const deaths = (): number => server.words().split('A worker has ended (SIGUSR2)').length - 1
    // After each rest two are started, and not one more.
    await until('they should have died in six rounds', () => deaths() > 2 * 5, 20_000)
    const restsMs = 100 + 200 + 400 + 800 + 1_600
    expect(performance.now() - startMs).toBeGreaterThan(restsMs)
    rmSync(fault)
    await (await connectTo(server.address)).barrier(20_000) // At the next attempt.
    await stopCleanly(server)
  },
)

test.skipIf(!seesProcesses)('no worker is told the password', async () => {
  const server = await startServer('cluster', [], { env: { HUBBUB_PASSWORD: 's3cret-word' } })
  for (const pid of server.children()) {
    for (const file of ['cmdline', 'environ']) {
      expect(readFileSync(`/proc/${pid}/${file}`, 'latin1')).not.toContain('s3cret-word')
    }
  }
  await (await connectTo(server.address)).register('member', 's3cret-word')
  await stopCleanly(server)
})

test.skipIf(!seesProcesses)(
  'a worker is stopped: the others go on, and soon another one is there',
  async () => {
    const server = await startServer('cluster')
    const { mine, pid, workers } = await split(server, '#room')
    process.kill(pid, 'SIGSTOP')
    // Whoever comes now is served by the others, and so are the canaries.
    const canaries = await Canaries.start(server.address)
    await Promise.all(mine.map((client) => client.toEnd(HUNG_MS_MAX)))
    await canaries.sang(10)
    await canaries.stop()
    await until('it should be buried', () => stateOf(pid) === null)
    await until('another one should be there', () => server.children().length === workers.length)
    expect(server.words()).toContain(
      `A worker has stopped answering, and is ended with its ${mine.length} clients.`,
    )
    await stopCleanly(server)
  },
)

test.skipIf(!seesProcesses)(
  'what waits for a stopped worker is bounded: it is given up',
  async () => {
    const server = await startServer('cluster')
    const { mine, others, pid } = await split(server, '#room')
    const beforeBytes = residentBytesOf(server.pid)
    process.kill(pid, 'SIGSTOP')
    const speaker = others[0]!
    for (const client of others.slice(1)) client.watch(() => {})
    const line = `PRIVMSG #room :${'x'.repeat(400)}`
    let mostBytes = 0
    while (mine.some((client) => client.ending === null)) {
      speaker.say(...Array.from({ length: 2_000 }, () => line))
      await speaker.barrier()
      mostBytes = Math.max(mostBytes, residentBytesOf(server.pid))
    }
    expect(mostBytes - beforeBytes).toBeLessThan(GROWTH_BYTES_MAX)
    expect(server.words()).toMatch(/A worker (does not listen|has stopped answering), and is ended/)
    await stopCleanly(server)
  },
)

test.skipIf(!seesProcesses)(
  'the server is killed: its workers end, even one in an endless loop',
  async () => {
    const server = await startServer('cluster', [], sabotaged())
    const { mine, others, workers } = await split(server, '#room')
    mine[0]!.say('SABOTAGE loop')
    for (const client of others) await client.barrier()
    server.signal('SIGKILL')
    await until('its workers should end', () => !workers.some(isAlive), ORPHAN_MS_MAX)
    for (const client of [...mine, ...others]) await client.toEnd(ORPHAN_MS_MAX)
  },
)

test.skipIf(!seesProcesses)(
  'an endless loop costs the clients of its process, and no others',
  async () => {
    const server = await startServer('cluster', [], sabotaged())
    const { mine, others } = await split(server, '#room')
    mine[0]!.say('SABOTAGE loop')
    const quit = others[0]!.lineLike(/ QUIT /, HUNG_MS_MAX)
    await Promise.all(mine.map((client) => client.toEnd(HUNG_MS_MAX)))
    await quit
    for (const client of others) await client.barrier()
    await stopCleanly(server)
  },
)

test.skipIf(!seesProcesses)(
  'Ctrl-C, which all processes of a terminal get: it drains as ever',
  async () => {
    const server = await startServer('cluster')
    const { mine, others, workers } = await split(server, '#room')
    for (const pid of [...workers, server.pid]) process.kill(pid, 'SIGINT')
    for (const client of [...mine, ...others]) {
      expect((await client.toEnd()).lines.at(-1)).toBe('ERROR :Server shutting down')
      client.close()
    }
    expect(await server.ended).toEqual({ code: 0, signal: null })
  },
)

test('--workers is bounded, and for this model only', async () => {
  for (const count of ['0', '65', 'two']) {
    expect(await run(['serve', 'cluster', '--workers', count])).toMatchObject({ code: 2 })
  }
  const { code, stderr } = await run(['serve', 'async', '--workers', '2'])
  expect(code).toBe(2)
  expect(stderr).toContain('--workers')
})

/** A worker that the test plays, with registered clients 1, 2, 3, ... in one room. */
async function joined(hub: ClusterHub, clients: number, nick: string): Promise<ScriptedEnd> {
  const trunk: Trunk = hub.open({ kill: () => {}, started: () => {} })
  const end = new ScriptedEnd(trunk.workersEnd, trunk)
  cleanUp.push(() => hub.bury(trunk))
  for (let number = 1; number <= clients; number++) {
    const key = spellNumber(number)
    end.write(CONNECT, `${key}h`)
    for (const line of [`NICK ${nick}${number}`, 'USER u 0 * :u', 'JOIN #room']) {
      end.write(LINE, key + line)
    }
  }
  return end
}

/** Everything that was said to it has arrived. */
async function settled(end: ScriptedEnd): Promise<void> {
  const kept: [number, string][] = []
  end.write(SYNC, '')
  await until('it should be acknowledged', () => {
    end.read()
    kept.push(...end.frames.splice(0))
    return kept.some(([kind, payload]) => kind === ACK && payload.endsWith(NOBODY))
  })
  end.frames.push(...kept)
}

/** A real worker whose hub is the test. */
function startWorker(): { worker: ChildProcess; link: ScriptedEnd; address: string } {
  const listener: Listener = listenOn(
    { family: 'ipv4', host: '127.0.0.1', port: 0 },
    { backlog: 8 },
  )
  setNonBlocking(listener.fd, true)
  const [ours, workers] = socketpair()
  for (const end of [ours, workers]) setSendBufferBytes(end, LINK_BUFFER_BYTES / 2)
  const worker = spawn(
    process.execPath,
    [compiled('servers/cluster-worker.js'), JSON.stringify(SETTINGS)],
    { stdio: ['ignore', 'ignore', 'inherit', listener.fd, workers] },
  )
  close(workers)
  const link = new ScriptedEnd(ours)
  cleanUp.push(
    () => close(listener.fd),
    () => worker.kill('SIGKILL'),
  )
  link.write(ACCEPT, '')
  return { worker, link, address: formatAddress(listener.address) }
}

/** Its first client, registered by the hub's word. */
async function clientOf(link: ScriptedEnd, address: string): Promise<[Client, string]> {
  const connecting = connectTo(address)
  const key = (await link.next(CONNECT)).slice(0, 4)
  const client = await connecting
  link.write(IDENTIFY, `${key}1a`)
  link.write(ACK, key)
  await client.barrier()
  return [client, key]
}

/** Six clients in a room: those of one worker, whose number this is, and those of the others. */
async function split(
  server: TestServer,
  room: string,
): Promise<{ mine: Client[]; others: Client[]; pid: number; workers: number[] }> {
  const workers = server.children()
  const clients = await members(server.address, 6, room)
  const pid = holderOf(clients[0]!.port, workers)!
  const isMine = ({ port }: Client): boolean => holderOf(port, [pid]) !== null
  // One process may have got all of them, on a busy machine.
  while (clients.every(isMine) && clients.length < CLIENTS_MAX) {
    const one = await registered(server.address, `member${clients.length}`)
    clients.push(await one.join(room))
    for (const client of clients) await client.barrier()
  }
  const mine = clients.filter(isMine)
  return { mine, others: clients.filter((client) => !isMine(client)), pid, workers }
}
