// Workload `file`: each client fetches the same file again and again, one at a time. The file's bytes are
// known to both sides, so every one of them is compared where it lies, which costs less than a hash. What
// the server announces, size and hash, must be right as well: otherwise the client does not want the file.

import { createHash } from 'node:crypto'
import { type Connection, STATE } from './connection.ts'
import { FILE_BYTES, FILE_NAME } from './contract.ts'
import type { Task } from './drive.ts'
import { InFlight } from './in-flight.ts'
import { LINE_BYTES_MAX } from './lines.ts'
import { WindowDriver } from './window.ts'

/** SIZE is awaited. */
const ANNOUNCEMENT = -1
const LF = 10

/** What the file holds: digits of a generator (mulberry32) that anybody can run again. */
export function fileBytes(): Buffer {
  const bytes = Buffer.alloc(FILE_BYTES)
  let state = 1
  for (let at = 0; at < FILE_BYTES; at += 4) {
    state = (state + 0x6d2b79f5) | 0
    let drawn = Math.imul(state ^ (state >>> 15), 1 | state)
    drawn = (drawn + Math.imul(drawn ^ (drawn >>> 7), 61 | drawn)) ^ drawn
    bytes.writeInt32LE(drawn ^ (drawn >>> 14), at)
  }
  return bytes
}

export class FileDriver extends WindowDriver {
  protected override readonly requests: InFlight
  readonly #content = fileBytes()
  readonly #announcement: string
  /** Of each connection: how much of the file has come. */
  readonly #at: Int32Array
  /** Whether any of that was wrong. */
  readonly #isWrong: Uint8Array

  constructor(task: Task) {
    super(task, (connections) => connections)
    const connections = this.connections.length
    this.requests = new InFlight(this.spec, connections, this.ledger)
    const sha256 = createHash('sha256').update(this.#content).digest('hex')
    this.#announcement = `SIZE ${FILE_BYTES} ${sha256}`
    this.#at = new Int32Array(connections).fill(ANNOUNCEMENT)
    this.#isWrong = new Uint8Array(connections)
  }

  protected override introduce(connection: Connection): void {
    const nowNs = this.clock.now()
    this.ask(connection, 1, nowNs, nowNs)
    // It is entered when it is answered: of who is left waiting, nothing is missing.
    connection.sent = 0
  }

  /** One after the other, whatever the window: a connection carries one file at a time. */
  protected override refill(connection: Connection, nowNs: number): void {
    if (this.arrivals !== null) return
    if (this.requests.inFlight(connection) === 0) this.ask(connection, 1, nowNs, nowNs)
  }

  override hasRoom(connection: Connection): boolean {
    return super.hasRoom(connection) && this.requests.inFlight(connection) === 0
  }

  protected override ask(
    connection: Connection,
    _count: number,
    nowNs: number,
    dueNs: number,
  ): void {
    this.requests.noteSent(connection, nowNs, dueNs)
    this.#at[connection.local] = ANNOUNCEMENT
    this.#isWrong[connection.local] = 0
    this.wire.sendWords(connection, `GET 0 ${FILE_NAME}\r\n`)
  }

  protected override consume(connection: Connection, nowNs: number): void {
    const { inbox } = this
    while (inbox.at < inbox.end) {
      if (connection.state === STATE.served && this.requests.inFlight(connection) === 0) {
        // Nobody has asked.
        inbox.at = inbox.end
        return this.stray(connection)
      }
      const isAnnouncement = this.#at[connection.local] === ANNOUNCEMENT
      const hasMore = isAnnouncement ? this.#announced(connection) : this.#take(connection, nowNs)
      if (!connection.isOpen || !hasMore) return
    }
  }

  /** False: the line is not whole, or not the right one. */
  #announced(connection: Connection): boolean {
    const { bytes, at, end } = this.inbox
    let lineEnd = at
    while (lineEnd < end && bytes[lineEnd] !== LF) lineEnd++
    if (lineEnd === end && end - at <= LINE_BYTES_MAX) return false
    const words = bytes.toString('latin1', at, Math.min(lineEnd, at + 200)).trimEnd()
    if (words !== this.#announcement) {
      if (connection.state === STATE.registering) connection.farewell = words
      this.fail(connection, `announced "${words}"`)
      return false
    }
    this.inbox.at = lineEnd + 1
    this.#at[connection.local] = 0
    this.wire.sendWords(connection, 'OK\r\n')
    return true
  }

  #take(connection: Connection, nowNs: number): boolean {
    const { inbox } = this
    const { local } = connection
    const from = this.#at[local]!
    const count = Math.min(inbox.end - inbox.at, FILE_BYTES - from)
    const isRight =
      this.#content.compare(inbox.bytes, inbox.at, inbox.at + count, from, from + count) === 0
    if (!isRight) this.#isWrong[local] = 1
    inbox.at += count
    this.#at[local] = from + count
    if (from + count === FILE_BYTES) this.#whole(connection, nowNs)
    return true
  }

  #whole(connection: Connection, nowNs: number): void {
    const { local } = connection
    const isFirst = connection.state === STATE.registering
    if (isFirst) connection.sent = 1
    const number = this.ledger.next[local]!
    if (this.#isWrong[local] === 1) {
      this.ledger.corrupt++
      this.ledger.giveUp(local, number + 1)
    } else {
      this.ledger.accept(local, number)
      if (!isFirst) {
        this.operations++
        this.service.record(nowNs - this.requests.sentAt(connection, number))
        this.arrivals?.response.record(nowNs - this.requests.dueAt(connection, number))
      }
    }
    if (isFirst && this.takesPart) this.registered(connection, nowNs)
    if (this.driving && connection.state === STATE.served) this.refill(connection, nowNs)
  }

  /** The books are closed. */
  protected override readWords(): void {
    this.inbox.at = this.inbox.end
  }
}
