// What a workload was made to find out, in a sentence about its table. Throughput, which readTable speaks of, is
// not what all of them are about. Pure.

import type { WorkloadName } from '../../clients/load/contract.ts'
import { WAIT_MS } from '../../clients/load/contract.ts'
import { usable } from '../points.ts'
import type { Point, Summary } from '../schema.ts'
import { formatAmount, formatCount, scaleOfTimes, UNKNOWN } from './numbers.ts'
import { list } from './text.ts'

/** A sentence, or none. */
export function findingsOf(points: readonly Point[]): string[] {
  const [first] = points
  return (first && FINDINGS[first.workload]?.(points)) ?? []
}

const FINDINGS: Partial<Record<WorkloadName, (points: readonly Point[]) => string[]>> = {
  mix: othersFinding,
  fairness: fairnessFinding,
  wait: waitFinding,
  slow: slowFinding,
  crash: crashFinding,
}

/** What a workload was made to find out, as columns of its table. */
export function resultColumns(workload: WorkloadName): ResultColumn[] {
  return COLUMNS[workload] ?? []
}

interface ResultColumn {
  readonly head: readonly [string, string]
  readonly align: 'right'
  readonly cell: (point: Point) => string
}

const COLUMNS: Partial<Record<WorkloadName, ResultColumn[]>> = {
  fairness: [
    column(['Jain', ''], ({ fairness }) => fairness?.jain.toFixed(3)),
    column(['worst', '/median'], ({ fairness }) => fairness?.worstOverMedian.toFixed(2)),
  ],
  crash: [
    column(['victims', ''], ({ crash }) => crash && formatCount(crash.victims)),
    column(['others', 'lost'], ({ crash }) => crash && formatCount(crash.othersLost)),
    column(['noticed', 'ms'], ({ crash }) => amount(crash?.noticedMs)),
    column(['replaced', 'ms'], ({ crash }) => amount(crash?.replacedMs)),
  ],
  slow: [
    column(
      ['let go', ''],
      ({ slow }) => slow && `${formatCount(letGoOf(slow))}/${formatCount(slow.readers)}`,
    ),
  ],
}

function column(
  head: ResultColumn['head'],
  show: (summary: Summary) => string | null | undefined,
): ResultColumn {
  const cell = (point: Point) => {
    const summary = usable(point)
    return (summary && show(summary)) ?? UNKNOWN
  }
  return { head, align: 'right', cell }
}

/** What the worst client gets, the fairest model first. */
function fairnessFinding(points: readonly Point[]): string[] {
  const worst = points
    .flatMap((point) => {
      const { fairness } = usable(point) ?? {}
      return fairness ? [{ model: point.model, share: fairness.worstOverMedian }] : []
    })
    .toSorted((a, b) => b.share - a.share)
  if (worst.length === 0) return []
  const words = worst.map(({ model, share }) => `${percent(share)} under ${model}`)
  return [`What the worst client gets, of what the median client gets, is ${list(words)}.`]
}

/** How near it comes to answering everybody as if he were alone. */
function waitFinding(points: readonly Point[]): string[] {
  const measured = points.flatMap((point) => {
    const { throughputPerS } = usable(point) ?? {}
    return throughputPerS ? [{ point, perS: throughputPerS.median }] : []
  })
  const [first] = measured
  if (!first) return []
  const { clients } = first.point
  const mostPerS = (clients * 1000) / WAIT_MS
  const words = measured.map(
    ({ point, perS }) => `${percent(perS / mostPerS)} under ${point.model}`,
  )
  return [
    `Were each of ${formatCount(clients)} alone, there would be ${formatCount(mostPerS)} WAITs/s; it is ${list(words)}.`,
  ]
}

function amount(value: number | null | undefined): string | null {
  return value === null || value === undefined ? null : formatAmount(value)
}

/** Whom a killed process takes along, a repeat. */
function crashFinding(points: readonly Point[]): string[] {
  const words = points.flatMap((point) => {
    const { crash, repeats = 1 } = usable(point) ?? {}
    if (!crash) return []
    const lost = (crash.victims + crash.othersLost) / repeats
    return [`${formatAmount(lost)} of ${formatCount(point.clients)} clients under ${point.model}`]
  })
  return words.length > 0 ? [`A process that is killed costs ${list(words)}.`] : []
}

function letGoOf({ letGo }: NonNullable<Summary['slow']>): number {
  return Object.values(letGo).reduce((total, count) => total + count, 0)
}

/** What the servers did with those who stopped reading, in all repeats, and with which words. */
function slowFinding(points: readonly Point[]): string[] {
  const words = points.flatMap((point) => {
    const { slow } = usable(point) ?? {}
    if (!slow) return []
    const why = Object.entries(slow.letGo).map(
      ([cause, count]) => `${formatCount(count)} × ${cause}`,
    )
    const said = why.length > 0 ? ` (${why.join(', ')})` : ''
    return [
      `${formatCount(letGoOf(slow))} of ${formatCount(slow.readers)} by ${point.model}${said}`,
    ]
  })
  return words.length > 0 ? [`Of those who stopped reading, let go were ${list(words)}.`] : []
}

function percent(part: number): string {
  return `${Math.round(part * 100)} %`
}

/** What the others feel of those who compute, the least first. */
function othersFinding(points: readonly Point[]): string[] {
  const felt = points
    .flatMap((point) => {
      const ns = usable(point)?.serviceTime.p99Ns ?? null
      return ns === null ? [] : [{ model: point.model, ns }]
    })
    .toSorted((a, b) => a.ns - b.ns)
  if (felt.length < 2) return []
  const { unit, divisor } = scaleOfTimes(felt.map(({ ns }) => ns))
  const words = felt.map(({ model, ns }) => `${formatAmount(ns / divisor)} ${unit} under ${model}`)
  return [`The p99 of the others is ${list(words)}.`]
}
