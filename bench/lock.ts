// One benchmark at a time on one machine: two that run together measure each other. The lock is the
// kernel's, on a file in the system's temporary folder: however its owner ends (killed, power cut), the
// lock ends with it, so nobody has to find out whether it is stale. The number in the file is for people.

import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readFileSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lockFile } from '../posix/index.ts'
import { Failure, systemErrorCode } from './errors.ts'

/** Files that are removed by their owners just when we have opened them. */
const ATTEMPTS_MAX = 100

export function defaultLockPath(): string {
  return join(tmpdir(), 'hubbub-bench.lock')
}

/** Takes the lock and returns what releases it; throws a Failure when another benchmark has it. */
export function takeLock(path: string): () => void {
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
    const fd = open(path)
    try {
      if (!lockFile(fd)) throw new Failure(takenBy(fd, path))
      if (isStillAt(path, fd)) {
        sign(fd)
        return () => {
          // The other way round, somebody might lock the file that is about to go.
          if (isStillAt(path, fd)) rmSync(path, { force: true })
          closeSync(fd)
        }
      }
    } catch (error) {
      closeSync(fd)
      throw error
    }
    closeSync(fd)
  }
  throw new Failure(`the lock ${path} keeps changing hands; wait until other benchmarks are over.`)
}

function open(path: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT, 0o644)
  } catch (error) {
    throw new Failure(
      `the lock ${path} cannot be opened (${systemErrorCode(error)}); ` +
        `if it was left by another user, have it removed.`,
    )
  }
}

/** Whoever had the lock before us has removed its file: what we have locked may have no name any more. */
function isStillAt(path: string, fd: number): boolean {
  const there = statSync(path, { throwIfNoEntry: false })
  const ours = fstatSync(fd)
  return there?.ino === ours.ino && there.dev === ours.dev
}

function sign(fd: number): void {
  ftruncateSync(fd)
  writeSync(fd, `${process.pid}\n`, 0)
}

function takenBy(fd: number, path: string): string {
  const [pid] = /^[0-9]+(?=\n)/.exec(readFileSync(fd, 'latin1')) ?? []
  return (
    `another benchmark is running${pid === undefined ? '' : ` (process ${pid})`}, and two would ` +
    `measure each other; wait for it or end it (its lock is ${path}).`
  )
}
