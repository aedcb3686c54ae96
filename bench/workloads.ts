// The workloads in words, and what a server must be told to take them.

import type { Transport, Unit, WorkloadName } from '../clients/load/contract.ts'
import { WAIT_MS, WORKLOADS } from '../clients/load/contract.ts'
import type { Config } from './schema.ts'

export interface WorkloadWords extends Unit {
  /** What its clients do. */
  readonly does: (config: Pick<Config, 'workMs'>) => string
  /** What those of the clients do that have a part of their own. */
  readonly part: Unit
  /** What `hubbub serve` is told beside the service. */
  readonly serve: readonly string[]
}

const NO_PART: Unit = { one: '', many: '' }
const USUAL = { part: NO_PART, serve: [] } as const

export const WORKLOAD_WORDS: Readonly<Record<WorkloadName, WorkloadWords>> = {
  ping: {
    ...WORKLOADS.ping.unit,
    ...USUAL,
    does: () => 'Each client sends a PING and waits for its PONG.',
  },
  pipeline: {
    ...WORKLOADS.pipeline.unit,
    ...USUAL,
    does: () =>
      `Each client keeps ${WORKLOADS.pipeline.window} PINGs in flight, and sends the next one for every PONG.`,
  },
  fairness: {
    ...WORKLOADS.fairness.unit,
    ...USUAL,
    does: () =>
      `Each client asks as fast as it is answered, with ${WORKLOADS.fairness.window} PINGs in flight. Jain’s index of what each of them got is 1 when all got the same; worst is the client that got the fewest answers, over the median client.`,
  },
  room: {
    ...WORKLOADS.room.unit,
    ...USUAL,
    part: { one: 'speaks', many: 'speak' },
    does: () => 'All clients are in one room; what a speaker says is delivered to everyone else.',
  },
  capacity: {
    ...WORKLOADS.capacity.unit,
    ...USUAL,
    does: () =>
      'PINGs are sent at a rate, at random as by independent users (Poisson), and answered or not. The highest rate is searched whose 99th percentile of response times keeps the objective.',
  },
  slow: {
    ...WORKLOADS.slow.unit,
    ...USUAL,
    part: { one: 'stops reading', many: 'stop reading' },
    does: () =>
      'All clients are in one room, and a quarter of them speak; when the measured time begins some others stop reading. The figures are of those who go on.',
  },
  crash: {
    ...WORKLOADS.crash.unit,
    ...USUAL,
    part: { one: 'speaks', many: 'speak' },
    does: () =>
      'All clients are in one room, some of them speak, and a third into the measured time a process that runs conversations is killed. Victims are its clients; it is noticed when all others were told, and they are replaced when as many new clients were welcomed.',
  },
  session: {
    ...WORKLOADS.session.unit,
    ...USUAL,
    does: () =>
      'A client connects, registers, sends a few PINGs and quits; the next one takes its place. Wait is the median time from connecting to the first answer.',
  },
  echo: {
    ...WORKLOADS.echo.unit,
    ...USUAL,
    does: () => 'Each client sends a message and waits for the same bytes to come back.',
  },
  mix: {
    ...WORKLOADS.mix.unit,
    ...USUAL,
    part: { one: 'computes', many: 'compute' },
    serve: ['--lab'],
    does: ({ workMs }) =>
      `Some clients send WORK ${workMs} again and again, which keeps a CPU busy for ${workMs} ms; the others send PINGs, and their figures come first.`,
  },
  wait: {
    ...WORKLOADS.wait.unit,
    ...USUAL,
    serve: ['--lab'],
    does: () =>
      `Each client sends WAIT ${WAIT_MS} again and again, for which the server waits ${WAIT_MS} ms, as for a disk: a client for whom nobody else waits is answered up to ${1000 / WAIT_MS} times per s.`,
  },
  idle: {
    ...WORKLOADS.idle.unit,
    ...USUAL,
    part: { one: 'is active', many: 'are active' },
    does: () => 'The active clients send PINGs; any others are connected, registered, and silent.',
  },
  login: {
    ...WORKLOADS.login.unit,
    part: { one: 'logs in', many: 'log in' },
    serve: [],
    does: () =>
      'Some clients log in again and again, which takes the server a hash of 128 MiB; the others send lines that are no login, and are told so.',
  },
  http: {
    ...WORKLOADS.http.unit,
    part: NO_PART,
    serve: [],
    does: () => 'Each client keeps its connection and asks for the same page again and again.',
  },
  file: {
    ...WORKLOADS.file.unit,
    part: NO_PART,
    serve: [],
    does: () =>
      'Each client fetches a file of 1 MiB again and again, and compares every byte; times are those of a file.',
  },
}

export const TRANSPORT_WORDS: Readonly<Record<Transport, string>> = {
  tcp: 'TCP',
  unix: 'Unix-domain sockets',
  udp: 'UDP',
}

/** `, 4 of them speak`: who of the clients has a part of his own; empty where all are alike. */
export function partOf(
  { workload, clients, senders }: { workload: WorkloadName; clients: number; senders: number },
  show: (count: number) => string = String,
): string {
  if (senders === 0) return ''
  const { one, many } = WORKLOAD_WORDS[workload].part
  const who = senders === clients ? 'all of them' : `${show(senders)} of them`
  return `, ${who} ${senders === 1 ? one : many}`
}

/** What is added to `hubbub serve` for this workload. */
export function serveWords(name: WorkloadName): string[] {
  return ['--service', WORKLOADS[name].service, ...WORKLOAD_WORDS[name].serve]
}
