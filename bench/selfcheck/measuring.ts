// What proofs have in common that measure times: a server to measure at, and an eye on who else has the CPU.

import type { LoadHooks, LoadResult, LoadSpec } from '../../clients/load/contract.ts'
import { DRAIN_MS, MESSAGE_BYTES, PINGS_PER_SESSION, SETUP_STALL_MS, WORK_MS } from '../presets.ts'
import { othersShare, readCounters } from '../process-tree.ts'
import { DEFAULT_PATIENCE, type RunningServer, type Serving, startServer } from '../server.ts'
import { medianOf } from '../statistics.ts'
import { OTHERS_SHARE_MAX } from '../warnings.ts'
import type { Check, Laboratory } from './proof.ts'

/** Starts a server, and ends it in every case. */
export async function atServer<Result>(
  command: readonly string[],
  name: string,
  serving: Serving,
  { signal }: Laboratory,
  use: (server: RunningServer) => Promise<Result>,
): Promise<Result> {
  const server = await startServer(command, name, signal, DEFAULT_PATIENCE, serving)
  try {
    return await use(server)
  } finally {
    await server.kill()
  }
}

export const THE_CHAT: Serving = { words: [], transport: 'tcp' }

/** A closed loop of one PING in flight on each connection. Each proof says what it wants otherwise. */
export const CLOSED: Omit<LoadSpec, 'address' | 'clients' | 'durationMs'> = {
  workload: 'ping',
  senders: 1,
  arrivals: 'closed',
  ratePerS: null,
  accounting: true,
  window: 1,
  messageBytes: MESSAGE_BYTES,
  pingsPerSession: PINGS_PER_SESSION,
  workMs: WORK_MS,
  warmupMs: 300,
  setupStallMs: SETUP_STALL_MS,
  drainMs: DRAIN_MS,
  threads: 1,
  seed: 1,
}

/** The generator, and what the others took of the CPU while it ran. */
export class Bench {
  readonly #laboratory: Laboratory
  /** Of each run. */
  readonly #othersShares: (number | null)[] = []

  constructor(laboratory: Laboratory) {
    this.#laboratory = laboratory
  }

  async drive(server: RunningServer, spec: LoadSpec, hooks: LoadHooks = {}): Promise<LoadResult> {
    const before = readCounters(server.pid)
    const cpuBefore = process.cpuUsage()
    const load = await this.#laboratory.runLoad(spec, { signal: this.#laboratory.signal, ...hooks })
    const own = process.cpuUsage(cpuBefore)
    const after = readCounters(server.pid)
    const ownMs = (own.user + own.system) / 1000
    if (before && after) this.note(othersShare(before, after, ownMs))
    return load
  }

  /** What others took of the CPU during a run: a share of all of it; null when nobody can tell. */
  note(share: number | null): void {
    this.#othersShares.push(share)
  }

  /** Whether others had too much of the CPU for any time to prove anything: in the median run, as in a warning. */
  get isDisturbed(): boolean {
    return this.#othersShare > OTHERS_SHARE_MAX
  }

  get #othersShare(): number {
    return medianOf(this.#othersShares) ?? 0
  }

  /** Times prove nothing, neither way, that were measured while others had the CPU. */
  judged(checks: readonly Check[]): Check[] {
    if (!this.isDisturbed) return [...checks]
    const why = `others took ${Math.round(this.#othersShare * 100)} % of the CPU meanwhile`
    return checks.map((check) => ({ ...check, verdict: 'inconclusive', why }))
  }
}

/** A check that passes or fails. */
export function checked(
  name: string,
  expected: string,
  seen: string,
  isSo: boolean,
  why: string,
  figures: Check['figures'],
): Check {
  return { name, expected, seen, verdict: isSo ? 'pass' : 'fail', why: isSo ? '' : why, figures }
}

export function perSecond({ operations, elapsedNs }: LoadResult): number {
  return elapsedNs > 0 ? operations / (elapsedNs / 1e9) : 0
}

/** `3.00 ms`. */
export function inMs(ns: number): string {
  const ms = ns / 1e6
  return `${ms >= 10 ? ms.toFixed(1) : ms.toFixed(2)} ms`
}
