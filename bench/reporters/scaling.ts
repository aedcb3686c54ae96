// The law of scaling in a table: what it was fitted to, what it says, and how far off that was. Pure.

import { loadName } from '../points.ts'
import { ERROR_MAX, SIZES_MIN } from '../scaling.ts'
import type { Results, Scaling } from '../schema.ts'
import { WORKLOAD_WORDS } from '../workloads.ts'
import { formatAmount, formatCount, scaleOfRates, UNKNOWN } from './numbers.ts'
import { Notes, type Row, type Table } from './tables.ts'
import { list } from './text.ts'

/** A table for each workload and transport that was swept, in the order of the results. */
export function scalingTables({ scaling }: Results): Table[] {
  const groups = new Map<string, Scaling[]>()
  for (const law of scaling) groups.set(loadName(law), [...(groups.get(loadName(law)) ?? []), law])
  return [...groups.values()].map(tableOf)
}

interface Column {
  readonly head: readonly [string, string]
  readonly cell: (law: Scaling) => string
  readonly spare?: number
}

function tableOf(laws: readonly Scaling[]): Table {
  const [first] = laws
  const { one, many } = WORKLOAD_WORDS[first!.workload]
  const notes = new Notes()
  const columns = columnsOf(laws, many)
  return {
    title: `${loadName(first!)} · how it scales`,
    explanation:
      `The universal scalability law, fitted to the smaller sizes of each model and asked for the larger ones. ` +
      `Contention is the share of a ${one} that only one can be served at a time, coherency what every two clients cost each other.`,
    columns: [
      { head: ['model', ''], align: 'left' },
      ...columns.map(({ head, spare }) => ({
        head,
        align: 'right' as const,
        ...(spare === undefined ? {} : { spare }),
      })),
      { head: ['verdict', ''], align: 'left' },
    ],
    rows: laws.map((law) => rowOf(law, columns, notes)),
    notes: notes.list,
    reading: laws.map(sentenceOf).join(' '),
  }
}

function rowOf(law: Scaling, columns: readonly Column[], notes: Notes): Row {
  const verdict = law.doubt === null ? 'valid' : `doubtful${notes.mark(DOUBTS[law.doubt])}`
  return {
    cells: [law.model, ...columns.map(({ cell }) => cell(law)), verdict],
    // As a row that is there, but says nothing to build upon.
    status: law.doubt === null ? 'valid' : 'lower-bound',
    isFirst: false,
  }
}

const DOUBTS = {
  'too-few-sizes': `Fewer than ${SIZES_MIN} sizes with a valid figure for all their clients: there is nothing to judge a law by.`,
  'not-converged': 'Two fits that began differently came to different laws.',
  'predictions-far-off': `Not the law of this model: a prediction is more than ${100 * ERROR_MAX} % off.`,
} as const satisfies Record<NonNullable<Scaling['doubt']>, string>

/** Of the largest size. */
function last({ predictions }: Scaling): Scaling['predictions'][number] | undefined {
  return predictions.at(-1)
}

function columnsOf(laws: readonly Scaling[], many: string): Column[] {
  const { unit, divisor } = scaleOfRates(
    laws.flatMap(({ predictions }) =>
      predictions.flatMap((p) => [p.predictedPerS, p.measuredPerS]),
    ),
  )
  const rate = (perS: number | undefined) =>
    perS === undefined ? UNKNOWN : formatAmount(perS / divisor)
  const perSecond = unit === '' ? 'per s' : `${unit} per s`
  return [
    { head: ['one client', 'per s'], cell: ({ lambdaPerS }) => amount(lambdaPerS), spare: 2 },
    { head: ['contention', '%'], cell: ({ sigma }) => share(sigma) },
    { head: ['coherency', '%'], cell: ({ kappa }) => share(kappa) },
    { head: ['most', 'clients'], cell: ({ bestClients }) => size(bestClients) },
    { head: ['fitted to', 'clients'], cell: fittedTo, spare: 1 },
    { head: ['asked for', 'clients'], cell: (law) => size(last(law)?.clients ?? null) },
    { head: ['predicted', perSecond], cell: (law) => rate(last(law)?.predictedPerS), spare: 3 },
    { head: [many, perSecond], cell: (law) => rate(last(law)?.measuredPerS), spare: 4 },
    { head: ['error', '%'], cell: (law) => signed(last(law)?.error) },
  ]
}

function amount(value: number | null): string {
  return value === null ? UNKNOWN : formatAmount(value)
}

function share(value: number | null): string {
  return value === null ? UNKNOWN : percent(value)
}

/** A share as a percentage. Coherency counts by the square of the clients: a small one is no zero. */
function percent(value: number): string {
  const percents = value * 100
  const isSmall = percents < 0.01 && percents >= 1e-6
  return isSmall ? percents.toFixed(6).replace(/0+$/, '') : formatAmount(percents)
}

function size(clients: number | null): string {
  return clients === null ? UNKNOWN : formatCount(clients)
}

function fittedTo({ fittedClients }: Scaling): string {
  const [smallest] = fittedClients
  const largest = fittedClients.at(-1)
  return smallest === undefined || largest === undefined ? UNKNOWN : `${smallest}–${largest}`
}

function signed(error: number | undefined): string {
  if (error === undefined) return UNKNOWN
  const percents = Math.round(error * 100)
  return percents > 0 ? `+${percents}` : String(percents).replace('-', '−')
}

/** `thread: contention 3 %, coherency 0.02 %: the most at 41 clients; predicted 64 clients 8 % too high.` */
function sentenceOf(law: Scaling): string {
  const { model, sigma, kappa, bestClients, predictions, measuredClients, doubt } = law
  if (sigma === null || kappa === null) {
    const known = measuredClients.map((clients) => formatCount(clients))
    const sizes = known.length === 0 ? 'no size' : `${list(known)} clients`
    return `${model}: no law, with figures for ${sizes} only.`
  }
  // Of a law to rely on what it said of the largest size, of another one where it was worst.
  const largest = predictions.at(-1)!
  const worst = predictions.toSorted((a, b) => Math.abs(b.error) - Math.abs(a.error))[0]!
  const { clients, error } = doubt === null ? largest : worst
  const said = `predicted ${formatCount(clients)} clients ${off(error)}`
  if (doubt === 'predictions-far-off') return `${model}: not this law; it ${said}.`
  if (doubt === 'not-converged') return `${model}: no law was found that fits best.`
  const most =
    bestClients === null ? 'no most in sight' : `the most at ${size(bestClients)} clients`
  return `${model}: contention ${percent(sigma)} %, coherency ${percent(kappa)} %: ${most}; ${said}.`
}

function off(error: number): string {
  const percents = Math.round(Math.abs(error) * 100)
  if (percents === 0) return 'right'
  return `${percents} % too ${error > 0 ? 'high' : 'low'}`
}
