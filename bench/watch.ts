// Looks after a trial while it runs: tells its record when a phase begins, and ends it when the server dies or
// hangs, or when the user has enough.

import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import type { LoadHooks, LoadPhase, LoadSpec } from '../clients/load/contract.ts'
import type { Killing } from './killing.ts'
import { readTree } from './process-tree.ts'
import type { Fault } from './schema.ts'
import type { Patience, RunningServer } from './server.ts'
import { describeEnd, FaultError, INTERRUPTION_GRACE_MS } from './server.ts'
import { fault } from './verdict.ts'

/** Who is told how a trial goes. */
export interface TrialObserver {
  readonly operationsSeen: number
  /** So many operations by now. */
  progress(operations: number): void
  measureStarted(): void
  /** The load is over, and every client still connected. */
  clientsHeld(): void
}

const WATCH_MS = 200

/** Looks after a running trial: ends it when the server dies or hangs, or when the user has enough. */
export class Watch {
  readonly #abort = new AbortController()
  readonly #server: RunningServer
  readonly #record: TrialObserver
  readonly #outer: AbortSignal
  readonly #patience: Patience
  readonly #killing: Killing | null
  readonly #timer: NodeJS.Timeout
  readonly #onAbort = () => this.#abort.abort(this.#outer.reason)
  #spec: LoadSpec | null = null
  #phase: LoadPhase = 'setup'
  #phaseStartedAtMs = performance.now()
  #lastOperationAtMs = performance.now()
  #ended = false

  constructor(
    server: RunningServer,
    outer: AbortSignal,
    record: TrialObserver,
    patience: Patience,
    killing: Killing | null,
  ) {
    this.#patience = patience
    this.#killing = killing
    this.#server = server
    this.#outer = outer
    this.#record = record
    outer.addEventListener('abort', this.#onAbort)
    if (outer.aborted) this.#onAbort()
    this.#timer = setInterval(() => this.#look(), WATCH_MS)
    void this.#awaitEnd()
  }

  /** Why the trial was ended before its time; undefined when it was not. */
  get cause(): unknown {
    return this.#abort.signal.reason
  }

  hooks(spec: LoadSpec): LoadHooks {
    this.#spec = spec
    return {
      signal: this.#abort.signal,
      onPhase: (phase) => this.#phaseBegins(phase),
      onProgress: (operations) => {
        if (operations !== this.#record.operationsSeen) this.#lastOperationAtMs = performance.now()
        this.#record.progress(operations)
      },
    }
  }

  end(): void {
    this.#ended = true
    clearInterval(this.#timer)
    this.#killing?.end()
    this.#outer.removeEventListener('abort', this.#onAbort)
  }

  async #awaitEnd(): Promise<void> {
    const end = await this.#server.ended
    await setTimeout(INTERRUPTION_GRACE_MS)
    this.#endEarly(fault('server-died', `the server died (${describeEnd(end)})`))
  }

  #phaseBegins(phase: LoadPhase): void {
    this.#phase = phase
    this.#phaseStartedAtMs = this.#lastOperationAtMs = performance.now()
    if (phase === 'measure') {
      this.#record.measureStarted()
      this.#killing?.windowBegins(this.#spec?.durationMs ?? 0)
    }
    if (phase === 'hold') this.#record.clientsHeld()
  }

  #endEarly(reason: Fault): void {
    if (!this.#ended && !this.#abort.signal.aborted) this.#abort.abort(new FaultError(reason))
  }

  #look(): void {
    const spec = this.#spec
    if (!spec) return
    const inPhaseMs = performance.now() - this.#phaseStartedAtMs
    if (inPhaseMs > phaseMs(this.#phase, spec) + this.#patience.phaseMs) {
      this.#endEarly(this.#hung(`${this.#phase} did not end`))
    }
    const isLoaded = this.#phase === 'warmup' || this.#phase === 'measure'
    const silentMs = performance.now() - this.#lastOperationAtMs
    if (isLoaded && silentMs > this.#patience.silenceMs) {
      this.#endEarly(this.#hung(`nothing was answered for ${Math.round(silentMs / 1000)} s`))
    }
  }

  #hung(what: string): Fault {
    const state = isStopped(this.#server.pid) ? ', its process is stopped' : ''
    return fault('server-hung', `the server hung (${what}${state})`)
  }
}

/** As by SIGSTOP, or by a debugger. */
export function isStopped(pid: number): boolean {
  return ['T', 't'].includes(readTree(pid)[0]?.state ?? '')
}

/** How long a phase takes when all is well. */
function phaseMs(phase: LoadPhase, spec: LoadSpec): number {
  const phases: Readonly<Record<LoadPhase, number>> = {
    // As long as clients keep being registered; each of them restarts the stall's clock.
    setup: spec.clients * SETUP_MS_PER_CLIENT + spec.setupStallMs,
    warmup: spec.warmupMs,
    measure: spec.durationMs,
    hold: spec.drainMs,
    finish: 0,
  }
  return phases[phase]
}

/** A process per client takes 90 ms of CPU time; three times that on a busy machine. */
const SETUP_MS_PER_CLIENT = 300
