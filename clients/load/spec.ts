// What can be asked of the generator. Everything has a bound, and is refused with one sentence.

import { openFilesMax } from '../../posix/index.ts'
import { ARRIVALS, type LoadSpec, WORKLOAD_NAMES, workloadInfo } from './contract.ts'
import { MESSAGE_BYTES_MAX, MESSAGE_BYTES_MIN } from './message.ts'
import { speakersOf } from './speakers.ts'
import { parseTarget } from './target.ts'

/** The specification makes no sense. The message is one sentence that names the field. */
export class LoadSpecError extends Error {
  override readonly name = 'LoadSpecError'
}

/** Each connection is a descriptor, and a machine has 28,000 outgoing ports to an address (Linux). */
const CLIENTS_MAX = 100_000
/** More than this in flight on one connection is a queue, not a window. */
const WINDOW_MAX = 4096
/** A day: a slip of three digits, not a run. */
const MS_MAX = 86_400_000
/** A longer WORK is refused by every server (PROTOCOL.md, workMsMax). */
export const WORK_MS_MAX = 2000
/** The times of a run are histograms up to an hour. */
const RUN_MS_MAX = 3_600_000
const THREADS_MAX = 64
/** `room` keeps four bytes for each pair of a sender and a receiver: 256 MiB. */
const PAIRS_MAX = 64 * 1024 * 1024
/** The time of each request in flight is kept in eight bytes: 256 MiB. */
const IN_FLIGHT_MAX = 32 * 1024 * 1024
/** Descriptors that are no connections: standard streams, epoll, libuv's, and the caller's files. */
const DESCRIPTORS_RESERVED = 64

/** No generator in one process sends as much. */
const RATE_MAX = 10_000_000
/** One arrival in a quarter of an hour; seldomer, and no run would have any. */
const RATE_MIN = 0.001

type NumberField = Exclude<
  keyof LoadSpec,
  'workload' | 'address' | 'arrivals' | 'ratePerS' | 'accounting'
>

const BOUNDS: Readonly<Record<NumberField, readonly [min: number, max: number]>> = {
  clients: [1, CLIENTS_MAX],
  senders: [1, CLIENTS_MAX],
  window: [1, WINDOW_MAX],
  messageBytes: [MESSAGE_BYTES_MIN, MESSAGE_BYTES_MAX],
  pingsPerSession: [1, 1_000_000],
  workMs: [1, WORK_MS_MAX],
  warmupMs: [0, RUN_MS_MAX],
  durationMs: [1, RUN_MS_MAX],
  setupStallMs: [1, MS_MAX],
  drainMs: [0, MS_MAX],
  threads: [1, THREADS_MAX],
  seed: [0, 2 ** 32 - 1],
}
/** Fields that not all workloads read; elsewhere any number will do. */
const READ_BY: Partial<Record<NumberField, (workload: LoadSpec['workload']) => boolean>> = {
  senders: (workload) => workloadInfo(workload).sendersShare > 0,
  pingsPerSession: (workload) => workload === 'session',
  workMs: (workload) => workload === 'mix',
}

/** Throws LoadSpecError, or AddressError for the address. */
export function checkSpec(spec: LoadSpec): void {
  if (!WORKLOAD_NAMES.includes(spec.workload)) {
    throw new LoadSpecError(
      `workload is ${show(spec.workload)}: write ${WORKLOAD_NAMES.join(', ')}.`,
    )
  }
  for (const field of Object.keys(BOUNDS) as NumberField[]) {
    if (READ_BY[field]?.(spec.workload) ?? true) checkNumber(spec, field)
  }
  const { address, transport } = parseTarget(spec.address)
  if (address.family !== 'unix' && address.port === 0) {
    throw new LoadSpecError(`address is ${spec.address}: nobody can be reached at port 0.`)
  }
  const { transports } = workloadInfo(spec.workload)
  if (!transports.includes(transport)) {
    throw new LoadSpecError(
      `address is ${spec.address}: ${spec.workload} goes over ${transports.join(' and ')} only.`,
    )
  }
  checkArrivals(spec)
  checkTogether(spec)
}

function checkArrivals({ workload, arrivals, ratePerS, accounting }: LoadSpec): void {
  const { arrival, hasMessages } = workloadInfo(workload)
  if (!ARRIVALS.includes(arrivals)) {
    throw new LoadSpecError(`arrivals is ${show(arrivals)}: write ${ARRIVALS.join(', ')}.`)
  }
  if (arrivals === 'closed' && ratePerS !== null) {
    throw new LoadSpecError(`ratePerS is ${show(ratePerS)}: a closed loop has none, write null.`)
  }
  if (arrivals !== 'closed' && !isRate(ratePerS)) {
    throw new LoadSpecError(
      `ratePerS is ${show(ratePerS)}: write a number from ${RATE_MIN} to ${RATE_MAX}.`,
    )
  }
  if (arrivals !== 'closed' && arrival === null) {
    throw new LoadSpecError(`arrivals is ${show(arrivals)}: ${workload} is a closed loop only.`)
  }
  if (typeof accounting !== 'boolean') {
    throw new LoadSpecError(`accounting is ${show(accounting)}: write true or false.`)
  }
  if (!accounting && !hasMessages) {
    throw new LoadSpecError(
      `accounting is false: ${workload} has no messages whose proof could be left out.`,
    )
  }
}

function isRate(ratePerS: unknown): boolean {
  return typeof ratePerS === 'number' && ratePerS >= RATE_MIN && ratePerS <= RATE_MAX
}

function checkNumber(spec: LoadSpec, field: NumberField): void {
  const value: unknown = spec[field]
  const [min, max] = BOUNDS[field]
  if (!Number.isInteger(value)) {
    throw new LoadSpecError(`${field} is ${show(value)}: write a whole number.`)
  }
  if (spec[field] < min || spec[field] > max) {
    throw new LoadSpecError(`${field} is ${show(value)}: write a number from ${min} to ${max}.`)
  }
}

function checkTogether(spec: LoadSpec): void {
  const { workload, clients, senders, threads } = spec
  const { sendersShare, sendersMax = Infinity, together } = workloadInfo(workload)
  if (threads > clients) {
    throw new LoadSpecError(`threads is ${threads}, but there are only ${clients} clients.`)
  }
  if (sendersShare > 0 && senders > clients) {
    throw new LoadSpecError(`senders is ${senders}, but there are only ${clients} clients.`)
  }
  if (sendersShare > 0 && senders > sendersMax) {
    throw new LoadSpecError(`senders is ${senders}: ${workload} takes ${sendersMax} at most.`)
  }
  if (workload === 'slow' && clients - senders < 2) {
    throw new LoadSpecError(
      `senders is ${senders}: two of ${clients} clients at least must go on reading.`,
    )
  }
  if (clients < together.clientsMin) {
    throw new LoadSpecError(`clients is ${clients}: ${together.why}.`)
  }
  const speakers = speakersOf(spec)
  if (clients * speakers > PAIRS_MAX) {
    throw new LoadSpecError(
      `${clients} clients × ${speakers} senders are too many pairs to keep account of: at most ${PAIRS_MAX}.`,
    )
  }
  if (clients * spec.window > IN_FLIGHT_MAX) {
    throw new LoadSpecError(
      `${clients} clients × a window of ${spec.window} are too many requests in flight: at most ${IN_FLIGHT_MAX}.`,
    )
  }
  const available = openFilesMax() - DESCRIPTORS_RESERVED
  if (clients > available) {
    throw new LoadSpecError(
      `clients is ${clients}, but this process may open ${available} sockets: raise "ulimit -n".`,
    )
  }
}

function show(value: unknown): string {
  return typeof value === 'string' ? JSON.stringify(value) : String(value)
}
