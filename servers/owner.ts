// The owner: runs one conversation, in blocking calls, in a thread or process of its own. This is the
// part that `thread` and `process` have in common; how an owner is started and buried is the part in
// which they differ.
//
// The owner, while it lives, is the only one that writes to its client. The hub, on the main thread or in the parent,
// sends it bytes over the link (link.ts), and the owner writes them; so lines never interleave, and a
// client that does not read blocks its own owner and nobody else.
//
// It waits in poll(2) on two descriptors, client and link. PING must be a barrier: whoever has seen an
// answer to it has seen every message that was relayed before. Three rules make that true here:
//
// 1. After a line was passed to the hub, nothing later of the same client is answered until the hub has
//    acknowledged it. Deliveries are written meanwhile, so owner and hub never wait for each other.
// 2. The link is read after the client, and before the client is answered, whether or not poll has seen
//    anything on it: what was relayed before a request was sent is in the link when the request is here.
//    (Threads share memory with the hub. There a counter tells that nothing was sent, and saves a call.)
// 3. A link that was nearly full may mean that the hub holds more that did not fit. Then the owner asks
//    for an acknowledgement (SYNC), which comes after all of it, before it answers.

import { uptime } from 'node:process'
import { isMainThread, threadId, workerData } from 'node:worker_threads'
import {
  type Conversation,
  type FileRequest,
  loadService,
  type Service,
} from '../protocol/index.ts'
import {
  AGAIN,
  dieWithParent,
  IoBuffer,
  lowerPriority,
  PollSet,
  READABLE,
  recv,
  recvNow,
  sendAll,
  shutdown,
} from '../posix/index.ts'
import { BlockingClient } from './blocking-client.ts'
import { busyFor } from './busy.ts'
import type { FileSession } from './files.ts'
import { CONNECTION_CLOSED, reasonOf } from './last-words.ts'
import {
  ACK,
  BEAT,
  CLOSE,
  DELIVER,
  GONE,
  HEADER_BYTES,
  IDENTIFY,
  LINE,
  LINK_BUFFER_BYTES,
  PAYLOAD_BYTES_MAX,
  SYNC,
  TICK,
} from './link.ts'
import type { Settings } from './model.ts'

/** What an owner is given: two descriptors and the settings of the service. */
export interface HandOver {
  readonly client: number
  readonly link: number
  readonly settings: Settings
  /** How often the hub has written to the link, in memory shared with it. A process has no such thing. */
  readonly posted?: Int32Array | undefined
}

/**
 * Owners let others go first (on Linux). Every one of them waits for the hub's thread, and those that are
 * threads wait for V8's compiler threads too, which make the code of each fast. Of a hundred owners that
 * are all ready to run, each would otherwise get its turn before those. Five steps are a third of the
 * weight of an ordinary thread (sched(7)).
 */
const NICE_STEPS = 5

/** A write of more than this may take its time, and the hub is told afterwards that we live. */
const LONG_BYTES = 1024

const CLIENT_SLOT = 0
const LINK_SLOT = 1

/**
 * Below both of these, what one read of the link returned cannot come from a full one: even with the
 * kernel's book-keeping (at most 1.3 KiB for each piece on Linux) it is less than half of its room.
 */
const NEARLY_FULL_BYTES = LINK_BUFFER_BYTES / 8
const NEARLY_FULL_FRAMES = 32

/**
 * Milliseconds of a monotonic clock. `performance.now()` would be three functions of JavaScript, and here
 * every function has to get warm once for every client; this is one call into Node itself.
 */
const clockMs = (): number => uptime() * 1000

/** The hub has closed the link, or its process is dead. There is nobody left to talk for. */
class HubGone extends Error {}

class Owner {
  private readonly client: BlockingClient
  private readonly link: number
  private readonly settings: Settings
  private readonly service: Service
  private readonly conversation: Conversation
  private readonly files: FileSession | null
  private readonly ready = new PollSet(2)
  private readonly input = new IoBuffer(16 * 1024)
  private readonly output = new IoBuffer(16 * 1024)
  /** Frames from the link: `filled` bytes of them wait to be looked at. */
  private readonly frames = new IoBuffer(2 * (PAYLOAD_BYTES_MAX + HEADER_BYTES))
  private filled = 0
  private acknowledged = true
  /** The hub may hold deliveries that the link had no room for. */
  private behind = false
  /** The connection is over: by the hub's word, the conversation's, or the client's. */
  private over = false
  private readonly posted: Int32Array | undefined
  /** The value of `posted` when the link was last read. */
  private seen = 0
  /** When the hub last heard of us. */
  private toldMs = clockMs()
  /**
   * When the hub's next tick is due: it is not later than that now, or not by much. That is exact enough
   * for a client's time-outs, which may fire so much later, and no request pays for a look at the clock.
   */
  private latestMs: number
  /** A tick has come, and the time-outs are to be looked at. */
  private ticked = false

  constructor(
    { client, link, settings, posted }: HandOver,
    service: Service,
    files: FileSession | null,
  ) {
    this.client = new BlockingClient(client, {
      lookUpMs: settings.server.heartbeatMs,
      stallMs: settings.server.stallMs,
      // A client that reads slowly blocks us in a write, and we let the hub know that we live.
      onStall: () => this.beat(),
    })
    this.link = link
    this.settings = settings
    this.service = service
    this.files = files
    this.posted = posted
    this.latestMs = this.toldMs + settings.server.heartbeatMs
    this.conversation = service.conversation(settings, this.toldMs)
    this.ready.set(CLIENT_SLOT, client, READABLE)
    this.ready.set(LINK_SLOT, link, READABLE)
  }

  /** Serves the client to the end of the connection. Throws HubGone when nobody is left to serve for. */
  run(): void {
    this.beat()
    while (!this.over) {
      const { ticked } = this
      this.ready.poll(2, ticked ? 0 : -1)
      if (ticked) this.beatWhenDue()
      if (this.ready.isReady(CLIENT_SLOT)) this.receive()
      if (ticked) this.tick() // Now that it has been heard, its silence is its own.
      if (this.mayHaveMail()) this.listen(recvNow)
      this.converse()
    }
    this.files?.end()
    this.client.linger(this.settings.server.lingerMs)
  }

  /** Rule 2. True too for what poll has seen: the end of the link is not posted. */
  private mayHaveMail(): boolean {
    if (this.posted === undefined || this.ready.isReady(LINK_SLOT)) return true
    return Atomics.load(this.posted, 0) !== this.seen
  }

  /** Takes in what the client sent. */
  private receive(): void {
    const { input } = this
    let count: number
    try {
      count = recvNow(this.client.socket, input, 0, input.length)
    } catch (error) {
      return this.end(reasonOf(error))
    }
    if (count === 0) this.end(CONNECTION_CLOSED)
    else if (count !== AGAIN) this.conversation.receive(input.bytes, this.latestMs, count)
  }

  /** Performs the conversation's effects until it needs more bytes. */
  private converse(): void {
    while (!this.over) {
      const effect = this.conversation.nextEffect()
      if (effect === null) return
      if (this.behind) this.synchronise()
      switch (effect.kind) {
        case 'reply':
          this.write(effect.text)
          if (effect.text.length > LONG_BYTES) this.beatWhenDue()
          break
        case 'hub':
          this.ask(LINE, effect.line)
          break
        case 'compute':
          busyFor(effect.ms)
          this.beatWhenDue() // Many of them in a row are no endless loop.
          break
        case 'wait':
          this.wait(effect.ms)
          break
        case 'file':
          this.file(effect.request)
          break
        case 'close':
          this.write(effect.text)
          this.end(effect.reason)
          break
      }
    }
  }

  /** Lets time pass. Deliveries are written meanwhile: only this client's own answers wait. */
  private wait(ms: number): void {
    const endMs = clockMs() + ms
    this.ready.set(CLIENT_SLOT, -1, 0)
    while (!this.over) {
      const leftMs = endMs - clockMs()
      if (leftMs <= 0) break
      this.ready.poll(2, Math.min(Math.ceil(leftMs), this.settings.server.heartbeatMs))
      if (this.ready.isReady(LINK_SLOT)) this.listen(recvNow)
      this.beatWhenDue()
    }
    this.ready.set(CLIENT_SLOT, this.client.socket, READABLE)
  }

  /** The bytes of a file go from the disk to the client without passing through here: sendfile(2). */
  private file(request: FileRequest): void {
    try {
      const answer = this.files!.performNow(request, this.client)
      this.conversation.answered!(answer, clockMs())
    } catch (error) {
      this.fail(error)
    }
    // A file is many requests, and the hub may have something to say before its end.
    this.beatWhenDue()
    if (this.mayHaveMail()) this.listen(recvNow)
  }

  /** Looks at the clock, after something that may have taken long. */
  private beatWhenDue(): void {
    const nowMs = clockMs()
    const { heartbeatMs } = this.settings.server
    this.latestMs = nowMs + heartbeatMs
    if (nowMs - this.toldMs >= heartbeatMs) this.beat()
  }

  /** Tells the hub that we live. */
  private beat(): void {
    this.toldMs = clockMs()
    this.latestMs = this.toldMs + this.settings.server.heartbeatMs
    this.tell(BEAT, '')
  }

  /** What time alone brings about. */
  private tick(): void {
    this.ticked = false
    const effect = this.conversation.tick(clockMs())
    if (effect !== null && 'text' in effect) this.write(effect.text)
    if (effect?.kind === 'close') this.end(effect.reason)
  }

  /** Takes frames from the link, and performs each whole one. */
  private listen(receive: typeof recv): void {
    const { length } = this.frames
    // The hub counts after it has written, and we look at the count before we read: so what was written
    // before a count that we have seen is never missed. At worst we look for nothing.
    if (this.posted !== undefined) this.seen = Atomics.load(this.posted, 0)
    const count = receive(this.link, this.frames, this.filled, length - this.filled)
    if (count === AGAIN) return
    if (count === 0) throw new HubGone()
    this.filled += count
    const { bytes } = this.frames
    let at = 0
    let frames = 0
    while (this.filled - at >= HEADER_BYTES) {
      const end = at + HEADER_BYTES + bytes[at + 1]! + (bytes[at + 2]! << 8)
      if (end > this.filled) break
      this.performFrame(bytes[at]!, at + HEADER_BYTES, end)
      at = end
      frames++
    }
    if (at < this.filled) bytes.copyWithin(0, at, this.filled)
    this.filled -= at
    if (this.filled > 0 || count > NEARLY_FULL_BYTES || frames > NEARLY_FULL_FRAMES) {
      this.behind = true
    }
  }

  private performFrame(kind: number, start: number, end: number): void {
    switch (kind) {
      case DELIVER:
        this.deliver(start, end)
        break
      case ACK:
        this.acknowledged = true
        break
      case IDENTIFY: {
        const registered = this.frames.bytes[start] === 0x31
        this.conversation.identify(this.frames.read(start + 1, end), registered)
        break
      }
      case TICK:
        this.ticked = true
        this.beat()
        break
      case CLOSE:
        this.deliver(start, end)
        this.over = true
        break
      default:
        throw new Error(`The link has a frame of an unknown kind: ${kind}`)
    }
  }

  private tell(kind: number, payload: string): void {
    const { output } = this
    output.bytes[0] = kind
    output.bytes[1] = payload.length & 0xff
    output.bytes[2] = payload.length >> 8 // Lines and reasons are short.
    output.write(payload, HEADER_BYTES)
    try {
      sendAll(this.link, output, 0, HEADER_BYTES + payload.length)
    } catch {
      throw new HubGone() // EPIPE, ECONNRESET: there is no other reason for a socketpair to fail.
    }
  }

  /** Tells the hub something, and writes deliveries until it has acknowledged it (rule 1). */
  private ask(kind: number, payload: string): void {
    this.acknowledged = false
    this.tell(kind, payload)
    while (!this.acknowledged && !this.over) this.listen(recv)
  }

  /** Rule 3. */
  private synchronise(): void {
    this.behind = false // Before: what is read meanwhile may say that there is more again.
    this.ask(SYNC, '')
  }

  private write(text: string): void {
    if (this.over) return
    try {
      this.client.write(text)
    } catch (error) {
      this.fail(error)
    }
  }

  /** Writes a delivery from where the link has put it. */
  private deliver(start: number, end: number): void {
    if (this.over) return
    try {
      this.client.send(this.frames, start, end)
    } catch (error) {
      this.fail(error)
    }
    if (end - start > LONG_BYTES) this.beatWhenDue()
  }

  private fail(error: unknown): void {
    if (error instanceof HubGone) throw error
    this.end(reasonOf(error))
  }

  /** The connection is over, by the client's side or by the conversation's word: the hub is told. */
  private end(reason: string): void {
    if (this.over) return
    this.over = true
    this.tell(GONE, reason)
  }

  /** A fault in our own code. The client gets a last word if its socket takes it. */
  giveUp(): void {
    this.write(this.service.lastWords.internalError)
    this.end('Internal error')
  }
}

/** Runs the conversation, and ends when it ends. The descriptors are closed by whoever made them. */
async function own(handOver: HandOver): Promise<void> {
  const { service, files: fileSettings } = handOver.settings
  // Loaded by the one service that needs it: what is loaded, every client pays for.
  const files = fileSettings && new (await import('./files.ts')).FileSession(fileSettings)
  const owner = new Owner(handOver, await loadService(service), files ?? null)
  try {
    lowerPriority(NICE_STEPS)
    owner.run()
  } catch (error) {
    if (!(error instanceof HubGone)) {
      owner.giveUp()
      process.exitCode = 1
      const where = isMainThread ? `Process ${process.pid}` : `Thread ${threadId}`
      console.error(`hubbub: ${where}: a conversation failed: ${String(error)}`)
    }
  }
  files?.end()
  // Closing the descriptor is not ours (a thread shares it), ending the connection is.
  shutdown(handOver.client, 'both')
}

// This file is what a worker thread or a child process runs. A thread is handed the numbers of its
// descriptors; a process inherits them under the numbers that its parent gave them.
if (isMainThread) {
  dieWithParent()
  await own({ client: 3, link: 4, settings: JSON.parse(process.argv[2]!) as Settings })
} else {
  await own(workerData as HandOver)
}
