// Workload `http`: connections that stay (keep-alive), each with `window` requests for the same page in
// flight (pipelining). An answer has no number: they come in the order of the requests, and each must be
// the page, whole: status 200, as long as it says, and with the body that the first one had.
//
// Nearly all answers of a server are the same bytes, head and all. So the last good one is remembered, and
// compared with in place; one that differs (a Date in its head) is read header by header.

import { IoBuffer } from '../../posix/index.ts'
import { type Connection, STATE } from './connection.ts'
import type { Task } from './drive.ts'
import { InFlight } from './in-flight.ts'
import { type Inbox, LINE_BYTES_MAX } from './lines.ts'
import { sameBytes, viewOf } from './message.ts'
import { WindowDriver } from './window.ts'

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: hubbub.local\r\n\r\n', 'latin1')
const HEAD_END = '\r\n\r\n'

export class HttpDriver extends WindowDriver {
  protected override readonly requests: InFlight
  readonly #memory: IoBuffer
  readonly #page = new PageReader()

  constructor(task: Task) {
    super(task, (connections) => connections)
    const { window } = this.spec
    this.requests = new InFlight(this.spec, this.connections.length, this.ledger)
    this.#memory = new IoBuffer(window * REQUEST.length)
    this.#memory.bytes.fill(REQUEST)
  }

  protected override introduce(connection: Connection): void {
    this.ask(connection, 1, this.clock.now())
    // It is entered when it is answered: of who is left waiting, nothing is missing.
    connection.sent = 0
  }

  protected override ask(connection: Connection, count: number, nowNs: number): void {
    for (let i = 0; i < count; i++) this.requests.noteSent(connection, nowNs)
    this.wire.send(connection, this.#memory, count * REQUEST.length)
  }

  protected override consume(connection: Connection, nowNs: number): void {
    const { inbox } = this
    for (;;) {
      const lengthBytes = this.#page.read(inbox)
      if (lengthBytes === 0) break
      if (lengthBytes < 0) return this.fail(connection, 'not HTTP')
      inbox.at += lengthBytes
      this.#answered(connection, nowNs)
      if (!connection.isOpen) return
    }
    if (this.driving && connection.state === STATE.served) this.refill(connection, nowNs)
  }

  #answered(connection: Connection, nowNs: number): void {
    if (connection.state === STATE.registering) return this.#first(connection, nowNs)
    const { local } = connection
    const number = this.ledger.next[local]!
    if (number === connection.sent) return this.stray(connection) // Nobody has asked.
    if (this.#page.isRight) {
      this.ledger.accept(local, number)
      this.operations++
      this.service.record(nowNs - this.requests.sentAt(connection, number))
    } else {
      this.ledger.corrupt++
      this.ledger.giveUp(local, number + 1)
    }
  }

  #first(connection: Connection, nowNs: number): void {
    if (!this.#page.isRight) {
      connection.farewell = this.#page.status
      return this.fail(connection, this.#page.status)
    }
    connection.sent = 1
    this.ledger.accept(connection.local, 0)
    if (this.takesPart) this.registered(connection, nowNs)
  }

  /** The books are closed. */
  protected override readWords(): void {
    this.inbox.at = this.inbox.end
  }
}

class PageReader {
  /** Whether the answer read last was the page. */
  isRight = false
  /** What it was, when it was read with care: `404 Not Found`. */
  status = ''
  #body: Buffer | null = null
  /** The last good answer. */
  #answer = viewOf(Buffer.alloc(0))

  /** Returns the length of the answer that begins the inbox; 0: not all of it is there; -1: it is none. */
  read(inbox: Inbox): number {
    const bytes = this.#answer.byteLength
    if (bytes > 0 && inbox.at + bytes <= inbox.end) {
      this.isRight = sameBytes(this.#answer, 0, inbox.view, inbox.at, bytes)
      if (this.isRight) return bytes
    }
    return inbox.at === inbox.end ? 0 : this.#careful(inbox)
  }

  #careful({ bytes, at, end }: Inbox): number {
    const headEnd = bytes.indexOf(HEAD_END, at, 'latin1')
    if (headEnd === -1 || headEnd + HEAD_END.length > end) {
      return end - at > LINE_BYTES_MAX || !startsAsHttp(bytes, at, end) ? -1 : 0
    }
    const head = bytes.toString('latin1', at, headEnd)
    const status = /^HTTP\/1\.1 (\d{3}[^\r]*)/.exec(head)?.[1]
    const length = /^content-length: *(\d{1,6}) *$/im.exec(head)?.[1]
    if (status === undefined || length === undefined) return -1
    const bodyAt = headEnd + HEAD_END.length
    const answerEnd = bodyAt + Number(length)
    if (answerEnd - at > LINE_BYTES_MAX) return -1
    if (answerEnd > end) return 0
    this.status = status
    this.isRight = status.startsWith('200') && this.#isBody(bytes.subarray(bodyAt, answerEnd))
    if (this.isRight) this.#answer = viewOf(Uint8Array.from(bytes.subarray(at, answerEnd)))
    return answerEnd - at
  }

  #isBody(body: Buffer): boolean {
    this.#body ??= Buffer.from(body)
    return this.#body.equals(body)
  }
}

/** As far as it goes: who speaks another protocol may never send the end of a head. */
function startsAsHttp(bytes: Buffer, at: number, end: number): boolean {
  const start = 'HTTP/1.1 '
  return start.startsWith(bytes.toString('latin1', at, Math.min(end, at + start.length)))
}
