// From repeats to points: medians and merged histograms, a verdict, and a rank among those that may be
// compared. Pure, apart from the memory that merging histograms takes and gives back.

import type { Transport, WorkloadName } from '../clients/load/contract.ts'
import { mergeTimes } from '../clients/load/index.ts'
import type { PlannedPoint } from './plan.ts'
import type { Asked } from './precision.ts'
import { whyStopped } from './precision.ts'
import type { Fault, Point, Repeat, Summary, Transcript } from './schema.ts'
import type { Interval } from './statistics.ts'
import { medianOf, rankIntervals, spreadOf } from './statistics.ts'
import { partOf } from './workloads.ts'
import { cpuShareOf, fault, statusOf } from './verdict.ts'

/** One planned point and what was measured of it, which is nothing where it cannot be run. */
export interface MeasuredPoint {
  readonly planned: PlannedPoint
  readonly repeats: readonly Repeat[]
}

/** Left out: whatever there is was all that was asked for. */
const AS_MANY_AS_THERE_ARE: Asked = { repeats: 1, precisionShare: null }

/** Points with their verdicts and ranks, in the order they came. None is left out. */
export function judgePoints(
  measured: readonly MeasuredPoint[],
  equivalence: readonly Transcript[],
  asked: Asked = AS_MANY_AS_THERE_ARE,
): Point[] {
  const points = measured.map(({ planned, repeats }) => {
    const transcript = equivalence.find(({ model }) => model === planned.model.name)
    return judgePoint(planned, repeats, transcript, asked)
  })
  // Without accounting nobody knows whether it was the same work.
  return measured.every(({ planned }) => planned.accounting) ? withRanks(points) : points
}

/**
 * `room · thread · 16 clients, 4 of them speak`, in an open loop with its rate behind it: what a point is called
 * in words.
 */
export function pointName({ model, ...rest }: PointIdentity): string {
  return [loadName(rest), model, ...sizeNames(rest)].join(' · ')
}

/** `ping · 16 clients`, and the rate: what those points have in common that are compared. */
export function tableName(point: Omit<PointIdentity, 'model'>): string {
  return [loadName(point), ...sizeNames(point)].join(' · ')
}

function sizeNames(point: Omit<PointIdentity, 'model'>): string[] {
  const { clients, ratePerS } = point
  const size = `${clients} ${clients === 1 ? 'client' : 'clients'}${partOf(point)}`
  return ratePerS === null ? [size] : [size, rateName(ratePerS)]
}

/** `at 5,000/s`. */
export function rateName(ratePerS: number): string {
  return `at ${ratePerS.toLocaleString('en-US', { maximumFractionDigits: 3 })}/s`
}

/** `ping`, or `ping over unix`: TCP goes without saying. */
export function loadName({
  workload,
  transport,
}: Pick<PointIdentity, 'workload' | 'transport'>): string {
  return transport === 'tcp' ? workload : `${workload} over ${transport}`
}

export interface PointIdentity {
  readonly workload: WorkloadName
  readonly transport: Transport
  readonly model: string
  readonly clients: number
  /** Null in a closed loop. */
  readonly ratePerS: number | null
  readonly senders: number
}

function judgePoint(
  planned: PlannedPoint,
  repeats: readonly Repeat[],
  transcript: Transcript | undefined,
  asked: Asked,
): Point {
  const { model, workload, transport, clients, senders, arrivals, ratePerS, cannot } = planned
  const faults = [...faultsOfTranscript(transcript), ...faultsOfRepeats(repeats)]
  const summary = summarize(repeats)
  return {
    workload: workload.name,
    transport,
    model: model.name,
    clients,
    senders,
    arrivals,
    ratePerS,
    clientsAtOnce: Number.isFinite(model.clientsAtOnce) ? model.clientsAtOnce : null,
    status: cannot ? 'cannot' : statusOf(faults, summary, repeats.length),
    faults,
    cannot,
    rank: null,
    rankShared: false,
    stoppedBy: cannot ? null : whyStopped(repeats, asked, faults.length > 0),
    summary,
    repeats: [...repeats],
  }
}

/** A model that answers differently does other work, and nothing it does can be compared. */
function faultsOfTranscript(transcript: Transcript | undefined): Fault[] {
  if (!transcript || transcript.same) return []
  return [fault('transcript-differs', `answers differently: ${transcript.difference}`)]
}

/** Each fault once, with the repeat it was first seen in. */
function faultsOfRepeats(repeats: readonly Repeat[]): Fault[] {
  const seen = new Map<string, Fault>()
  for (const { repeat, faults } of repeats) {
    for (const { kind, text } of faults) {
      if (!seen.has(kind)) seen.set(kind, fault(kind, `${text} (repeat ${repeat})`))
    }
  }
  return [...seen.values()]
}

/** Null when no repeat came to its end. */
function summarize(repeats: readonly Repeat[]): Summary | null {
  const runs = repeats.flatMap((repeat) => (repeat.load ? [{ ...repeat, load: repeat.load }] : []))
  if (runs.length === 0) return null
  const loads = runs.map(({ load }) => load)
  const responses = loads.flatMap(({ responseTime }) => responseTime?.hdr ?? [])
  const firstAnswers = loads.flatMap(({ firstAnswerTime }) => firstAnswerTime?.hdr ?? [])
  return {
    repeats: runs.length,
    throughputPerS: spreadOf(runs.map(({ throughputPerS }) => throughputPerS ?? 0)),
    serviceTime: mergeTimes(loads.map(({ serviceTime }) => serviceTime.hdr)),
    responseTime: responses.length > 0 ? mergeTimes(responses) : null,
    schedule: summarizeSchedule(loads),
    receivers: summarizeReceivers(loads),
    firstAnswerTime: firstAnswers.length > 0 ? mergeTimes(firstAnswers) : null,
    beside: summarizeBeside(loads),
    fairness: summarizeFairness(loads),
    slow: summarizeSlow(loads),
    capacity: summarizeCapacity(runs),
    crash: summarizeCrash(runs),
    // The fewest: a repeat in which somebody was left out must not hide behind the others.
    served: Math.min(...loads.map(({ served }) => served)),
    cpuUsPerOperation: medianOf(runs.map(cpuUsPerOperation)),
    memoryKibPerClient: medianOf(runs.map(memoryKibPerClient)),
    memoryIsRss: runs.some(({ resources }) => resources?.memoryIsRss),
    processes: maxOf(runs.map(({ resources }) => resources?.processes)),
    threads: maxOf(runs.map(({ resources }) => resources?.threads)),
    generatorBusyShare: medianOf(loads.map(({ generator }) => generator.busyShare)) ?? 0,
    generatorCpuShare: medianOf(loads.map(cpuShareOf)),
    ledger: sumLedgers(loads),
    errors: sum(loads.flatMap(({ errors }) => Object.values(errors))),
  }
}

function summarizeSchedule(loads: readonly Measured['load'][]): Summary['schedule'] {
  const all = loads.flatMap(({ schedule }) => schedule ?? [])
  if (all.length === 0) return null
  return {
    offeredPerS: medianOf(all.map(({ offeredPerS }) => offeredPerS)) ?? 0,
    sentPerS: medianOf(all.map(({ sentPerS }) => sentPerS)) ?? 0,
    lag: mergeTimes(all.map(({ lag }) => lag.hdr)),
  }
}

function summarizeReceivers(loads: readonly Measured['load'][]): Summary['receivers'] {
  const all = loads.flatMap(({ receivers }) => receivers ?? [])
  if (all.length === 0) return null
  return {
    first: mergeTimes(all.map(({ first }) => first.hdr)),
    median: mergeTimes(all.map(({ median }) => median.hdr)),
    last: mergeTimes(all.map(({ last }) => last.hdr)),
  }
}

function summarizeCapacity(runs: readonly Measured[]): Summary['capacity'] {
  const all = runs.flatMap(({ capacity }) => capacity ?? [])
  const [first] = all
  if (!first) return null
  return {
    ...first,
    ratePerS: medianOf(all.map(({ ratePerS }) => ratePerS)),
    lowestMissedPerS: medianOf(all.map(({ lowestMissedPerS }) => lowestMissedPerS)),
    generatorWasLimit: all.some(({ generatorWasLimit }) => generatorWasLimit),
  }
}

function summarizeBeside(loads: readonly Measured['load'][]): Summary['beside'] {
  const runs = loads.flatMap(({ beside, elapsedNs }) => (beside ? [{ ...beside, elapsedNs }] : []))
  if (runs.length === 0) return null
  return {
    throughputPerS: spreadOf(
      runs.map(({ operations, elapsedNs }) => (elapsedNs > 0 ? operations / (elapsedNs / 1e9) : 0)),
    ),
    serviceTime: mergeTimes(runs.map(({ serviceTime }) => serviceTime.hdr)),
  }
}

function summarizeFairness(loads: readonly Measured['load'][]): Summary['fairness'] {
  const jain = medianOf(loads.map(({ fairness }) => fairness?.jain ?? null))
  const worstOverMedian = medianOf(loads.map(({ fairness }) => fairness?.worstOverMedian ?? null))
  return jain === null || worstOverMedian === null ? null : { jain, worstOverMedian }
}

function summarizeSlow(loads: readonly Measured['load'][]): Summary['slow'] {
  const all = loads.flatMap(({ slow }) => slow ?? [])
  if (all.length === 0) return null
  const letGo: Record<string, number> = {}
  for (const [words, count] of all.flatMap((one) => Object.entries(one.letGo))) {
    letGo[words] = (letGo[words] ?? 0) + count
  }
  return { readers: sum(all.map(({ readers }) => readers)), letGo }
}

function summarizeCrash(runs: readonly Measured[]): Summary['crash'] {
  const all = runs.flatMap(({ crash }) => crash ?? [])
  if (all.length === 0) return null
  return {
    victims: sum(all.map(({ victims }) => victims)),
    othersLost: sum(all.map(({ othersLost }) => othersLost)),
    noticedMs: medianOfAll(all.map(({ noticedMs }) => noticedMs)),
    replacedMs: medianOfAll(all.map(({ replacedMs }) => replacedMs)),
  }
}

/** Null when one of them is. */
function medianOfAll(values: readonly (number | null)[]): number | null {
  return values.includes(null) ? null : medianOf(values)
}

type Measured = Repeat & { load: NonNullable<Repeat['load']> }

function cpuUsPerOperation({ load, resources }: Measured): number | null {
  if (!resources || load.operations === 0) return null
  return (resources.cpuMs * 1000) / load.operations
}

/** What the tree holds more than when it was idle, for each client that it served. */
function memoryKibPerClient({ load, resources }: Measured): number | null {
  const { heldMemoryKib = null, idleMemoryKib = null } = resources ?? {}
  if (heldMemoryKib === null || idleMemoryKib === null || load.served === 0) return null
  return (heldMemoryKib - idleMemoryKib) / load.served
}

function maxOf(values: readonly (number | undefined)[]): number | null {
  const known = values.filter((value) => value !== undefined)
  return known.length > 0 ? Math.max(...known) : null
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function sumLedgers(loads: readonly Measured['load'][]): Summary['ledger'] {
  const total = (key: keyof Summary['ledger']) => sum(loads.map(({ ledger }) => ledger[key]))
  return {
    sent: total('sent'),
    received: total('received'),
    outstanding: total('outstanding'),
    lost: total('lost'),
    duplicated: total('duplicated'),
    reordered: total('reordered'),
    corrupt: total('corrupt'),
  }
}

/** A single repeat has no spread, and so nothing to tell a difference from chance by. */
export const REPEATS_RANKED_MIN = 2

/**
 * Ranks the valid points of each table among themselves. In an open loop there is nobody to rank by throughput: all
 * are asked for the same, and do it, or are saturated.
 */
function withRanks(points: readonly Point[]): Point[] {
  const ranked = [...points]
  for (const group of groupPoints(points)) {
    const rankable = group.filter(
      (point) =>
        point.arrivals === 'closed' && point.status === 'valid' && intervalOf(point) !== null,
    )
    const ranks = rankIntervals(rankable.flatMap((point) => intervalOf(point) ?? []))
    rankable.forEach((point, i) => {
      const { rank, shared } = ranks[i] ?? { rank: null, shared: false }
      ranked[points.indexOf(point)] = { ...point, rank, rankShared: shared }
    })
  }
  return ranked
}

/** A point's figures, if they may be used. Those of an invalid point stay in the file. */
export function usable({ status, summary }: Point): Summary | null {
  return status === 'valid' || status === 'lower-bound' ? summary : null
}

/** The interval of a point's throughput; null when there is no figure, or only one repeat. */
export function intervalOf(point: Point): Interval | null {
  const { low = null, high = null } = usable(point)?.throughputPerS ?? {}
  return low === null || high === null ? null : { low, high }
}

/** Points that belong into one table: the same workload, transport, size, number of senders and rate. */
export function groupPoints(points: readonly Point[]): Point[][] {
  const groups = new Map<string, Point[]>()
  for (const point of points) {
    const { clients, senders, arrivals, ratePerS } = point
    const key = [loadName(point), clients, senders, arrivals, ratePerS].join(' ')
    const group = groups.get(key)
    if (group) group.push(point)
    else groups.set(key, [point])
  }
  return [...groups.values()]
}
