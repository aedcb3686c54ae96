// What the results can be written as: one exporter for each format, in a file of its own, and this table of
// them, from which `--help` is made. An exporter is a pure function; it is loaded when it is needed.

import type { Point, Results } from '../schema.ts'
import type { Part } from './hgrm.ts'
import type { TerminalOptions } from './text.ts'
import { counted, list } from './text.ts'

export const FORMAT_NAMES = [
  'terminal',
  'markdown',
  'html',
  'json',
  'csv',
  'hgrm',
  'github-action-benchmark',
  'github-action-benchmark-costs',
  'bencher',
] as const
export type FormatName = (typeof FORMAT_NAMES)[number]

export type Render = (results: Results, options: TerminalOptions) => string | readonly Part[]

interface Format {
  /** For whom or what it is. */
  readonly purpose: string
  /** Of a file. Only the results themselves end with .json, so that they are found by it. */
  readonly extension: string
  /** Points it has room for; others are left out, and counted. */
  readonly holds: readonly Point['status'][]
  readonly load: () => Promise<Render>
}

const ALL = ['valid', 'lower-bound', 'invalid', 'cannot', 'interrupted'] as const

export const FORMATS: Readonly<Record<FormatName, Format>> = {
  terminal: {
    purpose: 'tables to be read here',
    extension: 'txt',
    holds: ALL,
    load: async () => (await import('./terminal.ts')).terminalReport,
  },
  markdown: {
    purpose: 'the same tables for an issue or a wiki',
    extension: 'md',
    holds: ALL,
    load: async () => (await import('./markdown.ts')).markdownReport,
  },
  html: {
    purpose: 'one page with charts, to be opened in a browser',
    extension: 'html',
    holds: ALL,
    load: async () => (await import('./html/page.ts')).htmlReport,
  },
  json: {
    purpose: 'all that was measured, as in the file',
    extension: 'json',
    holds: ALL,
    load: async () => (await import('../results.ts')).resultsToJson,
  },
  csv: {
    purpose: 'a row for each repeat: spreadsheets, R, pandas',
    extension: 'csv',
    holds: ALL,
    load: async () => (await import('./csv.ts')).csvReport,
  },
  hgrm: {
    purpose: 'times of each point, for HdrHistogram’s plotter',
    extension: 'hgrm',
    holds: ['valid', 'lower-bound'],
    load: async () => (await import('./hgrm.ts')).hgrmReport,
  },
  'github-action-benchmark': {
    purpose: 'throughput; its tool is customBiggerIsBetter',
    extension: 'customBiggerIsBetter',
    holds: ['valid'],
    load: async () => (await import('./github.ts')).biggerIsBetterReport,
  },
  'github-action-benchmark-costs': {
    purpose: 'times, CPU, memory; customSmallerIsBetter',
    extension: 'customSmallerIsBetter',
    holds: ['valid'],
    load: async () => (await import('./github.ts')).smallerIsBetterReport,
  },
  bencher: {
    purpose: 'Bencher Metric Format, for --adapter json',
    extension: 'bmf',
    holds: ['valid'],
    load: async () => (await import('./bencher.ts')).bencherReport,
  },
}

/** `1 lower bound and 2 invalid points`. Null when the format has room for all of them. */
export function leftOut(format: FormatName, points: readonly Point[]): string | null {
  const { holds } = FORMATS[format]
  const kinds = [
    ['lower-bound', 'lower bound', 'lower bounds'],
    ['invalid', 'invalid point', 'invalid points'],
    ['cannot', 'point that cannot be run', 'points that cannot be run'],
    ['interrupted', 'point that was not run', 'points that were not run'],
  ] as const
  const counts = kinds.flatMap(([status, one, many]) => {
    const count = points.filter((point) => point.status === status).length
    return count > 0 && !holds.includes(status) ? counted(count, one, many) : []
  })
  return counts.length > 0 ? list(counts) : null
}

/** The files that a format makes. `stem` is their path, without what tells them apart. */
export function filesOf(
  rendered: string | readonly Part[],
  stem: string,
  format: FormatName,
): { path: string; text: string }[] {
  if (typeof rendered === 'string') return [{ path: fileName(stem, format), text: rendered }]
  return rendered.map(({ name, text }) => ({ path: fileName(`${stem}-${name}`, format), text }))
}

export function fileName(stem: string, format: FormatName): string {
  return `${stem}.${FORMATS[format].extension}`
}

/** For `--help`: a line for each format. */
export function formatTable(): string {
  const width = Math.max(...FORMAT_NAMES.map((name) => name.length))
  const lines = FORMAT_NAMES.map((name) => `  ${name.padEnd(width)}  ${FORMATS[name].purpose}`)
  return ['Formats:', ...lines].join('\n')
}
