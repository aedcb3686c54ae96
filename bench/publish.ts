// The end of a run: its files are written, all of them or none, and it says what they are called.

import { join } from 'node:path'
import { Failure, messageOf } from './errors.ts'
import type { FormatName, Render } from './reporters/formats.ts'
import { filesOf, FORMATS, leftOut } from './reporters/formats.ts'
import { terminalReport } from './reporters/terminal.ts'
import type { TerminalOptions } from './reporters/text.ts'
import { counted } from './reporters/text.ts'
import type { NewFile } from './results.ts'
import { resultsToJson, writeNewFiles } from './results.ts'
import type { Results } from './schema.ts'

/** What is written of every run, whatever else is asked for. */
const ALWAYS: readonly FormatName[] = ['json', 'markdown', 'html']

export interface PublishOptions {
  readonly folder: string
  /** Formats to write beside the usual ones. */
  readonly formats: readonly FormatName[]
  /** Print what is written to the file, instead of tables. */
  readonly json: boolean
}

export interface PublishIo extends TerminalOptions {
  readonly out: (text: string) => void
  readonly err: { write(text: string): unknown }
}

/**
 * Printed even when it cannot be written, as on a disk that has become full: it took long to measure. A
 * format that cannot be made costs only itself. Throws a Failure about either, after all else is done.
 */
export async function publish(
  results: Results,
  { folder, formats, json }: PublishOptions,
  io: PublishIo,
): Promise<void> {
  const wanted = [...new Set([...ALWAYS, ...formats])]
  const made = await Promise.allSettled(wanted.map((format) => make(format, results)))
  const rendered = made.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  let written: string[] = []
  try {
    written = writeUnderFreeName(rendered, results, folder)
  } finally {
    io.out(json ? resultsToJson(results) : `\n${terminalReport(results, io)}\n`)
  }
  io.err.write(['Written:', ...written].join('\n  ') + '\n')
  const failures = made.flatMap((one) => (one.status === 'rejected' ? [messageOf(one.reason)] : []))
  if (failures.length > 0) throw new Failure(failures.join('; '))
}

interface Rendered {
  readonly format: FormatName
  readonly texts: ReturnType<Render>
}

async function make(format: FormatName, results: Results): Promise<Rendered> {
  const render = await FORMATS[format].load()
  try {
    return { format, texts: render(results, { colour: false }) }
  } catch (error) {
    throw new Failure(`${format} cannot be made of these results (${messageOf(error)})`)
  }
}

/** Under a name that none of them has; gives a line for each format: the path, and what is not in it. */
function writeUnderFreeName(
  rendered: readonly Rendered[],
  results: Results,
  folder: string,
): string[] {
  const stem = join(folder, results.startedAt.replaceAll(':', '-').replace(/\..*/, 'Z'))
  for (let number = 1; number <= NAMES_MAX; number++) {
    const name = number === 1 ? stem : `${stem}-${number}`
    const files = rendered.map(({ format, texts }) => filesOf(texts, name, format))
    if (!writeNewFiles(files.flat())) continue
    return rendered.map(({ format }, i) => lineOf(format, files[i]!, name, results))
  }
  throw new Failure(`${stem} and ${NAMES_MAX} names like it are taken; move them away.`)
}

function lineOf(
  format: FormatName,
  files: readonly NewFile[],
  name: string,
  { points }: Results,
): string {
  const missing = leftOut(format, points)
  const without = missing === null ? '' : `, without ${missing}`
  const isOne = files.length === 1 && !files[0]!.path.startsWith(`${name}-`)
  if (isOne) return `${files[0]!.path}${without}`
  return `${name}-*.${FORMATS[format].extension}, ${counted(files.length, 'file')}${without}`
}

/** Two runs may end within one second, and clocks are set back: a name that is taken gets a number. */
const NAMES_MAX = 1000
