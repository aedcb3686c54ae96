// The workloads in words, and what a server must be told to take them.

import type { Transport, Unit, WorkloadName } from '../clients/load/contract.ts'
import { WORK_MS, WORKLOADS } from '../clients/load/contract.ts'

export interface WorkloadWords extends Unit {
  /** What its clients do. */
  readonly does: string
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
    does: 'Each client sends a PING and waits for its PONG.',
  },
  room: {
    ...WORKLOADS.room.unit,
    ...USUAL,
    part: { one: 'speaks', many: 'speak' },
    does: 'All clients are in one room; what a speaker says is delivered to everyone else.',
  },
  capacity: {
    ...WORKLOADS.capacity.unit,
    ...USUAL,
    does: 'PINGs are sent at a rate, at random as by independent users (Poisson), and answered or not. The highest rate is searched whose 99th percentile of response times keeps the objective.',
  },
  session: {
    ...WORKLOADS.session.unit,
    ...USUAL,
    does: 'A client connects, registers, sends a few PINGs and quits; the next one takes its place. Wait is the median time from connecting to the first answer.',
  },
  echo: {
    ...WORKLOADS.echo.unit,
    ...USUAL,
    does: 'Each client sends a message and waits for the same bytes to come back.',
  },
  work: {
    ...WORKLOADS.work.unit,
    ...USUAL,
    part: { one: 'computes', many: 'compute' },
    serve: ['--lab'],
    does: `Some clients send WORK ${WORK_MS} again and again, which keeps a CPU busy for ${WORK_MS} ms; the others send PINGs, and their figures come first.`,
  },
  idle: {
    ...WORKLOADS.idle.unit,
    ...USUAL,
    part: { one: 'is active', many: 'are active' },
    does: 'The active clients send PINGs; any others are connected, registered, and silent.',
  },
  login: {
    ...WORKLOADS.login.unit,
    part: { one: 'logs in', many: 'log in' },
    serve: [],
    does: 'Some clients log in again and again, which takes the server a hash of 128 MiB; the others send lines that are no login, and are told so.',
  },
  http: {
    ...WORKLOADS.http.unit,
    part: NO_PART,
    serve: [],
    does: 'Each client keeps its connection and asks for the same page again and again.',
  },
  file: {
    ...WORKLOADS.file.unit,
    part: NO_PART,
    serve: [],
    does: 'Each client fetches a file of 1 MiB again and again, and compares every byte; times are those of a file.',
  },
}

/** The workloads that are run when none is named: those of the chat that every report has. */
export const DEFAULT_WORKLOADS: readonly WorkloadName[] = ['ping', 'room', 'session']

export const TRANSPORT_WORDS: Readonly<Record<Transport, string>> = {
  tcp: 'TCP',
  unix: 'Unix-domain sockets',
  udp: 'UDP',
}

/** What is added to `hubbub serve` for this workload. */
export function serveWords(name: WorkloadName): string[] {
  return ['--service', WORKLOADS[name].service, ...WORKLOAD_WORDS[name].serve]
}
