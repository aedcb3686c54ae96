// Warnings: what makes a figure less than it seems, although nothing went wrong. The list is closed, and
// each has a condition, a cause and something to try; a report never carries a warning of any other kind.

import { pointName, REPEATS_RANKED_MIN, usable } from './points.ts'
import type { Config, Environment, Point, Repeat, Warning, WarningKind } from './schema.ts'
import { medianOf, rangeCoverage } from './statistics.ts'
import { ACHIEVED_SHARE_MIN, BUSY_SHARE_MAX, isSaturated, LAG_NS_MAX } from './verdict.ts'

/** Above this, the repeats of one point differ by more than the models often do. */
const COEFFICIENT_OF_VARIATION_MAX = 0.1
/** Fewer repeats show a spread, but not how often it is exceeded. */
const REPEATS_ENOUGH = 5
/** The last third of the window may be this much faster or slower than the first. */
const STEADY_TOLERANCE = 0.1
/** CPU time of others, as a share of the machine's, in the median repeat. */
export const OTHERS_SHARE_MAX = 0.1
/** Runnable tasks per core before anything was started. */
const LOAD_PER_CORE_MAX = 0.5

/** Everything a warning may be about. */
interface Run {
  readonly config: Config
  readonly environment: Environment
  readonly points: readonly Point[]
}

interface Rule {
  /** The points it is about, or null when there is nothing to warn of; [] is the whole run. */
  readonly about: (run: Run) => readonly Point[] | null
  readonly cause: (run: Run, points: readonly Point[]) => string
  readonly tryThis: string
}

/** The warnings of a run, in the order of the list. */
export function findWarnings(run: Run): Warning[] {
  return (Object.keys(RULES) as WarningKind[]).flatMap((kind) => {
    const { about, cause, tryThis } = RULES[kind]
    const points = about(run)
    if (points === null) return []
    return [{ kind, points: points.map(pointName), cause: cause(run, points), tryThis }]
  })
}

const RULES: Readonly<Record<WarningKind, Rule>> = {
  'model-served-few': {
    about: forPoints(({ summary, clients }) => summary !== null && summary.served < clients),
    cause: (_, points) => {
      const models = [...new Set(points.map(({ model }) => model))].join(', ')
      return `${models} talks to fewer clients at a time than were connected; the figures come from those it served, the others waited.`
    },
    tryThis:
      'Compare it with --workloads ping --clients 1, or by the session workload, which takes turns.',
  },
  'no-ledger': {
    about: ({ config }) => (config.accounting ? null : []),
    cause: () =>
      'Answers were neither proved nor counted one by one (--no-ledger): nobody knows whether any were lost or changed, and nothing is ranked.',
    tryThis: 'Leave --no-ledger out, unless what the ledger costs is the question.',
  },
  'generator-was-limit': {
    about: forPoints(({ status, summary }) => status === 'lower-bound' && !wasOpen(summary)),
    cause: () =>
      `The load generator was busy for ${percent(BUSY_SHARE_MAX)} of the time or more, with a core to itself: these servers can do at least this, and nobody knows how much more.`,
    tryThis: 'Use more --threads, or a machine with more cores.',
  },
  'generator-was-late': {
    about: forPoints(({ status, summary }) => status === 'lower-bound' && wasOpen(summary)),
    cause: () =>
      `The load generator itself was late: one request in a hundred was sent more than ${LAG_NS_MAX / 1e6} ms, and more than a tenth of the median response time, after it was due. Response times contain that, and nobody knows how much shorter they are.`,
    tryThis: 'Use a lower --rate, more --threads, or a machine with more cores.',
  },
  saturated: {
    about: forPoints(isSaturated),
    cause: () =>
      `Less than ${percent(ACHIEVED_SHARE_MIN)} of what was offered was answered: the servers could not keep up. Response times say how long the backlog became, and grow with --duration.`,
    tryThis: 'Use a lower --rate to see how they answer when they do keep up.',
  },
  'steady-state-missing': {
    about: forPoints(({ repeats }) => {
      const ratio = medianOf(repeats.map(({ lastThirdOverFirst }) => lastThirdOverFirst))
      return ratio !== null && Math.abs(ratio - 1) > STEADY_TOLERANCE
    }),
    cause: () =>
      `The rate in the last third of the window differed from that in the first by more than ${percent(STEADY_TOLERANCE)}: the servers were still warming up, or slowing down.`,
    tryThis: 'Use a longer --warmup.',
  },
  'spread-wide': {
    about: forPoints(
      ({ summary }) =>
        (summary?.throughputPerS.coefficientOfVariation ?? 0) > COEFFICIENT_OF_VARIATION_MAX,
    ),
    cause: () =>
      `The repeats differ by more than ${percent(COEFFICIENT_OF_VARIATION_MAX)} (standard deviation over mean).`,
    tryThis: 'Close other programs, and use a longer --duration or more --repeats.',
  },
  outliers: {
    about: forPoints(({ summary }) => (summary?.throughputPerS.outliers.length ?? 0) > 0),
    cause: () =>
      'Single repeats lie far from the others of their point. They are counted like all others, but something may have disturbed them.',
    tryThis: 'Run it again, with nothing else running; the file says which repeats they are.',
  },
  'few-repeats': {
    about: (run) => {
      const few = forPoints(({ summary }) => (summary?.repeats ?? 0) < REPEATS_ENOUGH)(run)
      return few && mostRepeats(run) < REPEATS_ENOUGH ? [] : few
    },
    cause: (run, points) => {
      const repeats = mostRepeats(run)
      if (points.length > 0) {
        return `Fewer than ${REPEATS_ENOUGH} repeats show roughly who is faster, not by how much; a single one is not ranked.`
      }
      return repeats < REPEATS_RANKED_MIN
        ? 'A single repeat has no spread, so nothing is ranked.'
        : `${repeats} repeats show roughly who is faster, not by how much: their interval is their range, and holds the true median in ${percent(rangeCoverage(repeats))} of cases.`
    },
    tryThis: 'Use more --repeats, or --full.',
  },
  'machine-busy': {
    about: (run) => {
      const busy = forPoints(isDisturbed)(run)
      return busy ?? (wasBusyBefore(run.environment) ? [] : null)
    },
    cause: ({ environment }, points) =>
      points.length > 0
        ? `Other programs took more than ${percent(OTHERS_SHARE_MAX)} of the CPU meanwhile.`
        : `The machine was busy before the run (load average ${environment.loadAverageBefore?.toFixed(1)}).`,
    tryThis: 'Close other programs, and run it again.',
  },
  'network-trouble': {
    about: forPoints(({ repeats }) => repeats.some(({ network }) => isTroubled(network))),
    cause: (_, points) => {
      const words = TROUBLES.flatMap((kind) => {
        const count = troubleOf(points, kind)
        return count > 0 ? [`${count} ${TROUBLE_WORDS[kind]}`] : []
      })
      return `TCP was in trouble on this machine meanwhile, which makes single answers late: ${words.join(', ')}.`
    },
    tryThis: 'Close other programs; use fewer --clients, or a higher net.core.somaxconn.',
  },
  'memory-not-measurable': {
    about: forPoints(({ summary }) => summary?.memoryIsRss === true),
    cause: () =>
      'PSS could not be read, so memory is RSS, which counts a page once for every process that shares it.',
    tryThis: 'Run it as the user who may read /proc/<pid>/smaps_rollup.',
  },
  'resources-not-measurable': {
    about: ({ points }) => {
      const measured = points.filter(({ summary }) => summary !== null)
      const isMissing = measured.length > 0 && measured.every((p) => hasNoResources(p))
      return isMissing ? [] : null
    },
    cause: ({ environment }) =>
      `CPU time and memory of the servers cannot be measured on ${environment.platform}.`,
    tryThis: 'Run it on Linux.',
  },
}

/** A rule about single points; those that were not run, or are invalid anyway, need no warning. */
function forPoints(holds: (point: Point) => boolean): (run: Run) => readonly Point[] | null {
  return ({ points }) => {
    const found = points.filter(
      (point) => (point.status === 'valid' || point.status === 'lower-bound') && holds(point),
    )
    return found.length > 0 ? found : null
  }
}

/** Of the points that have figures: an interruption may leave fewer than were asked for. */
function mostRepeats({ points }: Run): number {
  return Math.max(0, ...points.map((point) => usable(point)?.repeats ?? 0))
}

type Trouble = Exclude<keyof NonNullable<Repeat['network']>, 'retransmits'>
const TROUBLES: readonly Trouble[] = ['listenOverflows', 'listenDrops', 'timeouts']

/**
 * What makes somebody wait for 200 ms or more. A segment that is sent again before its timer ends costs nothing that a
 * figure would show, and happens on every busy machine: it is in the file only.
 */
const TROUBLE_WORDS: Readonly<Record<Trouble, string>> = {
  listenOverflows: 'overflows of a listen queue',
  listenDrops: 'connections dropped before they were accepted',
  timeouts: 'retransmission timeouts',
}

function troubleOf(points: readonly Point[], kind: Trouble): number {
  const counts = points.flatMap(({ repeats }) => repeats.map(({ network }) => network?.[kind] ?? 0))
  return counts.reduce((total, count) => total + count, 0)
}

function isTroubled(network: Repeat['network']): boolean {
  return network !== null && TROUBLES.some((kind) => network[kind] > 0)
}

/** Whether requests had a schedule. */
function wasOpen(summary: Point['summary']): boolean {
  return summary !== null && summary.schedule !== null
}

function isDisturbed({ repeats }: Point): boolean {
  const others = medianOf(repeats.map(({ resources }) => resources?.othersCpuShare ?? null))
  return others !== null && others > OTHERS_SHARE_MAX
}

function wasBusyBefore({ loadAverageBefore, cores }: Environment): boolean {
  return loadAverageBefore !== null && loadAverageBefore / cores > LOAD_PER_CORE_MAX
}

function hasNoResources({ repeats }: Point): boolean {
  return repeats.every(({ resources }) => resources === null)
}

function percent(share: number): string {
  return `${Math.round(share * 100)} %`
}
