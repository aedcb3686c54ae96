// Requests in flight: which of a connection's requests have no answer yet, and since when.

import type { Connection } from './connection.ts'
import type { LoadSpec } from './contract.ts'
import type { SequenceLedger } from './sequence.ts'
import type { TimeHistogram } from './times.ts'

export class InFlight {
  protected readonly ledger: SequenceLedger
  private readonly window: number
  /** When the last `window` requests of each connection were sent. */
  private readonly sentAtNs: Float64Array

  constructor({ window }: LoadSpec, connections: number, ledger: SequenceLedger) {
    this.ledger = ledger
    this.window = window
    this.sentAtNs = new Float64Array(connections * window)
  }

  /** Those behind the latest answer. */
  inFlight(connection: Connection): number {
    return connection.sent - this.ledger.next[connection.local]!
  }

  /** The next request is sent at this time. Returns its number. */
  noteSent(connection: Connection, nowNs: number): number {
    const number = connection.sent++
    this.sentAtNs[connection.local * this.window + (number % this.window)] = nowNs
    return number
  }

  /** Of a request in flight. */
  sentAt(connection: Connection, number: number): number {
    return this.sentAtNs[connection.local * this.window + (number % this.window)]!
  }

  /** Enters the requests in flight at the time that they have taken by now. Returns their count. */
  recordOutstanding(connection: Connection, nowNs: number, times: TimeHistogram): number {
    const next = this.ledger.next[connection.local]!
    for (let number = next; number < connection.sent; number++) {
      times.record(nowNs - this.sentAt(connection, number))
    }
    return connection.sent - next
  }
}
