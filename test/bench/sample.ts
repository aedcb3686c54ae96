// Results as a run makes them, out of figures that a test chooses: judged, ranked and warned about by the
// same code. Histograms are real ones.

import { connectionCostsOf } from '../../bench/connection-costs.ts'
import type { Environment, Repeat, Results } from '../../bench/results.ts'
import { SCHEMA_VERSION } from '../../bench/results.ts'
import type { PlannedModel, PlannedPoint } from '../../bench/plan.ts'
import type { MeasuredPoint } from '../../bench/points.ts'
import { judgePoints } from '../../bench/points.ts'
import { scalingOf } from '../../bench/scaling.ts'
import type { Config, Transcript } from '../../bench/schema.ts'
import { findWarnings } from '../../bench/warnings.ts'
import type { Fairness, WorkloadName } from '../../clients/load/contract.ts'
import { mergeTimes } from '../../clients/load/index.ts'
import { TimeHistogram } from '../../clients/load/times.ts'

const SECOND_NS = 1e9

/** Times evenly spread from `fromUs` to `toUs`. */
export function times(count: number, fromUs: number, toUs: number) {
  const histogram = new TimeHistogram()
  try {
    for (let i = 0; i < count; i++) {
      histogram.record((fromUs + ((toUs - fromUs) * i) / Math.max(1, count - 1)) * 1000)
    }
    return mergeTimes([histogram.encode()])
  } finally {
    histogram.destroy()
  }
}

export interface Figures {
  readonly perSecond: number
  readonly served?: number
  readonly busyShare?: number
  readonly generatorCpuMs?: number
  readonly othersCpuShare?: number
  readonly thirds?: number | null
  readonly fromUs?: number
  readonly toUs?: number
  readonly faults?: Repeat['faults']
  readonly resources?: null
  readonly memoryIsRss?: boolean
  readonly heldMemoryKib?: number
  readonly outstanding?: number
  readonly lost?: number
  readonly firstAnswer?: boolean
  readonly worksPerSecond?: number
  readonly retransmits?: number
  readonly timeouts?: number
  readonly fairness?: Fairness
  readonly crash?: Repeat['crash']
  readonly slow?: NonNullable<Repeat['load']>['slow']
  /** Open loop: what was due each second, how late the generator was, and what was added to service times. */
  readonly offeredPerS?: number
  readonly lagUs?: number
  readonly waitUs?: number
}

function openLoop(figures: Figures) {
  const { perSecond, offeredPerS, fromUs = 100, toUs = 900, waitUs = 0, lagUs = 50 } = figures
  if (offeredPerS === undefined) return { responseTime: null, schedule: null }
  const count = Math.min(perSecond, 5000)
  return {
    responseTime: times(count, fromUs + waitUs, toUs + waitUs),
    schedule: { offeredPerS, sentPerS: offeredPerS, lag: times(count, 1, lagUs) },
  }
}

/** One repeat that took a second. */
export function repeat(number: number, figures: Figures, clients = 16): Repeat {
  const { perSecond, served = clients, fromUs = 100, toUs = 900 } = figures
  const serviceTime = times(Math.min(perSecond, 5000), fromUs, toUs)
  return {
    repeat: number,
    order: number,
    startupMs: 180,
    throughputPerS: perSecond,
    lastThirdOverFirst: figures.thirds ?? 1,
    load: {
      served,
      unserved: clients - served,
      refused: {},
      operations: perSecond,
      elapsedNs: SECOND_NS,
      serviceTime,
      ...openLoop(figures),
      receivers: null,
      firstAnswerTime: figures.firstAnswer ? times(perSecond, 400, 900) : null,
      fairness: figures.fairness ?? null,
      slow: figures.slow ?? null,
      beside: figures.worksPerSecond
        ? { operations: figures.worksPerSecond, serviceTime: times(2000, 5000, 9000) }
        : null,
      ledger: {
        sent: perSecond,
        received: perSecond,
        outstanding: figures.outstanding ?? 0,
        lost: figures.lost ?? 0,
        duplicated: 0,
        reordered: 0,
        corrupt: 0,
      },
      errors: {},
      generator: {
        threads: 1,
        busyShare: figures.busyShare ?? 0.6,
        cpuMs: figures.generatorCpuMs ?? 500,
      },
    },
    operationsSeen: perSecond,
    resources:
      figures.resources === null
        ? null
        : {
            cpuMs: 800,
            idleMemoryKib: 40_000,
            heldMemoryKib: figures.heldMemoryKib ?? 40_000 + 500 * served,
            memoryIsRss: figures.memoryIsRss ?? false,
            processes: 1,
            threads: 11,
            openFiles: 40,
            voluntarySwitches: 1000,
            involuntarySwitches: 10,
            othersCpuShare: figures.othersCpuShare ?? 0,
          },
    network: {
      listenOverflows: 0,
      listenDrops: 0,
      timeouts: figures.timeouts ?? 0,
      retransmits: figures.retransmits ?? 0,
    },
    stages: null,
    capacity: null,
    crash: figures.crash ?? null,
    faults: figures.faults ?? [],
  }
}

export function model(name: string, clientsAtOnce = Infinity): PlannedModel {
  return { name, clientsAtOnce, clientsMax: 1000, platforms: null }
}

export function planned(
  name: string,
  workload: WorkloadName = 'ping',
  clientsAtOnce = Infinity,
  cannot: string | null = null,
): PlannedPoint {
  return {
    model: model(name, clientsAtOnce),
    workload: CONFIG.workloads.find((w) => w.name === workload) ?? CONFIG.workloads[0]!,
    transport: 'tcp',
    clients: 16,
    senders: workload === 'room' ? 4 : 0,
    arrivals: 'closed',
    ratePerS: null,
    accounting: true,
    cannot,
  }
}

/** The same in an open loop. */
export function atRate(
  point: PlannedPoint,
  ratePerS: number,
  arrivals: 'constant' | 'poisson' = 'constant',
): PlannedPoint {
  return { ...point, arrivals, ratePerS }
}

export function measured(point: PlannedPoint, ...runs: readonly Figures[]): MeasuredPoint {
  return { planned: point, repeats: runs.map((figures, i) => repeat(i + 1, figures)) }
}

export const CONFIG: Config = {
  preset: 'quick',
  models: ['sequential', 'process', 'thread', 'async'],
  transports: ['tcp'],
  workloads: [
    { name: 'ping', clients: [16], window: 1, warmupMs: 1000, durationMs: 1000 },
    { name: 'room', clients: [16], window: 1, warmupMs: 1000, durationMs: 1000 },
    { name: 'session', clients: [16], window: 1, warmupMs: 500, durationMs: 1500 },
  ],
  repeats: 2,
  precisionShare: null,
  arrivals: 'closed',
  ratesPerS: [],
  accounting: true,
  senders: [],
  workMs: 5,
  messageBytes: 64,
  pingsPerSession: 10,
  objectiveMs: 10,
  threads: 1,
  setupStallMs: 10_000,
  drainMs: 5000,
  pin: false,
  seed: 42,
}

export const ENVIRONMENT: Environment = {
  hubbub: '0.1.0',
  commit: { id: '0123456789abcdef0123456789abcdef01234567', dirty: false },
  node: '20.20.2',
  v8: '11.3.244.8-node.38',
  libuv: '1.46.0',
  nodeOptions: null,
  platform: 'linux',
  architecture: 'x64',
  kernel: 'Linux 6.18.0',
  cpu: 'AMD EPYC',
  cores: 2,
  memoryMib: 24_000,
  openFilesMax: 20_000,
  processesMax: 90_000,
  coresAllowed: [0, 1],
  pinning: null,
  governor: null,
  sysctls: { 'net.core.somaxconn': '4096' },
  lockfileSha256: null,
  loadAverageBefore: 0.1,
  schedulerGroups: 'shared',
}

export const SAME: readonly Transcript[] = CONFIG.models.map((name) => ({
  model: name,
  oneClientSha256: 'a'.repeat(64),
  manyClientsSha256: name === 'sequential' ? null : 'b'.repeat(64),
  same: true,
  difference: null,
}))

export function results(
  points: readonly MeasuredPoint[],
  changes: Partial<Results> = {},
  equivalence: readonly Transcript[] = SAME,
): Results {
  const config = changes.config ?? CONFIG
  const judged = judgePoints(points, equivalence, config)
  const environment = changes.environment ?? ENVIRONMENT
  return {
    schemaVersion: SCHEMA_VERSION,
    status: 'complete',
    startedAt: '2026-01-31T12:34:56.789Z',
    endedAt: '2026-01-31T12:36:20.000Z',
    elapsedMs: 83_211,
    environment,
    config,
    equivalence: [...equivalence],
    points: judged,
    scaling: scalingOf(judged),
    connectionCosts: connectionCostsOf(judged),
    warnings: findWarnings({ config, environment, points: judged }),
    ...changes,
  }
}

const BUSY_GENERATOR = { busyShare: 0.99, generatorCpuMs: 980 }

function sessions(first: number, second: number, toUs = 900): Figures[] {
  return [first, second].map((perSecond) => ({ perSecond, firstAnswer: true, toUs }))
}

/** A whole run with one of everything: valid, shared ranks, few served, invalid, not run. */
export function sampleResults(): Results {
  const hung = { kind: 'server-hung', text: 'the server hung (its process is stopped)' } as const
  return results([
    measured(
      planned('sequential', 'ping', 1),
      { perSecond: 48_000, served: 1 },
      { perSecond: 49_000, served: 1 },
    ),
    measured(planned('process'), { perSecond: 43_000 }, { perSecond: 46_100 }),
    measured(planned('thread'), { perSecond: 45_000 }, { perSecond: 47_000 }),
    measured(planned('async'), { perSecond: 91_000 }, { perSecond: 93_400 }),
    measured(planned('sequential', 'room', 1, 'talks to 1 client at a time, so nobody hears')),
    measured(planned('process', 'room'), { perSecond: 251_000, faults: [hung], outstanding: 3 }),
    measured(planned('thread', 'room'), { perSecond: 262_000 }, { perSecond: 272_000 }),
    measured(
      planned('async', 'room'),
      { perSecond: 1_600_000, ...BUSY_GENERATOR },
      { perSecond: 1_620_000, ...BUSY_GENERATOR },
    ),
    measured(planned('sequential', 'session', 1), ...sessions(1910, 1920)),
    measured(planned('process', 'session'), ...sessions(21, 22, 900_000)),
    measured(planned('thread', 'session'), ...sessions(53, 55, 300_000)),
    measured(planned('async', 'session'), ...sessions(1750, 1770)),
  ])
}
