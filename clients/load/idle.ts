// Workload `idle`: as `ping`, but only some of the clients say anything. The others have registered, and are
// there: what they cost those who are active is what is measured.

import type { Connection } from './connection.ts'
import { PingDriver } from './ping.ts'

export class IdleDriver extends PingDriver {
  #isActive({ client }: Connection): boolean {
    return client < this.spec.senders
  }

  protected override takesArrivals(connection: Connection): boolean {
    return this.#isActive(connection)
  }

  protected override answersOf(connection: Connection): number | null {
    return this.#isActive(connection) ? super.answersOf(connection) : null
  }

  protected override ask(
    connection: Connection,
    count: number,
    nowNs: number,
    dueNs: number,
  ): void {
    if (this.#isActive(connection)) super.ask(connection, count, nowNs, dueNs)
  }
}
