// The report for a terminal: thin tables, numbers aligned, colour only where it carries meaning and only
// where the terminal takes it.

import Table from 'cli-table3'
import type { Results } from '../schema.ts'
import { splitAbsent } from './absences.ts'
import {
  contextLines,
  equivalenceLine,
  interruptionLine,
  legendOf,
  warningLine,
} from './context.ts'
import { UNKNOWN } from './numbers.ts'
import { costTables } from './connection-costs.ts'
import { scalingTables } from './scaling.ts'
import type { Row, Table as ReportTable } from './tables.ts'
import { tablesOf } from './tables.ts'
import type { Paint, TerminalOptions } from './text.ts'
import { painter, textColumns, wrap } from './text.ts'

export function terminalReport(results: Results, options: TerminalOptions = {}): string {
  const paint = painter(options.colour)
  const columns = textColumns(options.columns)
  const dim = (text: string) => wrap(text, columns).map((line) => paint('dim', line))
  const interruption = interruptionLine(results)
  const parts = [
    contextLines(results).flatMap(dim),
    ...(interruption ? [wrap(interruption, columns).map((line) => paint('yellow', line))] : []),
    splitAbsent(results.points).sentences.flatMap((sentence) => wrap(sentence, columns)),
    ...[...tablesOf(results), ...costTables(results), ...scalingTables(results)].map((table) =>
      renderTable(table, paint, options.columns ?? Infinity),
    ),
    [...legendOf(results), equivalenceLine(results.equivalence)].flatMap(dim),
    results.warnings.flatMap((warning) =>
      wrap(`! ${warningLine(warning)}`, columns, '  ').map((line) => paint('yellow', line)),
    ),
  ]
  const texts = parts.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
  return texts.join('\n\n') + '\n'
}

export function renderTable(table: ReportTable, paint: Paint, terminalColumns: number): string[] {
  const columns = textColumns(terminalColumns)
  const { narrow, leftOut } = fit(table, terminalColumns)
  return [
    paint('bold', table.title),
    ...wrap(table.explanation, columns).map((line) => paint('dim', line)),
    '',
    ...renderGrid(narrow, paint),
    '',
    ...renderLeftOut(table, leftOut, paint, columns),
    ...table.notes.flatMap((note) => wrap(note, columns, '  ')).map((line) => paint('dim', line)),
    ...wrap(table.reading, columns),
  ]
}

/** Without the columns that can be spared, one after the other, until it is narrow enough. */
function fit(table: ReportTable, terminalColumns: number) {
  const spares = table.columns
    .filter(({ spare }) => spare !== undefined)
    .toSorted((a, b) => a.spare! - b.spare!)
  let out = 0
  const narrowed = () => without(table, spares.slice(0, out))
  while (out < spares.length && widthOf(narrowed()) > terminalColumns) out++
  return { narrow: narrowed(), leftOut: spares.slice(0, out) }
}

/** What has no room in the table stands below it: a line for each column, and an empty one. */
function renderLeftOut(
  table: ReportTable,
  leftOut: ReportTable['columns'],
  paint: Paint,
  columns: number,
): string[] {
  const labels = leftOut.map(({ head }) => head.join(' ').replace(' /', '/').trim())
  const labelColumns = Math.max(0, ...labels.map((label) => label.length)) + 2
  const indent = ' '.repeat(labelColumns)
  const lines = leftOut.flatMap((column, i) => {
    const [first = '', ...rest] = wrap(inWords(column, table), columns - labelColumns)
    const label = paint('dim', labels[i]!.padEnd(labelColumns))
    return [label + first, ...rest.map((line) => indent + line)]
  })
  return lines.length > 0 ? [...lines, ''] : []
}

/** The figure that most models share, and who has another one; or that of each. */
function inWords(column: ReportTable['columns'][number], { columns, rows }: ReportTable): string {
  const at = columns.indexOf(column)
  const name = columns.findIndex(({ head }) => head[0] === 'model')
  const known = rows.map(({ cells }) => cells).filter((cells) => cells[at] !== UNKNOWN)
  const shareOf = (figure = '') => known.filter((cells) => cells[at] === figure).length
  const [usual] = known.toSorted((a, b) => shareOf(b[at]) - shareOf(a[at]))
  if (!usual) return UNKNOWN
  const isShared = known.length === 1 || shareOf(usual[at]) > known.length / 2
  const others = known
    .filter((cells) => !isShared || cells[at] !== usual[at])
    .map((cells) => `${cells[name]} ${cells[at]}`)
    .join(', ')
  if (!isShared) return others
  return others === '' ? usual[at]! : `${usual[at]}, but ${others}`
}

function without(table: ReportTable, columns: ReportTable['columns']): ReportTable {
  const stays = table.columns.map((column) => !columns.includes(column))
  return {
    ...table,
    columns: table.columns.filter((_, i) => stays[i]),
    rows: table.rows.map(({ cells, status, isFirst }) => ({
      cells: cells.filter((_, i) => stays[i]),
      status,
      isFirst,
    })),
  }
}

/** No frame; one thin line below the head, as wide as the table. */
function renderGrid(table: ReportTable, paint: Paint): string[] {
  const { columns, rows } = table
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
  const rule = paint('dim', '─'.repeat(widthOf(table)))
  return [...lines.slice(0, 2), rule, ...lines.slice(2)]
}

/** How wide the table is, without its colours. */
function widthOf({ columns, rows }: ReportTable): number {
  const widths = columns.map(({ head }, i) =>
    Math.max(...head.map((text) => text.length), ...rows.map(({ cells }) => cells[i]?.length ?? 0)),
  )
  return widths.reduce((sum, width) => sum + width, 0) + 2 * (columns.length - 1)
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

export const NO_FRAME = {
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
