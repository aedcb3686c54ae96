// Results files: written whole or not at all, read with suspicion.
//
// A file is checked against the schema when it is written, so that a bug cannot store a NaN, and when it
// is read, so that a cut, edited or damaged file is named and not drawn. Every way of being unreadable
// has a sentence of its own.

import { createHash, randomBytes } from 'node:crypto'
import * as fs from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { Failure, messageOf, systemErrorCode } from './errors.ts'
import { Results, ResultsFile, SCHEMA_VERSION } from './schema.ts'

export type * from './schema.ts'
export { SCHEMA_VERSION } from './schema.ts'

/** The JSON Schema (draft 2020-12) of a results file. */
export function resultsJsonSchema(): object {
  return z.toJSONSchema(ResultsFile)
}

/** The exact text of a results file. Throws when `results` are not of the schema's shape. */
export function resultsToJson(results: Results): string {
  const checked = Results.parse(results)
  return JSON.stringify({ ...checked, sha256: checksum(checked) }, null, 1) + '\n'
}

/**
 * Writes a new results file. It appears under its name whole or not at all, and a file that is there
 * already stays as it is: that is a Failure.
 */
export function writeResults(path: string, results: Results): void {
  writeNewFile(path, resultsToJson(results))
}

/** Reads a results file, or throws a Failure that says what is wrong with it and what to do. */
export function readResults(path: string): Results {
  const parsed = parseJson(path, readText(path))
  const version = versionOf(parsed)
  if (version === undefined) {
    throw somethingElse(path, 'it has no schemaVersion')
  }
  if (version !== SCHEMA_VERSION) throw otherVersion(path, version, parsed)
  const checked = ResultsFile.safeParse(parsed)
  if (!checked.success) {
    const issue = checked.error.issues[0]
    const where = issue ? `${jsonPath(issue.path)}: ${complaint(issue.message)}` : 'unknown'
    throw new Failure(`${path} is not a results file of hubbub (${where}).`)
  }
  const { sha256, ...results } = checked.data
  if (checksum(results) !== sha256) {
    throw new Failure(
      `${path} was changed or damaged after it was written (its checksum does not fit); ` +
        'restore it, or run the benchmark again.',
    )
  }
  return results
}

/** Makes sure, before anything is timed, that results can be written to `folder`. */
export function prepareFolder(folder: string): void {
  try {
    makeFolder(resolve(folder))
    if (!fs.statSync(folder).isDirectory()) throw new Error('it is not a folder')
    // To ask for permission is not enough: /proc grants it to root, and then makes no file.
    const probe = temporaryName(join(folder, 'probe'))
    fs.writeFileSync(probe, '', { flag: 'wx' })
    fs.rmSync(probe)
  } catch (error) {
    throw new Failure(
      `results cannot be written to ${folder} (${reason(error)}); choose another folder with --out.`,
    )
  }
}

/**
 * Makes a folder and those it lies in. Not with `recursive`: below a file system that makes no folders,
 * such as /proc, Node 20 then tries for ever.
 */
function makeFolder(folder: string): void {
  const missing: string[] = []
  for (let path = folder; !fs.existsSync(path); path = dirname(path)) missing.push(path)
  for (const path of missing.toReversed()) fs.mkdirSync(path)
}

export function writeNewFile(path: string, text: string): void {
  if (!writeNewFiles([{ path, text }])) {
    throw new Failure(`${path} exists already; it was not touched. Choose another name.`)
  }
}

export interface NewFile {
  readonly path: string
  readonly text: string
}

/**
 * Files that belong together: all of them or none. False when one of the names is
 * taken. Each is a temporary file in the same folder, all bytes, fsync; only then they get their names,
 * with link(2), which unlike rename(2) never replaces a file that is there already.
 */
export function writeNewFiles(files: readonly NewFile[]): boolean {
  if (files.some(({ path }) => fs.existsSync(path))) return false
  const drafts = files.map((file) => ({ ...file, temporary: temporaryName(file.path) }))
  const named: string[] = []
  let at = '' // Which one an error is about.
  try {
    for (const { path, text, temporary } of drafts) {
      at = path
      writeDurably(temporary, text)
    }
    for (const { path, temporary } of drafts) {
      at = path
      giveName(temporary, path)
      named.push(path)
    }
  } catch (error) {
    for (const path of named) drop(path)
    if (systemErrorCode(error) === 'EEXIST') return false
    throw new Failure(`${at} could not be written (${reason(error)}); nothing was changed.`)
  } finally {
    for (const { temporary } of drafts) drop(temporary)
  }
  for (const { path } of files) syncFolder(dirname(path))
  return true
}

function drop(path: string): void {
  try {
    fs.rmSync(path, { force: true })
  } catch {
    // Its folder is no folder, or gone: then so is the file.
  }
}

function temporaryName(path: string): string {
  return join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
}

function writeDurably(path: string, text: string): void {
  const bytes = Buffer.from(text)
  const fd = fs.openSync(path, 'wx', 0o644)
  try {
    // A disk that fills up accepts a part first and fails with ENOSPC at the next call.
    for (let written = 0; written < bytes.length;) {
      written += fs.writeSync(fd, bytes, written, bytes.length - written)
    }
    fs.fsyncSync(fd)
  } finally {
    fs.closeSync(fd)
  }
}

function giveName(temporary: string, path: string): void {
  try {
    fs.linkSync(temporary, path)
  } catch (error) {
    // FAT and some network file systems have no links: there only the look before the leap is left.
    const hasNoLinks = ['EPERM', 'ENOTSUP', 'ENOSYS'].includes(systemErrorCode(error) ?? '')
    if (!hasNoLinks || fs.existsSync(path)) throw error
    fs.renameSync(temporary, path)
  }
}

/** The new name must be on the disk too. Not every system lets a folder be opened: then it is left. */
function syncFolder(folder: string): void {
  try {
    const fd = fs.openSync(folder, 'r')
    try {
      fs.fsyncSync(fd)
    } finally {
      fs.closeSync(fd)
    }
  } catch {
    // The file itself is safe; only a power cut in the next seconds could lose its name.
  }
}

function checksum(results: unknown): string {
  return createHash('sha256').update(JSON.stringify(results)).digest('hex')
}

function readText(path: string): string {
  try {
    return fs.readFileSync(path, 'utf8')
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === 'ENOENT') {
      throw new Failure(`${path} does not exist; \`hubbub bench\` prints the path it writes to.`)
    }
    if (code === 'EISDIR') {
      throw new Failure(`${path} is a folder; name one of the .json files in it.`)
    }
    throw new Failure(`${path} cannot be read (${reason(error)}).`)
  }
}

function parseJson(path: string, text: string): unknown {
  if (text.trim() === '') throw new Failure(`${path} is empty; run the benchmark again.`)
  if (!text.trimStart().startsWith('{')) throw somethingElse(path, 'it is no JSON object')
  try {
    return JSON.parse(text)
  } catch (error) {
    throw isCutShort(text)
      ? new Failure(`${path} was cut short: it ends in the middle; run the benchmark again.`)
      : new Failure(`${path} is not valid JSON (${messageOf(error)}); run the benchmark again.`)
  }
}

/** The report that was written with the results has their name, but for its end. */
function somethingElse(path: string, how: string): Failure {
  const beside = path.replace(/\.md$/, '.json')
  const wanted =
    beside !== path && fs.existsSync(beside)
      ? `${beside}, which was written with it`
      : 'a .json file that `hubbub bench` has written'
  return new Failure(`${path} is not a results file of hubbub: ${how}; name ${wanted}.`)
}

/** Whether `text` is the beginning of a JSON object whose end is missing: braces or a string are open. */
function isCutShort(text: string): boolean {
  if (!text.trimStart().startsWith('{')) return false
  let depth = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]
    if (inString) {
      if (c === '\\') i++
      else if (c === '"') inString = false
    } else if (c === '"') inString = true
    else if (c === '{' || c === '[') depth++
    else if (c === '}' || c === ']') depth--
  }
  return inString || depth > 0
}

function versionOf(parsed: unknown): unknown {
  return typeof parsed === 'object' && parsed !== null && 'schemaVersion' in parsed
    ? parsed.schemaVersion
    : undefined
}

/** What wrote an older file still reads it; and its tables stand beside it, in words. */
function otherVersion(path: string, version: unknown, parsed: unknown): Failure {
  const what = `${path} has schema version ${JSON.stringify(version)}, this hubbub reads version ${SCHEMA_VERSION}`
  if (typeof version === 'number' && version > SCHEMA_VERSION) {
    return new Failure(`${what}; install a newer hubbub.`)
  }
  const { success, data } = WRITER.safeParse(parsed)
  const { hubbub, commit } = data?.environment ?? {}
  const writer = commit ? `commit ${commit.id.slice(0, 12)}` : `version ${hubbub}`
  const beside = path.replace(/\.json$/, '.md')
  const remedies = [
    ...(beside !== path && fs.existsSync(beside) ? [`its tables are in ${beside}`] : []),
    ...(success ? [`the hubbub that wrote it (${writer}) reads it`] : []),
    'or run the benchmark again',
  ]
  return new Failure(`${what}; ${remedies.join(', ').replace(/^or /, '')}.`)
}

/** Who wrote a file, which all versions of the schema tell in the same way. */
const WRITER = z.object({
  environment: z.object({
    hubbub: z.string().regex(/^[\w.+-]{1,40}$/),
    commit: z.object({ id: z.string().regex(/^[0-9a-f]{40}$/) }).nullable(),
  }),
})

/** Zod's words, but for what is not there at all. */
function complaint(message: string): string {
  return message.endsWith('received undefined') ? 'it is missing' : message
}

/** `points[3].summary.served`, as people write it. */
function jsonPath(path: readonly PropertyKey[]): string {
  let text = ''
  for (const key of path) text += typeof key === 'number' ? `[${key}]` : `.${String(key)}`
  return text.replace(/^\./, '') || 'the whole file'
}

function reason(error: unknown): string {
  return systemErrorCode(error) ?? messageOf(error)
}
