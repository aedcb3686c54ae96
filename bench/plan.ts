// The plan: which points there are, and in which order they are run. A pure function of the
// configuration and the catalog, so that a seed found in a report gives the same order again.
//
// Repeats are interleaved: every point is run once before any is run a second time, each round in an
// order of its own. A machine that gets warmer, or a neighbour that becomes busy for a minute, then
// costs every model something instead of costing one of them everything.

import { availableParallelism } from 'node:os'
import { shuffle } from 'simple-statistics'
import type { Arrivals, Transport } from '../clients/load/contract.ts'
import { workloadInfo } from '../clients/load/index.ts'
import { partsOfLabel } from './models.ts'
import { seededRandom } from './random.ts'
import type { Config, WorkloadConfig } from './schema.ts'
import { sendersOf } from './senders.ts'

/** What a plan needs to know about a model; the catalog knows more. */
export interface PlannedModel {
  /** As the catalog has it; planned, as it was asked for: `process:spares=8`. */
  readonly name: string
  readonly clientsAtOnce: number
  readonly clientsMax: number
  readonly platforms: readonly string[] | null
  /** What its connections may be made of; left out, either kind of stream. */
  readonly transports?: readonly Transport[]
  /** Conversations run in processes that the others survive. */
  readonly inProcesses?: boolean
  /** Options of `hubbub serve` that it takes, beside those that all take. */
  readonly takes?: readonly string[]
}

/** Model × workload × transport × size × senders × rate. */
export interface PlannedPoint {
  readonly model: PlannedModel
  readonly workload: WorkloadConfig
  readonly transport: Transport
  readonly clients: number
  /** 0 for workloads without senders. */
  readonly senders: number
  readonly arrivals: Arrivals
  /** Null in a closed loop. */
  readonly ratePerS: number | null
  readonly accounting: boolean
  /** Why it is not run, or null. */
  readonly cannot: string | null
}

export interface Trial {
  readonly point: PlannedPoint
  /** From 1. */
  readonly repeat: number
  /** Its place in the whole run, from 1. */
  readonly order: number
}

export interface Plan {
  /** In the order of the configuration: by workload, by size, by senders, by rate, by model. */
  readonly points: readonly PlannedPoint[]
  readonly trials: readonly Trial[]
}

export function planRun(
  config: Config,
  catalog: readonly PlannedModel[],
  platform: string = process.platform,
): Plan {
  const models = plannedModels(config.models, catalog)
  const points = config.workloads.flatMap((workload) =>
    transportsOf(workload, config).flatMap((transport) =>
      workload.clients.flatMap((clients) =>
        sendersIn(workload, clients, config).flatMap((senders) =>
          ratesOf(config).flatMap((ratePerS) =>
            models
              .filter((model) => belongs(model, transport, transportsOf(workload, config)))
              .map((model) =>
                planPoint(
                  { model, workload, transport, clients, senders, ratePerS },
                  config,
                  platform,
                ),
              ),
          ),
        ),
      ),
    ),
  )
  return { points, trials: interleave(points, config) }
}

/** In the order of the catalog, under the names that they were asked for by. */
export function plannedModels(
  labels: readonly string[],
  catalog: readonly PlannedModel[],
): PlannedModel[] {
  return catalog.flatMap((model) =>
    labels
      .filter((label) => partsOfLabel(label).name === model.name)
      .map((label) => Object.assign({}, model, { name: label })),
  )
}

function transportsOf({ name }: WorkloadConfig, { transports }: Config): Transport[] {
  return transports.filter((transport) => workloadInfo(name).transports.includes(transport))
}

function ratesOf({ ratesPerS }: Config): (number | null)[] {
  return ratesPerS.length > 0 ? ratesPerS : [null]
}

const STREAMS: readonly Transport[] = ['tcp', 'unix']

function transportsBy({ transports = STREAMS }: PlannedModel): readonly Transport[] {
  return transports
}

export function canSpeak(model: PlannedModel, transport: Transport): boolean {
  return transportsBy(model).includes(transport)
}

/** A model has no row where it cannot have a figure, unless it would have no row at all. */
function belongs(model: PlannedModel, transport: Transport, all: readonly Transport[]): boolean {
  return canSpeak(model, transport) || !all.some((one) => canSpeak(model, one))
}

/** Two shares may be the same number of clients: that is one point. */
function sendersIn({ name }: WorkloadConfig, clients: number, config: Config): number[] {
  const { sendersShare, sendersUsual = Infinity, sendersMax = Infinity } = workloadInfo(name)
  if (sendersShare === 0) return [0]
  const usual = Math.max(1, Math.round(clients * sendersShare))
  if (config.senders.length === 0) return [Math.min(sendersMax, sendersUsual, usual)]
  return [...new Set(config.senders.map((choice) => sendersOf(choice, clients)))]
}

function planPoint(
  point: Omit<PlannedPoint, 'arrivals' | 'accounting' | 'cannot'>,
  { arrivals, accounting }: Config,
  platform: string,
): PlannedPoint {
  return { ...point, arrivals, accounting, cannot: whyNot(point, platform) }
}

/** Starting and ending a server and a generator, apart from clients. */
const TRIAL_OVERHEAD_MS = 500
/** On one core: 40 ms where each has a process or a thread, next to nothing in a loop. */
const CLIENT_START_MS = 15
/** About how long a model takes to replay the script. */
export const REPLAY_MS = 1000
/** Of a search for capacity. */
const STAGES_USUAL = 9

/** About how long the plan takes, on a machine with so many cores and nothing else to do. */
export function estimateMs({ trials, points }: Plan, cores = availableParallelism()): number {
  const models = new Set(points.map(({ model }) => model)).size
  const trialsMs = trials.map((trial) => estimateTrialMs(trial, cores))
  return trialsMs.reduce((sum, ms) => sum + ms, models * REPLAY_MS)
}

/** About how long one trial takes there. */
export function estimateTrialMs({ point }: Trial, cores = availableParallelism()): number {
  const { warmupMs, durationMs } = point.workload
  const stages = workloadInfo(point.workload.name).isStaged ? STAGES_USUAL : 1
  const stageMs = warmupMs + durationMs + (point.clients * CLIENT_START_MS) / cores
  return TRIAL_OVERHEAD_MS + stages * stageMs
}

function interleave(points: readonly PlannedPoint[], { repeats, seed }: Config): Trial[] {
  const random = seededRandom(seed)
  const possible = points.filter(({ cannot }) => cannot === null)
  const trials: Trial[] = []
  for (let repeat = 1; repeat <= repeats; repeat++) {
    for (const point of shuffle(possible, random)) {
      trials.push({ point, repeat, order: trials.length + 1 })
    }
  }
  return trials
}

function whyNot(
  {
    model,
    workload,
    transport,
    clients,
  }: Pick<PlannedPoint, 'model' | 'workload' | 'transport' | 'clients'>,
  platform: string,
): string | null {
  const { clientsAtOnce, clientsMax, platforms, inProcesses = false } = model
  const { together, killsProcesses = false } = workloadInfo(workload.name)
  const { clientsMin, why } = together
  if (platforms && !platforms.includes(platform)) {
    return `runs on ${platforms.join(' and ')} only`
  }
  if (!canSpeak(model, transport)) return `serves ${transportsBy(model).join(' and ')} only`
  if (killsProcesses && !inProcesses) {
    return 'runs all conversations in one process: who kills one from outside kills them all'
  }
  if (killsProcesses && platform !== 'linux') {
    return 'is not killed here: which process holds which client only Linux tells'
  }
  if (clientsAtOnce < clientsMin) {
    return `talks to ${clientsAtOnce} client at a time, so ${why}`
  }
  if (clients > clientsMax && clientsAtOnce >= clients) {
    return `admits ${clientsMax} clients at most`
  }
  return null
}
