// The workload `capacity`: the highest rate at which the 99th percentile of response times keeps an objective,
// searched in stages against one server. Each stage is a short open loop of its own, with Poisson arrivals, as
// those of independent users are, and with connections of its own.
//
// A stage is met when nothing went wrong in it, the server answered nearly all that was offered, and p99 is within
// the objective. Where the server breaks, the search ends: what was met before
// stays true, and no later stage would be.

import type { LoadResult, LoadSpec } from '../clients/load/contract.ts'
import type { Fault, Repeat, Resources } from './schema.ts'
import { type Outcome, searchHighest } from './search.ts'
import { faultsOfLoad, missedByGenerator, missesOffered } from './verdict.ts'

/** How one run of the generator went. */
export type StageRun =
  { readonly load: LoadResult; readonly resources: Resources | null } | { readonly fault: Fault }

export interface CapacitySearch {
  readonly stages: NonNullable<Repeat['stages']>
  readonly capacity: Repeat['capacity']
  /** The run at the highest rate that was met; without one, the last that came to its end. */
  readonly kept: { readonly load: LoadResult; readonly resources: Resources | null } | null
  /** What makes the whole search invalid. */
  readonly faults: readonly Fault[]
  /** The server failed in the end, and is not worth a farewell. */
  readonly isBroken: boolean
}

/** A difference of a twentieth is what a repeat of the same stage shows as well. */
const PRECISION = 0.05
/** Two to bracket, four to come within a twentieth, one to confirm: and as many when the first guess is far off. */
const STAGES_MAX = 14
/** Nothing seldomer has a 99th percentile within a second or two. */
const RATE_MIN = 10
const RATE_MAX = 5_000_000
/** Faults that say that what was answered is wrong: then nothing that was met is true either. */
const WRONG: ReadonlySet<Fault['kind']> = new Set(['wrong-answers', 'generator-failed'])

/** `base`: clients, warm-up and window of each stage. */
export async function searchCapacity(
  base: LoadSpec,
  objectiveNs: number,
  drive: (spec: LoadSpec) => Promise<StageRun>,
): Promise<CapacitySearch> {
  const guess = await drive({ ...base, workload: 'ping', arrivals: 'closed', ratePerS: null })
  const guessFaults = faultsOf(guess)
  if ('fault' in guess || guessFaults.length > 0) {
    const kept = 'fault' in guess ? null : guess
    return { stages: [], capacity: null, kept, faults: guessFaults, isBroken: true }
  }
  const search = new Stages(base, objectiveNs, drive)
  // What a closed loop does leaves no room: half of it is where a queue has become short.
  const start = perSecond(guess.load) / 2
  const bounds = { start, min: RATE_MIN, max: RATE_MAX, precision: PRECISION }
  const { met, missed } = await searchHighest({ ...bounds, stagesMax: STAGES_MAX }, (rate) =>
    search.probe(Math.round(rate)),
  )
  return search.resultOf(met, missed)
}

class Stages {
  readonly #base: LoadSpec
  readonly #objectiveNs: number
  readonly #drive: (spec: LoadSpec) => Promise<StageRun>
  readonly #stages: CapacitySearch['stages'] = []
  readonly #met = new Map<number, NonNullable<CapacitySearch['kept']>>()
  readonly #late = new Set<number>()
  readonly #faults: Fault[] = []
  #last: CapacitySearch['kept'] = null

  constructor(base: LoadSpec, objectiveNs: number, drive: (spec: LoadSpec) => Promise<StageRun>) {
    this.#base = base
    this.#objectiveNs = objectiveNs
    this.#drive = drive
  }

  async probe(ratePerS: number): Promise<Outcome> {
    const seed = (this.#base.seed + this.#stages.length) >>> 0
    const spec = { ...this.#base, workload: 'ping', arrivals: 'poisson', ratePerS, seed } as const
    const run = await this.#drive(spec)
    const faults = faultsOf(run)
    this.#faults.push(...faults)
    if ('fault' in run) {
      this.#stages.push({ ...NOTHING, offeredPerS: ratePerS, clients: this.#base.clients })
      return 'broken'
    }
    this.#last = run
    const meetsObjective = faults.length === 0 && this.#isMet(run.load)
    // Times are from when requests were due: a late generator makes an objective harder to keep, never easier.
    const isLate = !meetsObjective && missedByGenerator(run.load, this.#objectiveNs)
    if (isLate) this.#late.add(ratePerS)
    const isValid = faults.length === 0 && !isLate
    this.#stages.push({
      ...figuresOf(run.load),
      offeredPerS: ratePerS,
      meetsObjective,
      valid: isValid,
    })
    if (meetsObjective) this.#met.set(ratePerS, run)
    return faults.length > 0 ? 'broken' : meetsObjective ? 'met' : 'missed'
  }

  resultOf(met: number | null, missed: number | null): CapacitySearch {
    const ratePerS = met === null ? null : Math.round(met)
    const kept = ratePerS === null ? this.#last : (this.#met.get(ratePerS) ?? this.#last)
    const lowestMissedPerS = missed === null ? null : Math.round(missed)
    const isWrong = this.#faults.some(({ kind }) => WRONG.has(kind))
    return {
      stages: this.#stages,
      capacity: {
        ratePerS,
        lowestMissedPerS,
        clients: this.#base.clients,
        objectiveNs: this.#objectiveNs,
        generatorWasLimit: lowestMissedPerS === null || this.#late.has(lowestMissedPerS),
      },
      kept,
      faults: ratePerS === null || isWrong ? this.#faults : [],
      isBroken: this.#faults.length > 0,
    }
  }

  #isMet(load: LoadResult): boolean {
    const { responseTime, schedule } = load
    if (responseTime === null || schedule === null) return false
    if (missesOffered(perSecond(load), schedule.offeredPerS, responseTime.count)) return false
    // Of too few times for a percentile, the longest of them stands for it.
    return (responseTime.p99Ns ?? responseTime.maxNs) <= this.#objectiveNs
  }
}

const NOTHING = { goodputPerS: 0, p50Ns: null, p99Ns: null, meetsObjective: false, valid: false }

function faultsOf(run: StageRun): Fault[] {
  return 'fault' in run ? [run.fault] : faultsOfLoad(run.load, run.load.spec.clients)
}

function figuresOf(load: LoadResult) {
  return {
    clients: load.spec.clients,
    goodputPerS: perSecond(load),
    p50Ns: load.responseTime?.p50Ns ?? null,
    p99Ns: load.responseTime?.p99Ns ?? null,
  }
}

function perSecond({ operations, elapsedNs }: LoadResult): number {
  return elapsedNs > 0 ? operations / (elapsedNs / 1e9) : 0
}
