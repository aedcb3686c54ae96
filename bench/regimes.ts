// The regime map: which model is the best one where. A run with several numbers of clients and several of senders
// is a field of points; each of them has a winner, or none, by throughput and by the 99th percentile of the times.
// Nobody wins where intervals overlap. Pure.

import type { Transport, WorkloadName } from '../clients/load/contract.ts'
import { loadName, usable } from './points.ts'
import type { Point, Results, SendersChoice } from './schema.ts'
import { sendersOf } from './senders.ts'
import type { Interval } from './statistics.ts'
import { intervalOfMedian } from './statistics.ts'

/** The field of one workload. */
export interface RegimeMap {
  readonly workload: WorkloadName
  readonly transport: Transport
  /** `mix`, or `mix over unix`. */
  readonly name: string
  /** Its columns. */
  readonly clients: readonly number[]
  /** Its rows, as they were asked for. */
  readonly senders: readonly SendersChoice[]
  /** Row by row. */
  readonly cells: readonly (readonly RegimeCell[])[]
}

export interface RegimeCell {
  readonly clients: number
  /** How many of the clients these are. */
  readonly senders: number
  /** Most operations per second. */
  readonly throughput: Regime
  /** Of the same clients, the shortest 99th percentile of their times. */
  readonly p99: Regime
}

export interface Regime {
  /** The model that is better than all others, or null: then nobody is. */
  readonly best: string | null
  /** Those whom nobody else is better than; one where there is a best, none where nothing was measured. */
  readonly leaders: readonly string[]
}

/** Fewer rows or columns are a list of tables, and no map. */
const SIDE_MIN = 2

/** One for each workload with at least two numbers of clients and two of senders. */
export function regimesOf({ points, config }: Pick<Results, 'points' | 'config'>): RegimeMap[] {
  if (config.senders.length < SIDE_MIN) return []
  const fields = new Map<string, Point[]>()
  for (const point of points.filter(({ senders }) => senders > 0)) {
    const name = loadName(point)
    fields.set(name, [...(fields.get(name) ?? []), point])
  }
  return [...fields]
    .map(([name, field]) => mapOf(name, field, config.senders))
    .filter(({ clients }) => clients.length >= SIDE_MIN)
}

function mapOf(
  name: string,
  field: readonly Point[],
  choices: readonly SendersChoice[],
): RegimeMap {
  const { workload, transport } = field[0]!
  const sizes = [...new Set(field.map(({ clients }) => clients))].toSorted((a, b) => a - b)
  const cells = choices.map((choice) => sizes.map((size) => cellOf(field, size, choice)))
  return { workload, transport, name, clients: sizes, senders: choices, cells }
}

function cellOf(field: readonly Point[], clients: number, choice: SendersChoice): RegimeCell {
  const senders = sendersOf(choice, clients)
  const points = field.filter((point) => point.clients === clients && point.senders === senders)
  return {
    clients,
    senders,
    throughput: regimeOf(points, throughputOf),
    p99: regimeOf(points, promptnessOf),
  }
}

/** Whoever lies below nobody leads; whoever leads alone is the best. */
function regimeOf(points: readonly Point[], intervalOf: (point: Point) => Interval | null): Regime {
  const known = points.flatMap((point) => {
    const interval = intervalOf(point)
    return interval ? [{ model: point.model, ...interval }] : []
  })
  const highestLow = Math.max(...known.map(({ low }) => low))
  const leaders = known.filter(({ high }) => high >= highestLow).map(({ model }) => model)
  return { best: leaders.length === 1 ? leaders[0]! : null, leaders }
}

/** What the generator was the limit of may be anything from there on. */
function throughputOf(point: Point): Interval | null {
  const { low, high } = usable(point)?.throughputPerS ?? { low: null, high: null }
  if (low === null || high === null) return null
  return { low, high: point.status === 'lower-bound' ? Infinity : high }
}

/** One over the 99th percentile of each repeat that had times enough for one, so that more is better here, too. */
function promptnessOf(point: Point): Interval | null {
  if (point.status !== 'valid') return null
  const p99s = point.repeats.flatMap(({ load }) => load?.serviceTime.p99Ns ?? [])
  return intervalOfMedian(p99s.map((ns) => 1e9 / ns))
}
