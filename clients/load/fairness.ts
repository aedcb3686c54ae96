// How evenly a server answers its clients. Nothing is counted for it: each client's answers are numbered anyway, so
// their numbers when the window begins and when it ends say what everybody got in between.

import { median } from 'simple-statistics'
import type { Connection } from './connection.ts'
import type { Fairness } from './contract.ts'

/** What each client of one thread got within the measured window. */
export class Shares {
  readonly #connections: readonly Connection[]
  /** How many answers a client has got so far; null for one whose answers are not counted. */
  readonly #answersOf: (connection: Connection) => number | null
  #before: readonly (number | null)[] = []
  /** When the window has ended. */
  answers: readonly number[] = []

  constructor(
    connections: readonly Connection[],
    answersOf: (connection: Connection) => number | null,
  ) {
    this.#connections = connections
    this.#answersOf = answersOf
  }

  windowBegins(): void {
    this.#before = this.#connections.map(this.#answersOf)
  }

  windowEnds(): void {
    this.answers = this.#connections.flatMap((connection, i) => {
      const now = this.#answersOf(connection)
      return now === null ? [] : [now - (this.#before[i] ?? 0)]
    })
  }
}

/**
 * Of what all clients of a run got. Jain, Chiu and Hawe, A Quantitative Measure of Fairness and Discrimination for
 * Resource Allocation in Shared Computer Systems, 1984: (sum of x)² / (n × sum of x²).
 */
export function fairnessOf(answers: readonly number[]): Fairness | null {
  const sum = answers.reduce((total, x) => total + x, 0)
  if (answers.length < 2 || sum === 0) return null
  const squares = answers.reduce((total, x) => total + x * x, 0)
  const worst = Math.min(...answers)
  return {
    jain: (sum * sum) / (answers.length * squares),
    worstOverMedian: worst === 0 ? 0 : worst / median([...answers]),
  }
}
