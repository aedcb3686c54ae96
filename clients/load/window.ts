// Steady connections, each with `window` requests in flight: what all workloads of that kind have in common.
// Every answer makes room for the next request; the requests that one read has made room for leave together.

import { type Connection, STATE } from './connection.ts'
import { Driver } from './drive.ts'
import type { InFlight } from './in-flight.ts'
import type { TimeHistogram } from './times.ts'

export abstract class WindowDriver extends Driver {
  protected abstract readonly requests: InFlight

  /** Sends the next `count` requests. */
  protected abstract ask(connection: Connection, count: number, nowNs: number): void

  protected override startLoad(): void {
    for (const connection of this.connections) {
      if (connection.state === STATE.served) this.refill(connection, this.clock.now())
    }
  }

  protected refill(connection: Connection, nowNs: number): void {
    const count = this.spec.window - this.requests.inFlight(connection)
    if (count > 0) this.ask(connection, count, nowNs)
  }

  protected override isSettled(): boolean {
    return this.connections.every((one) => !one.isOpen || this.requests.inFlight(one) === 0)
  }

  protected override closeBooks(nowNs: number): number {
    let outstanding = 0
    for (const connection of this.connections) {
      if (!connection.isOpen) continue
      outstanding += this.requests.recordOutstanding(connection, nowNs, this.timesOf(connection))
    }
    return outstanding
  }

  /** Where the times of this client's requests belong. */
  protected timesOf(_connection: Connection): TimeHistogram {
    return this.service
  }
}
