// For Bencher (https://bencher.dev), which keeps a history of figures and tests new ones against it:
// `bencher run --adapter json --file FILE`. Bencher Metric Format is an object of benchmarks, each an
// object of measures (https://bencher.dev/docs/reference/bencher-metric-format). `throughput` is one of the
// measures that every project there has, in operations/s; the others are made at their first use, without a
// unit, so that their names end with it.

import type { Results } from '../schema.ts'
import { measuresOf } from './measures.ts'
import { slugOf } from './text.ts'

export function bencherReport(results: Results): string {
  const benchmarks = measuresOf(results).map(({ name, measures }) => [
    name,
    Object.fromEntries(
      measures.map(({ name: measure, unit, value, interval, better }) => [
        better === 'bigger' ? slugOf(measure) : slugOf(`${measure} ${unit}`),
        { value, ...(interval && { lower_value: interval.low, upper_value: interval.high }) },
      ]),
    ),
  ])
  return `${JSON.stringify(Object.fromEntries(benchmarks), null, 2)}\n`
}
