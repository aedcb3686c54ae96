// How long a run still takes: from what its tasks have taken so far, and for those that nothing is known of
// yet from what they were expected to take, corrected by how wrong that was for the others. Pure; the clock
// is an argument.

import { mean, sum } from 'simple-statistics'

export interface Task {
  /** Tasks of one kind take about as long as each other. */
  readonly kind: string
  /** What it is expected to take as long as none of its kind is done; only the proportions matter much. */
  readonly expectedMs: number
}

/** As if so much had been measured already, and been as expected: one odd task proves little. */
const PRIOR_MS = 2000
/** The part of a surprise that is believed at once. The rest is, should it go on being one. */
const BELIEVED = 0.5

/** Tasks are done in the order of the list. */
export class TimeLeft {
  readonly #tasks: readonly Task[]
  readonly #tookMs = new Map<string, number[]>()
  #done = 0
  #begunAtMs: number | null = null
  #measuredMs = PRIOR_MS
  #expectedMs = PRIOR_MS
  /** The moment that was last said to be the end: it moves by half of what each task tells. */
  #endMs: number | null = null

  constructor(tasks: readonly Task[]) {
    this.#tasks = tasks
  }

  begin(nowMs: number): void {
    this.#begunAtMs = nowMs
    this.#endMs ??= nowMs + this.#restMs()
  }

  end(nowMs: number): void {
    const task = this.#tasks[this.#done]
    if (task && this.#begunAtMs !== null) {
      const tookMs = nowMs - this.#begunAtMs
      this.#tookMs.set(task.kind, [...(this.#tookMs.get(task.kind) ?? []), tookMs])
      this.#measuredMs += tookMs
      this.#expectedMs += task.expectedMs
    }
    this.#done++
    this.#begunAtMs = null
    if (this.#endMs !== null) this.#endMs += (nowMs + this.#restMs() - this.#endMs) * BELIEVED
  }

  /** The next task is not done after all, which leaves no doubt. */
  skip(): void {
    const withIt = this.#restMs()
    this.#done++
    if (this.#endMs !== null) this.#endMs -= withIt - this.#restMs()
  }

  /** Falls as the clock goes on, and changes by little when a task ends. Null before the first begins. */
  leftMs(nowMs: number): number | null {
    if (this.#endMs === null) return null
    return Math.max(0, this.#endMs - nowMs)
  }

  /** Of the tasks that have not ended. */
  #restMs(): number {
    const pace = this.#measuredMs / this.#expectedMs
    const rest = this.#tasks.slice(this.#done).map(({ kind, expectedMs }) => {
      const took = this.#tookMs.get(kind)
      return took ? mean(took) : expectedMs * pace
    })
    return rest.length > 0 ? sum(rest) : 0
  }
}
