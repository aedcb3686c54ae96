// The owner: runs one conversation, in blocking calls, in a thread or process of its own. This is the
// part that `thread` and `process` have in common; how an owner is started and buried is the part in
// which they differ.
//
// The owner, while it lives, is the only one that writes to its client. The hub, on the main thread or in
// the parent, sends it bytes over the link (link.ts), and the owner writes them; so lines never interleave,
// and a client that does not read blocks its own owner and nobody else.
//
// It waits in poll(2) on two descriptors, client and link. How it takes turns between them, so that a
// client's answers and what it hears from others come in the right order, is in hub-link.ts.
//
// Read next: link.ts, what goes over the link.

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
  recvNow,
  shutdown,
} from '../posix/index.ts'
import { BlockingClient } from './blocking-client.ts'
import { busyFor } from './busy.ts'
import type { FileSession } from './files.ts'
import { HubGone, HubLink, type Receiver } from './hub-link.ts'
import { CONNECTION_CLOSED, isForClientOnly, reasonOf } from './last-words.ts'
import type { Settings } from './model.ts'

/** What an owner is given: two descriptors and the settings of the service. */
export interface HandOver {
  /** Null in a spare, which was started in advance: its client comes over the link. */
  readonly client: number | null
  readonly link: number
  readonly settings: Settings
  /** Words of memory that are shared with the hub (link.ts). A process has no such thing. */
  readonly words?: Int32Array | undefined
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
 * Milliseconds of a monotonic clock. `performance.now()` would be three functions of JavaScript, and here
 * every function has to get warm once for every client; this is one call into Node itself.
 */
const clockMs = (): number => uptime() * 1000

class Owner implements Receiver {
  private readonly client: BlockingClient
  private readonly link: HubLink
  private readonly settings: Settings
  private readonly service: Service
  private readonly conversation: Conversation
  private readonly files: FileSession | null
  private readonly ready = new PollSet(2)
  private readonly input = new IoBuffer(16 * 1024)
  /** The connection is over: by the hub's word, the conversation's, or the client's. */
  over = false
  /** When the hub last heard of us. */
  private toldMs = clockMs()
  /**
   * When the hub's next tick is due: it is not later than that now, or not by much. That is exact enough
   * for a client's time-outs, which may fire so much later, and no request pays for a look at the clock.
   */
  private latestMs: number
  /** Ticks that have come since the time-outs were looked at. */
  private ticks = 0

  constructor(
    client: number,
    link: HubLink,
    settings: Settings,
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
    this.latestMs = this.toldMs + settings.server.heartbeatMs
    this.conversation = service.conversation(settings, this.toldMs)
    this.ready.set(CLIENT_SLOT, client, READABLE)
    this.ready.set(LINK_SLOT, link.socket, READABLE)
    link.attach(this)
  }

  /** Serves the client to the end of the connection. Throws HubGone when nobody is left to serve for. */
  run(): void {
    this.beat()
    while (!this.over) {
      const ticked = this.ticks > 0
      this.ready.poll(2, ticked ? 0 : -1)
      if (ticked) this.beatWhenDue()
      if (this.ready.isReady(CLIENT_SLOT)) this.receive()
      if (ticked) this.lookAtTime() // Now that it has been heard, its silence is its own.
      if (this.over) break
      this.link.hear(this.ready.isReady(LINK_SLOT))
      this.converse()
    }
    this.files?.end()
    this.client.linger(this.settings.server.lingerMs)
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
    if (count === 0) {
      // Who has ended its half may still listen to what the hub has for it.
      if (!this.client.hungUp) this.link.settle()
      this.end(CONNECTION_CLOSED)
    } else if (count !== AGAIN) this.conversation.receive(input.bytes, this.latestMs, count)
  }

  /** Performs the conversation's effects until it needs more bytes. */
  private converse(): void {
    while (!this.over) {
      const effect = this.conversation.nextEffect()
      if (effect === null) return
      if (this.client.hungUp && isForClientOnly(effect)) continue
      this.link.catchUp()
      switch (effect.kind) {
        case 'reply':
          this.write(effect.text)
          if (effect.text.length > LONG_BYTES) this.beatWhenDue()
          break
        case 'hub':
          this.pass(effect.line)
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

  /**
   * Has the hub handle a line. If that takes from one tick to the next or longer (a password), the client could
   * not be heard meanwhile.
   */
  private pass(line: string): void {
    const { ticks } = this
    this.link.pass(line)
    if (this.ticks > ticks + 1) this.conversation.excuse(clockMs())
  }

  /**
   * Lets time pass. Deliveries are written meanwhile: only this client's own answers wait. Nobody waits for
   * one that hangs up, which poll reports without being asked. Who has only ended its half may still listen.
   */
  private wait(ms: number): void {
    const endMs = clockMs() + ms
    this.ready.set(CLIENT_SLOT, this.client.socket, 0)
    while (!this.over && !this.client.hungUp) {
      const leftMs = endMs - clockMs()
      if (leftMs <= 0) break
      this.ready.poll(2, Math.min(Math.ceil(leftMs), this.settings.server.heartbeatMs))
      if (this.ready.isReady(CLIENT_SLOT)) this.client.hungUp = true
      this.link.hear(this.ready.isReady(LINK_SLOT))
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
    this.link.hear(this.ready.isReady(LINK_SLOT))
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
    this.link.beat()
  }

  /** What time alone brings about. */
  private lookAtTime(): void {
    this.ticks = 0
    const effect = this.conversation.tick(clockMs())
    if (effect !== null && 'text' in effect) this.write(effect.text)
    if (effect?.kind === 'close') this.end(effect.reason)
  }

  private write(text: string): void {
    if (this.over) return
    try {
      this.client.write(text)
    } catch (error) {
      this.fail(error)
    }
  }

  // What the hub says (hub-link.ts).

  /** Writes a delivery from where the link has put it. */
  deliver(start: number, end: number): void {
    if (this.over) return
    try {
      this.client.send(this.link.frames, start, end)
    } catch (error) {
      this.fail(error)
    }
    if (end - start > LONG_BYTES) this.beatWhenDue()
  }

  identify(name: string, registered: boolean): void {
    this.conversation.identify(name, registered)
  }

  tick(): void {
    this.ticks++
    this.beat()
  }

  close(start: number, end: number): void {
    this.deliver(start, end)
    this.over = true
  }

  private fail(error: unknown): void {
    if (error instanceof HubGone) throw error
    this.end(reasonOf(error))
  }

  /** The connection is over, by the client's side or by the conversation's word: the hub is told. */
  private end(reason: string): void {
    if (this.over) return
    this.over = true
    this.link.gone(reason)
  }

  /** A fault in our own code. The client gets a last word if its socket takes it. */
  giveUp(): void {
    this.write(this.service.lastWords.internalError)
    this.end('Internal error')
  }
}

/** Runs the conversation, and ends when it ends. The descriptors are closed by whoever made them. */
async function own(handOver: HandOver): Promise<void> {
  const { settings } = handOver
  const link = new HubLink(handOver.link, handOver.words)
  // Loaded by the one service that needs it: what is loaded, every client pays for.
  const files = settings.files && new (await import('./files.ts')).FileSession(settings.files)
  const service = await loadService(settings.service)
  lowerPriority(NICE_STEPS)
  const client = handOver.client ?? link.awaitClient()
  if (client === null) return
  const owner = new Owner(client, link, settings, service, files ?? null)
  try {
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
  shutdown(client, 'both')
}

// This file is what a worker thread or a child process runs. A thread is handed the numbers of its
// descriptors; a process inherits them under the numbers that its parent gave them.
if (isMainThread) {
  dieWithParent()
  await own(JSON.parse(process.argv[2]!) as HandOver)
} else {
  await own(workerData as HandOver)
}
