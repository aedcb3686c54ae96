// Requests whose answers have no number: they come in the order of the requests, and each must be what it has
// to be. A missing one shows at the end of a run, as a request that was never answered, and one too many as
// an answer that nobody has asked for.

import { IoBuffer } from '../../posix/index.ts'
import { type Connection, STATE } from './connection.ts'
import type { Task } from './drive.ts'
import { InFlight } from './in-flight.ts'
import type { Inbox } from './lines.ts'
import { WindowDriver } from './window.ts'

/** Takes answers out of the inbox. */
export interface InOrderReader {
  /** Whether the answer read last was the right one. */
  readonly isRight: boolean
  /** What it was, in a few words, if it was not. */
  readonly words: string
  /** Returns the length of the answer that begins the inbox; 0: not all of it is there; -1: it is none. */
  read(inbox: Inbox): number
}

/** A request, and what reads its answers. */
export interface Question {
  readonly request: Buffer
  readonly reader: InOrderReader
}

export abstract class InOrderDriver extends WindowDriver {
  protected override readonly requests: InFlight
  /** The requests of a window in a row, of each question. */
  readonly #batches = new Map<Question, IoBuffer>()

  constructor(task: Task) {
    super(task, (connections) => connections)
    this.requests = new InFlight(this.spec, this.connections.length, this.ledger)
  }

  protected abstract questionOf(connection: Connection): Question

  /** The right answer has come, so long after its request was sent, and was due. */
  protected answered(_connection: Connection, serviceNs: number, responseNs: number): void {
    this.operations++
    this.service.record(serviceNs)
    this.arrivals?.response.record(responseNs)
  }

  protected override introduce(connection: Connection): void {
    const nowNs = this.clock.now()
    this.ask(connection, 1, nowNs, nowNs)
    // It is entered when it is answered: of who is left waiting, nothing is missing.
    connection.sent = 0
  }

  protected override ask(
    connection: Connection,
    count: number,
    nowNs: number,
    dueNs: number,
  ): void {
    const question = this.questionOf(connection)
    for (let i = 0; i < count; i++) this.requests.noteSent(connection, nowNs, dueNs)
    this.wire.send(connection, this.#batchOf(question), count * question.request.length)
  }

  #batchOf(question: Question): IoBuffer {
    const known = this.#batches.get(question)
    if (known !== undefined) return known
    const batch = new IoBuffer(this.spec.window * question.request.length)
    batch.bytes.fill(question.request)
    this.#batches.set(question, batch)
    return batch
  }

  protected override consume(connection: Connection, nowNs: number): void {
    const { inbox } = this
    const { reader } = this.questionOf(connection)
    for (;;) {
      const lengthBytes = reader.read(inbox)
      if (lengthBytes === 0) break
      if (lengthBytes < 0) return this.fail(connection, reader.words)
      inbox.at += lengthBytes
      this.#take(connection, reader, nowNs)
      if (!connection.isOpen) return
    }
    if (this.driving && connection.state === STATE.served) this.refill(connection, nowNs)
  }

  #take(connection: Connection, { isRight, words }: InOrderReader, nowNs: number): void {
    if (connection.state === STATE.registering)
      return this.#first(connection, isRight, words, nowNs)
    const { local } = connection
    const number = this.ledger.next[local]!
    if (number === connection.sent) return this.stray(connection) // Nobody has asked.
    if (isRight) {
      this.ledger.accept(local, number)
      const { requests } = this
      const serviceNs = nowNs - requests.sentAt(connection, number)
      this.answered(connection, serviceNs, nowNs - requests.dueAt(connection, number))
    } else {
      this.ledger.corrupt++
      this.ledger.giveUp(local, number + 1)
    }
  }

  #first(connection: Connection, isRight: boolean, words: string, nowNs: number): void {
    if (!isRight) {
      connection.farewell = words
      return this.fail(connection, words)
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
