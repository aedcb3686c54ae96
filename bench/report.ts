// `hubbub report`: the results of an earlier run, in any format, at any later time. Nothing is measured, and
// no file that is there is ever replaced.

import { statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { Failure, UsageError } from './errors.ts'
import type { FormatName } from './reporters/formats.ts'
import { fileName, filesOf, FORMATS, leftOut } from './reporters/formats.ts'
import type { Part } from './reporters/hgrm.ts'
import { slugOf } from './reporters/text.ts'
import { prepareFolder, readResults, writeNewFile, writeNewFiles } from './results.ts'
import { checkedWords } from './words.ts'

export interface ReportOptions {
  readonly format: FormatName
  /** A new file, or a folder, in which the run's own name is used; left out, standard output. */
  readonly out?: string | undefined
  /** Where there is a text for each point: which one, as tables call it or with hyphens. */
  readonly point?: string | undefined
}

export interface ReportIo {
  /** Data: standard output. */
  readonly out: (text: string) => void
  /** Words: standard error. */
  readonly err: { write(text: string): unknown }
  /** Left out: as standard output takes it. */
  readonly colour?: boolean | undefined
  /** How wide the terminal is; left out, nothing has to fit. */
  readonly columns?: number | undefined
}

/** Settles with the exit code. Throws a Failure when the file is not a whole, undamaged results file. */
export async function report(path: string, options: ReportOptions, io: ReportIo): Promise<number> {
  const { format, out } = options
  if (out === '') throw new UsageError('--out needs the name of a file or a folder.')
  const results = readResults(path)
  const render = await FORMATS[format].load()
  // A file is as wide as it likes, and has no colours.
  const rendered = render(results, out === undefined ? io : { colour: false })
  const run = basename(path, '.json')
  if (typeof rendered === 'string') give(rendered, run, options, io)
  else giveParts(rendered, run, options, io)
  const missing = leftOut(format, results.points)
  if (missing !== null) io.err.write(`Not in it: ${missing}.\n`)
  return 0
}

function give(
  text: string,
  run: string,
  { format, out, point }: ReportOptions,
  io: ReportIo,
): void {
  if (point !== undefined) {
    throw new UsageError(`--point is for --format hgrm; ${format} is one text about all points.`)
  }
  if (out === undefined) return io.out(text)
  const path = isFolder(out) ? join(out, fileName(run, format)) : out
  writeNewFile(path, text)
  io.err.write(`Written: ${path}\n`)
}

function giveParts(
  all: readonly Part[],
  run: string,
  { format, out, point }: ReportOptions,
  io: ReportIo,
): void {
  const parts = point === undefined ? all : partsAbout(point, all)
  const [first] = parts
  if (!first) throw new Failure(`no point of this run has figures for ${format}.`)
  const isOnePoint = parts.every((part) => part.point === first.point)
  if (out === undefined || (isOnePoint && !isFolder(out))) {
    if (isOnePoint) return give(first.text, run, { format, out }, io)
    throw new UsageError(
      `${format} is a text for each point: name one with --point, such as ${slugOf(first.point)}, or a folder for all of them with --out.`,
    )
  }
  prepareFolder(out)
  const files = filesOf(parts, join(out, run), format)
  if (!writeNewFiles(files)) {
    throw new Failure(`some of ${join(out, run)}-* are there already; nothing was changed.`)
  }
  io.err.write(`Written: ${files.length} files, ${join(out, run)}-*.${FORMATS[format].extension}\n`)
}

function partsAbout(point: string, parts: readonly Part[]): Part[] {
  const known = [...new Set(parts.map((part) => slugOf(part.point)))]
  const [slug] = checkedWords('point', [slugOf(point)], known)
  return parts.filter((part) => slugOf(part.point) === slug)
}

function isFolder(path: string): boolean {
  if (path.endsWith('/')) return true
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
