// Why a figure is what it is, as far as counters say so: a closed list of rules, each with a condition on
// what was counted and a sentence that names the figures it rests on. Where no counter says anything,
// nothing is said. Pure.

import type { Unit } from '../../clients/load/contract.ts'
import { workloadInfo } from '../../clients/load/index.ts'
import { CATALOG } from '../../servers/catalog.ts'
import { partsOfLabel } from '../models.ts'
import { usable } from '../points.ts'
import type { Config, Environment, Point, Repeat, Summary } from '../schema.ts'
import { medianOf } from '../statistics.ts'
import { WORKLOAD_WORDS } from '../workloads.ts'
import { formatAmount, formatCount, scaleOfCpu, scaleOfTimes } from './numbers.ts'

export const EXPLANATION_KINDS = [
  'compute-blocks-others',
  'compute-kept-apart',
  'start-of-each',
  'one-core-full',
  'machine-full',
  'mostly-waiting',
  'crossings',
  'batching',
  'pushed-aside',
  'long-tail',
  'heavy-clients',
  'light-clients',
  'generator-full',
  'others-ran',
] as const

export interface Explanation {
  readonly kind: (typeof EXPLANATION_KINDS)[number]
  readonly text: string
}

/** What is known of a point, counters as medians of its repeats. */
interface Facts {
  readonly point: Point
  readonly summary: Summary
  readonly unit: Unit
  readonly machineCores: number
  /** How long a WORK keeps a CPU busy. */
  readonly workMs: number
  /** CPU time of the server's whole tree over the time that passed. */
  readonly coresUsed: number | null
  readonly generatorCoresUsed: number | null
  readonly othersShare: number | null
  /** Null also for tasks that come and go: the kernel counts those that are alive at the end. */
  readonly switchesEach: number | null
  readonly involuntaryShare: number | null
  /** Where conversations run, and how they reach the hub, in the catalog's words. */
  readonly runs: string
  readonly reaches: string
  /** All conversations run in one thread of one process. */
  readonly isOneLoop: boolean
}

/** What counters say of a point, the most telling first; nothing for a point without figures. */
export function explain(point: Point, run: Run): Explanation[] {
  const facts = factsOf(point, run)
  if (facts === null) return []
  return EXPLANATION_KINDS.flatMap((kind) => {
    const text = RULES[kind](facts)
    return text === null ? [] : [{ kind, text }]
  })
}

/** What the points of a run have in common. */
interface Run {
  readonly environment: Pick<Environment, 'cores'>
  readonly config: Pick<Config, 'workMs'>
}

type Rule = (facts: Facts) => string | null

/** Of one core, or of all of them: so much in use is all there is, with what the kernel takes itself. */
const FULL_SHARE = 0.9
/** Less than half a core in use: the time is not spent on computing. */
const WAITING_CORES_MAX = 0.5
/** A request that goes elsewhere and back wakes somebody at least once. */
const CROSSING_SWITCHES_MIN = 0.8
/** One wake-up for four requests or more. */
const BATCHING_SWITCHES_MAX = 0.25
const INVOLUNTARY_SHARE_MIN = 0.3
/** Fewer than this per operation are no cost worth a sentence. */
const INVOLUNTARY_EACH_MIN = 0.05
const TAIL_RATIO_MIN = 15
/** What a thread or a process with a Node of its own takes; a client of a loop takes far less. */
const HEAVY_KIB_MIN = 4 * 1024
const LIGHT_KIB_MAX = 256
/** With fewer clients the heap of the server itself is most of what it grows by. */
const LIGHT_CLIENTS_MIN = 200
const START_CPU_US_MIN = 10_000
const OTHERS_SHARE_MIN = 0.1

const RULES: Readonly<Record<Explanation['kind'], Rule>> = {
  'compute-blocks-others': ({ point, workMs, summary: { serviceTime: times } }) =>
    isOfComputing(point) && times.p99Ns !== null && times.p99Ns >= workMs * 1e6
      ? `The p99 of those who do not compute is ${time(times.p99Ns)}, longer than one WORK of ${workMs} ms: they wait for it.`
      : null,

  'compute-kept-apart': ({ point, workMs, summary: { serviceTime: times } }) =>
    isOfComputing(point) && times.p99Ns !== null && times.p99Ns < workMs * 1e6
      ? `The p99 of those who do not compute is ${time(times.p99Ns)}, less than one WORK of ${workMs} ms: they do not wait for it.`
      : null,

  'start-of-each': ({ point, summary, runs, isOneLoop }) => {
    const cpuUs = summary.cpuUsPerOperation
    if (workloadInfo(point.workload).clientsStay || cpuUs === null) return null
    return !isOneLoop && cpuUs >= START_CPU_US_MIN
      ? `${cpu(cpuUs)} of CPU for each ${WORKLOAD_WORDS[point.workload].one}: conversations run ${runs}, and most of that is starting it.`
      : null
  },

  'one-core-full': ({ coresUsed, machineCores, isOneLoop }) =>
    isOneLoop && machineCores > 1 && coresUsed !== null && coresUsed >= FULL_SHARE
      ? `The server used ${amount(coresUsed)} of one core: its one loop is the limit, and further cores would not help.`
      : null,

  'machine-full': ({ coresUsed, generatorCoresUsed, machineCores, isOneLoop }) => {
    if (coresUsed === null || generatorCoresUsed === null) return null
    const both = coresUsed + generatorCoresUsed
    return !isOneLoop && both >= FULL_SHARE * machineCores
      ? `Server and generator kept ${amount(both)} of ${machineCores} cores busy, the server ${amount(coresUsed)} of them: the machine is the limit, and the model could use more of it.`
      : null
  },

  'mostly-waiting': ({ coresUsed, summary: { served }, point: { clients } }) => {
    if (coresUsed === null || coresUsed > WAITING_CORES_MAX) return null
    const few = served < clients ? `, and it served ${served} of ${clients} clients` : ''
    return `The server used ${amount(coresUsed)} of a core${few}: it spent its time waiting, not computing.`
  },

  crossings: ({ switchesEach, reaches, isOneLoop, unit }) =>
    !isOneLoop && switchesEach !== null && switchesEach >= CROSSING_SWITCHES_MIN
      ? `${amount(switchesEach)} context switches for each ${unit.one}: conversations reach the hub by ${reaches}, and each crossing wakes whoever waits at the other end.`
      : null,

  batching: ({ switchesEach, isOneLoop, unit }) =>
    isOneLoop && switchesEach !== null && switchesEach <= BATCHING_SWITCHES_MAX
      ? `${amount(switchesEach)} context switches for each ${unit.one}: one turn of the loop answers several clients before it sleeps.`
      : null,

  'pushed-aside': ({ involuntaryShare, switchesEach }) =>
    involuntaryShare !== null &&
    involuntaryShare >= INVOLUNTARY_SHARE_MIN &&
    involuntaryShare * (switchesEach ?? 0) >= INVOLUNTARY_EACH_MIN
      ? `${percent(involuntaryShare)} of the context switches were involuntary: more threads wanted a core than there are.`
      : null,

  'long-tail': ({ summary: { serviceTime: times } }) =>
    times.p99Ns !== null && times.p50Ns > 0 && times.p99Ns >= TAIL_RATIO_MIN * times.p50Ns
      ? `p99 is ${amount(times.p99Ns / times.p50Ns)} times p50 (${time(times.p99Ns)} and ${time(times.p50Ns)}): one in a hundred waits for something that the others do not meet.`
      : null,

  'heavy-clients': ({ summary, runs, isOneLoop }) => {
    const { memoryKibPerClient: kib, processes, threads } = summary
    if (kib === null || kib < HEAVY_KIB_MIN || isOneLoop) return null
    const tasks = processes === null || threads === null ? '' : ` (${tasksOf(processes, threads)})`
    return `${amount(kib / 1024)} MiB for each client: conversations run ${runs}${tasks}.`
  },

  'light-clients': ({ summary: { memoryKibPerClient: kib, served }, runs }) =>
    kib !== null && kib > 0 && kib <= LIGHT_KIB_MAX && served >= LIGHT_CLIENTS_MIN
      ? `${amount(kib)} KiB for each of ${formatCount(served)} clients: conversations run ${runs}, so a client is a socket and some objects.`
      : null,

  'generator-full': ({ point, summary: { generatorBusyShare } }) =>
    point.status === 'lower-bound'
      ? `The load generator was busy for ${percent(generatorBusyShare)} of the time: the limit was not the server.`
      : null,

  'others-ran': ({ othersShare }) =>
    othersShare !== null && othersShare >= OTHERS_SHARE_MIN
      ? `Other programs took ${percent(othersShare)} of the machine’s CPU meanwhile: the figure is lower, and less certain, than on a quiet machine.`
      : null,
}

/** Whether some clients compute while the times of the others are the result. */
function isOfComputing({ workload }: Point): boolean {
  return workload === 'mix'
}

function factsOf(point: Point, { environment, config }: Run): Facts | null {
  const summary = usable(point)
  if (summary === null) return null
  const info = CATALOG.find(({ name }) => name === partsOfLabel(point.model).name)
  const runs = info?.conversationsRun ?? 'where its file says'
  const median = (of: (run: Counted) => number | null) => medianOf(countedRuns(point).map(of))
  const { clientsStay } = workloadInfo(point.workload)
  return {
    point,
    summary,
    unit: WORKLOAD_WORDS[point.workload],
    machineCores: environment.cores,
    workMs: config.workMs,
    coresUsed: median(({ load, resources }) => coresOf(resources.cpuMs, load.elapsedNs)),
    generatorCoresUsed: median(({ load }) => coresOf(load.generator.cpuMs, load.elapsedNs)),
    othersShare: median(({ resources }) => resources.othersCpuShare),
    switchesEach: clientsStay ? median(switchesOf) : null,
    involuntaryShare: median(involuntaryOf),
    runs,
    reaches: info?.reachHubBy ?? 'a link',
    isOneLoop: info?.reachHubBy === 'a call',
  }
}

interface Counted {
  readonly load: NonNullable<Repeat['load']>
  readonly resources: NonNullable<Repeat['resources']>
}

function countedRuns({ repeats }: Point): Counted[] {
  return repeats.flatMap(({ load, resources }) => (load && resources ? [{ load, resources }] : []))
}

function coresOf(cpuMs: number, elapsedNs: number): number | null {
  return elapsedNs > 0 ? cpuMs / (elapsedNs / 1e6) : null
}

function switchesOf({ load, resources }: Counted): number | null {
  const switches = resources.voluntarySwitches + resources.involuntarySwitches
  return load.operations > 0 ? switches / load.operations : null
}

function involuntaryOf({ resources }: Counted): number | null {
  const switches = resources.voluntarySwitches + resources.involuntarySwitches
  return switches > 0 ? resources.involuntarySwitches / switches : null
}

function tasksOf(processes: number, threads: number): string {
  return processes > 1 ? `${processes} processes, ${threads} threads` : `${threads} threads`
}

function amount(value: number): string {
  return formatAmount(value)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}

function time(ns: number): string {
  const { unit, divisor } = scaleOfTimes([ns])
  return `${formatAmount(ns / divisor)} ${unit}`
}

function cpu(us: number): string {
  const { unit, divisor } = scaleOfCpu([us])
  return `${formatAmount(us / divisor)} ${unit}`
}
