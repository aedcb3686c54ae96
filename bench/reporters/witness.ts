// The report of `hubbub witness`: two rankings side by side. Pure.

import type { Testimony, WitnessRow } from '../testimony.ts'
import { formatAmount, formatDuration, scaleOfRates, UNKNOWN } from './numbers.ts'
import type { Table } from './tables.ts'
import { renderTable } from './terminal.ts'
import type { TerminalOptions } from './text.ts'
import { counted, painter } from './text.ts'

export function witnessReport(testimony: Testimony, options: TerminalOptions = {}): string {
  const lines = renderTable(
    tableOf(testimony),
    painter(options.colour),
    options.columns ?? Infinity,
  )
  return `\n${lines.join('\n')}\n`
}

function tableOf(testimony: Testimony): Table {
  const { rows, clients, durationMs, repeats } = testimony
  const figures = rows.flatMap(({ seen }) => [
    seen.hubbub.answersPerS ?? 0,
    seen.autocannon.answersPerS ?? 0,
  ])
  const { unit, divisor } = scaleOfRates(figures)
  const perSecond = unit === '' ? 'per s' : `${unit} per s`
  const rate = (figure: number | null) =>
    figure === null ? UNKNOWN : formatAmount(figure / divisor)
  return {
    title: `witness · http · ${counted(clients, 'client')}`,
    explanation: `Answers to GET /, one request in flight on each connection; medians of ${repeats} × ${formatDuration(durationMs)}, in turns at the same servers, one thread each.`,
    columns: [
      { head: ['model', ''], align: 'left' },
      { head: ['hubbub', perSecond], align: 'right' },
      { head: ['rank', ''], align: 'right' },
      { head: ['autocannon', perSecond], align: 'right' },
      { head: ['rank', ''], align: 'right' },
    ],
    rows: rows.map(({ model, seen, faults }) => ({
      cells: [
        model,
        rate(seen.hubbub.answersPerS),
        String(seen.hubbub.rank ?? UNKNOWN),
        rate(seen.autocannon.answersPerS),
        String(seen.autocannon.rank ?? UNKNOWN),
      ],
      status: faults.length > 0 ? 'invalid' : 'valid',
      isFirst: seen.hubbub.rank === 1,
    })),
    notes: rows.flatMap((row) => notesOf(row, clients)),
    reading: readingOf(testimony),
  }
}

function notesOf({ model, connections, faults }: WitnessRow, clients: number): string[] {
  const few =
    connections < clients
      ? [
          `${model} talks to ${connections} at a time, so it was given ${connections} of ${clients} connections.`,
        ]
      : []
  return [...few, ...faults.map((text) => `${model}: ${text}.`)]
}

function readingOf({ rows, rankCorrelation }: Testimony): string {
  if (rankCorrelation === null) return 'Two models with figures of both are the least to compare.'
  const compared = rows.filter(({ seen }) => seen.hubbub.rank !== null).length
  return `Spearman’s rank correlation of the two over ${compared} models: ${rankCorrelation.toFixed(2)} (1 is the same order, -1 the opposite one).`
}
