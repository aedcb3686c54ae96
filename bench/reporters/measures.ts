// What tools for continuous benchmarking are told of a point: each figure with its unit, its
// interval, and whether more of it is better. Only of valid points: a history in which some figures are
// lower bounds, or wrong, raises alarms about nothing.

import { pointName } from '../points.ts'
import type { Point, Results, Summary } from '../schema.ts'
import type { Interval } from '../statistics.ts'
import { WORKLOAD_WORDS } from '../workloads.ts'

export interface Measure {
  /** In words: `service time p99`. */
  readonly name: string
  readonly unit: string
  readonly value: number
  /** Of the median, 95 %; null for a single repeat, and for figures that are of all repeats together. */
  readonly interval: Interval | null
  readonly better: 'bigger' | 'smaller'
}

export interface MeasuredPoint {
  readonly name: string
  readonly repeats: number
  readonly measures: readonly Measure[]
}

/** The valid points, in their order. */
export function measuresOf({ points }: Results): MeasuredPoint[] {
  return points.flatMap((point) => {
    const { status, summary } = point
    if (status !== 'valid' || summary === null) return []
    return [
      {
        name: pointName(point),
        repeats: summary.repeats,
        measures: [throughput(point, summary), ...costs(summary)],
      },
    ]
  })
}

function throughput({ workload }: Point, { throughputPerS }: Summary): Measure {
  const { median, low, high } = throughputPerS
  return {
    name: 'throughput',
    unit: `${WORKLOAD_WORDS[workload].many}/s`,
    value: median,
    interval: low === null || high === null ? null : { low, high },
    better: 'bigger',
  }
}

/** Figures that could not be measured are left out. */
function costs(summary: Summary): Measure[] {
  const { responseTime, serviceTime, firstAnswerTime, beside } = summary
  const figures = [
    ['response time p50', 'µs', us(responseTime?.p50Ns)],
    ['response time p99', 'µs', us(responseTime?.p99Ns)],
    ['service time p50', 'µs', us(serviceTime.p50Ns)],
    ['service time p99', 'µs', us(serviceTime.p99Ns)],
    ['first answer time p50', 'µs', us(firstAnswerTime?.p50Ns)],
    ['service time beside p50', 'µs', us(beside?.serviceTime.p50Ns)],
    ['CPU per operation', 'µs', summary.cpuUsPerOperation],
    ['memory per client', 'KiB', summary.memoryKibPerClient],
  ] as const
  return figures.flatMap(([name, unit, value]) =>
    value === null ? [] : [{ name, unit, value, interval: null, better: 'smaller' }],
  )
}

function us(ns: number | null | undefined): number | null {
  return typeof ns === 'number' ? ns / 1000 : null
}
