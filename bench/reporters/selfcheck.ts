// The report of `hubbub selfcheck`: a table for each proof, and a sentence at the end. Pure.

import Table from 'cli-table3'
import type { Selfcheck } from '../selfcheck.ts'
import type { Check, Finding, Verdict } from '../selfcheck/proof.ts'
import { formatDuration } from './numbers.ts'
import { NO_FRAME } from './terminal.ts'
import {
  counted,
  list,
  type Paint,
  painter,
  type TerminalOptions,
  textColumns,
  wrap,
} from './text.ts'

const HEAD = ['check', 'expected', 'seen', 'verdict']
const GAP_COLUMNS = 2
/** Narrower than this a column is a pile of words. */
const CELL_COLUMNS_MIN = 12

export function selfcheckReport(selfcheck: Selfcheck, options: TerminalOptions = {}): string {
  const paint = painter(options.colour)
  const columns = textColumns(options.columns)
  const tables = selfcheck.proofs.map((finding) =>
    tableOf(finding, paint, options.columns).join('\n'),
  )
  const style = STYLE[selfcheck.verdict]
  const conclusion = wrap(conclusionOf(selfcheck), columns).map((line) =>
    style ? paint(style, line) : line,
  )
  return `\n${[...tables, conclusion.join('\n')].join('\n\n')}\n`
}

const STYLE: Readonly<Record<Verdict, 'red' | 'yellow' | null>> = {
  pass: null,
  inconclusive: 'yellow',
  fail: 'red',
}

function tableOf(
  { title, explanation, checks, verdict }: Finding,
  paint: Paint,
  terminalColumns?: number,
): string[] {
  const columns = textColumns(terminalColumns)
  const tally = checks.filter((check) => check.verdict === 'pass').length
  const outcome = checks.length > 1 ? `${verdict}, ${tally} of ${checks.length}` : verdict
  const style = STYLE[verdict]
  return [
    `${paint('bold', title)} · ${style ? paint(style, outcome) : outcome}`,
    ...wrap(explanation, columns).map((line) => paint('dim', line)),
    '',
    ...gridOf(checks, paint, terminalColumns ?? columns),
    ...reasonsOf(checks, paint, columns),
  ]
}

function gridOf(checks: readonly Check[], paint: Paint, columns: number): string[] {
  const rows = checks.map(({ name, expected, seen, verdict }) => [name, expected, seen, verdict])
  const widths = widthsOf([HEAD, ...rows], columns)
  const grid = new Table({
    chars: { ...NO_FRAME, middle: ' '.repeat(GAP_COLUMNS) },
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [], compact: true },
    colWidths: widths,
    wordWrap: true,
  })
  grid.push(HEAD.map((text) => paint('dim', text)))
  rows.forEach((cells, i) => {
    const style = STYLE[checks[i]!.verdict]
    grid.push(style ? cells.map((cell) => paint(style, cell)) : cells)
  })
  const lines = grid
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
  const wide = widths.reduce((sum, width) => sum + width, GAP_COLUMNS * (widths.length - 1))
  return [lines[0]!, paint('dim', '─'.repeat(wide)), ...lines.slice(1)]
}

/** As wide as what stands in it, as long as all of it fits; then the widest gives way first. */
function widthsOf(rows: readonly (readonly string[])[], columns: number): number[] {
  const widths = HEAD.map((_, i) => Math.max(...rows.map((cells) => cells[i]!.length)))
  const room = columns - GAP_COLUMNS * (HEAD.length - 1)
  const total = () => widths.reduce((sum, width) => sum + width, 0)
  while (total() > room) {
    const widest = Math.max(...widths.slice(0, -1))
    if (widest <= CELL_COLUMNS_MIN) break
    widths[widths.indexOf(widest)] = widest - 1
  }
  return widths
}

/** Why a check is no pass: each reason once, with what it concerns. */
function reasonsOf(checks: readonly Check[], paint: Paint, columns: number): string[] {
  const reasons = new Map<string, string[]>()
  for (const { verdict, why, name } of checks) {
    if (verdict !== 'pass')
      reasons.set(`${verdict}: ${why}`, [...(reasons.get(`${verdict}: ${why}`) ?? []), name])
  }
  if (reasons.size === 0) return []
  const sentences = [...reasons].map(([reason, names]) => {
    const isAboutAll = names.length === checks.length && names.length > 1
    return `! ${isAboutAll ? '' : `${list(names)}: `}${reason}.`
  })
  return [
    '',
    ...sentences.flatMap((text) => wrap(text, columns, '  ')).map((line) => paint('yellow', line)),
  ]
}

function conclusionOf({ verdict, proofs, elapsedMs }: Selfcheck): string {
  const took = `in ${formatDuration(elapsedMs)}`
  const named = (which: Verdict) =>
    proofs.filter((proof) => proof.verdict === which).map(({ title }) => title)
  if (verdict === 'pass') {
    const all = proofs.length > 1 ? 'all ' : ''
    return `${counted(proofs.length, 'proof')}, ${all}passed ${took}: what this benchmark says on this machine can be believed.`
  }
  const [failed, open] = [named('fail'), named('inconclusive')]
  const parts = [
    ...(failed.length > 0
      ? [`${list(failed)} failed: do not believe figures of this machine before you know why.`]
      : []),
    ...(open.length > 0
      ? [`${list(open)} ended without a verdict: leave the machine alone, and run it again.`]
      : []),
  ]
  return `${counted(proofs.length, 'proof')} ${took}. ${parts.join(' ')}`
}
