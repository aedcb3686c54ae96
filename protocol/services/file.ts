// file: files by their names, in either direction. Each transfer says first how long the file is and what
// its SHA-256 is, waits until the other side wants it, and then is nothing but the bytes.
//
//     C: GET <from> <name>              C: PUT <bytes> <sha256> <name>
//     S: SIZE <bytes> <sha256>          S: SEND <from>
//     C: OK                             C: the bytes from <from> to the end
//     S: the bytes from <from> on       S: DONE
//
// While it hashes a file, which may take long, the server says how far it is: `CHECKING <at> <bytes>`.
// `from` is where a broken transfer goes on: the client knows it of a GET, the server of a PUT. Whatever
// cannot be done is answered `ERROR <words>`; QUIT ends the connection. This file speaks; what it asks of
// files (protocol/files.ts) is done by whoever runs it, which is also who decides what names are good for.

import type { ConversationEffect } from '../effects.ts'
import type { FileAnswer, FileRequest } from '../files.ts'
import { isUtf8, textOf } from '../framing.ts'
import type { ServerIdentity } from '../identity.ts'
import { FILE_LINE_BYTES_MAX } from '../limits.ts'
import type { Conversation, Service } from '../service.ts'
import { Guests } from './guests.ts'
import { Silence, silenceMsMax } from './silence.ts'

const LF = 0x0a
const NO_BYTES = Buffer.alloc(0)
const TOO_LONG = Symbol('too long')

// Fifteen digits are a petabyte, and still exact as a number.
const GET = /^GET (\d{1,15}) (.+)$/i
const PUT = /^PUT (\d{1,15}) ([0-9a-f]{64}) (.+)$/i

/** Hashing is no silence: a client is told this often that somebody is there. */
const CHECKING_MS = 5_000

/** Where a transfer stands. */
interface Transfer {
  /** `announced` waits for the client's OK. */
  readonly kind: 'announced' | 'sending' | 'receiving'
  at: number
  readonly bytes: number
}

export class FileConversation implements Conversation {
  private readonly silence: Silence
  /** What has come and is not looked at yet. */
  private input = NO_BYTES
  /** No line ends before this place in it. */
  private seen = 0
  private transfer: Transfer | null = null
  /** What was asked for: while it is there, nothing later is looked at. */
  private asked: FileRequest | null = null
  /** It has to be asked again: a file is being hashed. */
  private again = false
  /** When the client was told so, or when that began. */
  private toldMs: number | null = null
  /** Where a GET is to begin. */
  private from = 0
  /** Effects that an answer has led to. */
  private next: ConversationEffect | null = null
  private closed = false

  constructor(server: ServerIdentity, nowMs: number) {
    this.silence = new Silence(silenceMsMax(server), nowMs)
  }

  receive(bytes: Buffer, nowMs: number, count = bytes.length): void {
    if (count === 0 || this.closed) return
    this.silence.broken(nowMs)
    const more = bytes.subarray(0, count)
    this.input = this.input.length === 0 ? Buffer.from(more) : Buffer.concat([this.input, more])
  }

  nextEffect(): ConversationEffect | null {
    const { next } = this
    if (next !== null) {
      this.next = null
      return next
    }
    if (this.closed) return null
    if (this.asked !== null) return this.again ? this.ask(this.asked) : null
    const { transfer } = this
    if (transfer?.kind === 'sending') return this.goOnSending(transfer)
    if (transfer?.kind === 'receiving') return this.goOnReceiving(transfer)
    const line = this.line()
    if (line === null) return null
    return line === TOO_LONG
      ? this.close('ERROR The line is too long\r\n', 'Long line')
      : this.obey(line)
  }

  private goOnSending({ at, bytes }: Transfer): ConversationEffect | null {
    if (at < bytes) return this.ask({ kind: 'send', from: at, bytes: bytes - at })
    this.transfer = null
    return this.nextEffect()
  }

  private goOnReceiving({ at, bytes }: Transfer): ConversationEffect | null {
    if (at === bytes) return this.ask({ kind: 'commit' })
    if (this.input.length === 0) return null
    // Not more than was announced, whatever comes: the rest is the next command.
    return this.ask({ kind: 'append', piece: this.take(Math.min(this.input.length, bytes - at)) })
  }

  private obey(line: string): ConversationEffect | null {
    if (/^OK$/i.test(line) && this.transfer?.kind === 'announced') {
      this.transfer = { ...this.transfer, kind: 'sending' }
      return this.nextEffect()
    }
    this.transfer = null // Any other line declines what was announced.
    if (/^QUIT$/i.test(line)) return this.close('', 'Quit')
    const [, from, wanted] = GET.exec(line) ?? []
    if (from !== undefined && wanted !== undefined) {
      this.from = Number(from)
      return this.askFor(wanted, (name) => ({ kind: 'open', name }))
    }
    const [, bytes, sha256, given] = PUT.exec(line) ?? []
    if (bytes !== undefined && sha256 !== undefined && given !== undefined) {
      return this.askFor(given, (name) => ({
        kind: 'create',
        name,
        bytes: Number(bytes),
        sha256: sha256.toLowerCase(),
      }))
    }
    return error('That is no command: GET, PUT, OK or QUIT')
  }

  private askFor(bytes: string, request: (name: string) => FileRequest): ConversationEffect {
    if (!isUtf8(bytes)) return error('A name is UTF-8')
    return this.ask(request(Buffer.from(bytes, 'latin1').toString()))
  }

  private ask(request: FileRequest): ConversationEffect {
    this.asked = request
    this.again = false
    return { kind: 'file', request }
  }

  answered(answer: FileAnswer, nowMs: number): void {
    this.silence.broken(nowMs) // It had to wait for us, or has taken something.
    const { asked, transfer } = this
    if (asked === null) return
    if (answer.kind === 'again') {
      this.again = true
      this.toldMs ??= nowMs
      if (nowMs - this.toldMs >= CHECKING_MS) {
        this.toldMs = nowMs
        this.next = reply(`CHECKING ${answer.at} ${answer.bytes}`)
      }
      return
    }
    this.asked = null
    this.toldMs = null
    switch (answer.kind) {
      case 'opened':
        this.next = this.announce(answer.bytes, answer.sha256)
        break
      case 'created':
        if (asked.kind !== 'create') break
        this.transfer = { kind: 'receiving', at: answer.from, bytes: asked.bytes }
        this.next = reply(`SEND ${answer.from}`)
        break
      case 'piece':
        transfer!.at += answer.text.length
        this.next = { kind: 'reply', text: answer.text }
        break
      case 'sent':
        transfer!.at += answer.bytes
        break
      case 'done':
        if (asked.kind === 'append') transfer!.at += asked.piece.length
        else this.finish(reply('DONE'))
        break
      case 'refused':
        this.refuse(asked, answer.words)
        break
    }
  }

  private announce(bytes: number, sha256: string): ConversationEffect {
    if (this.from > bytes) return error('The file is shorter than that')
    this.transfer = { kind: 'announced', at: this.from, bytes }
    return reply(`SIZE ${bytes} ${sha256}`)
  }

  private finish(next: ConversationEffect): void {
    this.transfer = null
    this.next = next
  }

  private refuse(asked: FileRequest, words: string): void {
    // In the middle of the bytes there is no place for words: the client would take them for the file's.
    if (asked.kind === 'send') this.next = this.close('', words)
    // And where the client's bytes would have to be skipped, ending is cheaper for both.
    else if (asked.kind === 'append') this.next = this.close(`ERROR ${words}\r\n`, words)
    else this.finish(error(words))
  }

  private close(text: string, reason: string): ConversationEffect {
    this.closed = true
    this.transfer = null
    this.input = NO_BYTES
    return { kind: 'close', text, reason }
  }

  /** The next line without its end, latin1; blank ones do not count. Null: more bytes are needed. */
  private line(): string | typeof TOO_LONG | null {
    for (;;) {
      const end = this.input.indexOf(LF, this.seen)
      if ((end === -1 ? this.input.length : end + 1) > FILE_LINE_BYTES_MAX) return TOO_LONG
      if (end === -1) {
        this.seen = this.input.length
        return null
      }
      const line = textOf(this.take(end + 1), end).replace(/\r$/, '')
      if (line !== '') return line
    }
  }

  private take(count: number): Buffer {
    const taken = this.input.subarray(0, count)
    this.input = count === this.input.length ? NO_BYTES : this.input.subarray(count)
    this.seen = 0
    return taken
  }

  identify(): void {}

  refused(): void {}

  excuse(nowMs: number): void {
    this.silence.broken(nowMs)
  }

  nextTickMs(): number {
    return this.silence.nextTickMs()
  }

  tick(nowMs: number): ConversationEffect | null {
    return this.silence.tick(nowMs)
  }
}

function reply(line: string): ConversationEffect {
  return { kind: 'reply', text: `${line}\r\n` }
}

function error(words: string): ConversationEffect {
  return reply(`ERROR ${words}`)
}

export const service: Service = {
  lastWords: { serverFull: 'ERROR The server is full\r\n', internalError: '' },
  conversation: (server, nowMs) => new FileConversation(server, nowMs),
  hub: () => new Guests(),
}
