// Requests in flight: which of a connection's requests have no answer yet, and since when.

import { inFlightMax } from './arrivals.ts'
import type { Connection } from './connection.ts'
import type { LoadSpec } from './contract.ts'
import type { SequenceLedger } from './sequence.ts'
import type { TimeHistogram } from './times.ts'

export class InFlight {
  protected readonly ledger: SequenceLedger
  /** How many there may be on a connection. */
  readonly max: number
  /** When the last `max` requests of each connection were sent. */
  private readonly sentAtNs: Float64Array
  /** Open loop: when they ought to have been. */
  private readonly dueAtNs: Float64Array | null

  constructor(spec: LoadSpec, connections: number, ledger: SequenceLedger) {
    this.ledger = ledger
    this.max = inFlightMax(spec)
    this.sentAtNs = new Float64Array(connections * this.max)
    this.dueAtNs = spec.arrivals === 'closed' ? null : new Float64Array(connections * this.max)
  }

  /** Those behind the latest answer. */
  inFlight(connection: Connection): number {
    return connection.sent - this.ledger.next[connection.local]!
  }

  /** The next request is sent now, and was due then. Returns its number. */
  noteSent(connection: Connection, nowNs: number, dueNs: number): number {
    const number = connection.sent++
    const place = this.#placeOf(connection, number)
    this.sentAtNs[place] = nowNs
    if (this.dueAtNs !== null) this.dueAtNs[place] = dueNs
    return number
  }

  #placeOf(connection: Connection, number: number): number {
    return connection.local * this.max + (number % this.max)
  }

  /** Of a request in flight. */
  sentAt(connection: Connection, number: number): number {
    return this.sentAtNs[this.#placeOf(connection, number)]!
  }

  /** Of a request in flight; in a closed loop, when it was sent. */
  dueAt(connection: Connection, number: number): number {
    return (this.dueAtNs ?? this.sentAtNs)[this.#placeOf(connection, number)]!
  }

  /** Enters the requests in flight at the time that they have taken by now. Returns their count. */
  recordOutstanding(
    connection: Connection,
    nowNs: number,
    service: TimeHistogram,
    response: TimeHistogram | null,
  ): number {
    const next = this.ledger.next[connection.local]!
    for (let number = next; number < connection.sent; number++) {
      service.record(nowNs - this.sentAt(connection, number))
      response?.record(nowNs - this.dueAt(connection, number))
    }
    return connection.sent - next
  }
}
