// Workload `ping`: steady connections, each with `window` PINGs in flight. Every answer makes room for
// the next request; the requests that one read has made room for leave in one send.

import { type Connection, STATE } from './connection.ts'
import { Driver, type Task } from './drive.ts'
import { PONG } from './lines.ts'
import { Pinger } from './pinger.ts'

export class PingDriver extends Driver {
  protected readonly pinger: Pinger

  constructor(task: Task) {
    super(task, (connections) => connections)
    this.pinger = this.makePinger()
  }

  protected makePinger(): Pinger {
    return new Pinger(this.spec, this.connections.length, this.ledger)
  }

  protected override startLoad(): void {
    for (const connection of this.connections) {
      if (connection.state === STATE.served) this.refill(connection, this.clock.now())
    }
  }

  protected override consume(connection: Connection, nowNs: number): void {
    const { inbox, line } = this
    for (;;) {
      const lineBytes = this.pinger.quick(inbox)
      if (lineBytes > 0) {
        inbox.at += lineBytes
        this.answered(connection, nowNs)
        continue
      }
      const next = line.next(inbox.bytes, inbox.at, inbox.end)
      if (next === -1) break
      if (line.command === PONG && this.pinger.careful(inbox, line)) {
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
    if (!this.pinger.enter(connection, nowNs)) return
    this.operations++
    this.service.record(this.pinger.serviceNs)
  }

  protected refill(connection: Connection, nowNs: number): void {
    const count = this.spec.window - this.pinger.inFlight(connection)
    if (count <= 0) return
    const lengthBytes = this.pinger.write(connection, count, nowNs)
    this.wire.send(connection, this.pinger.batch.memory, lengthBytes)
  }

  protected override isSettled(): boolean {
    return this.connections.every((one) => !one.isOpen || this.pinger.inFlight(one) === 0)
  }

  protected override closeBooks(nowNs: number): number {
    let outstanding = 0
    for (const connection of this.connections) {
      if (!connection.isOpen) continue
      outstanding += this.pinger.recordOutstanding(connection, nowNs, this.service)
    }
    return outstanding
  }
}
