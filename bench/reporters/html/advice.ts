// Which model for which server: what somebody may need, and whom the ranks of this run put first for it.
// Ties are named as ties, and what was not measured as that. Pure.

import type { WorkloadName } from '../../../clients/load/contract.ts'
import { groupPoints, tableName, usable } from '../../points.ts'
import type { Point, Results } from '../../schema.ts'
import { rankIntervals, spreadOf } from '../../statistics.ts'
import { WORKLOAD_WORDS } from '../../workloads.ts'
import { formatAmount, formatCount, scaleOfTimes } from '../numbers.ts'
import { list } from '../text.ts'
import { groupBy, isOpen, throughputOf } from './figures.ts'

export interface Advice {
  /** What the server is to do. */
  readonly need: string
  /** Whom to use, all with the same right; empty when it is not known. */
  readonly use: readonly string[]
  /** The figures behind it, or why there is no answer. */
  readonly why: string
  /** A point of the table that says so; null when nothing was measured. */
  readonly from: Point | null
}

interface Need {
  readonly need: string
  readonly workload: WorkloadName
  readonly by: Measure
}

/** What is compared, higher is better; and how a figure of it reads. */
interface Measure {
  readonly valuesOf: (point: Point) => readonly number[]
  readonly describe: (median: number, point: Point) => string
  /** `times the next`, as a word for being better. */
  readonly better: string
}

const THROUGHPUT: Measure = {
  valuesOf: (point) => point.repeats.flatMap(({ throughputPerS }) => throughputPerS ?? []),
  describe: (_, point) =>
    `${formatAmount(throughputOf(point).median)} ${WORKLOAD_WORDS[point.workload].many}/s`,
  better: 'times as many as',
}

const TAIL: Measure = {
  valuesOf: ({ repeats }) =>
    repeats.flatMap(({ load }) => (load?.serviceTime.p99Ns ? 1 / load.serviceTime.p99Ns : [])),
  describe: (inverse) => {
    const { unit, divisor } = scaleOfTimes([1 / inverse])
    return `p99 ${formatAmount(1 / inverse / divisor)} ${unit}`
  },
  better: 'times shorter than',
}

const MEMORY: Measure = {
  valuesOf: ({ repeats }) =>
    repeats.flatMap(({ load, resources }) => {
      const { heldMemoryKib = null, idleMemoryKib = null } = resources ?? {}
      if (!load || load.served === 0 || heldMemoryKib === null || idleMemoryKib === null) return []
      const kib = (heldMemoryKib - idleMemoryKib) / load.served
      return kib > 0 ? 1 / kib : []
    }),
  describe: (inverse) =>
    1 / inverse >= 1000
      ? `${formatAmount(1 / inverse / 1024)} MiB per client`
      : `${formatAmount(1 / inverse)} KiB per client`,
  better: 'times less than',
}

/** In the order in which people meet them. */
const NEEDS: readonly Need[] = [
  { need: 'many small requests', workload: 'ping', by: THROUGHPUT },
  { need: 'short waits even at p99', workload: 'ping', by: TAIL },
  { need: 'one message to many people', workload: 'room', by: THROUGHPUT },
  { need: 'clients that come and go', workload: 'session', by: THROUGHPUT },
  { need: 'many clients that are mostly silent', workload: 'idle', by: THROUGHPUT },
  { need: 'little memory for each client', workload: 'idle', by: MEMORY },
  { need: 'clients beside others who compute', workload: 'mix', by: TAIL },
  { need: 'clients beside others who log in', workload: 'login', by: TAIL },
  { need: 'clients who wait for a disk', workload: 'wait', by: THROUGHPUT },
  { need: 'many requests in flight', workload: 'pipeline', by: THROUGHPUT },
  { need: 'listeners beside some who stop to read', workload: 'slow', by: THROUGHPUT },
  { need: 'pages over HTTP', workload: 'http', by: THROUGHPUT },
  { need: 'whole files', workload: 'file', by: THROUGHPUT },
]

export function adviceOf({ points }: Results): Advice[] {
  return NEEDS.map((need) => {
    const group = largestGroup(points, need.workload)
    return group ? advise(need, group) : { need: need.need, use: [], why: '', from: null }
  })
}

/** The largest size shows best what a model is for; TCP goes before other transports. */
function largestGroup(points: readonly Point[], workload: WorkloadName): Point[] | null {
  const own = points.filter(
    (point) => point.workload === workload && point.transport === 'tcp' && !isOpen(point),
  )
  const groups = groupPoints(own).filter((group) => group.some((point) => usable(point)))
  return groups.toSorted((a, b) => b[0]!.clients - a[0]!.clients)[0] ?? null
}

function advise({ need, by }: Need, group: readonly Point[]): Advice {
  const from = group[0]!
  const ranked = rankBy(by, group)
  const leaders = ranked.filter(({ rank }) => rank === 1)
  const best = leaders[0]
  if (!best) {
    return { need, use: [], why: 'Nothing is ranked here: that takes two repeats or more.', from }
  }
  const next = ranked.find(({ rank }) => rank !== 1)
  const figure = by.describe(best.median, best.point)
  const ahead = next
    ? `, ${factor(best.median / next.median)} ${by.better} ${next.point.model}`
    : ''
  const who = leaders.length > 1 ? `${best.point.model}: ` : ''
  return {
    need,
    use: leaders.map(({ point }) => point.model),
    why: [`${who}${figure}${ahead}, with ${groupSize(from)}.`, ...unrankedSentence(group, by)].join(
      ' ',
    ),
    from,
  }
}

interface Ranked {
  readonly point: Point
  readonly median: number
  readonly rank: number
}

/** Best first. Who served fewer clients than there were did less of what is needed. */
function rankBy({ valuesOf }: Measure, group: readonly Point[]): Ranked[] {
  const able = group
    .filter(
      ({ status, summary, clients }) => status === 'valid' && (summary?.served ?? 0) >= clients,
    )
    .map((point) => ({ point, values: valuesOf(point) }))
    .filter(({ values }) => values.length > 1)
  const spreads = able.map(({ values }) => spreadOf(values))
  const ranks = rankIntervals(
    spreads.flatMap(({ low, high }) => (low === null || high === null ? [] : { low, high })),
  )
  return able
    .map(({ point }, i) => ({ point, median: spreads[i]!.median, rank: ranks[i]!.rank }))
    .toSorted((a, b) => a.rank - b.rank || b.median - a.median)
}

/** The generator could do no more: nobody knows whether these are not the fastest. */
function unrankedSentence(group: readonly Point[], by: Measure): string[] {
  const bounded = group.filter(({ status }) => status === 'lower-bound')
  if (bounded.length === 0 || by !== THROUGHPUT) return []
  const figures = bounded.map((point) => `${point.model} at least ${by.describe(0, point)}`)
  return [`Not ranked, because the load generator was the limit: ${list(figures)}.`]
}

function factor(times: number): string {
  return times >= 10 ? formatAmount(Math.round(times)) : times.toFixed(times < 1.095 ? 2 : 1)
}

function groupSize({ clients }: Point): string {
  return `${formatCount(clients)} ${clients === 1 ? 'client' : 'clients'}`
}

/** Where an advice comes from, for a link. */
export function sourceOf({ from }: Advice): string | null {
  return from && tableName(from)
}

export interface Answer {
  readonly use: readonly string[]
  readonly needs: readonly string[]
}

/** The whole in few words: each set of models that is first for something, and for what. */
export function answersOf(advice: readonly Advice[]): Answer[] {
  const answered = advice.filter(({ use }) => use.length > 0)
  const groups = groupBy(answered, ({ use }) => use.join(' '))
  return [...groups.values()]
    .map((group) => ({ use: group[0]!.use, needs: group.map(({ need }) => need) }))
    .toSorted((a, b) => b.needs.length - a.needs.length)
}
