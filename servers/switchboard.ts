// The switchboard: the hub, and its ends of the links to conversations that run elsewhere. `thread` and
// `process` share it. It is an ordinary event loop over node:net, but what it talks to are the owners of
// clients (owner.ts), never the clients themselves.
//
// It never blocks on a link. What a link does not take waits here, and counts as the client's output: a
// client whose owner is stuck in a write to it is let go when too much has piled up.
//
// Read next: cluster.ts, where many clients share a process, and its link.

import { availableParallelism } from 'node:os'
import type { Socket } from 'node:net'
import type { Guess, Hub, HubEffect, Service } from '../protocol/index.ts'
import { close } from '../posix/index.ts'
import {
  ACK,
  CLIENT_WORD,
  CLOSE,
  deliveryFrames,
  frame,
  GONE,
  IDENTIFY,
  LINE,
  POSTED_WORD,
  readFrames,
  SYNC,
  TICK,
} from './link.ts'
import type { Settings } from './model.ts'
import { verify } from './passwords.ts'
import { type ClientPort, perform } from './performing.ts'
import { openSocketLink } from './socket-link.ts'
import { Turn } from './turn.ts'

/** Owners that start at the same time. */
const STARTING_MAX = 2 * availableParallelism()

/** A thread or process has this long to start, and then hungMs. It takes some 100 ms of CPU time. */
const START_MS_MAX = 10_000

/** How long an owner that was told to end may go on after its time to linger is over. */
const KILL_MARGIN_MS = 500

/** The hub's end of one link. */
export class Link {
  readonly socket: Socket
  /** The number of its descriptor, which is the socket's to close. */
  readonly hubsEnd: number
  /** The owner's end, which is the caller's. */
  readonly ownersEnd: number
  /** Ends the owner at once, when it cannot be asked to end. */
  readonly kill: () => void
  /** Memory that a thread shares with us (link.ts). */
  readonly words = new Int32Array(new SharedArrayBuffer(8))
  /** The owner was started in advance, and waits for its client. */
  isSpare = true
  /** Called when the owner has said its first word, or has ended without one. */
  onStarted: () => void = () => {}
  /** Frames of this turn. */
  frames = ''
  /** Deliveries of this turn, not yet in a frame: consecutive ones share one. */
  deliveries = ''
  acknowledges = false
  /** A password is being verified: the line that asked for it is acknowledged when that is done. */
  verifying = false
  /** A frame that has arrived in part. */
  incoming = ''
  heardMs = performance.now() + START_MS_MAX
  closing = false
  private hasEnded = false
  /** Kills an owner that does not end by itself. */
  private killing: NodeJS.Timeout | undefined

  constructor(socket: Socket, hubsEnd: number, ownersEnd: number, kill: () => void) {
    this.socket = socket
    this.hubsEnd = hubsEnd
    this.ownersEnd = ownersEnd
    this.kill = () => {
      if (!this.hasEnded) kill()
    }
  }

  /** Brings a thread its client. A process is sent the descriptor itself. */
  bring(client: number): void {
    Atomics.store(this.words, CLIENT_WORD, client)
    this.socket.write('\0')
  }

  /** The owner has been told to end, or is about to. */
  endsWithin(ms: number): void {
    this.killing ??= setTimeout(this.kill, ms).unref()
  }

  /** The owner has ended. Whatever it left may be used for others from now on. */
  ended(): void {
    this.hasEnded = true // A thread's descriptors may be somebody else's from now on: it is never killed.
    clearTimeout(this.killing)
  }
}

export class Switchboard implements ClientPort<Link> {
  private readonly settings: Settings
  private readonly service: Service
  private readonly log: (sentence: string) => void
  private readonly hub: Hub<Link>
  private readonly links = new Set<Link>()
  /** Those that have not said anything yet. */
  private readonly starting = new Set<Link>()
  /** Those who wait for fewer of them. */
  private readonly waiting: (() => void)[] = []
  private readonly turn = new Turn<Link>((links) => this.flushAll(links))
  /** All links are read into the same memory: each piece is taken out before the next is read. */
  private readonly memory = Buffer.allocUnsafeSlow(64 * 1024)
  private readonly watching: NodeJS.Timeout
  private watchedMs = performance.now()
  private draining = false

  constructor(settings: Settings, service: Service, log: (sentence: string) => void) {
    this.settings = settings
    this.service = service
    this.log = log
    this.hub = service.hub(settings)
    this.watching = setInterval(() => this.watch(), settings.server.heartbeatMs)
  }

  /**
   * Makes a link, and has `start` start an owner at its other end. When that throws, nothing is left
   * behind.
   */
  start<Owner>(start: (link: Link) => Owner, kill: () => void): { link: Link; owner: Owner } {
    const link = this.open(kill)
    this.links.add(link)
    this.starting.add(link)
    try {
      return { link, owner: start(link) }
    } catch (error) {
      this.bury(link)
      close(link.ownersEnd)
      throw error
    }
  }

  /** The owner at the other end of the link has a client from now on. */
  connect(link: Link, host: string): void {
    link.isSpare = false
    if (this.hasStarted(link)) link.heardMs = performance.now()
    this.ask(link, () => this.hub.connect(link, host, Date.now()))
  }

  /**
   * Has the hub do something for a client, and performs what comes of it. A fault in that costs its own
   * client: it must not get out of here, where everybody is served.
   */
  private ask(link: Link, what: () => readonly HubEffect<Link>[]): void {
    try {
      perform(what(), this)
    } catch (error) {
      this.log(`A conversation failed: ${String(error)}`)
      perform(this.hub.disconnect(link, 'Internal error'), this)
      this.end(link, this.service.lastWords.internalError)
    }
  }

  private open(kill: () => void): Link {
    const { socket, ourEnd, theirEnd } = openSocketLink(
      this.memory,
      (text) => this.receive(link, text),
      () => this.disconnect(link, 'Connection lost'),
    )
    const link: Link = new Link(socket, ourEnd, theirEnd, kill)
    return link
  }

  private receive(link: Link, text: string): void {
    this.started(link)
    link.heardMs = performance.now()
    link.incoming = readFrames(link.incoming + text, (kind, payload) => {
      if (kind === LINE) this.ask(link, () => this.hub.receive(link, payload, Date.now()))
      if ((kind === LINE && !link.verifying) || kind === SYNC) this.acknowledge(link)
      if (kind === GONE) this.disconnect(link, payload)
    })
  }

  /**
   * Settles when another owner may be started: when fewer than STARTING_MAX are. Each of them keeps a CPU
   * busy and many files open until it runs, and more of them at a time start no sooner.
   */
  async settled(): Promise<void> {
    while (this.starting.size >= STARTING_MAX) {
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
  }

  /** The owner has said something, so its client need not wait for it. */
  hasStarted(link: Link): boolean {
    return !this.starting.has(link)
  }

  private started(link: Link): void {
    if (!this.starting.delete(link)) return
    link.onStarted()
    for (const wake of this.waiting.splice(0)) wake()
  }

  /** The client is gone, or its owner is. Others learn the reason; the link is closed. */
  private disconnect(link: Link, reason: string): void {
    if (!this.links.delete(link)) return
    this.started(link)
    link.closing = true
    link.endsWithin(this.settings.server.lingerMs + KILL_MARGIN_MS)
    perform(this.hub.disconnect(link, reason), this)
    link.socket.destroy()
  }

  /**
   * The owner has ended, in whatever way, and its end of the link is closed, or is about to be. What it said
   * last may not have been read yet: the client is gone when that is, at the end of the stream (`open`).
   * Nothing is written to it any more.
   */
  bury(link: Link): void {
    link.closing = true
    link.ended()
  }

  /** Collects a delivery, for the end of this turn. */
  write(link: Link, text: string): void {
    this.touch(link)
    link.deliveries += text
  }

  identify(link: Link, nick: string, registered: boolean): void {
    this.queue(link, frame(IDENTIFY, (registered ? '1' : '0') + nick))
  }

  verify(link: Link, guess: Guess): void {
    link.verifying = true
    const finish = async (): Promise<void> => {
      const verdict = await verify(guess)
      link.verifying = false
      this.ask(link, () => this.hub.verified(link, verdict, Date.now()))
      this.acknowledge(link)
    }
    void finish()
  }

  /** The owner writes the last words and ends the connection; if it cannot, it is ended. */
  end(link: Link, text: string): void {
    this.queue(link, frame(CLOSE, text))
    this.flush(link)
    link.closing = true
    // While we drain, whoever drains us limits the time.
    if (!this.draining) link.endsWithin(this.settings.server.lingerMs + KILL_MARGIN_MS)
  }

  private acknowledge(link: Link): void {
    this.queue(link, frame(ACK, ''))
    link.acknowledges = true
  }

  /** Puts a frame after all deliveries so far. */
  private queue(link: Link, text: string): void {
    if (link.closing) return
    this.touch(link)
    if (link.deliveries !== '') link.frames += deliveryFrames(link.deliveries)
    link.deliveries = ''
    link.frames += text
  }

  private touch(link: Link): void {
    if (link.frames === '' && link.deliveries === '') this.turn.add(link)
  }

  /**
   * The end of a turn. Links that only receive come first, those that are waiting for an acknowledgement
   * after them: when a sender learns that its line was handled, every delivery of it is on its way.
   */
  private flushAll(links: readonly Link[]): void {
    for (const link of links) if (!link.acknowledges) this.flush(link)
    for (const link of links) if (link.acknowledges) this.flush(link)
  }

  private flush(link: Link): void {
    if (link.closing) return
    let { frames } = link
    if (link.deliveries !== '') frames += deliveryFrames(link.deliveries)
    link.frames = ''
    link.deliveries = ''
    link.acknowledges = false
    if (frames === '') return
    link.socket.write(frames, 'latin1')
    Atomics.add(link.words, POSTED_WORD, 1)
    if (link.socket.writableLength > this.settings.server.sendQueueBytesMax) {
      perform(this.hub.evict(link, 'SendQ exceeded'), this)
    }
  }

  /**
   * Tells all owners that time passes, and looks for those that have said nothing for too long: stopped,
   * or in an endless loop. If we ourselves were away (starting many others, or stopped), their words may
   * be waiting to be read: then nobody is judged before the next look.
   */
  private watch(): void {
    const nowMs = performance.now()
    const { heartbeatMs, hungMs } = this.settings.server
    const wasAway = nowMs - this.watchedMs > 2 * heartbeatMs
    this.watchedMs = nowMs
    for (const link of this.links) {
      if (wasAway) link.heardMs = Math.max(link.heardMs, nowMs)
      if (link.isSpare && this.hasStarted(link)) continue // It waits in a system call, and says nothing.
      if (nowMs - link.heardMs < hungMs) {
        if (!link.isSpare) this.queue(link, frame(TICK, ''))
        continue
      }
      this.log('A conversation has stopped answering and is ended.')
      link.kill()
      this.disconnect(link, 'Conversation hung')
    }
  }

  /** Tells every client that the server shuts down, after everything else that it had to hear. */
  shutdown(): void {
    clearInterval(this.watching)
    this.draining = true
    // Spares see the end of their links, and end.
    for (const link of this.links) if (link.isSpare) this.disconnect(link, 'Server shutting down')
    perform(this.hub.shutdown('Server shutting down'), this)
  }
}
