// The accounts file: who may log in, one `name:hash` in a line. It is text, so that it can be looked at,
// commented (`#`) and mended with any editor.
//
// It is read whole or not at all: a line that is no account means that somebody, or a full disk, has damaged
// the file, and then nobody can say who is missing. It is written beside itself and renamed, so that at no
// moment there is half of it. That other file, FILE.new, is also the lock of whoever writes: vipw(8) does
// the same.

import { randomBytes } from 'node:crypto'
import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { type Accounts, isAccountName } from '../protocol/index.ts'
import { costOf, DEFAULT_COST, hashPassword, isPasswordHash } from './passwords.ts'
import { ServeError } from './serve-error.ts'

/** A hundred thousand accounts. More of them belong into a database. */
const FILE_BYTES_MAX = 16 * 2 ** 20

interface Account {
  readonly name: string
  readonly hash: string
}

/** One line, without its end: an account, or (null) a comment or nothing. */
interface Line {
  readonly text: string
  readonly account: Account | null
}

type AccountLine = Line & { readonly account: Account }

/** What a server needs to know. Throws a ServeError that names the file, and the line if it is damaged. */
export function readAccounts(path: string): Accounts {
  const accounts = accountsOf(readLines(path))
  // A name that is not there costs as much as one that is: as the newest of them, if they differ.
  const newest = accounts.at(-1)
  const cost = newest === undefined ? DEFAULT_COST : costOf(newest.hash)
  return {
    entries: accounts.map(({ name, hash }) => [name, hash]),
    dummy: hashPassword(randomBytes(32).toString('latin1'), cost),
  }
}

/** The names, in the order of the file. */
export function accountNames(path: string): string[] {
  return accountsOf(readLines(path)).map(({ name }) => name)
}

/** Throws if there is such an account, in any case of its letters. */
export function requireNew(path: string, name: string): void {
  requireAbsent(path, readLines(path, true), name)
}

/** Throws if there is none. */
export function requireKnown(path: string, name: string): void {
  requirePresent(path, readLines(path), name)
}

/** Adds an account to the file, which is made if there is none. */
export function addAccount(path: string, name: string, hash: string): void {
  edit(path, true, (lines) => {
    requireAbsent(path, lines, name)
    return [...lines, { text: `${name}:${hash}`, account: { name, hash } }]
  })
}

/** Gives an account another hash. Its line stays where it is, and keeps the spelling of the name. */
export function changeAccount(path: string, name: string, hash: string): void {
  edit(path, false, (lines) => {
    const line = requirePresent(path, lines, name)
    const account = { name: line.account.name, hash }
    return lines.with(lines.indexOf(line), { text: `${account.name}:${hash}`, account })
  })
}

export function removeAccount(path: string, name: string): void {
  edit(path, false, (lines) => {
    const line = requirePresent(path, lines, name)
    return lines.filter((one) => one !== line)
  })
}

function requirePresent(path: string, lines: readonly Line[], name: string): AccountLine {
  const line = lines.filter(isOfAccount).find(({ account }) => isSame(account.name, name))
  if (line !== undefined) return line
  throw new ServeError(`There is no account ${name} in ${path}.`)
}

function isOfAccount(line: Line): line is AccountLine {
  return line.account !== null
}

function requireAbsent(path: string, lines: readonly Line[], name: string): void {
  const there = accountsOf(lines).find((account) => isSame(account.name, name))
  if (there === undefined) return
  throw new ServeError(
    `There is an account ${there.name} in ${path} already: remove it first, or choose another name.`,
  )
}

function accountsOf(lines: readonly Line[]): Account[] {
  return lines.flatMap(({ account }) => account ?? [])
}

/** Names are ASCII, and the same in any case. */
function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase()
}

function readLines(path: string, mayBeMissing = false): Line[] {
  let text: string
  try {
    text = readText(path)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    if (code === null) throw error
    if (code === 'ENOENT' && mayBeMissing) return []
    if (code !== 'ENOENT')
      throw new ServeError(`The accounts file ${path} cannot be read (${code}).`)
    throw new ServeError(
      `There is no accounts file ${path}: make it with "hubbub account add <name> --accounts ${path}".`,
    )
  }
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const seen = new Set<string>()
  return lines.map((line, index) => {
    const { account } = parse(
      line,
      (why) => {
        throw new ServeError(`${path}:${index + 1}: ${why}. Mend it; the file is left as it is.`)
      },
      seen,
    )
    return { text: line, account }
  })
}

function readText(path: string): string {
  const fd = openSync(path, 'r')
  try {
    const { size } = fstatSync(fd)
    if (size > FILE_BYTES_MAX) {
      throw new ServeError(`${path} has more than ${FILE_BYTES_MAX} bytes: it is no accounts file.`)
    }
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

function parse(text: string, fail: (why: string) => never, seen: Set<string>): Line {
  if (text.trim() === '' || text.startsWith('#')) return { text, account: null }
  const colon = text.indexOf(':')
  const name = text.slice(0, Math.max(0, colon))
  const hash = text.slice(colon + 1)
  if (!isAccountName(name)) fail('a line is name:hash, or a comment that begins with #')
  if (!isPasswordHash(hash)) fail('the hash is damaged, or of another kind')
  const folded = name.toLowerCase()
  if (seen.has(folded)) fail('there is a second account of this name')
  seen.add(folded)
  return { text, account: { name, hash } }
}

/** Writes the file anew. Whoever reads it meanwhile reads the old one. */
function edit(path: string, mayBeMissing: boolean, change: (lines: Line[]) => Line[]): void {
  const file = targetOf(path)
  const draft = `${file}.new`
  let fd: number
  try {
    fd = openSync(draft, 'wx', 0o600)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    throw new ServeError(
      code === 'EEXIST'
        ? `${draft} is there: somebody else is changing the accounts, or was ended while he did; then remove it.`
        : `${draft} cannot be written (${code}).`,
    )
  }
  try {
    const lines = change(readLines(path, mayBeMissing))
    writeFileSync(fd, lines.map(({ text }) => `${text}\n`).join(''))
    fsyncSync(fd)
    closeSync(fd)
    renameSync(draft, file)
  } catch (error) {
    rmSync(draft, { force: true })
    const code = error instanceof Error && 'code' in error ? String(error.code) : null
    throw code === null ? error : new ServeError(`${file} cannot be written (${code}).`)
  }
  syncFolder(dirname(file))
}

/** A link stays one: what it leads to is replaced. */
function targetOf(path: string): string {
  try {
    return realpathSync(path)
  } catch {
    return path // There is nothing yet.
  }
}

/** After a power cut the new name has to be there, too. */
function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r')
  try {
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}
