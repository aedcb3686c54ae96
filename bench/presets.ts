// The presets: how much is measured when nothing is said about it. They are data, so that what `--quick`
// leaves out can be read in one place.
//
// Every number is a compromise between time and certainty. The costs that decide: a client of `process`
// takes 40 to 90 ms of CPU time before its first answer, and a blocking model compiles its JavaScript
// once for every client, so it needs a longer warm-up the more clients it has.

import type { WorkloadName } from '../clients/load/contract.ts'

/** What one workload is run with. */
interface WorkloadPreset {
  /** The sizes: how many clients are connected at the same time. */
  readonly clients: readonly number[]
  readonly warmupMs: number
  readonly durationMs: number
}

export interface Preset {
  /** For `--help` and for the head of a report. */
  readonly summary: string
  readonly repeats: number
  /** The workloads that are run when none is named. */
  readonly usual: readonly WorkloadName[]
  readonly workloads: Readonly<Record<WorkloadName, WorkloadPreset>>
}

export const PRESET_NAMES = ['quick', 'standard', 'full'] as const
export type PresetName = (typeof PRESET_NAMES)[number]

export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  // Under two minutes for every stream model on two cores that do other things as well, and for the three
  // workloads that are run when none is named. Two repeats are the least that can be ranked; more clients
  // would take their time from the measured windows.
  quick: {
    summary: 'one size, 2 short repeats: a first look in under two minutes',
    repeats: 2,
    usual: ['ping', 'room', 'session'],
    workloads: {
      ping: { clients: [12], warmupMs: 700, durationMs: 700 },
      pipeline: { clients: [12], warmupMs: 700, durationMs: 700 },
      fairness: { clients: [12], warmupMs: 700, durationMs: 700 },
      room: { clients: [12], warmupMs: 700, durationMs: 700 },
      // Shorter, and the kernel alone takes all that the slow ones do not.
      slow: { clients: [20], warmupMs: 700, durationMs: 2000 },
      // Time enough for a process to be started anew.
      crash: { clients: [12], warmupMs: 700, durationMs: 1500 },
      // Up to fourteen stages each, with new connections: no more clients than a trial of 15 s has time to start.
      capacity: { clients: [8], warmupMs: 200, durationMs: 600 },
      // A session of `process` starts a process: with fewer clients than this the accept loop idles,
      // with more of them the measured window holds less than one session of each.
      session: { clients: [8], warmupMs: 300, durationMs: 1000 },
      echo: { clients: [12], warmupMs: 700, durationMs: 700 },
      http: { clients: [12], warmupMs: 700, durationMs: 700 },
      file: { clients: [12], warmupMs: 700, durationMs: 700 },
      // One in ten computes, and one alone would not make a queue.
      mix: { clients: [20], warmupMs: 700, durationMs: 700 },
      wait: { clients: [20], warmupMs: 700, durationMs: 700 },
      idle: { clients: [250], warmupMs: 700, durationMs: 700 },
      // A login is most of a second of CPU time.
      login: { clients: [20], warmupMs: 700, durationMs: 3000 },
    },
  },
  // Fifty clients are enough to make a loop batch and a scheduler work, and still start in seconds.
  standard: {
    summary: 'one size, 5 repeats: about twelve minutes',
    repeats: 5,
    usual: ['ping', 'room', 'session', 'mix'],
    workloads: {
      ping: { clients: [50], warmupMs: 2000, durationMs: 2000 },
      pipeline: { clients: [50], warmupMs: 2000, durationMs: 2000 },
      fairness: { clients: [50], warmupMs: 2000, durationMs: 2000 },
      room: { clients: [50], warmupMs: 2000, durationMs: 2000 },
      slow: { clients: [50], warmupMs: 2000, durationMs: 5000 },
      crash: { clients: [50], warmupMs: 2000, durationMs: 3000 },
      capacity: { clients: [16], warmupMs: 300, durationMs: 800 },
      session: { clients: [20], warmupMs: 1000, durationMs: 2000 },
      echo: { clients: [50], warmupMs: 2000, durationMs: 2000 },
      http: { clients: [50], warmupMs: 2000, durationMs: 2000 },
      file: { clients: [20], warmupMs: 1000, durationMs: 2000 },
      mix: { clients: [50], warmupMs: 2000, durationMs: 2000 },
      wait: { clients: [50], warmupMs: 2000, durationMs: 2000 },
      idle: { clients: [50, 1050, 5050], warmupMs: 2000, durationMs: 2000 },
      login: { clients: [50], warmupMs: 2000, durationMs: 5000 },
    },
  },
  // Two sizes show how a model scales; ten repeats are the least for a median worth quoting.
  full: {
    summary: 'two sizes, 10 repeats: about three quarters of an hour',
    repeats: 10,
    usual: ['ping', 'room', 'session', 'mix'],
    workloads: {
      ping: { clients: [10, 50], warmupMs: 2000, durationMs: 2000 },
      pipeline: { clients: [10, 50], warmupMs: 2000, durationMs: 2000 },
      fairness: { clients: [10, 50], warmupMs: 2000, durationMs: 2000 },
      room: { clients: [10, 50], warmupMs: 2000, durationMs: 2000 },
      slow: { clients: [20, 50], warmupMs: 2000, durationMs: 5000 },
      crash: { clients: [10, 50], warmupMs: 2000, durationMs: 3000 },
      capacity: { clients: [16], warmupMs: 300, durationMs: 1000 },
      session: { clients: [4, 16], warmupMs: 1000, durationMs: 2000 },
      echo: { clients: [10, 50], warmupMs: 2000, durationMs: 2000 },
      http: { clients: [10, 50], warmupMs: 2000, durationMs: 2000 },
      file: { clients: [4, 20], warmupMs: 1000, durationMs: 2000 },
      mix: { clients: [20, 50], warmupMs: 2000, durationMs: 2000 },
      wait: { clients: [20, 50], warmupMs: 2000, durationMs: 2000 },
      // The curve that shows what epoll is for.
      idle: { clients: [50, 1050, 5050, 10_050], warmupMs: 2000, durationMs: 2000 },
      login: { clients: [20, 50], warmupMs: 2000, durationMs: 5000 },
    },
  },
}

/** What `hubbub witness` does unless told otherwise. Each model takes 20 s. */
export const WITNESS = { clients: 20, durationMs: 2000, repeats: 3 } as const

/**
 * `hubbub compare`: a figure that is worse by less is no regression. Machines differ by as much from one hour
 * to the next.
 */
export const THRESHOLD_SHARE = 0.05

/** Text after the colon of a message. A line of chat is about that long; the ledger needs 24 of it. */
export const MESSAGE_BYTES = 64

/** `capacity`: what nobody notices by himself, and what adds up where a page needs ten of them. */
export const OBJECTIVE_MS = 10

/** Requests in flight on one connection, unless the workload has its own: the next one is sent when the last one is answered. */
export const WINDOW = 1

/** `mix`: how long a WORK keeps a CPU busy. Long beside a PING, short beside what people notice. */
export const WORK_MS = 5

/** `session`: PINGs before QUIT. Enough to be a conversation, too few to hide what a client costs. */
export const PINGS_PER_SESSION = 10

/** After the window, how long outstanding answers are waited for before they count as missing. */
export const DRAIN_MS = 5000

/**
 * Setting up ends when nobody was registered for this long. Ten seconds: on a busy machine a process
 * takes its time, and a server that is stopped is noticed by then.
 */
export const SETUP_STALL_MS = 10_000

/**
 * The same for a model that by design serves fewer clients than are asked for: the rest will not be
 * registered, so there is nothing to wait for but the ones it does serve.
 */
export const SETUP_STALL_BY_DESIGN_MS = 300
