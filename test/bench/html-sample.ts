// A run as README tells of one, for the page: many models, several sizes, times with long tails, one of each
// verdict, and names that would be mark-up if they could.

import type { PlannedPoint } from '../../bench/plan.ts'
import type { Results } from '../../bench/results.ts'
import type { MeasuredPoint } from '../../bench/points.ts'
import type { WorkloadName } from '../../clients/load/contract.ts'
import { mergeTimes } from '../../clients/load/index.ts'
import { TimeHistogram } from '../../clients/load/times.ts'
import { CONFIG, model, planned, repeat, results } from './sample.ts'

/** Nobody would call a server so, but for this. */
export const EVIL = `</script><script>document.title='evil'</script><img src=x onerror="document.title='evil'">`

/** What one operation takes, and how the rest of the point follows from it. */
interface Kind {
  readonly model: string
  /** PINGs per second with many clients. */
  readonly rate: number
  readonly cpuUs: number
  readonly clientKib: number
  readonly p50Us: number
  /** p99 over p50. */
  readonly tail: number
  readonly switchesEach: number
}

const KINDS: readonly Kind[] = [
  {
    model: 'sequential',
    rate: 12_000,
    cpuUs: 36.8,
    clientKib: 4150,
    p50Us: 81,
    tail: 1.5,
    switchesEach: 2,
  },
  {
    model: 'process',
    rate: 52_100,
    cpuUs: 23.5,
    clientKib: 15_770,
    p50Us: 150,
    tail: 17,
    switchesEach: 2.1,
  },
  {
    model: 'thread',
    rate: 78_800,
    cpuUs: 13.5,
    clientKib: 13_100,
    p50Us: 127,
    tail: 5.3,
    switchesEach: 1.9,
  },
  {
    model: 'async',
    rate: 102_000,
    cpuUs: 9.8,
    clientKib: 490,
    p50Us: 106,
    tail: 2.8,
    switchesEach: 0.2,
  },
  {
    model: 'poll',
    rate: 142_000,
    cpuUs: 6.8,
    clientKib: 520,
    p50Us: 82,
    tail: 2.1,
    switchesEach: 0.15,
  },
  {
    model: 'epoll',
    rate: 138_000,
    cpuUs: 6.9,
    clientKib: 490,
    p50Us: 74,
    tail: 2.5,
    switchesEach: 0.15,
  },
  {
    model: 'pool',
    rate: 86_000,
    cpuUs: 11.3,
    clientKib: 550,
    p50Us: 133,
    tail: 2.4,
    switchesEach: 0.3,
  },
  {
    model: 'cluster',
    rate: 80_000,
    cpuUs: 14,
    clientKib: 780,
    p50Us: 112,
    tail: 4.6,
    switchesEach: 1.1,
  },
]

interface Load {
  readonly workload: WorkloadName
  readonly clients: number
  readonly senders: number
  /** Of a PING's rate, for each model. */
  readonly share: (kind: Kind) => number
}

const isOfOwners = ({ model: name }: Kind) => name === 'thread' || name === 'process'

/** Some contention, and as much coherency as it is told: with 12 clients 1. */
const scaled = (clients: number, kappa: number) => law(clients, kappa) / law(12, kappa)
const law = (n: number, kappa: number) => n / (1 + 0.2 * (n - 1) + kappa * n * (n - 1))

const LOADS: readonly Load[] = [
  ...[3, 6, 12, 25, 50, 100, 200].map((clients) => ({
    workload: 'ping' as const,
    clients,
    senders: 0,
    share: (kind: Kind) => scaled(clients, isOfOwners(kind) ? 0.003 : 0.0001),
  })),
  {
    workload: 'room',
    clients: 12,
    senders: 3,
    share: (kind) => (isOfOwners(kind) ? 0.9 : kind.model === 'cluster' ? 1.45 : 2.4),
  },
  {
    workload: 'session',
    clients: 12,
    senders: 0,
    share: (kind) => (isOfOwners(kind) ? 0.0003 : kind.model === 'epoll' ? 0.06 : 0.03),
  },
  ...[20, 50].flatMap((clients) =>
    [0.1, 0.4].map((part) => ({
      workload: 'mix' as const,
      clients,
      senders: clients * part,
      share: (kind: Kind) =>
        isOfOwners(kind) ? 0.2 : kind.model === 'pool' ? 0.05 + 0.1 * part : 0.02 / part,
    })),
  ),
  ...[50, 1050].map((clients) => ({
    workload: 'idle' as const,
    clients,
    senders: 0,
    share: ({ model: name }: Kind) => (name === 'poll' ? 60 / (clients + 20) : 1),
  })),
]

export function pageResults(repeats = 3, loads: readonly Load[] = LOADS): Results {
  const points = loads.flatMap((load) => KINDS.map((kind, i) => measured(kind, load, repeats, i)))
  const workloads = [...new Set(loads.map(({ workload }) => workload))]
  const config = {
    ...CONFIG,
    models: KINDS.map(({ model: name }) => name),
    repeats,
    workloads: workloads.map((name) => ({
      name,
      clients: [
        ...new Set(loads.filter(({ workload }) => workload === name).map(({ clients }) => clients)),
      ],
      window: 1,
      warmupMs: 700,
      durationMs: 700,
    })),
    senders: [{ share: 0.1 }, { share: 0.4 }],
  }
  return results(points, { config })
}

function measured(kind: Kind, load: Load, repeats: number, place: number): MeasuredPoint {
  const point = pointOf(kind, load)
  if (point.cannot !== null) return { planned: point, repeats: [] }
  const rate = kind.rate * load.share(kind)
  const runs = Array.from({ length: repeats }, (_, i) => {
    const perSecond = Math.round(rate * (1 + 0.02 * Math.sin(place * 7 + i * 3)))
    return runOf(kind, load, perSecond, i + 1)
  })
  return { planned: point, repeats: runs }
}

function pointOf(kind: Kind, { workload, clients, senders }: Load): PlannedPoint {
  const few = kind.model === 'sequential' && workload !== 'ping' && workload !== 'session'
  const base = planned(kind.model, 'ping', kind.model === 'sequential' ? 1 : Infinity)
  const cannot = few
    ? 'talks to 1 client at a time, so nobody hears what is said in a room'
    : kind.model === 'process' && clients > 1000
      ? 'is for at most 300 clients'
      : null
  return {
    ...base,
    workload: { name: workload, clients: [clients], window: 1, warmupMs: 700, durationMs: 700 },
    model: model(kind.model, base.model.clientsAtOnce),
    clients,
    senders,
    cannot,
  }
}

function runOf(kind: Kind, { workload, clients }: Load, perSecond: number, number: number) {
  const served = kind.model === 'sequential' && workload === 'ping' ? 1 : clients
  const base = repeat(number, { perSecond, served, firstAnswer: workload === 'session' }, clients)
  const switches = Math.round(kind.switchesEach * perSecond)
  const isFault = workload === 'room' && kind.model === 'pool'
  const slower = workload === 'session' ? 100 : 1
  return {
    ...base,
    throughputPerS: perSecond,
    load: {
      ...base.load!,
      serviceTime: longTailed(Math.min(perSecond, 20_000), kind.p50Us * slower, kind.tail),
      generator: {
        threads: 1,
        busyShare: kind.model === 'epoll' && workload === 'ping' ? 0.97 : 0.7,
        cpuMs: kind.model === 'epoll' && workload === 'ping' ? 960 : 500,
      },
    },
    resources: {
      ...base.resources!,
      cpuMs: Math.min(1900, (kind.cpuUs * perSecond) / 1000),
      heldMemoryKib: Math.round(40_000 + kind.clientKib * served),
      processes: kind.model === 'process' ? clients + 1 : 1,
      threads: isOfOwners(kind) ? 11 + clients : 11,
      voluntarySwitches: Math.round(switches * 0.8),
      involuntarySwitches: Math.round(switches * 0.2),
    },
    faults: isFault ? [{ kind: 'server-hung' as const, text: `the server hung ${EVIL}` }] : [],
  }
}

const known = new Map<string, ReturnType<typeof makeTimes>>()

/** Repeats of one point may have the same times: to make them takes a while. */
function longTailed(count: number, p50Us: number, tail: number) {
  const key = `${Math.round(count / 5000)} ${p50Us} ${tail}`
  const made = known.get(key) ?? makeTimes(count, p50Us, tail)
  known.set(key, made)
  return made
}

/** Times whose logarithm grows evenly with the decades of the percentile, as most servers' do. */
function makeTimes(count: number, p50Us: number, tail: number) {
  const histogram = new TimeHistogram()
  try {
    for (let i = 0; i < count; i++) {
      const decades = -Math.log10(1 - (i + 0.5) / count)
      const us = p50Us * tail ** ((decades - 0.3) / 1.7)
      histogram.record(Math.round(us * 1000))
    }
    return mergeTimes([histogram.encode()])
  } finally {
    histogram.destroy()
  }
}
