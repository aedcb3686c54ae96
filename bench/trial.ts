// One trial: a fresh server, one run of the generator against it, and what the server's process tree used
// meanwhile. Whatever goes wrong with the server becomes a fault in the record, and the next trial starts
// from nothing again.

import { performance } from 'node:perf_hooks'
import type { LoadHooks, LoadResult, LoadSpec } from '../clients/load/contract.ts'
import { workloadInfo } from '../clients/load/index.ts'
import { messageOf } from './errors.ts'
import type { Fixtures } from './fixtures.ts'
import { Killing } from './killing.ts'
import type { NetworkTrouble } from './network.ts'
import { readNetworkTrouble, troubleBetween } from './network.ts'
import type { Trial } from './plan.ts'
import { SETUP_STALL_BY_DESIGN_MS } from './presets.ts'
import type { TreeCounters, TreeMemory } from './process-tree.ts'
import {
  countOpenFiles,
  othersShare,
  readCounters,
  readMemory,
  switchesBetween,
} from './process-tree.ts'
import type { Config, Fault, Repeat, Resources } from './schema.ts'
import type { Patience, RunningServer } from './server.ts'
import { FaultError, startServer } from './server.ts'
import { type CapacitySearch, searchCapacity, type StageRun } from './staged.ts'
import type { Sample } from './statistics.ts'
import { lastThirdOverFirst } from './statistics.ts'
import { fault, faultsOfLoad } from './verdict.ts'
import { isStopped, type TrialObserver, Watch } from './watch.ts'

export type RunLoad = (spec: LoadSpec, hooks?: LoadHooks) => Promise<LoadResult>

export interface TrialSurroundings {
  /** Program and words that start a server when a model's name and `--listen` are added. */
  readonly command: readonly string[]
  /** What servers find when they start. */
  readonly fixtures: Fixtures
  readonly runLoad: RunLoad
  readonly signal: AbortSignal
  readonly patience: Patience
  /** The cores of the servers; left out, all. */
  readonly cores?: readonly number[] | null | undefined
}

/**
 * Runs one trial to its end. Rejects only with the reason of `signal`; the server and its children are
 * gone in every case.
 */
export async function runTrial(
  trial: Trial,
  config: Config,
  { command, fixtures, runLoad, signal, patience, cores }: TrialSurroundings,
): Promise<Repeat> {
  const record = new TrialRecord(trial)
  let server: RunningServer
  try {
    const { model, workload, transport } = trial.point
    const serving = { words: fixtures.serveWords(workload.name), transport, cores }
    server = await startServer(command, model.name, signal, patience, serving)
  } catch (error) {
    return record.endedBy(faultOf(error, signal))
  }
  try {
    record.serverStarted(server)
    const { killsProcesses } = workloadInfo(trial.point.workload.name)
    const killing = killsProcesses ? new Killing(server.pid, server.address) : null
    const watch = new Watch(server, signal, record, patience, killing)
    try {
      const spec = specOf(trial, config, server.address)
      if (workloadInfo(trial.point.workload.name).isStaged) {
        const drive = (stage: LoadSpec) => driveStage(stage, { watch, record, runLoad, signal })
        record.searchEnded(await searchCapacity(spec, config.objectiveMs * 1e6, drive))
      } else {
        record.loadEnded(await runLoad(spec, watch.hooks(spec)), killing)
      }
    } catch (error) {
      record.endedBy(faultOf(watch.cause ?? error, signal))
    } finally {
      watch.end()
    }
    const failure = record.isGood && !record.isBroken ? await server.stop() : null
    return failure ? record.endedBy(failure) : record.toRepeat()
  } finally {
    await server.kill()
  }
}

interface StageSurroundings extends Pick<TrialSurroundings, 'runLoad' | 'signal'> {
  readonly watch: Watch
  readonly record: TrialRecord
}

/** One stage against a server that has others. Rejects only with the reason of `signal`. */
async function driveStage(
  spec: LoadSpec,
  { watch, record, runLoad, signal }: StageSurroundings,
): Promise<StageRun> {
  try {
    const load = await runLoad(spec, watch.hooks(spec))
    return { load, resources: record.takeResources() }
  } catch (error) {
    return { fault: faultOf(watch.cause ?? error, signal) }
  }
}

/** What the generator is asked for. */
function specOf({ point, order }: Trial, config: Config, address: string): LoadSpec {
  const servesFew = point.model.clientsAtOnce < point.clients
  return {
    workload: point.workload.name,
    address: point.transport === 'udp' ? `udp:${address}` : address,
    clients: point.clients,
    senders: Math.max(1, point.senders),
    arrivals: point.arrivals,
    ratePerS: point.ratePerS,
    accounting: point.accounting,
    window: point.workload.window,
    messageBytes: config.messageBytes,
    pingsPerSession: config.pingsPerSession,
    workMs: config.workMs,
    warmupMs: point.workload.warmupMs,
    durationMs: point.workload.durationMs,
    setupStallMs: servesFew ? SETUP_STALL_BY_DESIGN_MS : config.setupStallMs,
    drainMs: config.drainMs,
    threads: Math.min(config.threads, point.clients),
    // Another seed for each trial, so that no two servers see the same bytes; still the plan's choice.
    seed: (config.seed + order) >>> 0,
  }
}

/** The fault that an error stands for; rethrows what is not about the server but about being stopped. */
function faultOf(error: unknown, signal: AbortSignal): Fault {
  signal.throwIfAborted()
  if (error instanceof FaultError) return error.fault
  return fault('generator-failed', `the load generator failed: ${messageOf(error)}`)
}

/** Everything a trial finds out, collected while it runs. */
class TrialRecord implements TrialObserver {
  readonly #trial: Trial
  readonly #faults: Fault[] = []
  readonly #samples: Sample[] = []
  #pid = 0
  #startupMs: number | null = null
  #idle: TreeMemory | null = null
  #before: TreeCounters | null = null
  #ownCpuBefore = process.cpuUsage()
  #measureStartedAtMs = 0
  #resources: Resources | null = null
  #load: LoadResult | null = null
  #networkBefore: NetworkTrouble | null = null
  #network: NetworkTrouble | null = null
  #search: CapacitySearch | null = null
  #crash: Repeat['crash'] = null
  operationsSeen = 0

  constructor(trial: Trial) {
    this.#trial = trial
  }

  get isGood(): boolean {
    return this.#faults.length === 0
  }

  /** The server has failed in a way that says nothing against what was measured before. */
  get isBroken(): boolean {
    return this.#search?.isBroken ?? false
  }

  serverStarted(server: RunningServer): void {
    this.#pid = server.pid
    this.#startupMs = server.startupMs
    this.#idle = readMemory(server.pid)
    this.#networkBefore = readNetworkTrouble()
  }

  progress(operations: number): void {
    this.operationsSeen = operations
    this.#samples.push({ atMs: performance.now(), operations })
  }

  measureStarted(): void {
    this.#measureStartedAtMs = performance.now()
    this.#ownCpuBefore = process.cpuUsage()
    this.#before = readCounters(this.#pid)
  }

  /** The load is over and every client still connected: now, and only now, is the memory all theirs. */
  clientsHeld(): void {
    const before = this.#before
    const after = readCounters(this.#pid)
    if (!before || !after) return
    const own = process.cpuUsage(this.#ownCpuBefore)
    // Where clients come and go, there is no memory that belongs to them.
    const { clientsStay } = workloadInfo(this.#trial.point.workload.name)
    const memory = clientsStay ? readMemory(this.#pid) : null
    const switches = switchesBetween(before, after)
    this.#resources = {
      cpuMs: Math.max(0, after.cpuMs - before.cpuMs),
      idleMemoryKib: this.#idle?.kib ?? null,
      heldMemoryKib: memory?.kib ?? null,
      memoryIsRss: (memory?.isRss ?? false) || (this.#idle?.isRss ?? false),
      processes: after.processes,
      threads: after.threads,
      openFiles: countOpenFiles(this.#pid),
      voluntarySwitches: Math.max(0, switches.voluntary),
      involuntarySwitches: Math.max(0, switches.involuntary),
      othersCpuShare: othersShare(before, after, (own.user + own.system) / 1000),
    }
  }

  loadEnded(load: LoadResult, killing: Killing | null): void {
    const { model, clients, workload } = this.#trial.point
    this.#load = load
    this.#network = troubleBetween(this.#networkBefore, readNetworkTrouble())
    // Clients that come and go take turns: even a model that talks to one at a time serves them all.
    const { clientsStay } = workloadInfo(workload.name)
    const atOnce = clientsStay ? model.clientsAtOnce : Infinity
    this.#faults.push(...faultsOfLoad(load, Math.min(clients, atOnce)))
    if (killing !== null) this.#killed(killing, load)
    if (load.ledger.outstanding > 0 && isStopped(this.#pid)) {
      this.#faults.push(fault('server-hung', 'the server hung (its process is stopped)'))
    }
  }

  takeResources(): Resources | null {
    const taken = this.#resources
    this.#resources = null
    return taken
  }

  searchEnded(search: CapacitySearch): void {
    this.#search = search
    this.#load = search.kept?.load ?? null
    this.#resources = search.kept?.resources ?? null
    this.#network = troubleBetween(this.#networkBefore, readNetworkTrouble())
    this.#faults.push(...search.faults)
  }

  #killed({ done }: Killing, { losses }: LoadResult): void {
    if (done === null || !losses || losses.clients === 0) {
      const text = done
        ? 'nobody lost his connection by it'
        : 'no process of the server had a client'
      this.#faults.push(fault('nothing-killed', `nothing was killed: ${text}`))
      return
    }
    const sinceMs = (atMs: number | null) => (atMs === null ? null : Math.max(0, atMs - done.atMs))
    this.#crash = {
      victims: done.victims,
      othersLost: Math.max(0, losses.clients - done.victims),
      noticedMs: sinceMs(losses.toldAtMs),
      replacedMs: sinceMs(losses.replacedAtMs),
    }
  }

  endedBy(reason: Fault): Repeat {
    this.#faults.push(reason)
    return this.toRepeat()
  }

  toRepeat(): Repeat {
    const load = this.#load
    const windowMs = this.#trial.point.workload.durationMs
    return {
      repeat: this.#trial.repeat,
      order: this.#trial.order,
      startupMs: this.#startupMs,
      throughputPerS: this.#throughputPerS(),
      lastThirdOverFirst: this.#search
        ? null
        : lastThirdOverFirst(this.#samples, this.#measureStartedAtMs, windowMs),
      load: load && recordOf(load),
      operationsSeen: load?.operations ?? this.operationsSeen,
      resources: this.#resources,
      network: this.#network,
      stages: this.#search?.stages ?? null,
      capacity: this.#search?.capacity ?? null,
      crash: this.#crash,
      faults: this.#faults,
    }
  }

  /** Of a search: the rate that it has found; 0 where not even the lowest one kept the objective. */
  #throughputPerS(): number | null {
    if (this.#search?.capacity) return this.#search.capacity.ratePerS ?? 0
    const load = this.#load
    return load && load.elapsedNs > 0 ? load.operations / (load.elapsedNs / 1e9) : null
  }
}

/** What the file keeps: the specification of every run follows from the configuration. */
function recordOf(load: LoadResult): NonNullable<Repeat['load']> {
  const { served, unserved, operations, elapsedNs, responseTime, schedule, receivers, beside } =
    load
  return {
    served,
    unserved,
    refused: { ...load.refused },
    operations,
    elapsedNs,
    serviceTime: { ...load.serviceTime },
    responseTime: responseTime && { ...responseTime },
    schedule: schedule && { ...schedule, lag: { ...schedule.lag } },
    receivers: receivers && {
      first: { ...receivers.first },
      median: { ...receivers.median },
      last: { ...receivers.last },
    },
    firstAnswerTime: load.firstAnswerTime && { ...load.firstAnswerTime },
    beside: beside && { ...beside, serviceTime: { ...beside.serviceTime } },
    fairness: load.fairness && { ...load.fairness },
    slow: load.slow && { ...load.slow, letGo: { ...load.slow.letGo } },
    ledger: { ...load.ledger },
    errors: { ...load.errors },
    generator: { ...load.generator },
  }
}
