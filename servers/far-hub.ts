// The hub as a worker of `cluster` sees it: at the other end of the link (cluster-link.ts). To the loop it is
// a hub like any other, but for its answers, which come later: a client is held up until its line was
// acknowledged.
//
// PING must be a barrier here, too: whoever has seen an answer to it has seen every message that was relayed
// before, by whichever process. The three rules of hub-link.ts, for many clients at a time:
//
// 1. After a line was passed to the hub, nothing later of the same client is answered until the hub has
//    acknowledged it.
// 2. Who was heard in a turn of the loop is answered at its end, and the link is read before: what was
//    relayed before a request was sent is in the link when the request is here. The event loop alone would
//    not do: of a link and a client that are both readable it may read the client first. It costs a system
//    call in a turn.
// 3. A link that was nearly full may mean that the hub holds more that did not fit. Then the worker asks for
//    an acknowledgement (SYNC), which comes after all of it, before it answers.
//
// Read next: cluster-hub.ts, the other end.

import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { AGAIN, exitNow, IoBuffer, recvNow } from '../posix/index.ts'
import type { Hub, HubEffect } from '../protocol/index.ts'
import {
  ACCEPT,
  ACK,
  AHEAD,
  BEAT,
  CLOSE,
  CONNECT,
  DELIVER,
  DRAIN,
  EVICT,
  frame,
  GONE,
  IDENTIFY,
  LINE,
  LIST,
  MESSAGE,
  NUMBER_BYTES,
  numberAt,
  readFrames,
  spellNumber,
  SYNC,
  TICK,
} from './cluster-link.ts'
import { LINK_BUFFER_BYTES } from './link.ts'
import type { Client, NetClients } from './net-loop.ts'

/** As in hub-link.ts: below both of these, what one read of the link returned cannot come from a full one. */
const NEARLY_FULL_BYTES = LINK_BUFFER_BYTES / 8
const NEARLY_FULL_FRAMES = 32

/** What Node reads at a time. Who has sent so much may have sent more, and would be read again in this turn. */
const READ_BYTES = 64 * 1024

const NOTHING: readonly HubEffect<Client>[] = []

export class FarHub implements Hub<Client> {
  /** Settles when clients may be accepted. */
  readonly ready: Promise<void>
  /** Others have fewer clients: a new one is for them. */
  ahead = false
  /** No more clients are to be accepted. */
  draining = false
  private accept: () => void = () => {}
  private readonly fd: number
  private readonly heartbeatMs: number
  private readonly link: Socket
  /** Enough for all that a link holds: one read takes everything that is there. */
  private readonly memory = new IoBuffer(LINK_BUFFER_BYTES)
  private loop!: NetClients
  /** A frame that has arrived in part. */
  private incoming = ''
  /** Frames for the hub, till the end of this turn. */
  private outgoing = ''
  private turnEnds = false
  private readonly numbers = new Map<Client, number>()
  private readonly byNumber = new Map<number, Client>()
  private lastNumber = 0
  /** Those that wait for an acknowledgement, and since when. */
  private readonly asked = new Map<number, number>()
  /** Whom the next messages are for. */
  private list: readonly (Client | undefined)[] = []
  /** Those that were heard, and are to be answered at the end of this turn. */
  private heard = new Set<Client>()
  /** Those of before, who wait for the acknowledgement of a SYNC. */
  private synchronising: Set<Client> | null = null
  /** The hub may hold deliveries that the link had no room for. */
  private behind = false
  /** When the hub last heard of us. */
  private toldMs = performance.now()

  /** `fd`: our end of the link. */
  constructor(fd: number, heartbeatMs: number) {
    this.fd = fd
    this.heartbeatMs = heartbeatMs
    this.ready = new Promise((resolve) => (this.accept = resolve))
    const options: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd,
      readable: true,
      writable: true,
      onread: {
        buffer: this.memory.bytes,
        callback: (count) => {
          this.take(count)
          return true
        },
      },
    }
    this.link = new Socket(options)
    // The primary is dead, or has given us up: there is nobody left to serve for.
    for (const event of ['error', 'end', 'close']) this.link.on(event, () => exitNow(1))
  }

  /** Begins to talk to the hub, for the clients of this loop. */
  serve(loop: NetClients): void {
    this.loop = loop
    this.link.resume()
    this.tell(BEAT, '')
  }

  get clients(): number {
    return this.numbers.size
  }

  connect(client: Client, host: string): readonly HubEffect<Client>[] {
    const number = ++this.lastNumber
    this.numbers.set(client, number)
    this.byNumber.set(number, client)
    return this.ask(CONNECT, client, host)
  }

  receive(client: Client, line: string): readonly HubEffect<Client>[] {
    return this.ask(LINE, client, line)
  }

  /** Rule 1. */
  private ask(kind: number, client: Client, words: string): readonly HubEffect<Client>[] {
    const number = this.numbers.get(client)
    if (number === undefined) return NOTHING
    this.loop.suspend(client)
    this.asked.set(number, performance.now())
    return this.tell(kind, spellNumber(number) + words)
  }

  /** The primary verifies passwords, and knows what came of it. */
  verified(): readonly HubEffect<Client>[] {
    return NOTHING
  }

  disconnect(client: Client, reason: string): readonly HubEffect<Client>[] {
    const number = this.numbers.get(client)
    if (number !== undefined) {
      this.forget(client, number)
      this.tell(GONE, spellNumber(number) + reason)
      this.flush() // Before the client itself can know.
    }
    this.endIfDrained()
    return NOTHING
  }

  evict(client: Client, reason: string): readonly HubEffect<Client>[] {
    const number = this.numbers.get(client)
    return number === undefined ? NOTHING : this.tell(EVICT, spellNumber(number) + reason)
  }

  /** It is the primary that shuts down. */
  shutdown(): readonly HubEffect<Client>[] {
    return NOTHING
  }

  /** Rule 2: this client is to be answered, when the link has been read. */
  hear(client: Client, bytes: number): void {
    if (bytes >= READ_BYTES) client.socket.pause()
    this.heard.add(client)
    this.needTurnEnd()
  }

  /** Tells the hub that we live, after something that may have taken long. */
  beatWhenDue(): void {
    if (performance.now() - this.toldMs < this.heartbeatMs) return
    this.tell(BEAT, '')
    this.flush()
  }

  private tell(kind: number, payload: string): readonly never[] {
    this.outgoing += frame(kind, payload)
    this.needTurnEnd()
    return NOTHING as readonly never[]
  }

  private needTurnEnd(): void {
    if (!this.turnEnds) setImmediate(() => this.endTurn())
    this.turnEnds = true
  }

  private endTurn(): void {
    this.turnEnds = false
    if (this.heard.size > 0 && this.synchronising === null) this.answerAll()
    this.flush()
    this.loop.flushAll()
  }

  private answerAll(): void {
    const count = recvNow(this.fd, this.memory, 0, this.memory.length)
    if (count === 0) exitNow(1)
    if (count !== AGAIN) this.take(count)
    const { heard } = this
    this.heard = new Set()
    if (!this.behind) return this.answer(heard)
    this.behind = false // Before: what is read meanwhile may say that there is more again.
    this.synchronising = heard
    for (const client of heard) client.socket.pause() // It takes some turns.
    this.tell(SYNC, '')
  }

  private answer(clients: Iterable<Client>): void {
    for (const client of clients) {
      this.loop.answer(client)
      this.beatWhenDue()
    }
  }

  private synchronised(): void {
    const clients = this.synchronising ?? []
    this.synchronising = null
    this.answer(clients)
    if (this.heard.size > 0) this.needTurnEnd()
  }

  private flush(): void {
    if (this.outgoing === '') return
    this.link.write(this.outgoing, 'latin1')
    this.outgoing = ''
    this.toldMs = performance.now()
  }

  /** Takes frames that have been read from the link, and performs each whole one. */
  private take(count: number): void {
    let frames = 0
    const text = this.incoming + this.memory.read(0, count)
    this.incoming = readFrames(text, (kind, payload) => {
      frames++
      this.performFrame(kind, payload)
    })
    if (this.incoming !== '' || count > NEARLY_FULL_BYTES || frames > NEARLY_FULL_FRAMES) {
      this.behind = true
    }
  }

  private performFrame(kind: number, payload: string): void {
    switch (kind) {
      case ACCEPT:
        this.accept()
        break
      case LIST:
        this.list = numbersIn(payload).map((number) => this.byNumber.get(number))
        break
      case MESSAGE:
        this.relay(this.byNumber.get(numberAt(payload, 0)), payload.slice(NUMBER_BYTES))
        break
      case ACK:
        for (const number of numbersIn(payload)) this.acknowledged(number)
        break
      case AHEAD:
        this.ahead = payload === '1'
        break
      case TICK:
        this.tell(BEAT, '')
        break
      case DRAIN:
        this.draining = true
        this.loop.shutdown()
        this.endIfDrained()
        break
      default:
        this.performFor(kind, numberAt(payload, 0), payload.slice(NUMBER_BYTES))
    }
  }

  /** A frame for one client, which may have gone meanwhile. */
  private performFor(kind: number, number: number, words: string): void {
    const client = this.byNumber.get(number)
    if (client === undefined) return
    if (kind === DELIVER) this.loop.write(client, words)
    if (kind === IDENTIFY) this.loop.identify(client, words.slice(1), words.startsWith('1'))
    if (kind === CLOSE) {
      this.forget(client, number)
      this.loop.end(client, words)
    }
  }

  private relay(except: Client | undefined, text: string): void {
    for (const client of this.list) {
      if (client !== undefined && client !== except) this.loop.write(client, text)
    }
  }

  private acknowledged(number: number): void {
    if (number === 0) return this.synchronised()
    const askedMs = this.asked.get(number)
    const client = this.byNumber.get(number)
    if (askedMs === undefined || client === undefined) return
    this.asked.delete(number)
    // A password was verified, or all are very busy: it could not be heard meanwhile.
    const nowMs = performance.now()
    if (nowMs - askedMs > this.heartbeatMs) client.conversation.excuse(nowMs)
    this.loop.goOn(client)
  }

  private forget(client: Client, number: number): void {
    this.numbers.delete(client)
    this.byNumber.delete(number)
    this.asked.delete(number)
  }

  private endIfDrained(): void {
    if (this.draining && this.loop.size === 0) exitNow(0)
  }
}

function numbersIn(text: string): number[] {
  const numbers: number[] = []
  for (let at = 0; at < text.length; at += NUMBER_BYTES) numbers.push(numberAt(text, at))
  return numbers
}
