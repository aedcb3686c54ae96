// Recognizing the lines that a run consists of, nearly all of which look alike.
//
// Whatever stands before the message of a PONG is the same in every PONG of a server, whatever the
// server is called. So the first one is read as IRC is read, word by word, and what stood before its
// message becomes the pattern for all others: they are compared with it in place, and never searched
// for a line end. A line that does not fit is read word by word again. When that shows a message which
// is intact behind words that have changed, the line is corrupt all the same: the pattern is strict.

import type { Inbox, LineScanner } from './lines.ts'
import { type MessageCodec, sameBytes, viewOf } from './message.ts'
import { NICKNAME_BYTES } from './nickname.ts'

const CR_LF = 0x0d0a

/** Bytes that are always the same, once they have been seen. */
class Pattern {
  bytes = 0
  #view: DataView = new DataView(new ArrayBuffer(0))

  isAt(view: DataView, at: number): boolean {
    return sameBytes(this.#view, 0, view, at, this.bytes)
  }

  /** Takes these bytes as the pattern if there is none. Returns whether they fit it. */
  fits(inbox: Inbox, start: number, end: number): boolean {
    if (this.bytes === 0) {
      this.bytes = end - start
      this.#view = viewOf(Uint8Array.from(inbox.bytes.subarray(start, end)))
    }
    return end - start === this.bytes && this.isAt(inbox.view, start)
  }
}

/** Recognizes answers, of which the codec then has the numbers. */
export interface AnswerReader {
  /** The length of the whole line when an intact answer begins the inbox; or 0. */
  quick(inbox: Inbox): number
  /** Whether the line that the scanner has found is an intact answer. */
  careful(inbox: Inbox, line: LineScanner): boolean
}

/** `message CR LF`, exactly as it was sent. */
export class EchoReader implements AnswerReader {
  readonly #codec: MessageCodec

  constructor(codec: MessageCodec) {
    this.#codec = codec
  }

  quick(inbox: Inbox): number {
    const messageEnd = inbox.at + this.#codec.messageBytes
    if (messageEnd + 2 > inbox.end || inbox.view.getUint16(messageEnd) !== CR_LF) return 0
    return this.#codec.read(inbox.view, inbox.at) ? messageEnd + 2 - inbox.at : 0
  }

  /** There is nothing that may differ. */
  careful(): boolean {
    return false
  }
}

/** `:server PONG server :message`, and what else a server makes of it. */
export class PongReader implements AnswerReader {
  readonly #codec: MessageCodec
  readonly #before = new Pattern()

  constructor(codec: MessageCodec) {
    this.#codec = codec
  }

  quick(inbox: Inbox): number {
    const messageAt = inbox.at + this.#before.bytes
    const messageEnd = messageAt + this.#codec.messageBytes
    if (this.#before.bytes === 0 || messageEnd + 2 > inbox.end) return 0
    if (inbox.view.getUint16(messageEnd) !== CR_LF) return 0
    if (!this.#before.isAt(inbox.view, inbox.at)) return 0
    return this.#codec.read(inbox.view, messageAt) ? messageEnd + 2 - inbox.at : 0
  }

  careful(inbox: Inbox, line: LineScanner): boolean {
    return (
      line.end - line.lastStart === this.#codec.messageBytes &&
      this.#codec.read(inbox.view, line.lastStart) &&
      this.#before.fits(inbox, line.start, line.lastStart)
    )
  }
}

/** `:nick!user@host PRIVMSG #bench :message`, as every member of the room hears it. */
export class DeliveryReader {
  readonly #codec: MessageCodec
  readonly #nicknames: DataView
  readonly #senders: number
  /** From the `!` to the message. All senders have one user name, and come from one host. */
  readonly #before = new Pattern()

  /** `nicknames`: of the senders, one behind the other. */
  constructor(codec: MessageCodec, nicknames: Buffer) {
    this.#codec = codec
    this.#nicknames = viewOf(nicknames)
    this.#senders = nicknames.length / NICKNAME_BYTES
  }

  /** As AnswerReader.quick; the nickname is that of the message's sender. */
  quick(inbox: Inbox): number {
    const patternAt = inbox.at + 1 + NICKNAME_BYTES
    const messageAt = patternAt + this.#before.bytes
    const messageEnd = messageAt + this.#codec.messageBytes
    if (this.#before.bytes === 0 || messageEnd + 2 > inbox.end) return 0
    if (inbox.view.getUint16(messageEnd) !== CR_LF) return 0
    if (!this.#before.isAt(inbox.view, patternAt)) return 0
    return this.#isIntact(inbox, inbox.at, messageAt) ? messageEnd + 2 - inbox.at : 0
  }

  /** As AnswerReader.careful. */
  careful(inbox: Inbox, line: LineScanner): boolean {
    return (
      line.end - line.lastStart === this.#codec.messageBytes &&
      line.prefixEnd - line.prefixStart >= NICKNAME_BYTES &&
      this.#isIntact(inbox, line.start, line.lastStart) &&
      this.#before.fits(inbox, line.start + 1 + NICKNAME_BYTES, line.lastStart)
    )
  }

  #isIntact(inbox: Inbox, lineAt: number, messageAt: number): boolean {
    if (!this.#codec.read(inbox.view, messageAt)) return false
    const { sender } = this.#codec
    if (sender >= this.#senders) return false
    const nicknameAt = sender * NICKNAME_BYTES
    return (
      inbox.bytes[lineAt] === 0x3a &&
      sameBytes(this.#nicknames, nicknameAt, inbox.view, lineAt + 1, NICKNAME_BYTES)
    )
  }
}
