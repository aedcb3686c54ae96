// Workload `wait`: every client has the server wait for something, as for a disk, again and again: WAIT, and a PING
// behind it. A server that can wait for many at a time answers each of them as often as if it were alone.

import type { Task } from './drive.ts'
import { WAIT_MS } from './contract.ts'
import { LabDriver } from './lab.ts'
import { WAIT } from './lines.ts'

export class WaitDriver extends LabDriver {
  constructor(task: Task) {
    super(task, { command: WAIT, word: 'WAIT', ms: WAIT_MS })
  }

  protected override asksTheLab(): boolean {
    return true
  }

  protected override labAnswered(ns: number): void {
    this.operations++
    this.service.record(ns)
  }
}
