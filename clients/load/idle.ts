// Workload `idle`: as `ping`, but only some of the clients say anything. The others have registered, and are
// there: what they cost those who are active is what is measured.

import type { Connection } from './connection.ts'
import { PingDriver } from './ping.ts'

export class IdleDriver extends PingDriver {
  protected override takesArrivals(connection: Connection): boolean {
    return connection.client < this.spec.senders
  }

  protected override answersOf(connection: Connection): number | null {
    return connection.client < this.spec.senders ? super.answersOf(connection) : null
  }

  protected override ask(
    connection: Connection,
    count: number,
    nowNs: number,
    dueNs: number,
  ): void {
    if (connection.client < this.spec.senders) super.ask(connection, count, nowNs, dueNs)
  }
}
