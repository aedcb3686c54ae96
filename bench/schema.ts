// The shape of a results file: the one source of its TypeScript types, of the checks when it is written
// and when it is read, and of the JSON Schema that `hubbub schema` prints.
//
// Rules of the format: a figure that could not be measured is null, never zero and never NaN; every name
// of a figure ends with its unit; nothing measured is left out, also not for points that turned out
// invalid. Whoever changes the shape raises SCHEMA_VERSION.

import { z } from 'zod'
import { ARRIVALS, TRANSPORTS, WORKLOAD_NAMES } from '../clients/load/contract.ts'
import { PRESET_NAMES } from './presets.ts'

export const SCHEMA_VERSION = 4

const count = z.int().min(0)
const amount = z.number().min(0)
const share = z.number().min(0)
const instant = z.iso.datetime()
const sha256 = z.string().regex(/^[0-9a-f]{64}$/)
const workload = z.enum(WORKLOAD_NAMES)
const transport = z.enum(TRANSPORTS)
const arrivals = z.enum(ARRIVALS)
const rate = z.number().positive()

/** Times of one kind. `hdr` is a whole HdrHistogram (V2, compressed, base64), so times can be merged. */
const Times = z.strictObject({
  count,
  minNs: amount,
  p50Ns: amount,
  /** Null when fewer than ten times lie above it: below 100, 1,000 and 10,000 of them. */
  p90Ns: amount.nullable(),
  p99Ns: amount.nullable(),
  p999Ns: amount.nullable(),
  maxNs: amount,
  meanNs: amount,
  hdr: z.string(),
})

/** Open loop: what was due in the window, what of that was sent, and how late the generator was. */
const Schedule = z.strictObject({ offeredPerS: amount, sentPerS: amount, lag: Times })

/** `room`: of each message. */
const Receivers = z.strictObject({ first: Times, median: Times, last: Times })

const Ledger = z.strictObject({
  sent: count,
  received: count,
  outstanding: count,
  lost: count,
  duplicated: count,
  reordered: count,
  corrupt: count,
})

/** Why a figure must not be used. The list is closed: verdict.ts gives each its sentence. */
export const FAULT_KINDS = [
  'server-did-not-start',
  'server-died',
  'server-hung',
  'server-did-not-stop',
  'wrong-answers',
  'messages-missing',
  'clients-not-served',
  'connection-errors',
  'nothing-measured',
  'nothing-killed',
  'generator-failed',
  'transcript-differs',
  'littles-law-broken',
] as const

const Fault = z.strictObject({ kind: z.enum(FAULT_KINDS), text: z.string() })

/** What makes a figure less than it seems, although it is right. warnings.ts gives each its words. */
export const WARNING_KINDS = [
  'model-served-few',
  'no-ledger',
  'generator-was-limit',
  'generator-was-late',
  'saturated',
  'steady-state-missing',
  'spread-wide',
  'outliers',
  'few-repeats',
  'machine-busy',
  'network-trouble',
  'memory-not-measurable',
  'resources-not-measurable',
] as const

const Warning = z.strictObject({
  kind: z.enum(WARNING_KINDS),
  /** Which points it is about, as `ping · thread · 16 clients`, or `room · thread · 16 clients, 4 of them speak`; empty: about the whole run. */
  points: z.array(z.string()),
  cause: z.string(),
  tryThis: z.string(),
})

/** The server's whole process tree, over the measured window. */
const Resources = z.strictObject({
  cpuMs: amount,
  /** PSS of the tree before the first client connected, and while all clients were connected. */
  idleMemoryKib: count.nullable(),
  heldMemoryKib: count.nullable(),
  /** True where PSS cannot be read: then RSS is given, which counts shared pages many times. */
  memoryIsRss: z.boolean(),
  processes: count,
  threads: count,
  openFiles: count.nullable(),
  /** Of tasks that were alive at the end of the window. */
  voluntarySwitches: count,
  involuntarySwitches: count,
  /** CPU time that neither the server nor the generator used, as a share of the machine's. */
  othersCpuShare: share.nullable(),
})

/** How evenly clients were answered: Jain's index, and the worst client over the median one. */
const Fairness = z.strictObject({ jain: share, worstOverMedian: share })

/** Of those who stopped reading: how many there were, and which of them the server let go, by its words. */
const Slow = z.strictObject({ readers: count, letGo: z.record(z.string(), count) })

/**
 * A process that ran conversations was killed. Times are from the killing; null when it did not come to that.
 */
const Crash = z.strictObject({
  /** Clients of that process, and clients of others that lost their connection as well. */
  victims: count,
  othersLost: count,
  /** Until every other client had been told of every one who was gone. */
  noticedMs: amount.nullable(),
  /** Until as many new clients were welcomed. */
  replacedMs: amount.nullable(),
})

const Generator = z.strictObject({ threads: count, busyShare: share, cpuMs: amount })

const Load = z.strictObject({
  served: count,
  unserved: count,
  refused: z.record(z.string(), count),
  operations: count,
  elapsedNs: amount,
  /** From the sending. */
  serviceTime: Times,
  /** Open loop: from the intended sending. */
  responseTime: Times.nullable(),
  schedule: Schedule.nullable(),
  receivers: Receivers.nullable(),
  firstAnswerTime: Times.nullable(),
  /** Of clients with a part of their own, where that is counted apart. */
  beside: z.strictObject({ operations: count, serviceTime: Times }).nullable(),
  /** Null where clients come and go, or are alone. */
  fairness: Fairness.nullable(),
  slow: Slow.nullable(),
  ledger: Ledger,
  errors: z.record(z.string(), count),
  generator: Generator,
})

/** One open loop of a workload that consists of several. */
const Stage = z.strictObject({
  offeredPerS: rate,
  clients: z.int().min(1),
  /** Answers, whether in time or not. */
  goodputPerS: amount,
  /** Response times; null where there are none, or too few. */
  p50Ns: amount.nullable(),
  p99Ns: amount.nullable(),
  meetsObjective: z.boolean(),
  /** Nothing went wrong, and the objective was not missed because of the generator. */
  valid: z.boolean(),
})

/** `capacity`: what one search has found. */
const Capacity = z.strictObject({
  /** The highest rate that was met; null when none was. */
  ratePerS: rate.nullable(),
  /** The lowest one that was missed; null when none was. */
  lowestMissedPerS: rate.nullable(),
  clients: z.int().min(1),
  /** The 99th percentile of response times may be this long. */
  objectiveNs: amount,
  /** A higher rate was not met because of the generator, or not tried. */
  generatorWasLimit: z.boolean(),
})

/** One run of one point, with a server process of its own. */
const Repeat = z.strictObject({
  repeat: z.int().min(1),
  /** Its place in the order in which everything was run, from 1. */
  order: z.int().min(1),
  startupMs: amount.nullable(),
  throughputPerS: amount.nullable(),
  /** Rate in the last third of the window over the rate in the first; null when too few samples. */
  lastThirdOverFirst: amount.nullable(),
  /** What the generator counted, or null when it did not come to its end. */
  load: Load.nullable(),
  /** Operations that had been counted when the run ended, however it ended. */
  operationsSeen: count,
  resources: Resources.nullable(),
  /** What the kernel dropped or sent again meanwhile, on the whole machine; null where it does not tell. */
  network: z
    .strictObject({
      listenOverflows: count,
      listenDrops: count,
      timeouts: count,
      retransmits: count,
    })
    .nullable(),
  /** Null for workloads of one stage, whose `load` says it all. Else `load` is of the highest rate that was met. */
  stages: z.array(Stage).nullable(),
  capacity: Capacity.nullable(),
  /** `crash`. */
  crash: Crash.nullable(),
  faults: z.array(Fault),
})

/** What one figure was in several repeats. */
const Spread = z.strictObject({
  median: amount,
  /** Bootstrap 95 % interval of the median, which is the range for two to five repeats; null for one. */
  low: amount.nullable(),
  high: amount.nullable(),
  min: amount,
  max: amount,
  /** Standard deviation over mean; null for a single repeat. */
  coefficientOfVariation: amount.nullable(),
  /** Places in the list of repeats, from 0, of those far from the others. They count all the same. */
  outliers: z.array(count),
})

/** What the repeats of one point say together. */
const Summary = z.strictObject({
  repeats: z.int().min(1),
  throughputPerS: Spread,
  /** Merged histograms of all repeats: percentiles are never averaged. */
  serviceTime: Times,
  responseTime: Times.nullable(),
  /** Rates are medians of the repeats. */
  schedule: Schedule.nullable(),
  receivers: Receivers.nullable(),
  firstAnswerTime: Times.nullable(),
  /** As in each repeat: WORKs, where the operations are PINGs. */
  beside: z.strictObject({ throughputPerS: Spread, serviceTime: Times }).nullable(),
  /** Medians of the repeats. */
  fairness: Fairness.nullable(),
  /** Of all repeats together. */
  slow: Slow.nullable(),
  /** Of the searches that found one: medians. The rates that were met are in `throughputPerS`. */
  capacity: Capacity.nullable(),
  /** Clients of all repeats together; times are medians, or null when one of the repeats has none. */
  crash: Crash.nullable(),
  served: count,
  cpuUsPerOperation: amount.nullable(),
  memoryKibPerClient: z.number().nullable(),
  memoryIsRss: z.boolean(),
  processes: count.nullable(),
  threads: count.nullable(),
  generatorBusyShare: share,
  generatorCpuShare: share.nullable(),
  ledger: Ledger,
  errors: count,
})

/**
 * `valid`: may be ranked. `lower-bound`: the generator was the limit, the server can do at least this.
 * `invalid`: must not be used, see `faults`. `cannot`: not run, because the model cannot do it by design
 * or on this machine, see `cannot`. `interrupted`: not run, because the run was ended before its first
 * repeat.
 */
const Point = z.strictObject({
  workload,
  transport,
  /** Its name, and its options if it was given some: `process:spares=8`. */
  model: z.string(),
  clients: z.int().min(1),
  senders: count,
  arrivals,
  /** Null in a closed loop. */
  ratePerS: rate.nullable(),
  clientsAtOnce: z.int().min(1).nullable(),
  status: z.enum(['valid', 'lower-bound', 'invalid', 'cannot', 'interrupted']),
  faults: z.array(Fault),
  cannot: z.string().nullable(),
  /**
   * Among the valid points of its workload and size, 1 is the fastest; those whose intervals overlap share
   * it. Null also for a valid point of a single repeat: without an interval nobody knows what it overlaps with;
   * in an open loop, where all are asked for the same; and without accounting.
   */
  rank: z.int().min(1).nullable(),
  rankShared: z.boolean(),
  /** Why it has no more repeats; null for what cannot be run. */
  stoppedBy: z.enum(['repeats', 'precision', 'fault', 'interruption']).nullable(),
  summary: Summary.nullable(),
  repeats: z.array(Repeat),
})

/** `idle`: what a connection costs in memory (PSS), as the slope over the sizes, with a 95 % interval. */
const ConnectionCost = z.strictObject({
  transport,
  model: z.string(),
  /** May be negative, where nothing can be told from the noise. */
  kibPerClient: z.number(),
  /** Bootstrap; null with fewer than six measurements. */
  low: z.number().nullable(),
  high: z.number().nullable(),
  /** The sizes, as many as were served. */
  clients: z.array(z.int().min(0)),
})

/** Why the law of a sweep must not be relied on. */
const SCALING_DOUBTS = ['too-few-sizes', 'not-converged', 'predictions-far-off'] as const

/**
 * The universal scalability law of one sweep over clients, X(N) = λN / (1 + σ(N − 1) + κN(N − 1)): see
 * scaling.ts. λ, σ and κ are null with too few sizes.
 */
const Scaling = z.strictObject({
  workload,
  transport,
  model: z.string(),
  lambdaPerS: amount.nullable(),
  /** Contention. */
  sigma: share.nullable(),
  /** Coherency. */
  kappa: amount.nullable(),
  /** The sizes with a valid figure, the smaller of which the law was fitted to. */
  measuredClients: z.array(z.int().min(1)),
  fittedClients: z.array(z.int().min(1)),
  /** What the fit says of the other sizes, and was measured. `error`: predicted over measured, less 1. */
  predictions: z.array(
    z.strictObject({
      clients: z.int().min(1),
      predictedPerS: amount,
      measuredPerS: amount,
      error: z.number(),
    }),
  ),
  /** Where throughput would be highest; null where that is nowhere, or beyond ten times the largest size. */
  bestClients: z.int().min(1).nullable(),
  doubt: z.enum(SCALING_DOUBTS).nullable(),
})

const WorkloadConfig = z.strictObject({
  name: workload,
  clients: z.array(z.int().min(1)).min(1),
  /** Requests in flight on each connection. */
  window: z.int().min(1),
  warmupMs: count,
  durationMs: z.int().min(1),
})

/** How many of the clients have a part of their own: a number, or a share from 0 to 1. */
const SendersChoice = z.union([
  z.strictObject({ count: z.int().min(1) }),
  z.strictObject({ share: z.number().gt(0).max(1) }),
])

const Config = z.strictObject({
  preset: z.enum(PRESET_NAMES),
  models: z.array(z.string()).min(1),
  transports: z.array(transport).min(1),
  workloads: z.array(WorkloadConfig).min(1),
  /** Of each point; with a precision, the most. */
  repeats: z.int().min(1),
  /** A point is finished when half its interval is no wider than this share of its median; null: not asked for. */
  precisionShare: z.number().gt(0).nullable(),
  arrivals,
  /** Of an open loop, each a point of its own; empty in a closed one. */
  ratesPerS: z.array(rate),
  /** Whether every answer was proved and entered in the ledger. */
  accounting: z.boolean(),
  /** Each makes points of its own. Empty: the share of the clients that the workload is made for. */
  senders: z.array(SendersChoice),
  /** `mix`: how long each WORK keeps a CPU busy. */
  workMs: z.int().min(1),
  messageBytes: z.int().min(1),
  pingsPerSession: z.int().min(1),
  /** `capacity`: the 99th percentile of response times may be this long. */
  objectiveMs: z.int().min(1),
  threads: z.int().min(1),
  setupStallMs: z.int().min(1),
  drainMs: count,
  /** Generator and server on cores of their own. */
  pin: z.boolean(),
  seed: count,
})

/** One model's answers to the fixed script, after dates were replaced. */
const Transcript = z.strictObject({
  model: z.string(),
  oneClientSha256: sha256.nullable(),
  manyClientsSha256: sha256.nullable(),
  same: z.boolean(),
  /** The first line that differs from most other models' answers, or why there is no transcript. */
  difference: z.string().nullable(),
})

const Environment = z.strictObject({
  hubbub: z.string(),
  /** Null unless this runs from a git checkout. */
  commit: z.strictObject({ id: z.string(), dirty: z.boolean() }).nullable(),
  node: z.string(),
  v8: z.string(),
  libuv: z.string(),
  nodeOptions: z.string().nullable(),
  platform: z.string(),
  architecture: z.string(),
  kernel: z.string(),
  cpu: z.string(),
  cores: z.int().min(1),
  memoryMib: count,
  openFilesMax: count.nullable(),
  processesMax: count.nullable(),
  /** The cores that it may use, from 0; null where that cannot be told. */
  coresAllowed: z.array(count).nullable(),
  pinning: z
    .strictObject({ generatorCores: z.array(count).min(1), serverCores: z.array(count).min(1) })
    .nullable(),
  /** How the clock rate of the cores is chosen: `performance`, `powersave`; null where nobody says. */
  governor: z.string().nullable(),
  /** Settings of the kernel that bound connections, by their names; those that it has. */
  sysctls: z.record(z.string(), z.string()),
  /** Of package-lock.json; null where there is none. */
  lockfileSha256: sha256.nullable(),
  loadAverageBefore: amount.nullable(),
  /**
   * `shared`: the kernel schedules sessions as groups, and servers are in that of the load generator.
   * `none`: it does not. Either way each thread competes alone.
   */
  schedulerGroups: z.enum(['shared', 'none']),
})

const RESULTS_SHAPE = {
  schemaVersion: z.literal(SCHEMA_VERSION),
  status: z.enum(['complete', 'interrupted']),
  /** Labels by the wall clock; every duration is measured with the monotonic one. */
  startedAt: instant,
  endedAt: instant,
  elapsedMs: amount,
  environment: Environment,
  config: Config,
  equivalence: z.array(Transcript),
  points: z.array(Point),
  scaling: z.array(Scaling),
  connectionCosts: z.array(ConnectionCost),
  warnings: z.array(Warning),
}

/** What is measured and reported. */
export const Results = z.strictObject(RESULTS_SHAPE)

/** What is in the file: the same, and a checksum over it, so that a changed digit does not go unseen. */
export const ResultsFile = z.strictObject({
  ...RESULTS_SHAPE,
  /** SHA-256 of all that stands before it, as JSON without white space. */
  sha256,
})

export type Results = z.infer<typeof Results>
export type Point = z.infer<typeof Point>
export type Repeat = z.infer<typeof Repeat>
export type Summary = z.infer<typeof Summary>
export type Resources = z.infer<typeof Resources>
export type TimesRecord = z.infer<typeof Times>
export type Fault = z.infer<typeof Fault>
export type FaultKind = Fault['kind']
export type Warning = z.infer<typeof Warning>
export type WarningKind = Warning['kind']
export type Scaling = z.infer<typeof Scaling>
export type ConnectionCost = z.infer<typeof ConnectionCost>
export type Config = z.infer<typeof Config>
export type SendersChoice = z.infer<typeof SendersChoice>
export type WorkloadConfig = z.infer<typeof WorkloadConfig>
export type Transcript = z.infer<typeof Transcript>
export type Environment = z.infer<typeof Environment>
