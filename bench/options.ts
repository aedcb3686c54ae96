// What a person asked for, turned into the full configuration of a run. Words are checked here, each with
// a sentence that names the wrong one and the nearest right one; nothing is started before all of them
// are understood.

import { randomInt } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Arrivals, Transport, WorkloadName } from '../clients/load/contract.ts'
import { TRANSPORTS, WORK_MS_MAX, WORKLOAD_NAMES, workloadInfo } from '../clients/load/index.ts'
import { UsageError } from './errors.ts'
import { checkedLabels } from './models.ts'
import { REPEATS_PRECISE_MIN } from './precision.ts'
import type { PlannedModel } from './plan.ts'
import { canSpeak } from './plan.ts'
import type { PresetName } from './presets.ts'
import {
  DRAIN_MS,
  MESSAGE_BYTES,
  OBJECTIVE_MS,
  PINGS_PER_SESSION,
  PRESETS,
  SETUP_STALL_MS,
  WINDOW,
  WORK_MS,
} from './presets.ts'
import type { Config, SendersChoice } from './schema.ts'
import { sendersOf, spellSenders } from './senders.ts'
import { checkedWords, quote } from './words.ts'

/** Options of `hubbub bench`; whatever is left out comes from the preset. */
export interface BenchOptions {
  readonly preset?: PresetName | undefined
  readonly models?: readonly string[] | undefined
  readonly workloads?: readonly string[] | undefined
  readonly transports?: readonly string[] | undefined
  readonly clients?: readonly number[] | undefined
  /** Instead of `clients`: the powers of two up to this one, and itself. */
  readonly sweep?: number | undefined
  /** How many of the clients have a part of their own: in a room, they speak. Each makes points of its own. */
  readonly senders?: readonly SendersChoice[] | undefined
  readonly workMs?: number | undefined
  readonly durationMs?: number | undefined
  readonly warmupMs?: number | undefined
  readonly repeats?: number | undefined
  /** A share: a point is finished when its interval is narrow enough. */
  readonly precision?: number | undefined
  /** Generator and server on cores of their own. */
  readonly pin?: boolean | undefined
  readonly messageBytes?: number | undefined
  readonly window?: number | undefined
  /** Open loop: arrivals each second, each rate a point of its own. */
  readonly ratesPerS?: readonly number[] | undefined
  /** `capacity`: the 99th percentile of response times may be this long. */
  readonly objectiveMs?: number | undefined
  readonly arrivals?: Exclude<Arrivals, 'closed'> | undefined
  /** False: without the ledger. */
  readonly accounting?: boolean | undefined
  readonly threads?: number | undefined
  readonly seed?: number | undefined
  /** Folder for the results. */
  readonly out: string
  /** Formats that are written beside the usual ones. */
  readonly export?: readonly string[] | undefined
  /** Print what is written to the file, instead of tables. */
  readonly json?: boolean | undefined
}

/** The least and the greatest that is taken. */
export interface Bounds {
  readonly min: number
  readonly max: number
}

/** What is outside of these is a slip, or cannot be measured. */
export const BOUNDS = {
  // As many connections as a machine's limit of open files usually has room for.
  clients: { min: 1, max: 20_000 },
  // A law of scaling needs six sizes, and those of a room begin with 2.
  sweep: { min: 64, max: 20_000 },
  senders: { min: 1, max: 20_000 },
  workMs: { min: 1, max: WORK_MS_MAX },
  // Shorter windows hold too few of the 10 ms ticks in which Linux counts CPU time.
  durationMs: { min: 100, max: 3_600_000 },
  warmupMs: { min: 0, max: 3_600_000 },
  repeats: { min: 1, max: 1000 },
  // The ledger needs 24 bytes of each message; a line of IRC has room for about 400.
  messageBytes: { min: 24, max: 400 },
  window: { min: 1, max: 1000 },
  // Arrivals in a second. No generator in one process sends more.
  ratesPerS: { min: 1, max: 10_000_000 },
  objectiveMs: { min: 1, max: 60_000 },
  threads: { min: 1, max: 64 },
  seed: { min: 0, max: 2 ** 32 - 1 },
} as const

/** The whole configuration: what is asked for, and the preset for the rest. Throws a UsageError. */
export function resolveConfig(options: BenchOptions, catalog: readonly PlannedModel[]): Config {
  if (options.out === '') throw new UsageError('--out needs a folder, such as results.')
  const preset = options.preset ?? 'standard'
  const transports = checkedWords('transport', options.transports ?? ['tcp'], TRANSPORTS)
  const workloads = checkedWords(
    'workload',
    namedWorkloads(options, preset, transports),
    WORKLOAD_NAMES,
  )
  checkLoop(workloads, options)
  for (const name of workloads) checkTransports(name, transports)
  const config: Config = {
    preset,
    models: checkedLabels(options.models ?? defaultModels(catalog, transports), catalog),
    transports,
    workloads: workloads.map((name) => workloadConfig(name, preset, options)),
    repeats: within('repeats', options.repeats ?? PRESETS[preset].repeats),
    precisionShare: options.precision ?? null,
    senders: (options.senders ?? []).map(checkedSenders),
    workMs: within('workMs', options.workMs ?? WORK_MS),
    ...loopOf(options),
    accounting: options.accounting ?? true,
    messageBytes: within('messageBytes', options.messageBytes ?? MESSAGE_BYTES),
    pingsPerSession: PINGS_PER_SESSION,
    objectiveMs: within('objectiveMs', options.objectiveMs ?? OBJECTIVE_MS),
    threads: within('threads', options.threads ?? defaultThreads()),
    setupStallMs: SETUP_STALL_MS,
    drainMs: DRAIN_MS,
    pin: options.pin ?? false,
    seed: within('seed', options.seed ?? randomInt(BOUNDS.seed.max)),
  }
  checkPrecision(config)
  if (config.senders.length > 0) requireSenders(workloads)
  if (options.workMs !== undefined) requireWork(workloads)
  if (options.window !== undefined) requireWindow(workloads)
  for (const workload of config.workloads) checkClients(workload, config.senders)
  return config
}

function checkPrecision({ precisionShare, repeats, arrivals }: Config): void {
  if (precisionShare === null) return
  if (arrivals !== 'closed') {
    throw new UsageError(
      '--precision looks at the throughput, which --rate decides; give one of them.',
    )
  }
  if (precisionShare < PRECISION.min || precisionShare > PRECISION.max) {
    throw new UsageError('--precision must be from 0.1% to 50%.')
  }
  if (repeats <= REPEATS_PRECISE_MIN) {
    throw new UsageError(
      `--precision can stop a point after ${REPEATS_PRECISE_MIN} repeats at the soonest; allow it more, such as --repeats 30.`,
    )
  }
}

/** Closer than this a figure is not known on any machine, and what is wider says nothing. */
const PRECISION = { min: 0.001, max: 0.5 } as const

function isOver(name: WorkloadName, transports: readonly Transport[]): boolean {
  return workloadInfo(name).transports.some((transport) => transports.includes(transport))
}

/** What stands for all workloads that the transports allow. */
const ALL_WORKLOADS = 'all'

/** Over datagrams there is none of those that every report has: then all that there are. */
function namedWorkloads(
  { workloads, ratesPerS }: BenchOptions,
  preset: PresetName,
  transports: readonly Transport[],
): readonly string[] {
  const isAll = workloads?.length === 1 && workloads[0] === ALL_WORKLOADS
  if (workloads !== undefined && !isAll) return workloads
  const all = WORKLOAD_NAMES.filter(
    (name) =>
      isOver(name, transports) && (ratesPerS === undefined || workloadInfo(name).arrival !== null),
  )
  const usual = PRESETS[preset].usual.filter((name) => all.includes(name))
  return isAll || usual.length === 0 ? all : usual
}

/**
 * Constant unless told otherwise: then every model gets exactly the same arrivals, evenly, and whatever queues up
 * does so because of the server. Poisson arrivals make queues of their own, as independent users do.
 */
const USUAL_ARRIVALS = 'constant'

function loopOf({ ratesPerS, arrivals }: BenchOptions): Pick<Config, 'arrivals' | 'ratesPerS'> {
  if (ratesPerS === undefined) return { arrivals: 'closed', ratesPerS: [] }
  if (ratesPerS.length === 0) throw new UsageError('--rate needs a number, or several with commas.')
  return {
    arrivals: arrivals ?? USUAL_ARRIVALS,
    ratesPerS: [...new Set(ratesPerS.map((rate) => within('ratesPerS', rate)))],
  }
}

/** What an open loop takes, and what would change nothing. */
function checkLoop(workloads: readonly WorkloadName[], options: BenchOptions): void {
  const { ratesPerS, arrivals, window, accounting = true } = options
  if (ratesPerS === undefined && arrivals !== undefined) {
    throw new UsageError('--arrivals needs --rate, which says how many there are each second.')
  }
  if (ratesPerS !== undefined && window !== undefined) {
    throw new UsageError(
      '--rate and --window exclude each other: at a rate, requests are sent when they are due, whatever is in flight.',
    )
  }
  for (const name of workloads) {
    const { arrival, hasMessages, isStaged } = workloadInfo(name)
    if (ratesPerS !== undefined && isStaged) {
      throw new UsageError(`--rate is not for ${name}, which searches for the rate itself.`)
    }
    if (ratesPerS !== undefined && arrival === null) {
      throw new UsageError(`--rate is not for ${name}, which is a closed loop only.`)
    }
    if (!accounting && !hasMessages) {
      throw new UsageError(
        `--no-ledger is not for ${name}, which has no messages whose proof could be left out.`,
      )
    }
  }
}

function defaultModels(catalog: readonly PlannedModel[], transports: readonly Transport[]) {
  const possible = catalog.filter((model) => transports.some((one) => canSpeak(model, one)))
  return possible.map(({ name }) => name)
}

function requireSenders(workloads: readonly WorkloadName[]): void {
  const able = WORKLOAD_NAMES.filter((name) => workloadInfo(name).sendersShare > 0)
  if (workloads.some((name) => able.includes(name))) return
  throw new UsageError(
    `--senders is for workloads where some clients have a part of their own (${able.join(', ')}).`,
  )
}

/** Who computes does so in one workload, and `--work-ms` beside others would change nothing. */
function requireWork(workloads: readonly WorkloadName[]): void {
  if (workloads.includes('mix')) return
  throw new UsageError('--work-ms is for the workload mix; add --workloads mix.')
}

/** Some workloads are about their window: nobody can choose it. */
function requireWindow(workloads: readonly WorkloadName[]): void {
  if (workloads.some((name) => workloadInfo(name).window === undefined)) return
  const fixed = workloads.map((name) => `${name} has ${workloadInfo(name).window}`)
  throw new UsageError(`--window would change nothing: ${fixed.join(', ')}.`)
}

function checkedSenders(choice: SendersChoice): SendersChoice {
  return 'count' in choice ? { count: within('senders', choice.count) } : choice
}

function checkTransports(name: WorkloadName, transports: readonly Transport[]): void {
  if (isOver(name, transports)) return
  const possible = workloadInfo(name).transports.join(' or ')
  throw new UsageError(`${name} goes over ${possible}, not over ${transports.join(', ')}.`)
}

/** `1500ms`, `1.5s` or `2m` in milliseconds. Only 0 needs no unit: 10 of what, is a guess. */
export function parseDurationMs(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text.trim())
  if (!match) throw new UsageError(`${quote(text)} is not a duration; write it like 2s or 500ms.`)
  const [, number = '', unit] = match
  if (unit === undefined && Number(number) !== 0) {
    const choice = `write ${number}ms for milliseconds or ${number}s for seconds`
    throw new UsageError(`${quote(number)} has no unit; ${choice}.`)
  }
  return Math.round(Number(number) * (UNITS_MS[unit ?? ''] ?? 0))
}

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }

/** `5%` as a share of 1. */
export function parseShare(text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s?%$/.exec(text.trim())
  if (!match) throw new UsageError(`${quote(text)} is not a percentage; write it like 5%.`)
  return Number(match[1]) / 100
}

/** As `parseDurationMs` reads it: `500ms`, `1.5s`, `2m`. */
export function spellDuration(ms: number): string {
  if (ms === 0) return '0'
  if (ms % 60_000 === 0) return `${ms / 60_000}m`
  return ms >= 1000 && ms % 100 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

/** A whole number; `what` names it in the sentence about a wrong one. */
export function parseCount(what: string, text: string): number {
  const trimmed = text.trim()
  if (!/^\d{1,15}$/.test(trimmed)) {
    throw new UsageError(`${quote(text)} is not a whole number; ${what} takes one, such as 10.`)
  }
  return Number(trimmed)
}

/** `10,50` as numbers. */
export function parseCounts(what: string, text: string): number[] {
  return parseWords(what, text).map((word) => parseCount(what, word))
}

/** `ping,room` as words. */
export function parseWords(what: string, text: string): string[] {
  const words = text
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  if (words.length === 0) throw new UsageError(`${what} needs a value, or several with commas.`)
  return words
}

function workloadConfig(name: WorkloadName, preset: PresetName, options: BenchOptions) {
  const { clients, warmupMs, durationMs } = PRESETS[preset].workloads[name]
  const sizes = options.clients ?? sweepOf(name, options) ?? clients
  if (sizes.length === 0) throw new UsageError('clients needs a number, or several with commas.')
  return {
    name,
    clients: [...new Set(sizes.map((size) => within('clients', size)))],
    window: workloadInfo(name).window ?? within('window', options.window ?? WINDOW),
    warmupMs: within('warmupMs', options.warmupMs ?? warmupMs),
    durationMs: within('durationMs', options.durationMs ?? durationMs),
  }
}

/** 1, 2, 4 and so on, but for those that are too few for the workload. */
function sweepOf(name: WorkloadName, { sweep }: BenchOptions): number[] | undefined {
  if (sweep === undefined) return undefined
  const largest = within('sweep', sweep)
  const powers = Array.from({ length: Math.ceil(Math.log2(largest)) }, (_, i) => 2 ** i)
  const { clientsMin } = workloadInfo(name).together
  return [...powers, largest].filter((size) => size >= clientsMin)
}

/** A generator thread needs a core; the server, which is what is measured, must keep most of them. */
function defaultThreads(): number {
  return Math.max(1, Math.min(4, Math.floor(availableParallelism() / 4)))
}

function checkClients(
  { name, clients }: Config['workloads'][number],
  choices: Config['senders'],
): void {
  const { sendersShare, sendersMax = Infinity, together } = workloadInfo(name)
  const least = Math.min(...clients)
  if (least < together.clientsMin) {
    throw new UsageError(
      `${name} needs at least ${together.clientsMin} clients, not ${least}; ping and session take one (--workloads).`,
    )
  }
  if (sendersShare === 0) return
  for (const choice of choices) {
    for (const size of clients) checkSenders(name, choice, size, sendersMax)
  }
}

function checkSenders(name: string, choice: SendersChoice, clients: number, max: number): void {
  const senders = sendersOf(choice, clients)
  if (senders > max) throw new UsageError(`${name} takes ${max} senders at most, not ${senders}.`)
  if (senders === 0) {
    throw new UsageError(
      `${spellSenders(choice)} of ${clients} clients is nobody; ask for a larger share, or for more clients.`,
    )
  }
  if (name === 'slow' && clients - senders < 2) {
    throw new UsageError(
      `${senders} of ${clients} clients that stop reading leave too few who go on.`,
    )
  }
  if (senders > clients) {
    throw new UsageError(
      `${senders} senders need at least as many clients, but there are ${clients}.`,
    )
  }
}

/** Throws a UsageError that names the option. */
export function within(what: keyof typeof BOUNDS, value: number): number {
  const { min, max } = BOUNDS[what]
  if (Number.isInteger(value) && value >= min && value <= max) return value
  const option = OPTION_OF[what]
  throw new UsageError(
    what === 'durationMs' || what === 'warmupMs' || what === 'objectiveMs'
      ? `${option} must be from ${spellDuration(min)} to ${spellDuration(max)}, not ${spellDuration(value)}.`
      : `${option} must be a whole number from ${min} to ${max}, not ${value}.`,
  )
}

/** How the command line calls each of the numbers. */
const OPTION_OF: Readonly<Record<keyof typeof BOUNDS, string>> = {
  clients: '--clients',
  sweep: '--sweep',
  senders: '--senders',
  workMs: '--work-ms',
  durationMs: '--duration',
  warmupMs: '--warmup',
  repeats: '--repeats',
  messageBytes: '--size',
  window: '--window',
  ratesPerS: '--rate',
  objectiveMs: '--objective',
  threads: '--threads',
  seed: '--seed',
}
