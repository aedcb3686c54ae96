// `hubbub bench`: everything from the options to the report, in the order in which it happens.
//
//     understand the options, plan, check that the results can be written, take the lock
//     let every model replay the script, and compare
//     run the trials in their order
//     judge, write the file, print the tables
//
// Interrupted, it skips to the last line with what it has.

import { performance } from 'node:perf_hooks'
import { runLoad } from '../clients/load/index.ts'
import { CATALOG } from '../servers/catalog.ts'
import { connectionCostsOf } from './connection-costs.ts'
import { readEnvironment } from './environment.ts'
import type { Answers } from './equivalence.ts'
import { compareAnswers, replay } from './equivalence.ts'
import { UsageError } from './errors.ts'
import { Fixtures } from './fixtures.ts'
import { defaultLockPath, takeLock } from './lock.ts'
import type { BenchOptions } from './options.ts'
import { resolveConfig } from './options.ts'
import { serveCommand } from './package.ts'
import type { Pinning } from './pinning.ts'
import { pinThisProcess, planPinning, readCores } from './pinning.ts'
import type { Plan, PlannedModel, PlannedPoint } from './plan.ts'
import { canSpeak, estimateMs, planRun } from './plan.ts'
import { judgePoints, pointName, rateName, usable } from './points.ts'
import { isPrecise } from './precision.ts'
import type { Progress, WordsOut } from './progress.ts'
import { openProgress } from './progress.ts'
import { publish } from './publish.ts'
import { FORMAT_NAMES } from './reporters/formats.ts'
import { formatDuration } from './reporters/numbers.ts'
import { counted, paragraph } from './reporters/text.ts'
import { prepareFolder } from './results.ts'
import { scalingOf } from './scaling.ts'
import type { Config, Repeat, Results } from './schema.ts'
import { SCHEMA_VERSION } from './schema.ts'
import type { Patience } from './server.ts'
import { DEFAULT_PATIENCE } from './server.ts'
import type { RunLoad } from './trial.ts'
import { runTrial } from './trial.ts'
import { identityOf, outcomeOf, placeOf, tasksOf } from './trial-words.ts'
import { findWarnings } from './warnings.ts'
import { checkedWords } from './words.ts'

export type { BenchOptions } from './options.ts'

export interface BenchIo {
  /** Data: standard output. */
  readonly out: (text: string) => void
  /** Progress and words: standard error. */
  readonly err: WordsOut
  /** Aborted by Ctrl-C: what was measured is kept. */
  readonly signal: AbortSignal
  /** Left out: as standard output takes it. */
  readonly colour?: boolean | undefined
  /** How wide the terminal is; left out, nothing has to fit. */
  readonly columns?: number | undefined
}

/** What a run needs from the world. The tests hand in servers of their own. */
export interface BenchSurroundings {
  readonly catalog: readonly PlannedModel[]
  /** Program and words up to and including `serve`. */
  readonly serverCommand: () => readonly string[]
  readonly runLoad: RunLoad
  readonly lockPath: string
  readonly patience: Patience
}

export const REAL_SURROUNDINGS: BenchSurroundings = {
  catalog: CATALOG,
  serverCommand: serveCommand,
  runLoad,
  lockPath: defaultLockPath(),
  patience: DEFAULT_PATIENCE,
}

const EXIT_DONE = 0
const EXIT_FAILED = 1
const EXIT_INTERRUPTED = 130

/**
 * Settles with the exit code: 0 when something was measured, 1 when no point has a usable figure, 130
 * when it was interrupted. Throws a UsageError or a Failure when it could not begin, or not write.
 */
export async function runBench(
  options: BenchOptions,
  io: BenchIo,
  surroundings: BenchSurroundings = REAL_SURROUNDINGS,
): Promise<number> {
  const { catalog } = surroundings
  const config = resolveConfig(options, catalog)
  const formats = options.export ? checkedWords('format', options.export, FORMAT_NAMES) : []
  const plan = planRun(config, catalog)
  refuseEmptyPlan(plan)
  const command = surroundings.serverCommand()
  prepareFolder(options.out)
  const releaseLock = takeLock(surroundings.lockPath)
  try {
    const run = new Run(config, plan, command, surroundings, io)
    const results = await run.conduct()
    if (results === null) return EXIT_INTERRUPTED
    await publish(results, { folder: options.out, formats, json: options.json ?? false }, io)
    if (results.status === 'interrupted') return EXIT_INTERRUPTED
    return results.points.some((point) => usable(point) !== null) ? EXIT_DONE : EXIT_FAILED
  } finally {
    releaseLock()
  }
}

/** A run without a single trial would end with empty tables. */
function refuseEmptyPlan({ trials, points }: Plan): void {
  if (trials.length > 0) return
  const why = new Set(points.map(({ model, cannot }) => `${model.name} ${cannot}`))
  throw new UsageError(`Nothing of this can be run: ${[...why].join('; ')}.`)
}

/** One run, from the first server to the judged results. */
class Run {
  readonly #config: Config
  readonly #plan: Plan
  readonly #command: readonly string[]
  readonly #surroundings: BenchSurroundings
  readonly #io: BenchIo
  readonly #pinning: Pinning | null
  readonly #answers: Answers[] = []
  readonly #repeats = new Map<PlannedPoint, Repeat[]>()

  constructor(
    config: Config,
    plan: Plan,
    command: readonly string[],
    surroundings: BenchSurroundings,
    io: BenchIo,
  ) {
    this.#config = config
    this.#plan = plan
    this.#command = command
    this.#surroundings = surroundings
    this.#io = io
    this.#pinning = config.pin ? planPinning(config.threads, readCores()) : null
  }

  /** Null when it was interrupted before anything was measured. */
  async conduct(): Promise<Results | null> {
    const startedAt = new Date().toISOString()
    const startedAtMs = performance.now()
    const environment = await readEnvironment(this.#pinning)
    this.#announce()
    const unpin = this.#pinning && pinThisProcess(this.#pinning.generatorCores)
    const models = this.#replayingModels()
    const progress = openProgress(this.#io.err, tasksOf(models, this.#plan))
    const status = await this.#measure(models, progress).finally(() => unpin?.())
    if (status === 'interrupted' && this.#repeats.size === 0) {
      this.#say('Interrupted before anything was measured; nothing was written.')
      return null
    }
    const elapsedMs = performance.now() - startedAtMs
    return this.#judge({ status, startedAt, elapsedMs, environment })
  }

  /** What is about to happen, and how long that takes. */
  #announce(): void {
    const { preset, workloads, transports, seed, repeats, precisionShare, arrivals, ratesPerS } =
      this.#config
    const over = transports.join() === 'tcp' ? '' : ` over ${transports.join(' and ')}`
    const sizes = workloads.map(
      ({ name, clients }) => `${name}${over} with ${clients.join(', ')} clients`,
    )
    const open =
      arrivals === 'closed' ? '' : `${arrivals} arrivals ${ratesPerS.map(rateName).join(' and ')}; `
    // Not the preset's own summary: options may have changed all that it says.
    this.#say(
      `hubbub bench, ${preset}: ${sizes.join('; ')}; ${open}${counted(repeats, 'repeat')} in a random order, seed ${seed}; ` +
        `${precisionShare === null ? '' : 'at most '}about ${formatDuration(Math.round(estimateMs(this.#plan) / 1000) * 1000)}.`,
    )
  }

  /** Models with at least one point that can be run; the script is for streams. */
  #replayingModels(): PlannedModel[] {
    const possible = this.#plan.points.filter(({ cannot }) => cannot === null)
    const models = new Set(possible.map(({ model }) => model))
    return [...models].filter((model) => canSpeak(model, 'tcp'))
  }

  async #measure(models: readonly PlannedModel[], progress: Progress): Promise<Results['status']> {
    const fixtures = new Fixtures()
    try {
      await fixtures.make(this.#plan, this.#command, this.#io.signal)
      await this.#replayScript(models, progress)
      await this.#runTrials(progress, fixtures)
      return 'complete'
    } catch (error) {
      if (!this.#io.signal.aborted) throw error
      return 'interrupted'
    } finally {
      fixtures.remove()
      progress.close()
    }
  }

  async #replayScript(models: readonly PlannedModel[], progress: Progress): Promise<void> {
    const { signal } = this.#io
    const { patience } = this.#surroundings
    for (const model of models) {
      const what = `same answers? · ${model.name}`
      progress.begin(what)
      this.#answers.push(await replay(this.#command, model, signal, patience))
      progress.end(what, this.#answers.at(-1)?.failure ?? 'answered')
    }
    for (const { model, same, difference } of compareAnswers(this.#answers)) {
      if (!same) progress.say(`hubbub: ${model} answers differently: ${difference}`)
    }
  }

  async #runTrials(progress: Progress, fixtures: Fixtures): Promise<void> {
    const { runLoad: load, patience } = this.#surroundings
    const different = new Set(this.#differentModels())
    const { signal } = this.#io
    for (const trial of this.#plan.trials) {
      const { point } = trial
      const what = pointName(identityOf(point))
      const earlier = this.#repeats.get(point) ?? []
      // A point that has failed stays invalid; another ten seconds of a hanging server prove nothing.
      if (different.has(point.model.name) || earlier.some(({ faults }) => faults.length > 0)) {
        progress.skip(what, 'left out, it is invalid already')
        continue
      }
      if (isPrecise(earlier, this.#config)) {
        progress.skip(what, 'left out, it is precise enough')
        continue
      }
      progress.begin(what, placeOf(trial, this.#config.repeats))
      const cores = this.#pinning?.serverCores
      const servers = { command: this.#command, fixtures, patience, cores }
      const repeat = await runTrial(trial, this.#config, { ...servers, runLoad: load, signal })
      this.#repeats.set(point, [...earlier, repeat])
      const { words, figure } = outcomeOf(repeat, point)
      progress.end(what, words, figure)
      for (const { text } of repeat.faults) progress.say(`hubbub: ${what}: ${text}`)
    }
  }

  /** Those whose answers differ: whatever they are measured at could not be compared. */
  #differentModels(): string[] {
    const differing = compareAnswers(this.#answers).filter(({ same }) => !same)
    return differing.map(({ model }) => model)
  }

  #judge(run: Pick<Results, 'status' | 'startedAt' | 'elapsedMs' | 'environment'>): Results {
    const equivalence = compareAnswers(this.#answers)
    const measured = this.#plan.points.map((planned) => ({
      planned,
      repeats: this.#repeats.get(planned) ?? [],
    }))
    const points = judgePoints(measured, equivalence, this.#config)
    const config = this.#config
    return {
      schemaVersion: SCHEMA_VERSION,
      status: run.status,
      startedAt: run.startedAt,
      endedAt: new Date().toISOString(),
      elapsedMs: run.elapsedMs,
      environment: run.environment,
      config,
      equivalence,
      points,
      scaling: scalingOf(points),
      connectionCosts: connectionCostsOf(points),
      warnings: findWarnings({ config, environment: run.environment, points }),
    }
  }

  #say(text: string): void {
    this.#io.err.write(paragraph(text, this.#io.columns))
  }
}
