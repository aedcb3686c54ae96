// The clients of a readiness loop (readiness.ts): what is done for each of them when its descriptor is ready,
// when its time has come, and at the end of a turn.
//
// Nothing here waits. What cannot be done now is left where it is: input in the kernel, lines in the
// conversation, output in `Output`; and the selector is asked to tell when that changes.
//
// Read next: epoll.ts, the same loop over the other call.

import { performance } from 'node:perf_hooks'
import type {
  Conversation,
  FileAnswer,
  FileRequest,
  Guess,
  Hub,
  Service,
} from '../protocol/index.ts'
import {
  AGAIN,
  close,
  HANGUP,
  IoBuffer,
  READABLE,
  recvNow,
  type Selector,
  sendFile,
  setNoDelay,
  setNonBlocking,
  shutdown,
  SystemError,
  WRITABLE,
} from '../posix/index.ts'
import { hostOf, REFUSED_MAX } from './accepting.ts'
import { busyFor } from './busy.ts'
import type { Errands } from './errands.ts'
import { FileSession } from './files.ts'
import { CONNECTION_CLOSED, isForClientOnly, reasonOf, saysHungUp } from './last-words.ts'
import { LoopClient } from './loop-client.ts'
import type { Settings } from './model.ts'
import { type ClientPort, perform } from './performing.ts'
import { tellMainThread } from './server-thread.ts'
import { Output, TurnOutput } from './turn-output.ts'

/** A client with more to be done than takes this long goes on in the next turn: others come first. */
const TURN_MS_MAX = 5
/** A look at the clock costs as much as a short answer: only after so many of them. */
const EFFECTS_UNWATCHED = 16

/** What the kernel is to send of a file in one turn: with a hundred clients it is a millisecond or two. */
const SENDFILE_BYTES = 64 * 1024

/** One connection. */
class Client extends LoopClient {
  readonly socket: number
  readonly output = new Output()
  /** On the list of those whose output is written at the end of this turn. */
  listed = false
  /** What the selector was asked for. */
  interest = READABLE
  /** The selector knows it. */
  registered = true
  /** We end our half when all output is written; at this time, at the latest, the connection is closed. */
  closesAtMs = Infinity
  /** Our half is shut down. */
  finished = false
  /** There was no place for it. */
  wasRefused = false
  /** Its descriptor is closed, and may be somebody else's by now. */
  gone = false

  constructor(socket: number, conversation: Conversation) {
    super(conversation)
    this.socket = socket
  }

  get closing(): boolean {
    return this.closesAtMs !== Infinity
  }

  /** Whether there is a use for more of its bytes. After we have ended, they are thrown away. */
  get reads(): boolean {
    return !this.ended && (this.closing || this.goesOn)
  }
}

export class ReadyClients implements ClientPort<Client> {
  private readonly settings: Settings
  private readonly service: Service
  private readonly selector: Selector
  private readonly errands: Errands
  private readonly hub: Hub<Client>
  /** So much of its own answers may wait: together with what the kernel holds no reason to let it go. */
  private readonly replyBytesMax: number
  /** By descriptor, those who are let go or were refused among them. */
  private readonly clients: (Client | undefined)[] = []
  /** How many connections are open. */
  size = 0
  private refused = 0
  /** Those who have something to be written in this turn. */
  private listed: Client[] = []
  /** Those who wait for a time to come, with that time. */
  private readonly resuming = new Map<Client, number>()
  /** The earliest of these times. */
  resumeAtMs = Infinity
  private readonly output = new TurnOutput()
  /** One piece of memory for all reads: the conversation copies what it needs. */
  private readonly input = new IoBuffer(64 * 1024)
  /** The time of this turn. The loop sets it. */
  nowMs = performance.now()

  constructor(settings: Settings, service: Service, selector: Selector, errands: Errands) {
    this.settings = settings
    this.service = service
    this.selector = selector
    this.errands = errands
    this.hub = service.hub(settings)
    const { replyQueueBytesMax, sendQueueBytesMax } = settings.server
    this.replyBytesMax = Math.min(replyQueueBytesMax, sendQueueBytesMax / 3)
  }

  /** A new connection. When this throws, its descriptor is still the caller's. */
  admit(socket: number): void {
    const client = new Client(socket, this.service.conversation(this.settings, this.nowMs))
    setNonBlocking(socket, true)
    setNoDelay(socket, true)
    this.selector.register(socket, READABLE)
    this.clients[socket] = client
    this.size++
    if (this.size - this.refused <= this.settings.server.clientsMax) {
      this.connect(client)
    } else {
      client.wasRefused = true
      this.end(client, this.service.lastWords.serverFull)
      this.flush(client)
      // Each that is refused keeps its descriptor for a while, but not more than so many do.
      if (++this.refused > REFUSED_MAX) this.bury(client, CONNECTION_CLOSED)
    }
  }

  private connect(client: Client): void {
    try {
      perform(this.hub.connect(client, hostOf(client.socket), Date.now()), this)
    } catch (error) {
      this.fail(client, error)
    }
  }

  /** The selector has found something. */
  handle(socket: number, events: number): void {
    const client = this.clients[socket]
    if (client === undefined) return // It was closed earlier in this turn.
    if (events & WRITABLE) this.flush(client, true)
    if (client.gone || !(events & READABLE)) return
    if (client.reads) this.receive(client)
    else if (events & HANGUP) this.hangUp(client)
    else this.adjust(client) // It is not heard now, and would make every wait return at once.
  }

  /** Takes in bytes, or the end of them, and has the conversation answer what it can. */
  private receive(client: Client): void {
    const { input } = this
    let count: number
    try {
      count = recvNow(client.socket, input, 0, input.length)
    } catch (error) {
      return this.bury(client, reasonOf(error))
    }
    if (count === AGAIN) return
    if (count === 0) client.ended = true
    if (client.closing) {
      // Its last words may still wait for it to read: then `finish` buries it when they are written.
      if (client.ended && client.output.bytes === 0) this.bury(client, CONNECTION_CLOSED)
      else if (client.ended) this.adjust(client)
      return
    }
    try {
      if (count > 0) client.conversation.receive(input.bytes, this.nowMs, count)
      this.converse(client)
    } catch (error) {
      this.fail(client, error)
    }
  }

  /** Performs the conversation's effects until it needs more bytes, or its turn is over. */
  private converse(client: Client): void {
    const endMs = this.nowMs + TURN_MS_MAX
    for (let performed = 1; client.goesOn; performed++) {
      const effect = client.conversation.nextEffect()
      if (effect === null) break
      if (client.hungUp && isForClientOnly(effect)) continue
      switch (effect.kind) {
        case 'reply':
          this.list(client)
          this.output.answer(client.output, effect.text)
          this.holdBack(client)
          break
        case 'hub':
          perform(this.hub.receive(client, effect.line, Date.now()), this)
          this.holdBack(client)
          break
        case 'compute':
          busyFor(effect.ms)
          this.nowMs = performance.now()
          break
        case 'wait':
          this.resumeLater(client, performance.now() + effect.ms)
          break
        case 'file':
          this.file(client, effect.request)
          break
        case 'close':
          this.close(client, effect.text, effect.reason)
          break
      }
      if (performed % EFFECTS_UNWATCHED === 0) this.nowMs = performance.now()
      if (this.nowMs > endMs && client.goesOn) this.resumeLater(client, 0)
    }
    if (client.ended && client.goesOn) this.close(client, '', CONNECTION_CLOSED)
  }

  /**
   * In a call, and only a piece in each turn: with a hundred clients that fetch files, a turn is a hundred
   * pieces. A selector is of no use for the file: to it a regular file is always ready, also when the disk
   * has yet to be asked, and everybody waits meanwhile. But it tells when there is room for more of it.
   */
  private file(client: Client, request: FileRequest): void {
    client.files ??= new FileSession(this.settings.files!)
    this.flush(client) // What was said before the bytes comes before them.
    if (client.gone || client.closing) return
    if (client.hungUp) return this.close(client, '', CONNECTION_CLOSED) // Nobody is there to be told.
    let answer: FileAnswer
    try {
      answer = client.files.performNow(request, {
        sendFile: (file, from, bytes) =>
          client.output.bytes > 0
            ? AGAIN
            : sendFile(client.socket, file, from, Math.min(bytes, SENDFILE_BYTES)),
      })
    } catch (error) {
      if (!(error instanceof SystemError)) throw error
      return this.bury(client, reasonOf(error))
    }
    this.nowMs = performance.now()
    client.conversation.answered!(answer, this.nowMs)
    if (answer.kind === 'sent' && answer.bytes === 0) client.stalled = true
    else this.resumeLater(client, 0)
    this.adjust(client)
  }

  /** Leaves its later lines where they are until a time has come; 0 is the next turn. */
  private resumeLater(client: Client, atMs: number): void {
    client.waiting = true
    this.resuming.set(client, atMs)
    this.resumeAtMs = Math.min(this.resumeAtMs, atMs)
  }

  /** Goes on with those whose time has come. */
  resumeDue(): void {
    if (this.nowMs < this.resumeAtMs) return
    const due: Client[] = []
    this.resumeAtMs = Infinity
    for (const [client, atMs] of this.resuming) {
      if (atMs <= this.nowMs) due.push(client)
      else this.resumeAtMs = Math.min(this.resumeAtMs, atMs)
    }
    for (const client of due) {
      this.resuming.delete(client)
      this.goOn(client)
    }
  }

  /** What it waited for is done, or its turn has come. */
  private goOn(client: Client): void {
    client.waiting = false
    client.conversation.excuse(this.nowMs)
    this.resume(client)
  }

  private resume(client: Client): void {
    if (!client.goesOn || client.gone) return
    try {
      this.converse(client)
    } catch (error) {
      this.fail(client, error)
    }
    if (!client.gone) this.adjust(client)
  }

  /** A client that asks faster than it reads is answered, and read from, when it has read. */
  private holdBack(client: Client): void {
    if (client.output.bytes > this.replyBytesMax) this.flush(client)
  }

  /** A fault in its conversation costs its own client: it must not get out of the loop. */
  private fail(client: Client, error: unknown): void {
    tellMainThread(`A conversation failed: ${String(error)}`)
    this.close(client, this.service.lastWords.internalError, 'Internal error')
  }

  /** Collects output, for the end of this turn. */
  write(client: Client, text: string): void {
    if (client.closing || client.hungUp) return
    this.list(client)
    this.output.deliver(client.output, text)
  }

  identify(client: Client, nick: string, registered: boolean): void {
    client.conversation.identify(nick, registered)
  }

  /** Has the main thread do it, whose thread pool is for that, and goes on with the others. */
  verify(client: Client, guess: Guess): void {
    client.waiting = true
    this.errands.verify(guess, (verdict) => {
      try {
        perform(this.hub.verified(client, verdict, Date.now()), this)
      } catch (error) {
        this.fail(client, error)
      }
      this.goOn(client)
    })
  }

  /** Ends our half after everything that was written. Theirs may take `lingerMs`. */
  end(client: Client, text: string): void {
    if (client.closing) return
    this.output.answer(client.output, text)
    client.closesAtMs = this.nowMs + this.settings.server.lingerMs
    this.list(client)
  }

  private list(client: Client): void {
    if (client.listed) return
    client.listed = true
    this.listed.push(client)
  }

  /** The end of the turn: one write for each client, whoever has said how much to it. */
  flushAll(): void {
    while (this.listed.length > 0) {
      const { listed } = this
      this.listed = [] // Who is evicted for what has piled up leaves the others a word about it.
      for (const client of listed) {
        client.listed = false
        this.flush(client)
      }
    }
    this.output.endTurn()
  }

  /** Writes what the kernel takes. The rest stays, and the selector tells when there is room again. */
  private flush(client: Client, isWritable = (client.interest & WRITABLE) === 0): void {
    if (client.gone) return
    try {
      if (isWritable || client.output.pieceBytes > 0) {
        this.output.send(client.output, client.socket)
      }
    } catch (error) {
      if (saysHungUp(error)) return this.hangUp(client)
      return this.bury(client, reasonOf(error))
    }
    const queuedBytes = client.output.bytes
    if (client.closing) {
      if (queuedBytes === 0) this.finish(client)
      else this.adjust(client)
    } else if (queuedBytes > this.settings.server.sendQueueBytesMax) {
      perform(this.hub.evict(client, 'SendQ exceeded'), this)
    } else {
      const wasStalled = client.stalled
      client.stalled = queuedBytes > (wasStalled ? 0 : this.replyBytesMax)
      if (queuedBytes > 0 || client.interest !== READABLE) this.adjust(client)
      if (wasStalled && !client.stalled) this.resume(client)
    }
  }

  /** Everything is written: ends our half. The connection is closed when they have ended theirs. */
  private finish(client: Client): void {
    if (client.ended) return this.bury(client, CONNECTION_CLOSED)
    if (client.finished) return
    client.finished = true
    try {
      shutdown(client.socket, 'write')
      this.adjust(client)
    } catch (error) {
      this.bury(client, reasonOf(error)) // ENOTCONN: they are gone.
    }
  }

  /**
   * Asks the selector for what there is a use for now. A hang-up is reported whether there is or not, so for a
   * client that is not heard now it would make every wait return at once: that one is taken out.
   */
  private adjust(client: Client): void {
    const { socket } = client
    const writes = client.output.bytes > 0 || (client.stalled && !client.closing)
    const interest = (client.reads ? READABLE : 0) | (writes ? WRITABLE : 0)
    const registered = interest > 0 || !client.hungUp
    if (interest === client.interest && registered === client.registered) return
    if (!registered) this.selector.unregister(socket)
    else if (!client.registered) this.selector.register(socket, interest)
    else this.selector.modify(socket, interest)
    client.interest = interest
    client.registered = registered
  }

  /** The conversation is over: the hub tells the others, and the client its last words. */
  private close(client: Client, text: string, reason: string): void {
    perform(this.hub.disconnect(client, reason), this)
    this.end(client, text)
  }

  /**
   * Nobody is there any more. It goes on with what was said before, and does not wait for anything; why it has
   * ended is what the last read says.
   */
  private hangUp(client: Client): void {
    if (client.closing) return this.bury(client, CONNECTION_CLOSED)
    const wasStalled = client.stalled
    client.hungUp = true
    client.stalled = false
    client.output.clear()
    this.adjust(client)
    if (this.resuming.has(client)) this.resumeLater(client, 0)
    else if (wasStalled) this.resume(client)
  }

  /** The connection is over, in whatever way. Its descriptor is closed here, and nowhere else. */
  private bury(client: Client, reason: string): void {
    if (client.gone) return
    client.gone = true
    client.closesAtMs = 0
    if (client.registered) this.selector.unregister(client.socket)
    close(client.socket)
    this.clients[client.socket] = undefined
    this.size--
    if (client.wasRefused) this.refused--
    this.resuming.delete(client)
    client.files?.end()
    perform(this.hub.disconnect(client, reason), this)
  }

  /** Looks at everybody's time-outs. */
  tick(): void {
    for (const client of this.clients) {
      if (client === undefined) continue
      if (this.nowMs >= client.closesAtMs) this.bury(client, CONNECTION_CLOSED)
      else if (!client.closing && !client.waiting) this.tickOne(client)
    }
  }

  private tickOne(client: Client): void {
    if (client.conversation.nextTickMs() > this.nowMs) return
    try {
      const effect = client.conversation.tick(this.nowMs)
      if (effect?.kind === 'reply') this.write(client, effect.text)
      if (effect?.kind === 'close') this.close(client, effect.text, effect.reason)
    } catch (error) {
      this.fail(client, error)
    }
  }

  /** Tells everybody that the server shuts down, after everything else that they had to hear. */
  shutdown(): void {
    perform(this.hub.shutdown('Server shutting down'), this)
  }

  /** Too late for that. */
  closeAll(): void {
    for (const client of this.clients) if (client !== undefined) close(client.socket)
  }
}
