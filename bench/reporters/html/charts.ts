// What the charts show: figures of points, in the unit that stands at the axis. Only usable figures are
// drawn; what is not in a chart is in the table below it, with its reason. Pure.

import { timesAt } from '../../../clients/load/index.ts'
import { groupPoints, loadName, usable } from '../../points.ts'
import { throughputBy } from '../../scaling.ts'
import type { Point, Results, Summary } from '../../schema.ts'
import { WORKLOAD_WORDS } from '../../workloads.ts'
import type { Scale } from '../numbers.ts'
import { formatAmount, formatCount, scaleOfRates, scaleOfTimes } from '../numbers.ts'
import { inOrder } from '../tables.ts'
import type { Line, LinesChart, RatesChart, RatesRow, SharesChart, Tick } from './chart-option.ts'
import { groupBy, isOpen, throughputOf, timesName, timesOf } from './figures.ts'
import type { Look } from './looks.ts'

/** Throughput of the points of one table; null when none of them has a figure. */
export function ratesChart(group: readonly Point[], looks: readonly Look[]): RatesChart | null {
  const points = inOrder(group).filter((point) => usable(point) !== null)
  const [first] = points
  if (!first) return null
  const { unit, divisor } = scaleOfRates(points.map((point) => throughputOf(point).high))
  const axis = [unit, WORKLOAD_WORDS[first.workload].many, 'per second'].filter(Boolean).join(' ')
  return {
    kind: 'rates',
    axis,
    looks: looksIn(looks, points),
    rows: points.map((point) => ratesRow(point, axis, { unit, divisor })),
  }
}

function ratesRow(point: Point, axis: string, { unit, divisor }: Scale): RatesRow {
  const { median, low, high } = throughputOf(point)
  const show = (value: number) => formatAmount(value / divisor)
  const repeats = point.repeats.flatMap(({ throughputPerS }) => throughputPerS ?? [])
  const figure = `${point.status === 'lower-bound' ? '≥ ' : ''}${show(median)}`
  const hasInterval = repeats.length > 1
  const scaled = scaledBy(divisor)
  return {
    model: point.model,
    median: scaled(median),
    low: scaled(low),
    high: scaled(high),
    repeats: repeats.length > DOTS_MAX ? [] : repeats.map(scaled),
    text: `${figure}${unit && ` ${unit}`}${hasInterval ? ` (${show(low)}–${show(high)})` : ''}`,
    facts: [
      `${figure} ${axis}`,
      ...(hasInterval ? [`interval ${show(low)} to ${show(high)}`] : []),
      repeats.length > DOTS_MAX
        ? `of ${repeats.length} repeats`
        : `repeats: ${repeats.map(show).join(', ')}`,
    ],
  }
}

/** More dots would be a line, which the interval is already. */
const DOTS_MAX = 30

/** Five digits: more cannot be seen, and cost room. */
function scaledBy(divisor: number): (value: number) => number {
  return (value) => Number((value / divisor).toPrecision(5))
}

/** Of so many times at least ten must lie above a percentile, or it is one of them by chance. */
const SAMPLES_ABOVE_MIN = 10
/** In decades of what lies above: 1 is the 90th percentile, 2 the 99th. */
const STEP = 0.2

const PERCENTILE_TICKS: readonly Tick[] = [
  { at: 0, text: '0 %' },
  { at: -Math.log10(0.5), text: '50 %' },
  { at: 1, text: '90 %' },
  { at: 2, text: '99 %' },
  { at: 3, text: '99.9 %' },
  { at: 4, text: '99.99 %' },
  { at: 5, text: '99.999 %' },
]

/** Percentiles that are shown as figures, in the table below the curves. */
export const PERCENTILES = [50, 90, 99, 99.9, 99.99] as const

/** Null where there are fewer samples than it takes. */
export function percentileNs({ count, hdr }: Summary['serviceTime'], percentile: number) {
  const above = count * (1 - percentile / 100)
  return above >= SAMPLES_ABOVE_MIN - 1e-6 ? (timesAt(hdr, [percentile])[0] ?? null) : null
}

/** Service times over percentiles; null when no point has enough of them. */
export function percentilesChart(
  group: readonly Point[],
  looks: readonly Look[],
): LinesChart | null {
  const points = inOrder(group).filter((point) => (timesOf(point)?.count ?? 0) >= 100)
  if (points.length === 0) return null
  const times = points.flatMap((point) => timesOf(point) ?? [])
  const scale = scaleOfTimes(times.map(({ p99Ns, p50Ns }) => p99Ns ?? p50Ns))
  const lines = points.map((point) => curveOf(point, scale.divisor))
  const decades = Math.max(...lines.map(({ points: all }) => all.at(-1)?.[0] ?? 0))
  return {
    kind: 'lines',
    axis: `${timesName(points[0]!)}, ${scale.unit}`,
    unit: scale.unit,
    xAxis: 'percentile: so many of all requests took no longer',
    xTicks: PERCENTILE_TICKS.filter(({ at }) => at <= Math.max(1, Math.ceil(decades - 0.05))),
    isLogarithmic: true,
    lines,
    looks: looksIn(looks, points),
  }
}

function curveOf(point: Point, divisor: number): Line {
  const { count, hdr } = timesOf(point)!
  const decades = Math.log10(count / SAMPLES_ABOVE_MIN)
  const steps = Math.floor(decades / STEP + 1e-9)
  const xs = Array.from({ length: steps + 1 }, (_, i) => Number((i * STEP).toFixed(1)))
  const ys = timesAt(
    hdr,
    xs.map((x) => (1 - 10 ** -x) * 100),
  )
  const points = xs.map((x, i) => [x, Number(((ys[i] ?? 0) / divisor).toPrecision(4))] as const)
  return {
    model: point.model,
    points,
    marked: xs.flatMap((x, i) => (x > 0 && Number.isInteger(x) ? [i] : [])),
  }
}

/** One figure against the number of clients; null unless a model was run with several numbers. */
export function clientsChart(
  points: readonly Point[],
  looks: readonly Look[],
  figure: { readonly name: string; readonly unit: string; readonly divisor: number },
  valueOf: (summary: Summary) => number | null,
  laws: readonly Scaling[] = [],
): LinesChart | null {
  const lines = looks.flatMap(({ model }) => {
    const own = points
      .filter((point) => point.model === model)
      .flatMap((point) => {
        const summary = usable(point)
        const value = summary && valueOf(summary)
        return value ? [[Math.log10(point.clients), value / figure.divisor] as const] : []
      })
      .toSorted(([a], [b]) => a - b)
    return own.length > 1 ? [{ model, points: own, marked: own.map((_, i) => i) }] : []
  })
  if (lines.length === 0) return null
  const predicted = laws.flatMap((law) => predictedLine(law, figure.divisor))
  const sizes = [...new Set(points.map(({ clients }) => clients))].toSorted((a, b) => a - b)
  const values = lines.flatMap(({ points: all }) => all.map(([, y]) => y))
  return {
    kind: 'lines',
    axis: figure.name,
    unit: figure.unit,
    xAxis: 'clients',
    xTicks: sizes.map((size) => ({ at: Math.log10(size), text: formatCount(size) })),
    // Where models differ by more than a man can see on one ruler.
    isLogarithmic: Math.max(...values) > 30 * Math.min(...values),
    lines: [...lines, ...predicted],
    looks: looks.filter(({ model }) => lines.some((line) => line.model === model)),
  }
}

type Scaling = Results['scaling'][number]

/** So many points make a curve. */
const CURVE_POINTS = 24

/** The scalability law between the smallest and the largest size; none where it must not be relied on. */
function predictedLine(law: Scaling, divisor: number): Line[] {
  const { lambdaPerS, sigma, kappa, measuredClients, doubt, model } = law
  if (doubt !== null || lambdaPerS === null || sigma === null || kappa === null) return []
  const [from, to] = [Math.min(...measuredClients), Math.max(...measuredClients)].map(Math.log10)
  const points = Array.from({ length: CURVE_POINTS }, (_, i) => {
    const x = from! + ((to! - from!) * i) / (CURVE_POINTS - 1)
    const perS = throughputBy({ lambdaPerS, sigma, kappa }, 10 ** x)
    return [Number(x.toFixed(4)), Number((perS / divisor).toPrecision(4))] as const
  })
  return [{ model, points, marked: [], isThin: true }]
}

/** Who is how far behind, in every workload at once; null when nothing was measured. */
export function overviewChart(
  points: readonly Point[],
  looks: readonly Look[],
): SharesChart | null {
  // In an open loop all are asked for the same rate: who answers more tells nothing.
  const closed = points.filter((point) => !isOpen(point))
  const groups = overviewGroups(closed)
  if (groups.length === 0) return null
  const dots = groups.flatMap((group, row) => {
    const best = Math.max(...group.map((point) => (usable(point) ? throughputOf(point).median : 0)))
    return group.flatMap((point) => {
      const { median } = throughputOf(point)
      if (!usable(point) || median <= 0) return []
      const unit = WORKLOAD_WORDS[point.workload].many
      const share = Number((median / best).toPrecision(4))
      return [{ model: point.model, row, share, text: `${formatAmount(median)} ${unit}/s` }]
    })
  })
  return {
    kind: 'shares',
    axis: 'throughput as a share of the fastest model’s',
    rows: groups.map(([first]) => rowName(first!)),
    dots,
    looks: looksIn(looks, closed),
  }
}

/** More lines than this are no overview. */
const ROWS_MAX = 10

/** All tables with figures; where those are many, of each workload the one with the most clients. */
function overviewGroups(points: readonly Point[]): Point[][] {
  const groups = groupPoints(points).filter((group) => group.some((point) => usable(point)))
  if (groups.length <= ROWS_MAX) return groups
  const loads = groupBy(groups, ([first]) => loadName(first!))
  return [...loads.values()].map((own) =>
    own.reduce((largest, group) => (group[0]!.clients > largest[0]!.clients ? group : largest)),
  )
}

/** `mix · 50 clients, 5 compute`. */
function rowName(point: Point): string {
  const { workload, clients, senders } = point
  const { part } = WORKLOAD_WORDS[workload]
  const who = senders > 0 ? `, ${formatCount(senders)} ${senders === 1 ? part.one : part.many}` : ''
  return `${loadName(point)} · ${formatCount(clients)} ${clients === 1 ? 'client' : 'clients'}${who}`
}

function looksIn(looks: readonly Look[], points: readonly Point[]): Look[] {
  return looks.filter(({ model }) => points.some((point) => point.model === model && usable(point)))
}
