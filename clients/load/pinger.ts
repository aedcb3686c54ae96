// Requests that carry a message, and the answers that bring it back, on the connections of one thread:
// PINGs and their PONGs, or a message and its echo.

import type { Connection } from './connection.ts'
import { type AnswerReader, PongReader } from './answers.ts'
import type { LoadSpec } from './contract.ts'
import { InFlight } from './in-flight.ts'
import type { Inbox, LineScanner } from './lines.ts'
import { MessageCodec } from './message.ts'
import { RequestBatch } from './requests.ts'
import type { SequenceLedger } from './sequence.ts'

export class Pinger extends InFlight {
  readonly #codec: MessageCodec
  readonly #answers: AnswerReader
  readonly #batch: RequestBatch
  /** How long the answer took that was entered last. */
  serviceNs = 0

  constructor(
    spec: LoadSpec,
    connections: number,
    ledger: SequenceLedger,
    prefix = 'PING :',
    Reader: new (codec: MessageCodec) => AnswerReader = PongReader,
  ) {
    super(spec, connections, ledger)
    this.#codec = new MessageCodec(spec.seed, spec.messageBytes, spec.accounting)
    this.#answers = new Reader(this.#codec)
    this.#batch = new RequestBatch(this.#codec, prefix, spec.window)
  }

  get batch(): RequestBatch {
    return this.#batch
  }

  /** For requests that begin with something else. */
  newBatch(prefix: string): RequestBatch {
    return new RequestBatch(this.#codec, prefix, this.#batch.count)
  }

  /** The length of the line when an intact answer begins the inbox; 0: look at it carefully. */
  quick(inbox: Inbox): number {
    return this.#answers.quick(inbox)
  }

  /** Whether the line that the scanner has found is an intact answer. */
  careful(inbox: Inbox, line: LineScanner): boolean {
    return this.#answers.careful(inbox, line)
  }

  /** Enters the answer just recognized. True: it is the first one to a request of this connection. */
  enter(connection: Connection, nowNs: number): boolean {
    const { sender, number, timeNs } = this.#codec
    if (sender !== connection.client || number >= connection.sent) {
      this.ledger.corrupt++
      return false
    }
    if (!this.ledger.accept(connection.local, number)) return false
    this.serviceNs = nowNs - timeNs
    return true
  }

  /** The same from when its request was due. */
  responseNs(connection: Connection, nowNs: number): number {
    return nowNs - this.dueAt(connection, this.#codec.number)
  }

  /** Writes the next `count` requests into the batch. Returns their length in bytes. */
  write(
    connection: Connection,
    count: number,
    nowNs: number,
    dueNs = nowNs,
    batch = this.#batch,
  ): number {
    for (let i = 0; i < count; i++) {
      batch.write(i, connection.client, this.noteSent(connection, nowNs, dueNs), nowNs)
    }
    return count * batch.requestBytes
  }
}
