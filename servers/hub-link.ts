// The owner's end of a link (link.ts): how a conversation reaches the hub from another thread or process.
//
// PING must be a barrier: whoever has seen an answer to it has seen every message that was relayed before.
// Three rules make that true here:
//
// 1. After a line was passed to the hub, nothing later of the same client is answered until the hub has
//    acknowledged it. Deliveries are written meanwhile, so owner and hub never wait for each other.
// 2. The link is read after the client, and before the client is answered, whether or not poll has seen
//    anything on it: what was relayed before a request was sent is in the link when the request is here.
//    (Threads share memory with the hub. There a counter tells that nothing was sent, and saves a call.)
// 3. A link that was nearly full may mean that the hub holds more that did not fit. Then the owner asks
//    for an acknowledgement (SYNC), which comes after all of it, before it answers.
//
// Read next: switchboard.ts, the other end.

import {
  AGAIN,
  IoBuffer,
  receiveDescriptor,
  recv,
  recvNow,
  sendAll,
  SystemError,
} from '../posix/index.ts'
import {
  ACK,
  BEAT,
  CLIENT_WORD,
  CLOSE,
  DELIVER,
  GONE,
  HEADER_BYTES,
  IDENTIFY,
  LINE,
  LINK_BUFFER_BYTES,
  PAYLOAD_BYTES_MAX,
  POSTED_WORD,
  SYNC,
  TICK,
} from './link.ts'

/**
 * Below both of these, what one read of the link returned cannot come from a full one: even with the
 * kernel's book-keeping (at most 1.3 KiB for each piece on Linux) it is less than half of its room.
 */
const NEARLY_FULL_BYTES = LINK_BUFFER_BYTES / 8
const NEARLY_FULL_FRAMES = 32

/** The hub has closed the link, or its process is dead. There is nobody left to talk for. */
export class HubGone extends Error {}

/** Who performs what the hub says: the owner (owner.ts). */
export interface Receiver {
  /** The connection is over, and nobody needs an acknowledgement any more. */
  readonly over: boolean
  /** Writes these bytes of `frames` to the client. */
  deliver(start: number, end: number): void
  identify(name: string, registered: boolean): void
  tick(): void
  /** Writes these bytes of `frames`, the last ones. */
  close(start: number, end: number): void
}

export class HubLink {
  readonly socket: number
  /** Frames from the hub: `filled` bytes of them wait to be looked at. */
  readonly frames = new IoBuffer(2 * (PAYLOAD_BYTES_MAX + HEADER_BYTES))
  private filled = 0
  private readonly output = new IoBuffer(16 * 1024)
  /** Set before the first frame is looked at. */
  private receiver!: Receiver
  private acknowledged = true
  /** The hub may hold deliveries that the link had no room for. */
  private behind = false
  /** Words of memory that are shared with the hub. A process has no such thing. */
  private readonly words: Int32Array | undefined
  /** How often the hub had written when the link was last read. */
  private seen = 0

  constructor(socket: number, words: Int32Array | undefined) {
    this.socket = socket
    this.words = words
  }

  /**
   * A spare waits here for its client, in a system call, after it has said that it is ready. One byte comes
   * before all frames. To a process it brings the client's descriptor, to a thread the news that its number
   * is in the memory that it shares with the hub. Null: the hub is gone, and no client will come.
   */
  awaitClient(): number | null {
    try {
      this.beat()
      if (this.words === undefined) return receiveDescriptor(this.socket)
      if (recv(this.socket, this.output, 0, 1) === 0) return null
      return Atomics.load(this.words, CLIENT_WORD)
    } catch (error) {
      if (error instanceof HubGone) return null
      if (error instanceof SystemError && error.code === 'ECONNRESET') return null
      throw error
    }
  }

  attach(receiver: Receiver): void {
    this.receiver = receiver
  }

  /**
   * Performs what the hub has said, and does not wait for more (rule 2). `isReady` is what poll has seen
   * on the link: it alone sees the end of it, which is not posted.
   */
  hear(isReady: boolean): void {
    const { words } = this
    if (words === undefined || isReady || Atomics.load(words, POSTED_WORD) !== this.seen) {
      this.take(recvNow)
    }
  }

  /** Takes frames from the link, and performs each whole one. */
  private take(receive: typeof recv): void {
    const { length } = this.frames
    // The hub counts after it has written, and we look at the count before we read: so what was written
    // before a count that we have seen is never missed. At worst we look for nothing.
    if (this.words !== undefined) this.seen = Atomics.load(this.words, POSTED_WORD)
    let count: number
    try {
      count = receive(this.socket, this.frames, this.filled, length - this.filled)
    } catch {
      throw new HubGone() // ECONNRESET: it has closed the link, and has not read all that we said.
    }
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
        this.receiver.deliver(start, end)
        break
      case ACK:
        this.acknowledged = true
        break
      case IDENTIFY: {
        const registered = this.frames.bytes[start] === 0x31
        this.receiver.identify(this.frames.read(start + 1, end), registered)
        break
      }
      case TICK:
        this.receiver.tick()
        break
      case CLOSE:
        this.receiver.close(start, end)
        break
      default:
        throw new Error(`The link has a frame of an unknown kind: ${kind}`)
    }
  }

  /** Says that we live. */
  beat(): void {
    this.tell(BEAT, '')
  }

  /** Says that the client is gone, and why. */
  gone(reason: string): void {
    this.tell(GONE, reason)
  }

  private tell(kind: number, payload: string): void {
    const { output } = this
    output.bytes[0] = kind
    output.bytes[1] = payload.length & 0xff
    output.bytes[2] = payload.length >> 8 // Lines and reasons are short.
    output.write(payload, HEADER_BYTES)
    try {
      sendAll(this.socket, output, 0, HEADER_BYTES + payload.length)
    } catch {
      throw new HubGone() // EPIPE, ECONNRESET: there is no other reason for a socketpair to fail.
    }
  }

  /** Passes a line to the hub, and performs frames until it is acknowledged (rule 1). */
  pass(line: string): void {
    this.ask(LINE, line)
  }

  /** Before an answer: takes what the hub may hold back (rule 3). */
  catchUp(): void {
    if (this.behind) this.settle()
  }

  /** Performs everything that the hub has said until now. */
  settle(): void {
    this.behind = false // Before: what is read meanwhile may say that there is more again.
    this.ask(SYNC, '')
  }

  private ask(kind: number, payload: string): void {
    this.acknowledged = false
    this.tell(kind, payload)
    while (!this.acknowledged && !this.receiver.over) this.take(recv)
  }
}
