// Verdicts: which figures must not be used, and why. Everything that was counted wrong, and everything
// that ended before its time, makes its repeat a fault, and one faulty repeat makes its point invalid: a
// figure that is right in two of three runs is not a figure.

import type { LoadResult } from '../clients/load/contract.ts'
import { workloadInfo } from '../clients/load/index.ts'
import { holds, littlesLaw } from './little.ts'
import type { Fault, FaultKind, Point, Summary } from './schema.ts'
import { WORKLOAD_WORDS } from './workloads.ts'

export function fault(kind: FaultKind, text: string): Fault {
  return { kind, text }
}

/** What the generator counted, judged. `expected`: how many clients the model serves by design. */
export function faultsOfLoad(load: LoadResult, expected: number): Fault[] {
  return [
    ...faultsOfLedger(load),
    ...faultsOfService(load, expected),
    ...faultsOfConnections(load),
    ...faultsOfFigures(load),
    ...(load.operations === 0
      ? [
          fault(
            'nothing-measured',
            `no ${WORKLOAD_WORDS[load.spec.workload].one} within the window (if they take longer: --duration)`,
          ),
        ]
      : []),
  ]
}

/** Datagrams get lost, and overtake each other: that is shown beside their rate, and is no fault. */
function faultsOfLedger({ ledger, spec }: LoadResult): Fault[] {
  const { corrupt, duplicated, reordered, lost, outstanding } = ledger
  const isOfDatagrams = spec.address.startsWith('udp:')
  const wrong = parts([
    [corrupt, 'corrupt'],
    [duplicated, 'duplicated'],
    [isOfDatagrams ? 0 : reordered, 'out of order'],
  ])
  const missing = parts([
    [isOfDatagrams ? 0 : lost, 'lost'],
    [outstanding, 'never answered'],
  ])
  return [
    ...(wrong ? [fault('wrong-answers', `wrong answers: ${wrong}`)] : []),
    ...(missing ? [fault('messages-missing', `messages missing: ${missing}`)] : []),
  ]
}

function faultsOfService({ served, refused }: LoadResult, expected: number): Fault[] {
  if (served >= expected) return []
  const words = Object.entries(refused).map(([why, count]) => `${count} refused with "${why}"`)
  const why = words.length > 0 ? ` (${words.join(', ')})` : ''
  return [fault('clients-not-served', `served ${served} of ${expected} clients${why}`)]
}

function faultsOfConnections({ errors }: LoadResult): Fault[] {
  const words = Object.entries(errors).map(([cause, count]) => `${count} × ${cause}`)
  return words.length > 0
    ? [fault('connection-errors', `connections failed: ${words.join(', ')}`)]
    : []
}

/** Counted and timed apart, throughput and service times still have to agree. */
function faultsOfFigures(load: LoadResult): Fault[] {
  const law = littlesLaw(load)
  if (law === null || holds(law)) return []
  const { inFlight, seen, low, high } = law
  return [
    fault(
      'littles-law-broken',
      `throughput × mean time is ${seen.toFixed(2)}, though ${inFlight} were in flight (${low.toFixed(2)} to ${high.toFixed(2)} would do)`,
    ),
  ]
}

function parts(counts: readonly (readonly [number, string])[]): string {
  return counts
    .filter(([count]) => count > 0)
    .map(([count, what]) => `${count} ${what}`)
    .join(', ')
}

/**
 * The generator was the limit when its busiest thread hardly ever waited, and had a core to itself all
 * the while: the server may be able to do more than it was asked to. A thread that never waits but gets
 * half a core is waiting for a core that the server uses; then the machine is the limit, and the figure
 * is the server's.
 */
export const BUSY_SHARE_MAX = 0.9
const CPU_SHARE_MAX = 0.8

/** An open loop may be this late, or this much of the time that is measured, and nothing looks different for it. */
export const LAG_NS_MAX = 1e6
const LAG_SHARE_MAX = 0.1

function isGeneratorLimit(summary: Summary): boolean {
  const { generatorBusyShare, generatorCpuShare, schedule, responseTime } = summary
  // What a search has found was kept, however late the generator was; what it could not find is another matter.
  if (summary.capacity !== null) return summary.capacity.generatorWasLimit
  // In an open loop being late is all that a busy generator could do wrong.
  if (schedule !== null && responseTime !== null) {
    return isGeneratorLate(summary, responseTime.p50Ns)
  }
  return generatorBusyShare >= BUSY_SHARE_MAX && hadCore(generatorCpuShare)
}

/** Where its CPU time cannot be told, being busy, or late, has to do. */
function hadCore(generatorCpuShare: number | null): boolean {
  return generatorCpuShare === null || generatorCpuShare >= CPU_SHARE_MAX
}

/**
 * Whether an objective was missed because of the generator: it was late by more than a tenth of it, although it had
 * a core to itself. Without one it was the server that took it, and the figure is what both do on this machine.
 */
export function missedByGenerator(load: LoadResult, objectiveNs: number): boolean {
  return isGeneratorLate(load, objectiveNs) && hadCore(cpuShareOf(load))
}

/** CPU time of the generator for each of its threads and for the time that passed: 1 is a whole core. */
export function cpuShareOf({
  generator: { cpuMs, threads },
  elapsedNs,
}: Pick<LoadResult, 'generator' | 'elapsedNs'>): number | null {
  return cpuMs > 0 && elapsedNs > 0 ? (cpuMs * 1e6) / (elapsedNs * threads) : null
}

/** Of an open loop: whether the generator was late by more than a tenth of a time that is to be measured. */
function isGeneratorLate({ schedule }: Pick<LoadResult, 'schedule'>, timeNs: number): boolean {
  if (schedule === null) return false
  const { p50Ns, p90Ns, p99Ns } = schedule.lag
  return (p99Ns ?? p90Ns ?? p50Ns) > Math.max(LAG_NS_MAX, timeNs * LAG_SHARE_MAX)
}

/** Of a point that can be run. Without a repeat and without a fault, it was never its turn. */
export function statusOf(
  faults: readonly Fault[],
  summary: Summary | null,
  repeats: number,
): Point['status'] {
  if (faults.length === 0 && repeats === 0) return 'interrupted'
  if (faults.length > 0 || summary === null) return 'invalid'
  return isGeneratorLimit(summary) ? 'lower-bound' : 'valid'
}

/** The part of what was offered that must be achieved. */
export const ACHIEVED_SHARE_MIN = 0.99

/**
 * An open loop whose server did not keep up. Of few arrivals one more or less may be under way when the window
 * ends than when it began, so the standard deviation of their count (its root) is granted as well.
 */
export function isSaturated({ workload, summary }: Pick<Point, 'workload' | 'summary'>): boolean {
  const { schedule = null, responseTime = null } = summary ?? {}
  if (!summary || !schedule || !responseTime || schedule.offeredPerS === 0) return false
  const { throughputPerS, repeats, served } = summary
  const perArrival = workloadInfo(workload).fansOut ? Math.max(1, served - 1) : 1
  const arrivals = responseTime.count / perArrival / repeats
  return missesOffered(throughputPerS.median / perArrival, schedule.offeredPerS, arrivals)
}

/** `count`: of the arrivals in one window. */
export function missesOffered(achievedPerS: number, offeredPerS: number, count: number): boolean {
  const missing = 1 - achievedPerS / offeredPerS
  return missing > Math.max(1 - ACHIEVED_SHARE_MIN, 1 / Math.sqrt(count))
}
