// The owner against a hub that is written down here, step by step: for orders of events that a real hub
// comes to once in a million lines.

import { afterEach, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import {
  AGAIN,
  close,
  IoBuffer,
  recvNow,
  sendNow,
  setSendBufferBytes,
  socketpair,
} from '../../posix/index.ts'
import { DEFAULT_PROTOCOL_LIMITS } from '../../protocol/index.ts'
import { DEFAULT_SERVER_LIMITS } from '../../servers/limits.ts'
import {
  ACK,
  BEAT,
  deliveryFrames,
  frame,
  GONE,
  IDENTIFY,
  LINE,
  LINK_BUFFER_BYTES,
  POSTED_WORD,
  readFrames,
  SYNC,
  TICK,
} from '../../servers/link.ts'
import { closeClients, connectTo } from '../support/client.ts'
import { until } from '../support/conditions.ts'
import { seesProcesses } from '../support/processes.ts'
import { compiledUrl } from '../support/program.ts'
import { endServers, startServer, stopCleanly } from '../support/server.ts'
import { SETTINGS } from '../support/settings.ts'

const FILLER = deliveryFrames(`:a PRIVMSG b :filler ${'y'.repeat(8_000)}\r\n`)
const LATE = deliveryFrames(':a PRIVMSG b :late\r\n')

/** The hub's end of the link, with what the kernel has not taken waiting as in a net.Socket. */
class ScriptedHub {
  readonly end: number
  readonly words = new Int32Array(new SharedArrayBuffer(8))
  queue = ''
  syncs = 0
  beats = 0
  gone: string | null = null
  readonly lines: string[] = []
  private incoming = ''
  private readonly memory = new IoBuffer(1 << 20)

  constructor(end: number) {
    this.end = end
  }

  /** As Switchboard.flush, but for the last `keep` bytes. */
  write(frames: string, keep = 0): void {
    this.queue += frames
    this.flush(keep)
    Atomics.add(this.words, POSTED_WORD, 1)
  }

  /** Lets the kernel take what it will, but for the last `keep` bytes. */
  flush(keep: number): void {
    while (this.queue.length > keep) {
      this.memory.write(this.queue, 0)
      const count = sendNow(this.end, this.memory, 0, this.queue.length - keep)
      if (count === AGAIN) return
      this.queue = this.queue.slice(count)
    }
  }

  read(): void {
    const count = recvNow(this.end, this.memory, 0, this.memory.length)
    if (count === AGAIN || count === 0) return
    this.incoming = readFrames(this.incoming + this.memory.read(0, count), (kind, payload) => {
      if (kind === SYNC) this.syncs++
      if (kind === BEAT) this.beats++
      if (kind === LINE) this.lines.push(payload)
      if (kind === GONE) this.gone = payload
    })
  }
}

const open: number[] = []
let owner: Worker | undefined

afterEach(async () => {
  for (const fd of open.splice(0)) close(fd)
  await owner?.terminate()
  closeClients()
  await endServers()
})

/** Both ends that an owner is between, and what starts it. What is said before waits for it. */
class Surroundings {
  readonly hub: ScriptedHub
  heard = ''
  private readonly client: number
  private readonly owners: { readonly client: number; readonly link: number }
  private readonly memory = new IoBuffer(1 << 20)

  /** `clientBytes`: so little fits into the client's connection. */
  constructor(clientBytes?: number) {
    const [hubsEnd, link] = socketpair()
    const [client, ownersClient] = socketpair()
    for (const end of [hubsEnd, link]) setSendBufferBytes(end, LINK_BUFFER_BYTES / 2)
    if (clientBytes !== undefined) setSendBufferBytes(ownersClient, clientBytes)
    open.push(hubsEnd, client)
    this.hub = new ScriptedHub(hubsEnd)
    this.client = client
    this.owners = { client: ownersClient, link }
  }

  start(settings = SETTINGS): void {
    const { words } = this.hub
    owner = new Worker(new URL(compiledUrl('servers/owner.js')), {
      workerData: { ...this.owners, settings, words },
    })
  }

  say(text: string): void {
    sendNow(this.client, this.memory, 0, this.memory.write(text, 0))
  }

  hangUp(): void {
    open.splice(open.indexOf(this.client), 1)
    close(this.client)
  }

  /** Hears what is there, `bytesMax` at the most; returns how many bytes that was. */
  hear(bytesMax = this.memory.length): number {
    const count = Math.max(0, recvNow(this.client, this.memory, 0, bytesMax))
    this.heard += this.memory.read(0, count)
    return count
  }
}

test('what a full link holds back while the owner synchronises is written before the next answer', async () => {
  const around = new Surroundings()
  const { hub } = around
  const hear = (): void => void around.hear()

  // The link is nearly full when the first PING comes, so the owner asks whether there is more.
  hub.write(frame(IDENTIFY, '1b'))
  for (let i = 0; i < 22; i++) hub.write(FILLER)
  around.say('PING one\r\n')
  around.start()
  await until('the owner should synchronise', () => (hub.read(), hub.syncs === 1))

  // Nobody reads the client now, so the link fills up again. Its last bytes are the acknowledgement.
  while (hub.queue === '') hub.write(FILLER)
  hub.write(frame(ACK, '') + LATE, LATE.length)
  await until('the link should take the acknowledgement, and no more', () => {
    hear()
    hub.flush(LATE.length)
    return hub.queue.length === LATE.length
  })
  await until(
    'the first PING should be answered',
    () => (hear(), around.heard.includes(':one\r\n')),
  )

  around.say('PING two\r\n')
  await until('the owner should synchronise again', () => (hear(), hub.read(), hub.syncs === 2))
  expect(around.heard).not.toContain(':two')
  hub.flush(0)
  hub.write(frame(ACK, ''))
  await until(
    'the second PING should be answered',
    () => (hear(), around.heard.includes(':two\r\n')),
  )
  const { heard } = around
  expect(heard.indexOf(':late')).toBeGreaterThan(heard.indexOf(':one'))
  expect(heard.indexOf(':late')).toBeLessThan(heard.indexOf(':two'))
})

test('an owner whose client reads slowly, but reads, goes on saying that it lives', async () => {
  const { heartbeatMs, hungMs } = DEFAULT_SERVER_LIMITS
  const around = new Surroundings(4_096)
  const { hub } = around
  hub.write(frame(IDENTIFY, '1b'))
  // Each of these is answered with a line of some 70 bytes: half a megabyte in all, and nothing for the hub.
  around.say('\0\n'.repeat(8_000))
  around.start()
  await until('the owner should live', () => (hub.read(), hub.beats > 0))

  let heardBytes = 0
  let [lastBeats, lastBeatMs, longestMs] = [hub.beats, performance.now(), 0]
  const startMs = lastBeatMs
  await until(
    'it should have written for longer than it may be silent',
    () => {
      // A steady 80 KB in each second: no single write blocks for long.
      const dueBytes = (performance.now() - startMs) * 80
      if (heardBytes < dueBytes) heardBytes += around.hear(4_096)
      hub.read()
      if (hub.beats > lastBeats) [lastBeats, lastBeatMs] = [hub.beats, performance.now()]
      longestMs = Math.max(longestMs, performance.now() - lastBeatMs)
      return performance.now() - startMs > hungMs + heartbeatMs
    },
    2 * hungMs,
  )
  expect(heardBytes).toBeGreaterThan(hungMs * 40)
  expect(longestMs).toBeLessThan(3 * heartbeatMs)
})

test('a client that waits long for the hub is not taken for silent', async () => {
  const around = new Surroundings()
  const { hub } = around
  const registrationTimeoutMs = 500
  around.say('PASS alice:secret\r\n')
  around.start({ ...SETTINGS, limits: { ...DEFAULT_PROTOCOL_LIMITS, registrationTimeoutMs } })
  await until('it should ask the hub', () => (hub.read(), hub.lines.length === 1))
  const askedMs = performance.now()
  // A password is verified. All that the client has to say meanwhile has to wait.
  await until('time should pass', () => performance.now() - askedMs > registrationTimeoutMs)
  for (let i = 0; i < 2; i++) hub.write(frame(TICK, ''))
  around.say('PING :later\r\n')
  hub.write(frame(ACK, ''))
  await until('it should be answered', () => (around.hear(), around.heard.includes(':later')))
  expect(around.heard).not.toContain('ERROR')
})

test('a client hangs up in a WAIT: that is noticed at once, and what it had said is heard', async () => {
  const around = new Surroundings()
  const { hub } = around
  hub.write(frame(IDENTIFY, '1b'))
  around.say('PING :now\r\nWAIT 9000\r\n')
  around.start({ ...SETTINGS, lab: true })
  await until('the wait should begin', () => (around.hear(), around.heard.includes(':now')))
  around.say('TOPIC #here\r\n')
  around.hangUp()
  const tookMs = await until('the line should come', () => (hub.read(), hub.lines.length > 0))
  expect(hub.lines).toEqual(['TOPIC #here'])
  hub.write(frame(ACK, ''))
  await until('the end should follow', () => (hub.read(), hub.gone !== null))
  expect(hub.gone).toBe('Connection closed')
  expect(tookMs).toBeLessThan(5_000)
})

test('the command line of a process, which everybody can read, has no password in it', async (context) => {
  context.skip(!seesProcesses, 'It needs /proc.')
  const server = await startServer('process', ['--password', 's3cret-word'])
  const client = await connectTo(server.address)
  await client.register('member', 's3cret-word')
  const lines = server.children().map((pid) => readFileSync(`/proc/${pid}/cmdline`, 'latin1'))
  expect(lines).toEqual([expect.stringContaining('owner.js')])
  expect(lines[0]).not.toContain('s3cret-word')
  client.close()
  await stopCleanly(server)
})
