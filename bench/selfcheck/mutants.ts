// Mutants: a check that has never failed may be unable to. So the real generator and the real verdicts look at servers
// that are broken on purpose, one fault each (broken-servers.ts), and every fault must be noticed, each by the one
// invariant that is there to notice it. Unbroken, the same server must pass the same runs.
//
// A mutant is run as a model is: by the code of `hubbub bench`, as a process of its own.

import type { Ledger, WorkloadName } from '../../clients/load/contract.ts'
import { Fixtures } from '../fixtures.ts'
import { resolveConfig } from '../options.ts'
import { type PlannedModel, planRun } from '../plan.ts'
import { judgePoints } from '../points.ts'
import type { Config, FaultKind, Point } from '../schema.ts'
import { DEFAULT_PATIENCE } from '../server.ts'
import { runTrial } from '../trial.ts'
import { type BROKEN, DELAY_MS, FIRST, STALL_MS } from './broken-servers.ts'
import type { Check, Laboratory, Proof, Verdict } from './proof.ts'
import { serverCommand } from './servers.ts'

/** `null` is the unbroken one. */
type ServerName = keyof typeof BROKEN | 'null'

type Column = Exclude<keyof Ledger, 'sent' | 'received'>

/** What must notice it. */
type Invariant =
  | {
      readonly fault: FaultKind
      /** One of these must not be zero. */
      readonly columns: readonly Column[]
    }
  /** Nothing is wrong but the times: the shortest or the longest of them tells. */
  | { readonly time: 'minNs' | 'maxNs'; readonly atLeastMs: number }

interface Mutant {
  readonly server: ServerName
  readonly workload: WorkloadName
  /** What it does, in a few words. */
  readonly does: string
  readonly caughtBy: Invariant
  /** A run in which fewer answers or deliveries came need not have seen the fault. */
  readonly enough: number
}

const WRONG = (...columns: Column[]): Invariant => ({ fault: 'wrong-answers', columns })
const MISSING = (...columns: Column[]): Invariant => ({ fault: 'messages-missing', columns })
const FAULT = (fault: FaultKind): Invariant => ({ fault, columns: [] })

/** Faults that come at once, and those that come now and then, in some tens of these even on a bad day. */
const AT_ONCE = 1
const NOW_AND_THEN = 20 * FIRST

type Row = readonly [ServerName, WorkloadName, string, Invariant, enough?: number]

const ROWS: readonly Row[] = [
  ['drops', 'room', 'drops one delivery in 10,000', MISSING('lost', 'outstanding')],
  ['leaves-one-out', 'room', 'leaves out one receiver', MISSING('lost', 'outstanding')],
  ['stalls-one', 'ping', 'answers one client no more', MISSING('outstanding')],
  ['stops-answering', 'ping', 'answers nobody any more', MISSING('outstanding')],
  ['duplicates', 'ping', 'answers twice', WRONG('duplicated')],
  ['delivers-twice', 'room', 'delivers twice to one', WRONG('duplicated')],
  ['reorders', 'room', 'swaps two messages', WRONG('reordered')],
  ['answers-late', 'ping', 'answers three others first', WRONG('reordered')],
  ['answers-half', 'ping', 'answers half a request', WRONG('corrupt')],
  ['makes-up-tokens', 'ping', 'makes up a token', WRONG('corrupt')],
  ['swaps-answers', 'ping', 'swaps two clients’ answers', WRONG('corrupt')],
  ['corrupts', 'room', 'changes one bit', WRONG('corrupt')],
  ['cuts-lines', 'ping', 'cuts a line short', WRONG('corrupt')],
  ['invents', 'ping', 'answers unasked', WRONG('corrupt')],
  ['echoes-to-sender', 'room', 'tells the sender too', WRONG('corrupt')],
  ['does-no-work', 'mix', 'answers WORK at once', WRONG('corrupt'), AT_ONCE],
  ['answers-no-work', 'mix', 'skips a WORK', WRONG('corrupt'), AT_ONCE],
  ['welcomes-another', 'ping', 'lies in 001', FAULT('connection-errors'), AT_ONCE],
  ['refuses-one', 'ping', 'refuses a client', FAULT('clients-not-served'), AT_ONCE],
  ['hangs-up', 'ping', 'hangs up without a word', FAULT('connection-errors')],
  ['dies', 'ping', 'dies', FAULT('server-died')],
  ['hangs', 'ping', 'hangs', FAULT('server-hung')],
  ['stalls-all', 'ping', 'stalls for a second', { time: 'maxNs', atLeastMs: STALL_MS }],
  [
    'acks-early',
    'room',
    'acknowledges first, delivers later',
    { time: 'minNs', atLeastMs: DELAY_MS },
    AT_ONCE,
  ],
]

export const MUTANTS: readonly Mutant[] = ROWS.map(
  ([server, workload, does, caughtBy, enough = NOW_AND_THEN]) => ({
    server,
    workload,
    does,
    caughtBy,
    enough,
  }),
)

/** The workloads that the mutants are seen under. */
export const CONTROLS: readonly WorkloadName[] = [
  ...new Set(MUTANTS.map(({ workload }) => workload)),
]

export const mutants: Proof = {
  name: 'mutants',
  title: 'Mutants',
  explanation:
    'Servers that are broken on purpose, one fault each: the verdict must name every one of them, and find nothing wrong with the same server unbroken.',
  seconds: 30,
  async run(laboratory) {
    const checks: Check[] = []
    for (const workload of CONTROLS) checks.push(await control(workload, laboratory))
    for (const mutant of MUTANTS) checks.push(await hunt(mutant, laboratory))
    return checks
  },
}

/** The unbroken server. */
export async function control(workload: WorkloadName, laboratory: Laboratory): Promise<Check> {
  laboratory.tell(`unbroken, ${workload}`)
  const point = await runOut('null', workload, ({ faults }) => faults.length === 0, laboratory)
  const received = point.summary?.ledger.received ?? 0
  const isSound = point.faults.length === 0 && point.summary !== null
  return {
    name: `nothing (${workload})`,
    expected: 'no fault',
    seen: isSound ? `none in ${received.toLocaleString('en-US')} answers` : wordsOf(point),
    verdict: isSound ? 'pass' : 'fail',
    why: isSound ? '' : 'a fault was found where there is none',
    figures: { received },
  }
}

/** One mutant, run and judged. */
export async function hunt(mutant: Mutant, laboratory: Laboratory): Promise<Check> {
  const { server, workload, does, caughtBy, enough } = mutant
  laboratory.tell(does)
  const isOver = (run: Point) => catches(caughtBy, run) || receivedIn(run) >= enough
  const point = await runOut(server, workload, isOver, laboratory)
  const received = receivedIn(point)
  const verdict = catches(caughtBy, point) ? 'pass' : received < enough ? 'inconclusive' : 'fail'
  const why: Readonly<Record<Verdict, string>> = {
    pass: '',
    inconclusive: `the machine was too busy for more than ${received} answers`,
    fail: 'it was not noticed, or not for what it is',
  }
  return {
    name: does,
    expected: expectation(caughtBy),
    seen: sight(caughtBy, point),
    verdict,
    why: why[verdict],
    figures: { received },
  }
}

/** What was received in a run that came to its end. One that did not has seen its fault. */
function receivedIn({ summary }: Point): number {
  return summary?.ledger.received ?? Infinity
}

/** Run after run, each longer than the one before, until one is enough. */
async function runOut(
  server: ServerName,
  workload: WorkloadName,
  isEnough: (point: Point) => boolean,
  laboratory: Laboratory,
): Promise<Point> {
  let point: Point | null = null
  for (const durationMs of DURATIONS_MS) {
    point = await measure(server, workload, durationMs, laboratory)
    if (isEnough(point)) break
  }
  return point!
}

function catches(caughtBy: Invariant, { faults, summary }: Point): boolean {
  if ('time' in caughtBy) {
    return (summary?.serviceTime[caughtBy.time] ?? 0) >= caughtBy.atLeastMs * 1e6 * TIMES_EXACT
  }
  const { fault, columns } = caughtBy
  const isNamed = faults.some(({ kind }) => kind === fault)
  return isNamed && (columns.length === 0 || entered(columns, summary) > 0)
}

/** Histograms keep three digits of a time, and timers of a millisecond may be one early. */
const TIMES_EXACT = 0.97

function entered(columns: readonly Column[], summary: Point['summary']): number {
  return columns.reduce((sum, column) => sum + (summary?.ledger[column] ?? 0), 0)
}

function expectation(caughtBy: Invariant): string {
  if ('time' in caughtBy) return `${TIME_WORDS[caughtBy.time]} ≥ ${caughtBy.atLeastMs} ms`
  const { fault, columns } = caughtBy
  return columns.length > 0 ? `${fault}: ${columns.join(', ')}` : fault
}

const TIME_WORDS = { minNs: 'shortest time', maxNs: 'longest time' } as const

/** What the invariant has to do with; everything, where it has seen nothing. */
function sight(caughtBy: Invariant, point: Point): string {
  const { faults, summary } = point
  if ('time' in caughtBy) {
    const ns = summary?.serviceTime[caughtBy.time]
    return ns === undefined ? wordsOf(point) : `${(ns / 1e6).toFixed(1)} ms`
  }
  const named = faults.filter(({ kind }) => kind === caughtBy.fault)
  return wordsOf(named.length > 0 ? { faults: named } : point)
}

/** The faults in the words of a report. */
function wordsOf({ faults }: Pick<Point, 'faults'>): string {
  const texts = faults.map(({ text }) => text.replace(/ \(repeat 1\)$/, ''))
  return texts.join('; ') || 'no fault'
}

/** A quarter of a second is enough, unless the machine has something else to do. */
const DURATIONS_MS = [250, 1000, 4000]
const WARMUP_MS = 50
/** What is missing after this is missing. */
const DRAIN_MS = 400
const SETUP_STALL_MS = 2000
const CLIENTS = 6

async function measure(
  server: ServerName,
  workload: WorkloadName,
  durationMs: number,
  { runLoad, signal }: Laboratory,
): Promise<Point> {
  const catalog = [modelOf(server)]
  const config: Config = {
    ...resolveConfig(
      {
        models: [server],
        workloads: [workload],
        clients: [CLIENTS],
        repeats: 1,
        window: 4,
        threads: 1,
        seed: 1,
        warmupMs: WARMUP_MS,
        durationMs,
        out: '.',
      },
      catalog,
    ),
    setupStallMs: SETUP_STALL_MS,
    drainMs: DRAIN_MS,
  }
  const [trial] = planRun(config, catalog).trials
  const surroundings = { fixtures: new Fixtures(), runLoad, signal, patience: DEFAULT_PATIENCE }
  const repeat = await runTrial(trial!, config, { ...surroundings, command: serverCommand() })
  return judgePoints([{ planned: trial!.point, repeats: [repeat] }], [])[0]!
}

function modelOf(name: ServerName): PlannedModel {
  return { name, clientsAtOnce: Infinity, clientsMax: Infinity, platforms: null }
}
