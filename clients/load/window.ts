// Steady connections with requests in flight: what all workloads of that kind have in common.
//
// In a closed loop each has `window` of them. Every answer makes room for the next request; the requests that one
// read has made room for leave together. In an open loop requests leave when they are due, one at a time, and
// answers are only taken. Clients with a part of their own may go on in a closed loop meanwhile.

import { type Connection, STATE } from './connection.ts'
import { Driver } from './drive.ts'
import type { InFlight } from './in-flight.ts'
import type { TimeHistogram } from './times.ts'

export abstract class WindowDriver extends Driver {
  protected abstract readonly requests: InFlight

  /** Sends the next `count` requests, which were due at `dueNs`. */
  protected abstract ask(connection: Connection, count: number, nowNs: number, dueNs: number): void

  protected override startLoad(): void {
    for (const connection of this.connections) {
      if (connection.state === STATE.served) this.refill(connection, this.clock.now())
    }
  }

  protected refill(connection: Connection, nowNs: number): void {
    if (this.arrivals !== null && this.takesArrivals(connection)) return
    const count = this.spec.window - this.requests.inFlight(connection)
    if (count > 0) this.ask(connection, count, nowNs, nowNs)
  }

  /** A socket that takes no more has no room either. */
  override hasRoom(connection: Connection): boolean {
    return (
      connection.state === STATE.served &&
      connection.unsent === null &&
      this.requests.inFlight(connection) < this.requests.max
    )
  }

  override arrive(connection: Connection, dueNs: number, nowNs: number): void {
    this.ask(connection, 1, nowNs, dueNs)
  }

  protected override isSettled(): boolean {
    return this.connections.every((one) => !one.isOpen || this.requests.inFlight(one) === 0)
  }

  protected override closeBooks(nowNs: number): number {
    let outstanding = 0
    for (const connection of this.connections) {
      if (!connection.isOpen) continue
      const response = this.takesArrivals(connection) ? this.arrivals?.response : null
      const service = this.timesOf(connection)
      outstanding += this.requests.recordOutstanding(connection, nowNs, service, response ?? null)
    }
    return outstanding
  }

  protected override answersOf(connection: Connection): number | null {
    return this.ledger.next[connection.local]!
  }

  /** Where the times of this client's requests belong. */
  protected timesOf(_connection: Connection): TimeHistogram {
    return this.service
  }
}
