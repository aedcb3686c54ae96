// What a report says, before it is dressed for a terminal or for Markdown: one table for each workload
// and size, as text in cells, with its notes and one reading in words. Pure.

import type { Unit } from '../../clients/load/contract.ts'
import { workloadInfo } from '../../clients/load/index.ts'
import {
  groupPoints,
  intervalOf,
  loadName,
  rateName,
  REPEATS_RANKED_MIN,
  usable,
} from '../points.ts'
import type { Config, Point, Results, Summary, TimesRecord } from '../schema.ts'
import { isSaturated } from '../verdict.ts'
import { partOf, TRANSPORT_WORDS, WORKLOAD_WORDS } from '../workloads.ts'
import { splitAbsent } from './absences.ts'
import { findingsOf, resultColumns } from './findings.ts'
import {
  formatAmount,
  formatCount,
  formatDuration,
  scaleOfCpu,
  scaleOfMemory,
  scaleOfRates,
  scaleOfTimes,
  UNKNOWN,
} from './numbers.ts'
import { caution, readTable, repeatsOf } from './reading.ts'
import { regimeTables } from './regimes.ts'

interface Column {
  /** Two lines: what it is, and its unit. */
  readonly head: readonly [string, string]
  readonly align: 'left' | 'right'
  /** What a narrow terminal shows below the table, 1 first: what is the same for most takes little room. */
  readonly spare?: number
}

export interface Row {
  readonly cells: readonly string[]
  readonly status: Point['status']
  readonly isFirst: boolean
}

export interface Table {
  readonly title: string
  /** What the clients did, and how. */
  readonly explanation: string
  readonly columns: readonly Column[]
  readonly rows: readonly Row[]
  /** Each begins with the mark that a row bears. */
  readonly notes: readonly string[]
  /** What the numbers say, in a sentence or two. */
  readonly reading: string
}

/** The tables of a report, in the order of the configuration, and maps of who is the best where. */
export function tablesOf(results: Results): Table[] {
  const groups = groupPoints(splitAbsent(results.points).present)
  return [...groups.map((points) => tableOf(points, results)), ...regimeTables(results)]
}

function tableOf(group: readonly Point[], { config, warnings }: Results): Table {
  const points = inOrder(group)
  const notes = new Notes()
  const columns = columnsOf(points, config.repeats)
  return {
    title: titleOf(points),
    explanation: explanationOf(points, config),
    columns,
    rows: points.map((point) => ({
      cells: columns.map(({ cell }) => cell(point, notes)),
      status: point.status,
      isFirst: point.rank === 1,
    })),
    notes: notes.list,
    reading: [
      readTable(points, config.repeats),
      ...findingsOf(points),
      ...caution(points, warnings),
    ].join(' '),
  }
}

/** Fastest first; what has no usable figure comes last, in the order it was asked for. */
export function inOrder(points: readonly Point[]): Point[] {
  if (points.some(({ arrivals }) => arrivals !== 'closed')) {
    return points.toSorted((a, b) => p99ResponseNs(a) - p99ResponseNs(b))
  }
  return points.toSorted((a, b) => rateOf(b) - rateOf(a))
}

function p99ResponseNs(point: Point): number {
  const { p99Ns = null, p50Ns = Number.MAX_VALUE } = usable(point)?.responseTime ?? {}
  return p99Ns ?? p50Ns
}

function rateOf(point: Point): number {
  return usable(point)?.throughputPerS.median ?? -1
}

/** `room · 12 clients, 3 of them speak` */
export function titleOf([first]: readonly Point[]): string {
  if (!first) return ''
  const { clients } = first
  const size = `${formatCount(clients)} ${clients === 1 ? 'client' : 'clients'}`
  return `${loadName(first)} · ${size}${partOf(first, formatCount)}${loopOf(first)}`
}

function loopOf({ arrivals, ratePerS }: Point): string {
  if (ratePerS === null) return ''
  const spread = arrivals === 'poisson' ? 'Poisson' : 'constant'
  return ` · open loop, ${spread} arrivals ${rateName(ratePerS)}`
}

function explanationOf(points: readonly Point[], config: Config): string {
  const [first] = points
  const workload = config.workloads.find(({ name }) => name === first?.workload)
  if (!workload) return ''
  const warmup =
    workload.warmupMs > 0
      ? `after ${formatDuration(workload.warmupMs)} of warm-up`
      : 'without warm-up'
  // An interruption leaves fewer than were asked for.
  const repeats = Math.max(...points.map((point) => point.repeats.length)) || config.repeats
  const { does } = WORKLOAD_WORDS[workload.name]
  const { arrival, hasMessages, isStaged } = workloadInfo(workload.name)
  const isOpen = first!.arrivals !== 'closed'
  const how = isStaged
    ? `objective ${formatDuration(config.objectiveMs)},`
    : isOpen
      ? `an arrival is ${arrival};`
      : `window ${workload.window},`
  const over = `ver ${TRANSPORT_WORDS[first!.transport]}${isOpen ? ';' : ','} ${how}`
  return [
    does(config),
    hasMessages ? `${config.messageBytes}-byte messages o${over}` : `O${over}`,
    `${repeats} × ${isStaged ? 'stages of ' : ''}${formatDuration(workload.durationMs)} ${warmup}.`,
  ].join(' ')
}

/** Superscript marks and the notes they point to, in the order in which they are first needed. */
export class Notes {
  readonly list: string[] = []

  mark(text: string): string {
    const known = this.list.findIndex((note) => note.endsWith(` ${text}`))
    if (known >= 0) return superscript(known + 1)
    const mark = superscript(this.list.length + 1)
    this.list.push(`${mark} ${text}`)
    return mark
  }
}

function superscript(number: number): string {
  return String(number).replaceAll(/\d/g, (digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'.charAt(Number(digit)))
}

interface CellColumn extends Column {
  readonly cell: (point: Point, notes: Notes) => string
}

function columnsOf(points: readonly Point[], repeatsAsked: number): CellColumn[] {
  const [first] = points
  if (!first) return []
  const { clientsStay, beside, isStaged } = workloadInfo(first.workload)
  const { many } = WORKLOAD_WORDS[first.workload]
  const model = { ...column(['model', ''], (point: Point) => point.model), align: 'left' } as const
  const loop = isStaged
    ? [
        column(['#', ''], rankCell),
        model,
        ...rateColumns(points, many),
        missedColumn(points),
        ...responseColumns(points),
      ]
    : first.arrivals === 'closed'
      ? [
          column(['#', ''], rankCell),
          model,
          ...rateColumns(points, many),
          ...quantileColumns(points),
          { ...scaledColumn('max', points, (s) => s.serviceTime.maxNs, scaleOfTimes), spare: 3 },
        ]
      : [model, ...openRateColumns(points, many), ...responseColumns(points)]
  return [
    ...loop,
    ...(clientsStay ? [] : [firstAnswerColumn(points)]),
    ...(beside ? besideColumns(points, beside) : []),
    ...resultColumns(first.workload),
    ...(first.transport === 'udp' ? [column(['lost', '%'], lossCell)] : []),
    { ...column(['served', ''], servedCell), spare: 1 },
    { ...cpuColumn(points), spare: 7 },
    ...(clientsStay ? [{ ...memoryColumn(points), spare: 6 }] : []),
    { ...column(['errors', ''], errorsCell), spare: 2 },
    {
      ...column(['verdict', ''], (point, notes) => verdictCell(point, notes, repeatsAsked)),
      align: 'left',
    },
  ]
}

function column(head: Column['head'], cell: CellColumn['cell']): CellColumn {
  return { head, align: 'right', cell }
}

function rankCell({ rank, rankShared }: Point): string {
  return rank === null ? UNKNOWN : `${rank}${rankShared ? '=' : ''}`
}

function rateColumns(points: readonly Point[], many: string): CellColumn[] {
  const { unit, divisor } = scaleOfRates(
    points.flatMap((point) => usable(point)?.throughputPerS.max ?? []),
  )
  const show = (value: number) => formatAmount(value / divisor)
  const perSecond = unit === '' ? 'per s' : `${unit} per s`
  return [
    column([many, perSecond], (point) => {
      const rate = usable(point)?.throughputPerS
      if (!rate) return UNKNOWN
      return `${point.status === 'lower-bound' ? '≥ ' : ''}${show(rate.median)}`
    }),
    {
      ...column(['interval', ''], (point) => {
        const interval = intervalOf(point)
        return interval ? `${show(interval.low)}–${show(interval.high)}` : UNKNOWN
      }),
      spare: 8,
    },
  ]
}

/** p50 and p99 share a unit, because they are read together; the longest time has one of its own. */
function quantileColumns(points: readonly Point[]): CellColumn[] {
  const summaries = points.flatMap((point) => usable(point) ?? [])
  const scale = scaleOfTimes(
    summaries.flatMap((summary) => [summary.serviceTime.p50Ns, summary.serviceTime.p99Ns ?? 0]),
  )
  return [
    scaledColumn(
      'p50',
      points,
      ({ serviceTime }) => serviceTime.p50Ns,
      () => scale,
    ),
    scaledColumn(
      'p99',
      points,
      ({ serviceTime }) => serviceTime.p99Ns,
      () => scale,
    ),
  ]
}

/** The lowest rate that did not keep the objective. */
function missed(point: Point): number | null {
  return usable(point)?.capacity?.lowestMissedPerS ?? null
}

function missedColumn(points: readonly Point[]): CellColumn {
  const { unit, divisor } = scaleOfRates(points.flatMap((point) => missed(point) ?? []))
  return column(['missed at', unit === '' ? 'per s' : `${unit} per s`], (point) => {
    const rate = missed(point)
    return rate === null ? UNKNOWN : formatAmount(rate / divisor)
  })
}

function offered(point: Point): number | null {
  return usable(point)?.schedule?.offeredPerS ?? null
}

function achieved(point: Point): number | null {
  return usable(point)?.throughputPerS.median ?? null
}

/** What was due, and what was answered. */
function openRateColumns(points: readonly Point[], many: string): CellColumn[] {
  const { unit, divisor } = scaleOfRates(
    points.flatMap((point) => [offered(point) ?? 0, achieved(point) ?? 0]),
  )
  const perSecond = unit === '' ? 'per s' : `${unit} per s`
  const show = (value: number | null) => (value === null ? UNKNOWN : formatAmount(value / divisor))
  return [
    column(['offered', perSecond], (point) => show(offered(point))),
    column([many, perSecond], (point) => show(achieved(point))),
  ]
}

/** Response times, and the service time that they are read beside: all in one unit. */
function responseColumns(points: readonly Point[]): CellColumn[] {
  const summaries = points.flatMap((point) => usable(point) ?? [])
  const scale = scaleOfTimes(
    summaries.flatMap(({ responseTime, serviceTime }) => [
      responseTime?.p50Ns ?? 0,
      responseTime?.p99Ns ?? 0,
      serviceTime.p99Ns ?? 0,
    ]),
  )
  const timed = (what: string, of: string, valueOf: (summary: Summary) => number | null) => {
    const { cell, head } = scaledColumn(what, points, valueOf, () => scale)
    return column([what, `${of} ${head[1]}`], cell)
  }
  const { cell: max, head } = scaledColumn(
    'response',
    points,
    ({ responseTime }) => responseTime?.maxNs ?? null,
    scaleOfTimes,
  )
  return [
    timed('response', 'p50', ({ responseTime }) => responseTime?.p50Ns ?? null),
    timed('response', 'p99', ({ responseTime }) => responseTime?.p99Ns ?? null),
    { ...column(['response', `max ${head[1]}`], max), spare: 3 },
    { ...timed('service', 'p99', ({ serviceTime }) => serviceTime.p99Ns), spare: 4 },
  ]
}

function firstAnswerColumn(points: readonly Point[]): CellColumn {
  return scaledColumn('wait', points, (s) => s.firstAnswerTime?.p50Ns ?? null, scaleOfTimes)
}

/** What the clients with a part of their own did meanwhile. */
function besideColumns(points: readonly Point[], { one, many }: Unit): CellColumn[] {
  const rates = points.flatMap((point) => usable(point)?.beside?.throughputPerS.median ?? [])
  const { unit, divisor } = scaleOfRates(rates)
  const quantile = (name: string, of: (times: TimesRecord) => number | null) =>
    scaledColumn(
      `${one} ${name}`,
      points,
      (s) => s.beside && of(s.beside.serviceTime),
      scaleOfTimes,
    )
  return [
    column([many, unit === '' ? 'per s' : `${unit} per s`], (point) => {
      const rate = usable(point)?.beside?.throughputPerS.median
      return rate === undefined ? UNKNOWN : formatAmount(rate / divisor)
    }),
    { ...quantile('p50', (times) => times.p50Ns), spare: 5 },
    { ...quantile('p99', (times) => times.p99Ns), spare: 4 },
  ]
}

function cpuColumn(points: readonly Point[]): CellColumn {
  const { cell, head } = scaledColumn('CPU', points, (s) => s.cpuUsPerOperation, scaleOfCpu)
  return column([head.join(' '), 'each'], cell)
}

function memoryColumn(points: readonly Point[]): CellColumn {
  const { cell, head } = scaledColumn('', points, (s) => s.memoryKibPerClient, scaleOfMemory)
  return column([head[1], '/client'], cell)
}

/** A column of figures that share a unit; figures that are not there do not choose it. */
function scaledColumn(
  name: string,
  points: readonly Point[],
  valueOf: (summary: Summary) => number | null,
  scaleOf: (values: readonly number[]) => { unit: string; divisor: number },
): CellColumn {
  const value = (point: Point) => {
    const summary = usable(point)
    return summary && valueOf(summary)
  }
  const { unit, divisor } = scaleOf(points.flatMap((point) => value(point) ?? []))
  return column([name, unit], (point) => {
    const figure = value(point)
    return figure === null ? UNKNOWN : formatAmount(figure / divisor)
  })
}

function servedCell({ summary, clients }: Point): string {
  return summary ? `${formatCount(summary.served)}/${formatCount(clients)}` : UNKNOWN
}

/** Of all that was sent, warm-up included. */
function lossCell(point: Point): string {
  const { lost = 0, sent = 0 } = usable(point)?.ledger ?? {}
  return sent === 0 ? UNKNOWN : formatAmount((lost / sent) * 100)
}

function errorsCell({ summary }: Point): string {
  return summary ? formatCount(summary.errors) : UNKNOWN
}

function verdictCell(point: Point, notes: Notes, repeatsAsked: number): string {
  const words = {
    valid: 'valid',
    'lower-bound': 'lower bound',
    invalid: 'invalid',
    cannot: 'not run',
    interrupted: 'not run',
  }
  const marks = notesOf(point, repeatsAsked).map((text) => notes.mark(text))
  return words[point.status] + marks.join(' ')
}

/** What a reader has to know before using this row. */
function notesOf(point: Point, repeatsAsked: number): string[] {
  const { model, clients, clientsAtOnce, cannot, faults, summary } = point
  if (cannot !== null) return [`${model} ${cannot}.`]
  if (point.status === 'interrupted') return ['not run: interrupted.']
  const notes = faults.map(({ text }) => `${model}: ${text}.`)
  const repeats = usable(point)?.repeats ?? repeatsAsked
  if (repeats < REPEATS_RANKED_MIN && point.arrivals === 'closed') {
    notes.push(`${repeatsOf(repeats, repeatsAsked)}: not ranked, for want of a spread.`)
  } else if (point.stoppedBy === 'interruption') {
    notes.push(`${repeatsOf(repeats, repeatsAsked)}.`)
  }
  if (point.status === 'lower-bound') {
    notes.push(
      point.arrivals === 'closed'
        ? 'The load generator was the limit: the server can do at least this.'
        : 'The load generator was late: the server answers at least as soon as this.',
    )
  }
  if (usable(point) && isSaturated(point)) {
    notes.push('Saturated: it did not keep up, and times say how long the backlog became.')
  }
  const missedPerS =
    usable(point)?.throughputPerS.median === 0 && summary?.capacity?.lowestMissedPerS
  if (missedPerS) {
    notes.push(`${model}: no rate kept the objective, down to ${formatAmount(missedPerS)} per s.`)
  }
  if (usable(point) && summary && summary.served < clients) {
    const together = clientsAtOnce === 1 ? 'one client' : `${clientsAtOnce} clients`
    notes.push(
      `${model} talks to ${together} at a time: the figures are of ${summary.served} of ${clients}, the others waited.`,
    )
  }
  return notes
}
