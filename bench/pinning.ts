// `bench --pin`: generator and servers on cores of their own, so that neither takes CPU time from the other,
// and the scheduler moves nobody between them. Linux only.

import { readdirSync } from 'node:fs'
import { coresOf, runOnCores, UnsupportedError } from '../posix/index.ts'
import { UsageError } from './errors.ts'
import type { Environment } from './schema.ts'

export type Pinning = NonNullable<Environment['pinning']>

/**
 * Which cores the generator gets: one for each of its threads, as long as one is left for the servers,
 * which get the rest. Throws a UsageError where that cannot be.
 */
export function planPinning(threads: number, cores: readonly number[] | null): Pinning {
  if (cores === null) {
    throw new UsageError('--pin needs Linux: nothing else here can keep a thread on a core.')
  }
  if (cores.length < 2) {
    throw new UsageError(
      '--pin needs two cores, one for the load generator and one for the server; here is one.',
    )
  }
  const own = Math.min(threads, cores.length - 1)
  return { generatorCores: cores.slice(0, own), serverCores: cores.slice(own) }
}

/** The cores that this process may use; null where that cannot be told. */
export function readCores(): number[] | null {
  try {
    return coresOf()
  } catch (error) {
    if (error instanceof UnsupportedError) return null
    throw error
  }
}

/**
 * Moves every thread of this process to these cores; those that it starts later inherit them. Returns what
 * undoes it.
 */
export function pinThisProcess(cores: readonly number[]): () => void {
  const before = coresOf()
  pinThreads(cores)
  return () => pinThreads(before)
}

/**
 * Starts something that inherits these cores: this thread moves there for the moment of the fork, because
 * after it, and before its exec, Node lets nobody do anything in the child.
 */
export function startedOn<Started>(cores: readonly number[] | null, start: () => Started): Started {
  if (cores === null) return start()
  const before = coresOf()
  runOnCores(cores)
  try {
    return start()
  } finally {
    runOnCores(before)
  }
}

function pinThreads(cores: readonly number[]): void {
  for (const threadId of readdirSync('/proc/self/task')) {
    try {
      runOnCores(cores, Number(threadId))
    } catch {
      // It has ended between the listing and the call.
    }
  }
}
