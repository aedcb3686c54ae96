// Workload `mix`: as `ping`, but a few of the clients make the server compute: they send WORK and a PING behind
// it. What is measured first is what all the others feel: their PINGs. The WORKs are counted and timed beside.

import { Beside } from './beside.ts'
import type { Connection } from './connection.ts'
import type { Task } from './drive.ts'
import { LabDriver } from './lab.ts'
import { WORK } from './lines.ts'
import type { TimeHistogram } from './times.ts'

export class MixDriver extends LabDriver {
  protected override readonly beside = new Beside()

  constructor(task: Task) {
    super(task, { command: WORK, word: 'WORK', ms: task.spec.workMs })
  }

  protected override asksTheLab(connection: Connection): boolean {
    return connection.client < this.spec.senders
  }

  protected override labAnswered(ns: number): void {
    this.beside.enter(ns)
  }

  protected override takesArrivals(connection: Connection): boolean {
    return !this.asksTheLab(connection)
  }

  protected override answersOf(connection: Connection): number | null {
    return this.asksTheLab(connection) ? null : super.answersOf(connection)
  }

  protected override timesOf(connection: Connection): TimeHistogram {
    return this.asksTheLab(connection) ? this.beside.times : super.timesOf(connection)
  }
}
