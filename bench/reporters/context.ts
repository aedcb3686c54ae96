// What stands around the tables: where and how the figures came about, and how to read them. Pure.

import { usable } from '../points.ts'
import type { Results, Transcript, Warning } from '../schema.ts'
import { formatDuration, formatCount } from './numbers.ts'
import { counted } from './text.ts'

/** The machine, the software and the run, a line each. */
export function contextLines({ environment: e, config, startedAt, elapsedMs }: Results): string[] {
  const commit = e.commit ? `, commit ${e.commit.id.slice(0, 10)}${e.commit.dirty ? '+' : ''}` : ''
  const groups =
    e.schedulerGroups === 'shared' ? ' · server and generator in one scheduling group' : ''
  const when = startedAt.replace('T', ' ').replace(/\..*/, ' UTC')
  return [
    `hubbub ${e.hubbub}${commit} · Node ${e.node} · ${e.kernel} · ${e.architecture}`,
    `${e.cpu}, ${counted(e.cores, 'core')}, ${formatCount(e.memoryMib / 1024)} GiB${groups}`,
    ...(e.pinning ? [pinningLine(e.pinning)] : []),
    `${when} · took ${formatDuration(elapsedMs)} · seed ${config.seed}`,
  ]
}

function pinningLine({ generatorCores, serverCores }: Pinning): string {
  return `load generator on ${coresInWords(generatorCores)}, servers on ${coresInWords(serverCores)}`
}

function coresInWords(cores: readonly number[]): string {
  return `${cores.length === 1 ? 'core' : 'cores'} ${cores.join(', ')}`
}

type Pinning = NonNullable<Results['environment']['pinning']>

/** Present when a run did not come to its end. */
export function interruptionLine({ status, config, points }: Results): string | null {
  if (status === 'complete') return null
  const possible = points.filter((point) => point.status !== 'cannot')
  const missing = possible.filter((point) => point.status === 'interrupted').length
  // An invalid point is not tried again, and a precise one need not be.
  const short = possible.filter(
    (point) => point.stoppedBy === 'interruption' && usable(point) !== null,
  ).length
  const of = `of ${possible.length} points`
  const notRun = `${missing} ${of} ${missing === 1 ? 'was' : 'were'} not run`
  const haveFewer = `${short === 1 ? 'has' : 'have'} fewer than ${config.repeats} repeats`
  if (missing === 0) return `Interrupted: ${short} ${of} ${haveFewer}.`
  return `Interrupted: ${notRun}${short > 0 ? `, and ${short} ${haveFewer}` : ''}.`
}

/** Whether all models do the same work. */
export function equivalenceLine(transcripts: readonly Transcript[]): string {
  if (transcripts.length === 0) {
    return 'No script was replayed: these models answer datagrams, and the script is for streams.'
  }
  const same = transcripts.filter((transcript) => transcript.same)
  const hash = same[0]?.oneClientSha256?.slice(0, 12) ?? 'none'
  if (same.length === transcripts.length) {
    return `All models gave byte-identical answers to one fixed script (SHA-256 ${hash}…).`
  }
  const others = transcripts.filter((transcript) => !transcript.same).map(({ model }) => model)
  return `Answers to one fixed script differ, or are missing, for ${others.join(', ')}: not comparable.`
}

const CLOSED_LOOP = [
  'Throughput is the median of the repeats; interval is its bootstrap 95 % interval (their range, for five repeats or fewer). Models whose intervals overlap, or are linked by overlaps with others between them, share a rank.',
  'p50, p99 and max are service times (closed loop: from sending to the answer, or to each receiver), of all repeats merged.',
] as const

const OPEN_LOOP = [
  'Open loop: requests are sent when they are due, at the rate that the title says, whether earlier ones were answered or not. Offered is what was due, the next column what was answered.',
  'Response times begin when a request was due, service times when it was sent; of all repeats merged. Nothing is ranked, as all models are asked for the same: rows are in the order of the 99th percentile.',
] as const

const BOTH_LOOPS = [
  'CPU is for each operation, memory (PSS) for each client held, growth under load included; both of the server’s whole process tree.',
  'The command hubbub models says what each model is for, and what not; results/README.md in the sources of hubbub explains every column and verdict.',
] as const

/** How to read the columns. */
export function legendOf({ config }: Pick<Results, 'config'>): string[] {
  return [...(config.arrivals === 'closed' ? CLOSED_LOOP : OPEN_LOOP), ...BOTH_LOOPS]
}

/** A warning as one line: what, why, what to try. */
export function warningLine({ points, cause, tryThis }: Warning): string {
  const about = points.length > 0 ? ` That is: ${grouped(points)}.` : ''
  return `${cause}${about} ${tryThis}`
}

/** `ping · thread · 16 clients` and its like, each workload, size and rate named once. */
function grouped(points: readonly string[]): string {
  const models = new Map<string, string[]>()
  for (const point of points) {
    const [workload = '', model = '', ...size] = point.split(' · ')
    const key = `${workload} with ${size.join(' ')}`
    models.set(key, [...(models.get(key) ?? []), model])
  }
  return [...models].map(([key, names]) => `${names.join(', ')} in ${key}`).join('; ')
}
