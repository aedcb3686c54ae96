// How long a run still takes: from what its tasks have taken so far, and for those that nothing is known of
// yet from what they were expected to take, corrected by how wrong that was for the others. Pure; the clock
// is an argument.

import { mean } from 'simple-statistics'

export interface Task {
  /** Tasks of one kind take about as long as each other. */
  readonly kind: string
  /** What it is expected to take as long as none of its kind is done; null when nobody knows. */
  readonly expectedMs: number | null
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

  /** The next task begins, or a part of it. */
  begin(nowMs: number): void {
    this.#begunAtMs ??= nowMs
    this.#endMs ??= this.#endFrom(nowMs)
  }

  end(nowMs: number): void {
    const task = this.#tasks[this.#done]
    if (task && this.#begunAtMs !== null) {
      const tookMs = nowMs - this.#begunAtMs
      this.#tookMs.set(task.kind, [...(this.#tookMs.get(task.kind) ?? []), tookMs])
      this.#measuredMs += task.expectedMs === null ? 0 : tookMs
      this.#expectedMs += task.expectedMs ?? 0
    }
    this.#done++
    this.#begunAtMs = null
    const end = this.#endFrom(nowMs)
    this.#endMs = this.#endMs === null || end === null ? end : mix(this.#endMs, end)
  }

  /** The next task is not done after all, which leaves no doubt. */
  skip(): void {
    const withIt = this.#restMs()
    this.#done++
    const withoutIt = this.#restMs()
    if (this.#endMs !== null && withIt !== null && withoutIt !== null) {
      this.#endMs -= withIt - withoutIt
    }
  }

  /** Falls as the clock goes on, and changes by little when a task ends. Null while nobody knows. */
  leftMs(nowMs: number): number | null {
    if (this.#endMs === null) return null
    return Math.max(0, this.#endMs - nowMs)
  }

  #endFrom(nowMs: number): number | null {
    const restMs = this.#restMs()
    return restMs === null ? null : nowMs + restMs
  }

  /** Of the tasks that have not ended. Null when of one of them nothing is known. */
  #restMs(): number | null {
    const pace = this.#measuredMs / this.#expectedMs
    let restMs = 0
    for (const { kind, expectedMs } of this.#tasks.slice(this.#done)) {
      const took = this.#tookMs.get(kind)
      if (!took && expectedMs === null) return null
      restMs += took ? mean(took) : expectedMs! * pace
    }
    return restMs
  }
}

function mix(saidMs: number, knownMs: number): number {
  return saidMs + (knownMs - saidMs) * BELIEVED
}
