// What has changed from one run to another: a table for each workload and size, and the answer in words at
// the end. Pure.

import type { ComparedPoint, Comparison, Difference, Measure } from '../differences.ts'
import { MEASURE_WORDS, regressionsOf } from '../differences.ts'
import { P_MAX } from '../permutation.ts'
import { groupPoints, pointName } from '../points.ts'
import type { Results } from '../schema.ts'
import { WORKLOAD_WORDS } from '../workloads.ts'
import { contextLines } from './context.ts'
import { bullets, escape, renderTable as tableInMarkdown } from './markdown.ts'
import type { Scale } from './numbers.ts'
import { formatAmount, scaleOfCpu, scaleOfRates, scaleOfTimes, UNKNOWN } from './numbers.ts'
import type { Table } from './tables.ts'
import { titleOf } from './tables.ts'
import { renderTable } from './terminal.ts'
import type { TerminalOptions } from './text.ts'
import { counted, list, painter, textColumns, wrap } from './text.ts'

export type CompareFormat = 'terminal' | 'markdown' | 'json'

export function comparisonReport(
  comparison: Comparison,
  format: CompareFormat,
  options: TerminalOptions = {},
): string {
  if (format === 'json') return `${JSON.stringify(forMachines(comparison), null, 1)}\n`
  return format === 'markdown' ? inMarkdown(comparison) : forTerminal(comparison, options)
}

function forTerminal(comparison: Comparison, options: TerminalOptions): string {
  const paint = painter(options.colour)
  const columns = textColumns(options.columns)
  const parts = [
    runsOf(comparison).flatMap((line) =>
      wrap(line, columns, '     ').map((text) => paint('dim', text)),
    ),
    ...tablesOf(comparison).map((table) =>
      renderTable(withNamesOnce(table), paint, options.columns ?? Infinity),
    ),
    cautionsOf(comparison).flatMap((text) =>
      wrap(`! ${text}`, columns, '  ').map((line) => paint('yellow', line)),
    ),
    wrap(methodOf(comparison), columns).map((line) => paint('dim', line)),
    wrap(answerOf(comparison), columns).map((line) => paint('bold', line)),
  ]
  const texts = parts.filter((lines) => lines.length > 0).map((lines) => lines.join('\n'))
  return `${texts.join('\n\n')}\n`
}

function inMarkdown(comparison: Comparison): string {
  const cautions = cautionsOf(comparison)
  const parts = [
    '# hubbub compare',
    `**${escape(answerOf(comparison))}**`,
    bullets(runsOf(comparison)),
    ...tablesOf(comparison).map(tableInMarkdown),
    '## How to read this',
    bullets([methodOf(comparison)]),
    ...(cautions.length > 0 ? ['## Warnings', bullets(cautions)] : []),
  ]
  return `${parts.join('\n\n')}\n`
}

/** For programs: names of points instead of whole points. */
function forMachines(comparison: Comparison): object {
  const { thresholdShare, points, leftOut, changes, throughputRatio } = comparison
  return {
    old: identityOf(comparison.old),
    new: identityOf(comparison.new),
    thresholdShare,
    comparisons: countOf(comparison),
    regressions: regressionsOf(comparison).length,
    throughputRatio,
    points: points.map(({ point, repeats, differences }) => ({
      point: pointName(point),
      repeats,
      differences,
    })),
    leftOut,
    changes,
  }
}

function identityOf({ startedAt, environment }: Results): object {
  return { startedAt, hubbub: environment.hubbub, commit: environment.commit }
}

function runsOf(comparison: Comparison): string[] {
  return (['old', 'new'] as const).map((side) => {
    const [software, , when] = contextLines(comparison[side])
    return `${side}: ${software} · ${when}`
  })
}

function tablesOf({ points }: Comparison): Table[] {
  return groupPoints(points.map(({ point }) => point)).map((group) =>
    tableOf(points.filter(({ point }) => group.includes(point))),
  )
}

function tableOf(points: readonly ComparedPoint[]): Table {
  const labels = labelsOf(points)
  return {
    title: titleOf(points.map(({ point }) => point)),
    explanation: `Medians of ${repeatsOf(points, 'old')}, then of ${repeatsOf(points, 'new')}.`,
    columns: [
      { head: ['model', ''], align: 'left' },
      { head: ['', ''], align: 'left' },
      right('old'),
      right('new'),
      right('change'),
      { ...right('interval', '95 %'), spare: 1 },
      right('p', 'of all'),
    ],
    rows: points.flatMap(({ point, differences }) =>
      differences.map((difference) => ({
        cells: [point.model, ...cellsOf(difference, labels)],
        status: difference.isRegression ? ('invalid' as const) : ('valid' as const),
        isFirst: difference.verdict !== 'unproven',
      })),
    ),
    notes: [],
    reading: readingOf(points),
  }
}

function right(head: string, below = ''): Table['columns'][number] {
  return { head: [head, below], align: 'right' }
}

/** How each figure is called in a table, and the unit that its values share there. */
function labelsOf(points: readonly ComparedPoint[]): Readonly<Record<Measure, [string, Scale]>> {
  const valuesOf = (measure: Measure) =>
    points.flatMap(({ differences }) =>
      differences.flatMap((one) => (one.measure === measure ? [one.old, one.new] : [])),
    )
  const rates = scaleOfRates(valuesOf('throughput'))
  const times = scaleOfTimes(valuesOf('p99'))
  const cpu = scaleOfCpu(valuesOf('cpu'))
  const { many } = WORKLOAD_WORDS[points[0]!.point.workload]
  return {
    throughput: [`${rates.unit} ${many}/s`.trim(), rates],
    p99: [`p99 ${times.unit}`, times],
    cpu: [`CPU ${cpu.unit} each`, cpu],
  }
}

function cellsOf(difference: Difference, labels: ReturnType<typeof labelsOf>): string[] {
  const [label, { divisor }] = labels[difference.measure]
  const { low, high, pAmongAll } = difference
  return [
    label,
    formatAmount(difference.old / divisor),
    formatAmount(difference.new / divisor),
    difference.verdict === 'unproven' ? '~' : changeOf(difference.ratio),
    low === null || high === null ? UNKNOWN : `${signed(low)}…${signed(high)} %`,
    pAmongAll === null ? UNKNOWN : spellP(pAmongAll),
  ]
}

function repeatsOf(points: readonly ComparedPoint[], side: 'old' | 'new'): string {
  const counts = points.map(({ repeats }) => repeats[side])
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return least === most ? counted(most, 'repeat') : `${least} to ${most} repeats`
}

/** `−10.2 %`, with a space that no line is broken at. */
function changeOf(ratio: number): string {
  return `${signed(ratio)}\u00a0%`
}

function signed(ratio: number): string {
  const percent = (ratio - 1) * 100
  const size = Math.abs(percent)
  const digits = size >= 100 ? formatAmount(size) : size.toFixed(1)
  if (digits === '0.0') return digits
  return `${percent < 0 ? '−' : '+'}${digits}`
}

function spellP(p: number): string {
  return p < 0.001 ? '<0.001' : p.toFixed(p < 0.1 ? 3 : 2)
}

/** A name is written once, above the rows of its figures. */
function withNamesOnce(table: Table): Table {
  let last: string | undefined
  const rows = table.rows.map(({ cells: [name = '', ...rest], ...row }) => {
    const cells = [name === last ? '' : name, ...rest]
    last = name
    return Object.assign({}, row, { cells })
  })
  return { ...table, rows }
}

/** What is proven in one table. */
function readingOf(points: readonly ComparedPoint[]): string {
  const proven = points.flatMap(({ point, differences }) => {
    const words = differences.filter(isProven).map(wordsOf)
    return words.length > 0 ? [`${point.model}: ${list(words)}.`] : []
  })
  return proven.length > 0 ? proven.join(' ') : 'No difference is proven.'
}

function isProven({ verdict }: Difference): boolean {
  return verdict !== 'unproven'
}

function wordsOf({ measure, ratio, verdict }: Difference): string {
  return `${MEASURE_WORDS[measure]} ${changeOf(ratio)} (${verdict})`
}

/** What may make a difference that is not the software’s, and what was not compared. */
function cautionsOf({ changes, leftOut }: Comparison): string[] {
  return [
    ...(changes.length > 0
      ? [`The runs differ in more than what is compared: ${changes.join('; ')}.`]
      : []),
    ...[...leftOutByReason(leftOut)].map(
      ([why, names]) => `Not compared: ${names.join(', ')} (${why}).`,
    ),
  ]
}

function leftOutByReason(leftOut: Comparison['leftOut']): Map<string, string[]> {
  const byReason = new Map<string, string[]>()
  for (const { point, why } of leftOut) byReason.set(why, [...(byReason.get(why) ?? []), point])
  return byReason
}

function countOf({ points }: Comparison): number {
  return points.reduce((sum, { differences }) => sum + differences.length, 0)
}

function methodOf(comparison: Comparison): string {
  const { points, throughputRatio } = comparison
  const count = countOf(comparison)
  const answered = points.flatMap(({ differences }) => differences.filter(({ p }) => p !== null))
  const chance = Math.round(answered.length * P_MAX)
  const parts = [
    `${counted(count, 'figure')} of ${counted(points.length, 'point')} ${count === 1 ? 'was' : 'were'} compared.`,
  ]
  if (answered.length === 0) {
    parts.push('That takes at least four repeats on each side: nothing can be proven with fewer.')
  } else {
    parts.push(
      `At p < ${P_MAX} each, chance alone would make ${chance === 0 ? 'hardly any' : `about ${chance}`} of them differ, so p is that of all together (permutation test, step-down maxT): where nothing has changed, a difference is found in one of twenty comparisons of this kind.`,
      '~: not proven. Intervals (bootstrap, 95 %) are of each figure alone.',
    )
  }
  if (throughputRatio !== null && points.length > 1) {
    parts.push(`Throughput of all points together: ${changeOf(throughputRatio)} (geometric mean).`)
  }
  return parts.join(' ')
}

/** Slower, faster, or no difference proven; and whether that is past the threshold. */
function answerOf(comparison: Comparison): string {
  const { points, thresholdShare } = comparison
  const [worse, better] = (['worse', 'better'] as const).map((verdict) =>
    points.filter(({ differences }) => differences.some((one) => one.verdict === verdict)),
  )
  const of = counted(points.length, 'point')
  if (worse!.length + better!.length === 0) return `No difference is proven at any of ${of}.`
  const regressions = regressionsOf(comparison).length
  const percent = `${Number((thresholdShare * 100).toFixed(2))} %`
  return [
    `The new run is slower or costlier at ${worse!.length || 'none'} of ${of}, faster or cheaper at ${better!.length || 'none'}; elsewhere no difference is proven.`,
    ...namesOf('Worse', 'worse', worse!),
    ...namesOf('Better', 'better', better!),
    regressions > 0
      ? `${counted(regressions, 'figure')} ${regressions === 1 ? 'is' : 'are'} worse by more than ${percent}.`
      : `Nothing is worse by more than ${percent}.`,
  ].join(' ')
}

/** Names and figures of the first few. */
function namesOf(
  head: string,
  verdict: Difference['verdict'],
  points: readonly ComparedPoint[],
): string[] {
  if (points.length === 0) return []
  const named = points.slice(0, NAMED_MAX).map(({ point, differences }) => {
    const own = differences.filter((difference) => difference.verdict === verdict)
    const figures = own.map(({ measure, ratio }) => `${MEASURE_WORDS[measure]} ${changeOf(ratio)}`)
    return `${pointName(point)} (${figures.join(', ')})`
  })
  const more = points.length - named.length
  return [`${head}: ${named.join('; ')}${more > 0 ? `; and ${more} more` : ''}.`]
}

/** A sentence with more of them is not read; the tables have all. */
const NAMED_MAX = 6
