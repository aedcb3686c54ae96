// What clients with a part of their own do meanwhile: counted and timed apart from what the others do.

import { TimeHistogram } from './times.ts'

export class Beside {
  /** Since the beginning. */
  operations = 0
  /** Within the measured window, once it has ended. */
  inWindow = 0
  readonly times = new TimeHistogram()

  enter(ns: number): void {
    this.operations++
    this.times.record(ns)
  }

  windowBegins(): void {
    this.times.reset()
    this.inWindow = -this.operations
  }

  windowEnds(): void {
    this.inWindow += this.operations
  }
}
