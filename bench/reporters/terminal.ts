// The report for a terminal: thin tables, numbers aligned, colour only where it carries meaning and only
// where the terminal takes it.

import Table from 'cli-table3'
import type { Results } from '../schema.ts'
import { contextLines, equivalenceLine, interruptionLine, LEGEND, warningLine } from './context.ts'
import type { Row, Table as ReportTable } from './tables.ts'
import { tablesOf } from './tables.ts'
import type { Paint } from './text.ts'
import { painter, TEXT_COLUMNS_MAX, wrap } from './text.ts'

export interface TerminalOptions {
  /** True and false decide; left out, standard output, NO_COLOR and FORCE_COLOR do. */
  readonly colour?: boolean | undefined
  /** Width for running text; tables take what they need. */
  readonly columns?: number | undefined
}

export function terminalReport(results: Results, options: TerminalOptions = {}): string {
  const paint = painter(options.colour)
  const columns = Math.min(options.columns ?? TEXT_COLUMNS_MAX, TEXT_COLUMNS_MAX)
  const dim = (text: string) => wrap(text, columns).map((line) => paint('dim', line))
  const interruption = interruptionLine(results)
  const parts = [
    contextLines(results).flatMap(dim),
    ...(interruption ? [[paint('yellow', interruption)]] : []),
    ...tablesOf(results).map((table) => renderTable(table, paint, columns)),
    [...LEGEND, equivalenceLine(results.equivalence)].flatMap(dim),
    results.warnings.flatMap((warning) =>
      wrap(`! ${warningLine(warning)}`, columns, '  ').map((line) => paint('yellow', line)),
    ),
  ]
  const texts = parts.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
  return texts.join('\n\n') + '\n'
}

function renderTable(table: ReportTable, paint: Paint, columns: number): string[] {
  const grid = renderGrid(table, paint)
  return [
    paint('bold', table.title),
    ...wrap(table.explanation, columns).map((line) => paint('dim', line)),
    '',
    ...grid,
    '',
    ...table.notes.flatMap((note) => wrap(note, columns, '  ')).map((line) => paint('dim', line)),
    ...wrap(table.reading, columns),
  ]
}

/** No frame; one thin line below the head, as wide as the table. */
function renderGrid({ columns, rows }: ReportTable, paint: Paint): string[] {
  // An empty text in colour would hide the spaces behind it from being trimmed.
  const dimmed = (text: string) => (text === '' ? '' : paint('dim', text))
  const grid = new Table({
    chars: { ...NO_FRAME, middle: '  ' },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colAligns: columns.map(({ align }) => align),
  })
  grid.push(columns.map(({ head }) => dimmed(head[0])))
  grid.push(columns.map(({ head }) => dimmed(head[1])))
  for (const row of rows) grid.push(row.cells.map((cell) => paintCell(row, cell, paint)))
  const lines = grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
  const width = Math.max(...plainWidths(columns, rows))
  return [...lines.slice(0, 2), paint('dim', '─'.repeat(width)), ...lines.slice(2)]
}

/** How wide each line of the table is without its colours. */
function plainWidths(columns: ReportTable['columns'], rows: readonly Row[]): number[] {
  const widths = columns.map(({ head }, i) =>
    Math.max(...head.map((text) => text.length), ...rows.map(({ cells }) => cells[i]?.length ?? 0)),
  )
  return [widths.reduce((sum, width) => sum + width, 0) + 2 * (columns.length - 1)]
}

function paintCell({ status, isFirst }: Row, cell: string, paint: Paint): string {
  if (status === 'valid') return isFirst ? paint('bold', cell) : cell
  const styles = {
    invalid: 'red',
    'lower-bound': 'yellow',
    cannot: 'dim',
    interrupted: 'dim',
  } as const
  return paint(styles[status], cell)
}

const NO_FRAME = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
} as const
