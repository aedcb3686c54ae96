// A run in the words of its progress: what there is to do, where a trial belongs, and what came out of it.

import type { Plan, PlannedModel, PlannedPoint, Trial } from './plan.ts'
import { estimateTrialMs, REPLAY_MS } from './plan.ts'
import type { PointIdentity } from './points.ts'
import { pointName, tableName } from './points.ts'
import type { Place } from './progress.ts'
import { formatAmount, scaleOfTimes } from './reporters/numbers.ts'
import type { Repeat } from './schema.ts'
import type { Task } from './time-left.ts'
import { WORKLOAD_WORDS } from './workloads.ts'

/** In the order in which they are done: the script for every model, then the trials. */
export function tasksOf(models: readonly PlannedModel[], { trials }: Plan): Task[] {
  return [
    ...models.map(() => ({ kind: 'replay', expectedMs: REPLAY_MS })),
    ...trials.map((trial) => ({
      kind: pointName(identityOf(trial.point)),
      expectedMs: estimateTrialMs(trial),
    })),
  ]
}

/** What names a point. */
export function identityOf(point: PlannedPoint): PointIdentity {
  const { model, workload, transport, clients, senders, ratePerS } = point
  return { model: model.name, workload: workload.name, transport, clients, senders, ratePerS }
}

/** In an open loop all are asked for the same, and nobody is the fastest. */
export function placeOf({ point, repeat }: Trial, repeats: number): Place {
  const table = point.ratePerS === null ? tableName(identityOf(point)) : null
  return { table, model: point.model.name, repeat: `repeat ${repeat} of ${repeats}` }
}

/** What came out of a trial, in words, and a figure to compare: null when it went wrong. */
export function outcomeOf({ faults, throughputPerS, load }: Repeat, point: PlannedPoint) {
  if (faults.length > 0 || throughputPerS === null) return { words: 'invalid', figure: null }
  const { many } = WORKLOAD_WORDS[point.workload.name]
  const rate = `${formatAmount(throughputPerS)} ${many}/s`
  if (point.ratePerS !== null) {
    const p99Ns = load?.responseTime?.p99Ns ?? null
    return { words: p99Ns === null ? rate : `${rate}, p99 ${formatTime(p99Ns)}` }
  }
  const table = tableName(identityOf(point))
  const figure = { table, model: point.model.name, perS: throughputPerS, unit: many }
  return { words: rate, figure }
}

function formatTime(ns: number): string {
  const { unit, divisor } = scaleOfTimes([ns])
  return `${formatAmount(ns / divisor)} ${unit}`
}
