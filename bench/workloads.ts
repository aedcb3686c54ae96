// The workloads in words: what is counted in each, and what its clients do.

import type { WorkloadName } from '../clients/load/contract.ts'

export interface WorkloadWords {
  /** One of what is counted, and many of them. */
  readonly one: string
  readonly many: string
  readonly does: string
}

export const WORKLOAD_WORDS: Readonly<Record<WorkloadName, WorkloadWords>> = {
  ping: {
    one: 'PING',
    many: 'PINGs',
    does: 'Each client sends a PING and waits for its PONG.',
  },
  room: {
    one: 'delivery',
    many: 'deliveries',
    does: 'All clients are in one room; what a speaker says is delivered to everyone else.',
  },
  session: {
    one: 'session',
    many: 'sessions',
    does: 'A client connects, registers, sends a few PINGs and quits; the next one takes its place. Wait is the median time from connecting to the first answer.',
  },
}
