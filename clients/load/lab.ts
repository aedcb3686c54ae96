// Requests to what a server has under --lab only: WORK or WAIT, with a PING behind it as their barrier, whose PONG
// is worth nothing unless the answer to the command stands before it. An answer that comes sooner than what was
// asked for can be done is a wrong one.

import type { Connection } from './connection.ts'
import type { Task } from './drive.ts'
import { textOf } from './lines.ts'
import { PingDriver } from './ping.ts'
import type { RequestBatch } from './requests.ts'

/** A server whose clock ticks in milliseconds may end one too soon. */
const TICK_MS = 1

/** What is sent before each PING. */
interface LabCommand {
  /** As a number of lines.ts. */
  readonly command: number
  readonly word: string
  readonly ms: number
}

export abstract class LabDriver extends PingDriver {
  readonly #command: LabCommand
  readonly #batch: RequestBatch
  /** Of each connection: answers to the command. */
  readonly #done: Int32Array

  constructor(task: Task, command: LabCommand) {
    super(task)
    this.#command = command
    this.#batch = this.requests.newBatch(`${command.word} ${command.ms}\r\nPING :`)
    this.#done = new Int32Array(this.connections.length)
  }

  /** Whether this client sends the command before each of its PINGs. */
  protected abstract asksTheLab(connection: Connection): boolean
  /** A command and its PING were answered, after so long. */
  protected abstract labAnswered(ns: number): void

  protected override ask(
    connection: Connection,
    count: number,
    nowNs: number,
    dueNs: number,
  ): void {
    if (!this.asksTheLab(connection)) return super.ask(connection, count, nowNs, dueNs)
    const lengthBytes = this.requests.write(connection, count, nowNs, dueNs, this.#batch)
    this.wire.send(connection, this.#batch.memory, lengthBytes)
  }

  protected override answered(connection: Connection, nowNs: number): void {
    if (!this.asksTheLab(connection)) return super.answered(connection, nowNs)
    if (!this.requests.enter(connection, nowNs)) return
    this.labAnswered(this.requests.serviceNs)
    const { local } = connection
    const expected = this.ledger.next[local]!
    // One that is missing, or too many, is one mistake, not one for each that follows.
    const leastNs = (this.#command.ms - TICK_MS) * 1e6
    const isDone = this.#done[local] === expected && this.requests.serviceNs >= leastNs
    if (!isDone) this.ledger.corrupt++
    this.#done[local] = expected
  }

  protected override readOther(connection: Connection, nowNs: number): void {
    const { inbox, line } = this
    const { command, ms } = this.#command
    const isDone =
      line.command === command && textOf(inbox.bytes, line.lastStart, line.end) === String(ms)
    if (isDone && this.asksTheLab(connection)) this.#done[connection.local]!++
    else super.readOther(connection, nowNs)
  }
}
