// What the workloads' own tests have in common: a run that is short, and how its books are read.

import type { LoadResult, LoadSpec } from '../../clients/load/index.ts'

/**
 * Six clients for a fifth of a second. What is waited for has long to come, as on a machine with other work; it
 * is there at once, elsewhere. Each test says what it wants otherwise.
 */
export const SHORT: Omit<LoadSpec, 'workload'> = {
  address: '',
  clients: 6,
  senders: 0,
  arrivals: 'closed',
  ratePerS: null,
  accounting: true,
  window: 4,
  messageBytes: 64,
  pingsPerSession: 0,
  workMs: 5,
  warmupMs: 50,
  durationMs: 200,
  setupStallMs: 10_000,
  drainMs: 10_000,
  threads: 1,
  seed: 11,
}

/** For runs in which something never comes: waiting longer than a busy machine may need is no use. */
export const IN_VAIN = { setupStallMs: 1000, drainMs: 1000 } as const

/** What every fault of the ledger is when there is none. */
export const NONE = { lost: 0, duplicated: 0, reordered: 0, corrupt: 0, outstanding: 0 }

/** The entries of the ledger that are faults. */
export function faultsOf({ ledger }: LoadResult): typeof NONE {
  const { lost, duplicated, reordered, corrupt, outstanding } = ledger
  return { lost, duplicated, reordered, corrupt, outstanding }
}
