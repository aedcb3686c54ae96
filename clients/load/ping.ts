// Workload `ping`: steady connections, and PINGs on them.

import { type Connection, STATE } from './connection.ts'
import type { Task } from './drive.ts'
import { PONG } from './lines.ts'
import { Pinger } from './pinger.ts'
import { WindowDriver } from './window.ts'

export class PingDriver extends WindowDriver {
  protected override readonly requests: Pinger

  constructor(task: Task) {
    super(task, (connections) => connections)
    this.requests = this.makePinger()
  }

  protected makePinger(): Pinger {
    return new Pinger(this.spec, this.connections.length, this.ledger)
  }

  protected override consume(connection: Connection, nowNs: number): void {
    const { inbox, line, requests } = this
    for (;;) {
      const lineBytes = requests.quick(inbox)
      if (lineBytes > 0) {
        inbox.at += lineBytes
        this.answered(connection, nowNs)
        continue
      }
      const next = line.next(inbox.bytes, inbox.at, inbox.end)
      if (next === -1) break
      if (line.command === PONG && requests.careful(inbox, line)) {
        this.answered(connection, nowNs)
      } else {
        this.readOther(connection, nowNs)
        if (!connection.isOpen) return
      }
      inbox.at = next
    }
    if (this.driving && connection.state === STATE.served) this.refill(connection, nowNs)
  }

  protected answered(connection: Connection, nowNs: number): void {
    if (!this.requests.enter(connection, nowNs)) return
    this.operations++
    this.service.record(this.requests.serviceNs)
    this.arrivals?.response.record(this.requests.responseNs(connection, nowNs))
  }

  protected override ask(
    connection: Connection,
    count: number,
    nowNs: number,
    dueNs: number,
  ): void {
    const lengthBytes = this.requests.write(connection, count, nowNs, dueNs)
    this.wire.send(connection, this.requests.batch.memory, lengthBytes)
  }
}
