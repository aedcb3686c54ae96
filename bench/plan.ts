// The plan: which points there are, and in which order they are run. A pure function of the
// configuration and the catalog, so that a seed found in a report gives the same order again.
//
// Repeats are interleaved: every point is run once before any is run a second time, each round in an
// order of its own. A machine that gets warmer, or a neighbour that becomes busy for a minute, then
// costs every model something instead of costing one of them everything.

import { shuffle } from 'simple-statistics'
import type { WorkloadName } from '../clients/load/contract.ts'
import { SENDERS_SHARE } from './presets.ts'
import type { Config, WorkloadConfig } from './schema.ts'

/** What a plan needs to know about a model; the catalog knows more. */
export interface PlannedModel {
  readonly name: string
  readonly clientsAtOnce: number
  readonly clientsMax: number
  readonly platforms: readonly string[] | null
}

/** Model × workload × size. */
export interface PlannedPoint {
  readonly model: PlannedModel
  readonly workload: WorkloadConfig
  readonly clients: number
  /** 0 for workloads without senders. */
  readonly senders: number
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
  /** In the order of the configuration: by workload, by size, by model. */
  readonly points: readonly PlannedPoint[]
  readonly trials: readonly Trial[]
}

/** The least number of clients served together without which a workload measures nothing. */
export const CLIENTS_NEEDED: Readonly<Record<WorkloadName, number>> = {
  ping: 1,
  room: 2,
  session: 1,
}

export function planRun(
  config: Config,
  catalog: readonly PlannedModel[],
  platform: string = process.platform,
): Plan {
  const models = catalog.filter(({ name }) => config.models.includes(name))
  const points: PlannedPoint[] = []
  for (const workload of config.workloads) {
    for (const clients of workload.clients) {
      for (const model of models) {
        const senders = workload.name === 'room' ? sendersOf(config, clients) : 0
        const cannot = whyNot(model, workload.name, clients, platform)
        points.push({ model, workload, clients, senders, cannot })
      }
    }
  }
  return { points, trials: interleave(points, config) }
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

function sendersOf({ senders }: Config, clients: number): number {
  return senders ?? Math.max(1, Math.round(clients * SENDERS_SHARE))
}

function whyNot(
  { clientsAtOnce, clientsMax, platforms }: PlannedModel,
  workload: WorkloadName,
  clients: number,
  platform: string,
): string | null {
  if (platforms && !platforms.includes(platform)) {
    return `runs on ${platforms.join(' and ')} only`
  }
  if (clientsAtOnce < CLIENTS_NEEDED[workload]) {
    return `talks to ${clientsAtOnce} client at a time, so nobody hears what is said in a room`
  }
  if (clients > clientsMax && clientsAtOnce >= clients) {
    return `admits ${clientsMax} clients at most`
  }
  return null
}

/**
 * Numbers from 0 to 1 that a seed determines: mulberry32, the usual generator for shuffling where
 * nothing depends on its being unpredictable. Node has no random numbers with a seed.
 */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}
