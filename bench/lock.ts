// One benchmark at a time on one machine: two that run together measure each other. The lock is a file
// in the system's temporary folder with the owner's process id in it. A lock whose owner is gone (killed,
// power cut) is stale and is taken over; a process id alone does not prove that the owner lives, because
// the number may have been given to another process since, so the time it was started is kept as well.

import { randomBytes } from 'node:crypto'
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { Failure, systemErrorCode } from './errors.ts'
import { parseStat } from './proc-text.ts'

const Owner = z.object({ pid: z.int().min(1), startTicks: z.number().nullable() })
type Owner = z.infer<typeof Owner>

/** Stale locks that appear one after the other: somebody else takes them over as fast as we do. */
const ATTEMPTS_MAX = 5

export function defaultLockPath(): string {
  return join(tmpdir(), 'hubbub-bench.lock')
}

/** Takes the lock and returns what releases it; throws a Failure when another benchmark has it. */
export function takeLock(path: string): () => void {
  const mine: Owner = { pid: process.pid, startTicks: startTicksOf(process.pid) }
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    if (createLock(path, mine)) return () => releaseLock(path, mine)
    setStaleAside(path)
  }
  throw new Failure(`the lock ${path} keeps changing hands; wait until other benchmarks are over.`)
}

/**
 * True when the lock is ours now. It is written under another name and then given its own by link(2),
 * which only one process can do and which never shows an empty lock to anybody.
 */
function createLock(path: string, mine: Owner): boolean {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(draft, JSON.stringify(mine) + '\n', { flag: 'wx' })
    linkSync(draft, path)
    return true
  } catch (error) {
    const code = systemErrorCode(error)
    if (code !== 'EEXIST') throw new Failure(`the lock ${path} cannot be made (${code}).`)
    return false
  } finally {
    rmSync(draft, { force: true })
  }
}

/** Only what is ours: a lock that somebody declared stale and took is not ours any more. */
function releaseLock(path: string, mine: Owner): void {
  if (readOwner(path)?.pid === mine.pid) rmSync(path, { force: true })
}

/**
 * Moves a stale lock out of the way; throws when its owner lives. Moving is atomic, so of two benchmarks
 * that find the same stale lock one moves it; the other might move the first one's new lock instead,
 * which it notices by reading what it has moved, and puts back.
 */
function setStaleAside(path: string): void {
  refuseIfAlive(readOwner(path), path)
  const aside = `${path}.stale.${process.pid}`
  try {
    renameSync(path, aside)
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return
    throw new Failure(`the stale lock ${path} cannot be removed; remove it by hand.`)
  }
  const moved = readOwner(aside)
  if (isAlive(moved)) renameSync(aside, path)
  else rmSync(aside, { force: true })
  refuseIfAlive(moved, path)
}

function refuseIfAlive(owner: Owner | null, path: string): void {
  if (owner === null || !isAlive(owner)) return
  throw new Failure(
    `another benchmark is running (process ${owner.pid}), and two would measure each other; ` +
      `wait for it or end it (its lock is ${path}).`,
  )
}

/** Null when there is none, or when it is not readable as one: then it is as good as stale. */
function readOwner(path: string): Owner | null {
  try {
    return Owner.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return null
  }
}

function isAlive(owner: Owner | null): boolean {
  if (owner === null) return false
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    // EPERM: it exists, but belongs to another user.
    if (systemErrorCode(error) !== 'EPERM') return false
  }
  const startTicks = startTicksOf(owner.pid)
  return startTicks === null || owner.startTicks === null || startTicks === owner.startTicks
}

function startTicksOf(pid: number): number | null {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.startTicks ?? null
  } catch {
    return null
  }
}
