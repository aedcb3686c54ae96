// Workload `work`: as `ping`, but a few of the clients make the server compute. They send WORK and a PING
// behind it, their barrier, and their PONG is worth nothing unless the answer to the WORK stands before it.
// What is measured first is what all the others feel: their PINGs. The WORKs are counted and timed beside. An
// answer that comes sooner than the work can be done is a wrong one.

import { Beside } from './beside.ts'
import type { Connection } from './connection.ts'
import { WORK_MS } from './contract.ts'
import type { Task } from './drive.ts'
import * as lines from './lines.ts'
import { PingDriver } from './ping.ts'
import type { RequestBatch } from './requests.ts'
import type { TimeHistogram } from './times.ts'

/** A server whose clock ticks in milliseconds may end one too soon. */
const WORK_NS_MIN = (WORK_MS - 1) * 1e6

export class WorkDriver extends PingDriver {
  protected override readonly beside = new Beside()
  readonly #batch: RequestBatch
  /** Of each connection: answers to WORK. */
  readonly #done: Int32Array

  constructor(task: Task) {
    super(task)
    this.#batch = this.requests.newBatch(`WORK ${WORK_MS}\r\nPING :`)
    this.#done = new Int32Array(this.connections.length)
  }

  #works(connection: Connection): boolean {
    return connection.client < this.spec.senders
  }

  protected override takesArrivals(connection: Connection): boolean {
    return !this.#works(connection)
  }

  protected override ask(
    connection: Connection,
    count: number,
    nowNs: number,
    dueNs: number,
  ): void {
    if (!this.#works(connection)) return super.ask(connection, count, nowNs, dueNs)
    const lengthBytes = this.requests.write(connection, count, nowNs, dueNs, this.#batch)
    this.wire.send(connection, this.#batch.memory, lengthBytes)
  }

  protected override answered(connection: Connection, nowNs: number): void {
    if (!this.#works(connection)) return super.answered(connection, nowNs)
    if (!this.requests.enter(connection, nowNs)) return
    this.beside.enter(this.requests.serviceNs)
    const { local } = connection
    const expected = this.ledger.next[local]!
    // One that is missing, or too many, is one mistake, not one for each that follows.
    const isDone = this.#done[local] === expected && this.requests.serviceNs >= WORK_NS_MIN
    if (!isDone) this.ledger.corrupt++
    this.#done[local] = expected
  }

  protected override readOther(connection: Connection, nowNs: number): void {
    const { inbox, line } = this
    const isDone =
      line.command === lines.WORK &&
      lines.textOf(inbox.bytes, line.lastStart, line.end) === String(WORK_MS)
    if (isDone && this.#works(connection)) this.#done[connection.local]!++
    else super.readOther(connection, nowNs)
  }

  protected override timesOf(connection: Connection): TimeHistogram {
    return this.#works(connection) ? this.beside.times : super.timesOf(connection)
  }
}
