// For github-action-benchmark (https://github.com/benchmark-action/github-action-benchmark), which keeps a
// history of figures, draws it, and comments on a commit that makes them worse. A file of its generic JSON
// format holds either figures of which more is better or figures of which less is better; its input `tool`
// says which, so there are two formats. The shape is in its README, "customBiggerIsBetter".

import type { Results } from '../schema.ts'
import type { Measure, MeasuredPoint } from './measures.ts'
import { measuresOf } from './measures.ts'

/** `tool: customBiggerIsBetter`: throughput. */
export function biggerIsBetterReport(results: Results): string {
  return entries(results, 'bigger')
}

/** `tool: customSmallerIsBetter`: times, CPU time and memory. */
export function smallerIsBetterReport(results: Results): string {
  return entries(results, 'smaller')
}

function entries(results: Results, better: Measure['better']): string {
  const list = measuresOf(results).flatMap((point) =>
    point.measures
      .filter((measure) => measure.better === better)
      .map((measure) => entryOf(point, measure)),
  )
  return `${JSON.stringify(list, null, 2)}\n`
}

/** `range` is half the width of the interval; the action shows it as it stands. */
function entryOf(
  { name: point, repeats }: MeasuredPoint,
  { name, unit, value, interval }: Measure,
) {
  return {
    name: `${point} · ${name}`,
    unit,
    value,
    ...(interval && { range: `± ${(interval.high - interval.low) / 2}` }),
    extra: `repeats: ${repeats}`,
  }
}
