// The load generator: drives one server with one workload, and returns what it saw.
//
// Every thread of the generator drives its share of the connections in a loop of its own (drive.ts).
// This is the main thread's part: to take all of them through the steps of a run together, to tell the
// caller about it, and to add up what they return. The main thread does nothing else meanwhile; while a
// run is measured it wakes up four times a second.

import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { Piscina } from 'piscina'
import {
  type Ledger,
  type LoadHooks,
  type LoadPhase,
  type LoadResult,
  type LoadSpec,
  workloadInfo,
} from './contract.ts'
import { inFlightMax } from './arrivals.ts'
import { allocateShared, BURSTS_KEPT, Control, STEP, type Step } from './control.ts'
import type { LossesSeen } from './crash.ts'
import type { Outcome, Task } from './drive.ts'
import { fairnessOf } from './fairness.ts'
import { receiversOf } from './receivers.ts'
import { speakersOf } from './speakers.ts'
import { checkSpec } from './spec.ts'
import { Tally } from './tally.ts'
import { mergeTimes } from './times.ts'

const PROGRESS_MS = 250
/** How often the main thread looks whether the threads have come to where it waits for them. */
const LOOK_MS = 2

/**
 * Drives the server at `spec.address` through the phases of a run:
 *
 * - `setup`: clients connect and register, in waves, until all are served or none has been for
 *   `setupStallMs`. Who is not served by then stays connected, and takes no part.
 * - `warmup` and `measure`: the load, without and with being measured. When nobody is served (and clients
 *   do not come and go, as in `session`), both are over at once.
 * - `hold`: the load has stopped. Answers are waited for, for up to `drainMs`, and then the books are
 *   closed; what is still missing enters the histogram at the time it has taken so far. Connections
 *   stay open, and the server's PINGs are answered, until the hook's promise settles, too. (`session`
 *   has no connection left by then: sessions under way end, and none begins.)
 * - `finish`: everything is closed, all threads have ended.
 *
 * A hook is called when its phase begins, and the phase lasts at least until the hook's promise
 * settles; a hook that fails ends the run.
 *
 * Rejects with LoadSpecError or AddressError when the specification makes no sense, with the reason of
 * `hooks.signal` when it is aborted, with what a hook threw. What goes wrong with connections is no
 * rejection: it is in the result. Sockets are closed and threads have ended when the promise settles.
 */
export async function runLoad(spec: LoadSpec, hooks: LoadHooks = {}): Promise<LoadResult> {
  checkSpec(spec)
  hooks.signal?.throwIfAborted()
  const run = new Run(spec, hooks)
  try {
    return await run.conduct()
  } catch (error) {
    // When the run is halted everything that waits fails at once; only the reason is worth telling.
    throw run.haltedBy ?? error
  } finally {
    await run.end()
  }
}

class Run {
  readonly #spec: LoadSpec
  readonly #hooks: LoadHooks
  readonly #control: Control
  readonly #pool: Piscina<Task, Outcome>
  readonly #outcomes: Promise<Outcome>[]
  /** Aborted when the run is to end early, with the reason why. */
  readonly #halt = new AbortController()
  readonly #halted: Promise<never>
  readonly #onAbort = () => this.#halt.abort(this.#hooks.signal?.reason)
  readonly #originNs = process.hrtime.bigint()

  constructor(spec: LoadSpec, hooks: LoadHooks) {
    this.#spec = spec
    this.#hooks = hooks
    const shared = allocateShared(
      spec.threads,
      speakersOf(spec),
      Math.max(BURSTS_KEPT, 2 * inFlightMax(spec)),
    )
    this.#control = new Control(shared, spec.threads)
    this.#halted = new Promise((_resolve, reject) => {
      this.#halt.signal.addEventListener('abort', () => {
        this.#control.halt()
        reject(this.#halt.signal.reason)
      })
    })
    hooks.signal?.addEventListener('abort', this.#onAbort)
    this.#pool = openPool(spec.threads)
    const originNs = this.#originNs
    this.#outcomes = Array.from({ length: spec.threads }, (_, thread) =>
      this.#start({ spec, thread, originNs, shared }),
    )
    // They are awaited in races, or late: none of them may count as unhandled meanwhile.
    for (const promise of [this.#halted, ...this.#outcomes]) promise.catch(() => {})
  }

  async #start(task: Task): Promise<Outcome> {
    try {
      return await this.#pool.run(task, { name: 'drive' })
    } catch (error) {
      this.#halt.abort(error)
      throw error
    }
  }

  get haltedBy(): unknown {
    return this.#halt.signal.reason
  }

  async conduct(): Promise<LoadResult> {
    const control = this.#control
    await this.#until(() => control.allReached(STEP.ready))
    const progress = setInterval(() => this.#tellProgress(), PROGRESS_MS)
    try {
      await this.#orHalt(this.#hooks.onPhase?.('setup'))
      control.step = STEP.setup
      await this.#setUp()
      control.dealArrivals()
      await this.#phase('warmup', STEP.warmup, this.#driven(this.#spec.warmupMs))
      await this.#phase('measure', STEP.measure, this.#driven(this.#spec.durationMs))
      await this.#hold()
      const windowNs = control.stepNs(STEP.drain) - control.stepNs(STEP.measure)
      await this.#phase('finish', STEP.finish, 0)
      const window = { windowNs, startedAtNs: control.stepNs(STEP.measure) }
      return resultOf(this.#spec, window, await this.#orHalt(Promise.all(this.#outcomes)))
    } finally {
      clearInterval(progress)
    }
  }

  /** Everything that was begun ends: threads, timers, listeners. */
  async end(): Promise<void> {
    this.#hooks.signal?.removeEventListener('abort', this.#onAbort)
    this.#halt.abort()
    await Promise.allSettled(this.#outcomes)
    await this.#pool.destroy()
  }

  #tellProgress(): void {
    try {
      this.#hooks.onProgress?.(this.#control.operations)
    } catch (error) {
      this.#halt.abort(error)
    }
  }

  /** Without a client there is nothing to drive, and nothing to wait for. */
  #driven(ms: number): number {
    return workloadInfo(this.#spec.workload).clientsStay && this.#control.served === 0 ? 0 : ms
  }

  /** The step is taken, then the hook is called: threads under load notice within microseconds. */
  async #phase(phase: LoadPhase, step: Step, ms: number): Promise<void> {
    this.#control.setStepNs(step, Number(process.hrtime.bigint() - this.#originNs))
    this.#control.step = step
    await Promise.all([this.#orHalt(this.#hooks.onPhase?.(phase)), ms > 0 ? this.#sleep(ms) : null])
  }

  async #setUp(): Promise<void> {
    const { clients, setupStallMs } = this.#spec
    let servedBefore = -1
    let stalledAtMs = Infinity
    await this.#until(() => {
      const { served, lost } = this.#control
      if (served !== servedBefore) stalledAtMs = performance.now() + setupStallMs
      servedBefore = served
      return served + lost >= clients || performance.now() >= stalledAtMs
    })
  }

  async #hold(): Promise<void> {
    const control = this.#control
    const drainedAtMs = performance.now() + this.#spec.drainMs
    const held = this.#phase('hold', STEP.drain, 0)
    const drained = async () => {
      await this.#until(() => control.allReached(STEP.drain))
      control.setAllStopped()
      await this.#until(() => control.allSettled || performance.now() >= drainedAtMs)
      control.step = STEP.hold
    }
    await Promise.all([held, drained()])
  }

  async #until(condition: () => boolean): Promise<void> {
    while (!condition()) await this.#sleep(LOOK_MS)
  }

  /** Rejects when the run is halted. */
  #sleep(ms: number): Promise<void> {
    return sleep(ms, undefined, { signal: this.#halt.signal })
  }

  /** The promise's own result, unless the run is halted first. */
  async #orHalt<T>(promise: T | Promise<T>): Promise<Awaited<T>> {
    return await Promise.race([promise, this.#halted])
  }
}

/**
 * Worker threads run JavaScript, so this module's sources (as under vitest) use the compiled worker in
 * dist/: build first.
 */
function openPool(threads: number): Piscina<Task, Outcome> {
  const compiled = import.meta.url.endsWith('.ts')
    ? new URL('../../dist/clients/load/worker.js', import.meta.url)
    : new URL('./worker.js', import.meta.url)
  return new Piscina({
    filename: fileURLToPath(compiled),
    minThreads: threads,
    maxThreads: threads,
    concurrentTasksPerWorker: 1,
    // A worker with sockets must not sleep in Atomics.wait between tasks. Ours has none then, but a
    // pool that is right for sockets is what this project uses.
    atomics: 'disabled',
    execArgv: [],
  })
}

/** `windowNs`: from one step to the next, as the schedule of an open loop has it. */
function resultOf(
  spec: LoadSpec,
  { windowNs, startedAtNs }: { windowNs: number; startedAtNs: number },
  outcomes: readonly Outcome[],
): LoadResult {
  const total = (of: (outcome: Outcome) => number) =>
    outcomes.reduce((sum, outcome) => sum + of(outcome), 0)
  const firstAnswers = outcomes.flatMap(({ firstAnswerTime }) => firstAnswerTime ?? [])
  return {
    spec,
    served: total(({ served }) => served),
    refused: tallyOf(outcomes.map(({ refused }) => refused)),
    unserved: total(({ unserved }) => unserved),
    operations: total(({ operations }) => operations),
    // Each thread notices both steps a moment late, and counts what it does between these moments.
    elapsedNs: total((outcome) => outcome.windowNs) / outcomes.length,
    scheduledNs: windowNs,
    serviceTime: mergeTimes(outcomes.map(({ serviceTime }) => serviceTime)),
    ...openLoopOf(windowNs, outcomes),
    receivers: receiversOf(outcomes.map(({ receivers }) => receivers)),
    firstAnswerTime: firstAnswers.length === 0 ? null : mergeTimes(firstAnswers),
    beside: besideOf(outcomes),
    fairness: fairnessOf(outcomes.flatMap(({ answers }) => answers)),
    slow: slowOf(outcomes),
    losses: lossesOf(outcomes, startedAtNs),
    ledger: addLedgers(outcomes.map(({ ledger }) => ledger)),
    errors: tallyOf(outcomes.map(({ errors }) => errors)),
    generator: {
      threads: spec.threads,
      busyShare: Math.max(...outcomes.map(({ busyShare }) => busyShare)),
      cpuMs: total(({ cpuMs }) => cpuMs),
    },
  }
}

function openLoopOf(
  windowNs: number,
  outcomes: readonly Outcome[],
): Pick<LoadResult, 'responseTime' | 'schedule'> {
  const all = outcomes.flatMap(({ arrivals }) => arrivals ?? [])
  if (all.length === 0) return { responseTime: null, schedule: null }
  const perS = (count: number) => (windowNs > 0 ? count / (windowNs / 1e9) : 0)
  return {
    responseTime: mergeTimes(all.map(({ response }) => response)),
    schedule: {
      offeredPerS: perS(all.reduce((sum, { due }) => sum + due, 0)),
      sentPerS: perS(all.reduce((sum, { sent }) => sum + sent, 0)),
      lag: mergeTimes(all.map(({ lag }) => lag)),
    },
  }
}

function besideOf(outcomes: readonly Outcome[]): LoadResult['beside'] {
  const all = outcomes.flatMap(({ beside }) => beside ?? [])
  if (all.length === 0) return null
  return {
    operations: all.reduce((sum, { operations }) => sum + operations, 0),
    serviceTime: mergeTimes(all.map(({ serviceTime }) => serviceTime)),
  }
}

function slowOf(outcomes: readonly Outcome[]): LoadResult['slow'] {
  const all = outcomes.flatMap(({ slow }) => slow ?? [])
  if (all.length === 0) return null
  return {
    readers: all.reduce((sum, { readers }) => sum + readers, 0),
    letGo: tallyOf(all.map(({ letGo }) => letGo)),
  }
}

/** Everybody must have been told of everybody: a server that forgot one has told nobody in time. */
function lossesOf(outcomes: readonly Outcome[], startedAtNs: number): LoadResult['losses'] {
  const seen = outcomes.flatMap(({ losses }) => losses ?? [])
  if (seen.length === 0) return null
  const total = (of: (one: LossesSeen) => number) => seen.reduce((sum, one) => sum + of(one), 0)
  const clients = total((one) => one.clients)
  const members = total((one) => one.members)
  const sinceStartMs = (atNs: number) => (atNs - startedAtNs) / 1e6
  const isTold = clients > 0 && total(({ told }) => told) === clients * members
  const isReplaced = clients > 0 && total(({ replaced }) => replaced) === clients
  return {
    clients,
    toldAtMs: isTold ? sinceStartMs(Math.max(...seen.map(({ toldAtNs }) => toldAtNs))) : null,
    replacedAtMs: isReplaced
      ? sinceStartMs(Math.max(...seen.map(({ replacedAtNs }) => replacedAtNs)))
      : null,
  }
}

function addLedgers(ledgers: readonly Ledger[]): Ledger {
  const total = (of: (ledger: Ledger) => number) => ledgers.reduce((sum, one) => sum + of(one), 0)
  return {
    sent: total(({ sent }) => sent),
    received: total(({ received }) => received),
    outstanding: total(({ outstanding }) => outstanding),
    lost: total(({ lost }) => lost),
    duplicated: total(({ duplicated }) => duplicated),
    reordered: total(({ reordered }) => reordered),
    corrupt: total(({ corrupt }) => corrupt),
  }
}

function tallyOf(records: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const tally = new Tally()
  for (const record of records) tally.addAll(record)
  return tally.toRecord()
}
