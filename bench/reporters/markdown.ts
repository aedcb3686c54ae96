// The report in Markdown: what stands beside the results file, and can be pasted into an issue.

import { pointName } from '../points.ts'
import type { Results } from '../schema.ts'
import { splitAbsent } from './absences.ts'
import {
  contextLines,
  equivalenceLine,
  interruptionLine,
  legendOf,
  warningLine,
} from './context.ts'
import { costTables } from './connection-costs.ts'
import { explain } from './explanations.ts'
import { scalingTables } from './scaling.ts'
import type { Table } from './tables.ts'
import { tablesOf } from './tables.ts'

export function markdownReport(results: Results): string {
  const interruption = interruptionLine(results)
  const { sentences } = splitAbsent(results.points)
  const parts = [
    '# hubbub: one chat service, several concurrency models',
    bullets(contextLines(results)),
    ...(interruption ? [`**${escape(interruption)}**`] : []),
    ...sentences.map(escape),
    ...[...tablesOf(results), ...costTables(results), ...scalingTables(results)].map(renderTable),
    ...explanationParts(results),
    '## How to read this',
    bullets([...legendOf(results), equivalenceLine(results.equivalence)]),
    ...(results.warnings.length > 0
      ? ['## Warnings', bullets(results.warnings.map(warningLine))]
      : []),
  ]
  return parts.join('\n\n') + '\n'
}

/** Why figures are as they are, as far as counters say so: the most telling sentence about each point. */
function explanationParts(results: Results): string[] {
  const lines = results.points.flatMap((point) => {
    const [first] = explain(point, results)
    return first ? [`${pointName(point)}: ${first.text}`] : []
  })
  return lines.length > 0 ? ['## Why, as far as counters say', bullets(lines)] : []
}

export function renderTable({ title, explanation, columns, rows, notes, reading }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.map(escape).join(' | ')} |`
  const table = [
    line(columns.map(({ head }) => head.join(' ').trim())),
    `|${columns.map(({ align }) => (align === 'right' ? ' ---: ' : ' :--- ')).join('|')}|`,
    ...rows.map(({ cells }) => line(cells)),
  ].join('\n')
  const parts = [`## ${escape(title)}`, escape(explanation), table, `**${escape(reading)}**`]
  return [...parts, ...(notes.length > 0 ? [bullets(notes)] : [])].join('\n\n')
}

export function bullets(lines: readonly string[]): string {
  return lines.map((line) => `- ${escape(line)}`).join('\n')
}

/** Words of servers and of machines get into a report: none of them may become mark-up. */
export function escape(text: string): string {
  return text.replaceAll(/[\\`*_[\]<>|#]/g, (c) => (c === '#' ? c : `\\${c}`))
}
