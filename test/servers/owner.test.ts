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
  IDENTIFY,
  LINK_BUFFER_BYTES,
  POSTED_WORD,
  readFrames,
  SYNC,
} from '../../servers/link.ts'
import type { Settings } from '../../servers/model.ts'
import { closeClients, connectTo } from '../support/client.ts'
import { until } from '../support/conditions.ts'
import { seesProcesses } from '../support/processes.ts'
import { compiledUrl } from '../support/program.ts'
import { endServers, startServer, stopCleanly } from '../support/server.ts'

const SETTINGS: Settings = {
  service: 'irc',
  serverName: 'hubbub.local',
  version: '0',
  createdAt: '',
  password: null,
  lab: false,
  limits: DEFAULT_PROTOCOL_LIMITS,
  server: { ...DEFAULT_SERVER_LIMITS, clientsMax: 1 },
}
const FILLER = deliveryFrames(`:a PRIVMSG b :filler ${'y'.repeat(8_000)}\r\n`)
const LATE = deliveryFrames(':a PRIVMSG b :late\r\n')

/** The hub's end of the link, with what the kernel has not taken waiting as in a net.Socket. */
class ScriptedHub {
  readonly end: number
  readonly words = new Int32Array(new SharedArrayBuffer(8))
  queue = ''
  syncs = 0
  beats = 0
  private incoming = ''
  private readonly memory = new IoBuffer(1 << 20)

  constructor(end: number) {
    this.end = end
  }

  /** As Switchboard.flush. */
  write(frames: string): void {
    this.queue += frames
    this.flush(0)
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
    this.incoming = readFrames(this.incoming + this.memory.read(0, count), (kind) => {
      if (kind === SYNC) this.syncs++
      if (kind === BEAT) this.beats++
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

test('what a full link holds back while the owner synchronises is written before the next answer', async () => {
  const [hubsEnd, ownersEnd] = socketpair()
  const [client, ownersClient] = socketpair()
  for (const end of [hubsEnd, ownersEnd]) setSendBufferBytes(end, LINK_BUFFER_BYTES / 2)
  open.push(hubsEnd, client)
  const hub = new ScriptedHub(hubsEnd)
  const memory = new IoBuffer(1 << 20)
  let heard = ''
  const hear = (): void => {
    const count = recvNow(client, memory, 0, memory.length)
    if (count > 0) heard += memory.read(0, count)
  }
  const say = (line: string): void => void sendNow(client, memory, 0, memory.write(line, 0))

  // The link is nearly full when the first PING comes, so the owner asks whether there is more.
  hub.write(frame(IDENTIFY, '1b'))
  for (let i = 0; i < 22; i++) hub.write(FILLER)
  say('PING one\r\n')
  owner = new Worker(new URL(compiledUrl('servers/owner.js')), {
    workerData: { client: ownersClient, link: ownersEnd, settings: SETTINGS, words: hub.words },
  })
  await until('the owner should synchronise', () => (hub.read(), hub.syncs === 1))

  // Nobody reads the client now, so the link fills up again. Its last bytes are the acknowledgement.
  while (hub.queue === '') hub.write(FILLER)
  hub.write(frame(ACK, ''))
  hub.write(LATE)
  await until('the link should take the acknowledgement, and no more', () => {
    hear()
    hub.flush(LATE.length)
    return hub.queue.length === LATE.length
  })
  await until('the first PING should be answered', () => (hear(), heard.includes(':one\r\n')))

  say('PING two\r\n')
  await until('the owner should synchronise again', () => (hear(), hub.read(), hub.syncs === 2))
  expect(heard).not.toContain(':two')
  hub.flush(0)
  hub.write(frame(ACK, ''))
  await until('the second PING should be answered', () => (hear(), heard.includes(':two\r\n')))
  expect(heard.indexOf(':late')).toBeGreaterThan(heard.indexOf(':one'))
  expect(heard.indexOf(':late')).toBeLessThan(heard.indexOf(':two'))
})

test('an owner whose client reads slowly, but reads, goes on saying that it lives', async () => {
  const { heartbeatMs, hungMs } = DEFAULT_SERVER_LIMITS
  const [hubsEnd, ownersEnd] = socketpair()
  const [client, ownersClient] = socketpair()
  setSendBufferBytes(ownersClient, 4_096)
  open.push(hubsEnd, client)
  const hub = new ScriptedHub(hubsEnd)
  const memory = new IoBuffer(1 << 16)
  hub.write(frame(IDENTIFY, '1b'))
  // Each of these is answered with a line of some 70 bytes: half a megabyte in all, and nothing for the hub.
  sendNow(client, memory, 0, memory.write('\0\n'.repeat(8_000), 0))
  owner = new Worker(new URL(compiledUrl('servers/owner.js')), {
    workerData: { client: ownersClient, link: ownersEnd, settings: SETTINGS, words: hub.words },
  })
  await until('the owner should live', () => (hub.read(), hub.beats > 0))

  let heardBytes = 0
  let [lastBeats, lastBeatMs, longestMs] = [hub.beats, performance.now(), 0]
  const startMs = lastBeatMs
  await until(
    'it should have written for longer than it may be silent',
    () => {
      // A steady 80 KB in each second: no single write blocks for long.
      const dueBytes = (performance.now() - startMs) * 80
      if (heardBytes < dueBytes) heardBytes += Math.max(0, recvNow(client, memory, 0, 4_096))
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
