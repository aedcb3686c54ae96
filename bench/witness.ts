// `hubbub witness`: does a tool that nobody here wrote see the same order of models? autocannon drives the
// `http` service of every model, our generator drives the same servers, and the two rankings are compared.
//
// Both have one thread, the same connections and one request in flight on each. They take turns at the same
// server, and it is begun with one in one repeat and with the other in the next; servers are fresh in each
// repeat, and models come in an order of their own. Figures are medians. Absolute ones are expected to
// differ, because a generator takes CPU time from the server; the order is not.

import { shuffle } from 'simple-statistics'
import type { LoadResult } from '../clients/load/contract.ts'
import { type Figure, shoot } from './autocannon.ts'
import { type BenchIo, type BenchSurroundings, REAL_SURROUNDINGS } from './bench.ts'
import { messageOf, UsageError } from './errors.ts'
import { takeLock } from './lock.ts'
import { checkedLabels } from './models.ts'
import { within } from './options.ts'
import { canSpeak, type PlannedModel, plannedModels } from './plan.ts'
import { seededRandom } from './random.ts'
import { DRAIN_MS, MESSAGE_BYTES, SETUP_STALL_MS } from './presets.ts'
import { openProgress } from './progress.ts'
import { formatDuration } from './reporters/numbers.ts'
import { counted, paragraph } from './reporters/text.ts'
import { witnessReport } from './reporters/witness.ts'
import { type RunningServer, startServer } from './server.ts'
import { medianOf } from './statistics.ts'
import { type Seen, testify, type Tool, TOOLS, type WitnessRow } from './testimony.ts'
import { faultsOfLoad } from './verdict.ts'
import { serveWords } from './workloads.ts'

export interface WitnessOptions {
  readonly models?: readonly string[] | undefined
  readonly clients: number
  readonly durationMs: number
  readonly repeats: number
  readonly json?: boolean | undefined
}

const EXIT_DONE = 0
const EXIT_FAILED = 1
const EXIT_INTERRUPTED = 130

/** Starting and ending a server, and the tools at it. */
const SERVER_MS = 1500

/** Servers compile their hot paths meanwhile, once for each tool. */
const WARMUP_SHARE = 1 / 2

/** Settles with the exit code: 0, or 1 when a figure is missing. Throws as `runBench`. */
export async function runWitness(
  options: WitnessOptions,
  io: BenchIo,
  surroundings: BenchSurroundings = REAL_SURROUNDINGS,
): Promise<number> {
  for (const name of ['clients', 'durationMs', 'repeats'] as const) within(name, options[name])
  const models = modelsOf(options, surroundings.catalog)
  const releaseLock = takeLock(surroundings.lockPath)
  io.err.write(paragraph(announcement(models, options), io.columns))
  const progress = openProgress(io.err, models.length * options.repeats)
  try {
    const run = new Witness(options, io.signal, surroundings)
    for (let repeat = 1; repeat <= options.repeats; repeat++) {
      for (const model of shuffle(models, seededRandom(repeat))) {
        progress.begin(model.name)
        progress.end(model.name, await run.hear(model, repeat))
      }
    }
    progress.close()
    const testimony = testify(
      models.map((model) => run.rowOf(model)),
      options,
    )
    io.out(options.json ? `${JSON.stringify(testimony, null, 2)}\n` : witnessReport(testimony, io))
    return testimony.rows.some(({ faults }) => faults.length > 0) ? EXIT_FAILED : EXIT_DONE
  } catch (error) {
    if (!io.signal.aborted) throw error
    return EXIT_INTERRUPTED
  } finally {
    progress.close()
    releaseLock()
  }
}

function modelsOf({ models }: WitnessOptions, catalog: readonly PlannedModel[]): PlannedModel[] {
  if (models === undefined) return catalog.filter((model) => whyNot(model) === null)
  const asked = plannedModels(checkedLabels(models, catalog), catalog)
  for (const model of asked) {
    const why = whyNot(model)
    if (why !== null) throw new UsageError(`${model.name} ${why}.`)
  }
  return asked
}

function whyNot(model: PlannedModel): string | null {
  const { platforms } = model
  if (!canSpeak(model, 'tcp')) return 'answers datagrams, and HTTP needs connections'
  return platforms && !platforms.includes(process.platform)
    ? `runs on ${platforms.join(' and ')} only`
    : null
}

/** What is about to happen, and how long that takes. */
function announcement(models: readonly PlannedModel[], options: WitnessOptions): string {
  const { clients, durationMs, repeats } = options
  const turnMs = durationMs * (1 + WARMUP_SHARE)
  const tookMs = models.length * repeats * (SERVER_MS + TOOLS.length * turnMs)
  return (
    `hubbub witness: autocannon and the generator in turn drive ${models.map(({ name }) => name).join(', ')} ` +
    `with ${clients} connections for ${formatDuration(durationMs)} each; ` +
    `${counted(repeats, 'repeat')}; about ${formatDuration(Math.round(tookMs / 1000) * 1000)}.`
  )
}

/** Everything that was seen so far. */
class Witness {
  readonly #options: WitnessOptions
  readonly #signal: AbortSignal
  readonly #surroundings: BenchSurroundings
  readonly #figures = new Map<string, Record<Tool, number[]>>()
  readonly #faults = new Map<string, string[]>()

  constructor(options: WitnessOptions, signal: AbortSignal, surroundings: BenchSurroundings) {
    this.#options = options
    this.#signal = signal
    this.#surroundings = surroundings
  }

  /** Lets both drive a fresh server of the model. Returns what came out, in words. */
  async hear(model: PlannedModel, repeat: number): Promise<string> {
    const figures = this.#figures.get(model.name) ?? { hubbub: [], autocannon: [] }
    this.#figures.set(model.name, figures)
    const faults = this.#faults.get(model.name) ?? []
    this.#faults.set(model.name, faults)
    let server: RunningServer | null = null
    try {
      const { serverCommand, patience } = this.#surroundings
      const serving = { words: serveWords('http'), transport: 'tcp' } as const
      server = await startServer(serverCommand(), model.name, this.#signal, patience, serving)
      for (const tool of repeat % 2 === 1 ? TOOLS : TOOLS.toReversed()) {
        const drive = tool === 'hubbub' ? this.#generator : this.#autocannon
        const { answersPerS, wrong } = await drive(server.address, this.#connections(model), repeat)
        figures[tool].push(answersPerS)
        faults.push(...wrong.map((text) => `${tool}: ${text}`))
      }
    } catch (error) {
      this.#signal.throwIfAborted()
      faults.push(messageOf(error))
    } finally {
      await server?.stop()
    }
    if (faults.length > 0) return faults.at(-1)!
    return TOOLS.map((tool) => `${tool} ${Math.round(figures[tool].at(-1)!)}/s`).join(', ')
  }

  rowOf(model: PlannedModel): WitnessRow {
    const faults = [...new Set(this.#faults.get(model.name))]
    const figures = this.#figures.get(model.name)
    const seenBy = (tool: Tool): Seen => ({
      answersPerS: faults.length > 0 ? null : medianOf(figures?.[tool] ?? []),
      rank: null,
    })
    const seen = { hubbub: seenBy('hubbub'), autocannon: seenBy('autocannon') }
    return { model: model.name, connections: this.#connections(model), seen, faults }
  }

  /** A connection that waits in the backlog is answered by nobody, and autocannon calls that an error. */
  #connections({ clientsAtOnce }: PlannedModel): number {
    return Math.min(this.#options.clients, clientsAtOnce)
  }

  readonly #generator = async (address: string, clients: number, seed: number): Promise<Figure> => {
    const { durationMs } = this.#options
    const warmupMs = Math.round(durationMs * WARMUP_SHARE)
    const load: LoadResult = await this.#surroundings.runLoad(
      {
        workload: 'http',
        address,
        clients,
        arrivals: 'closed',
        ratePerS: null,
        accounting: true,
        window: 1,
        warmupMs,
        durationMs,
        setupStallMs: SETUP_STALL_MS,
        drainMs: DRAIN_MS,
        threads: 1,
        seed,
        // Of other workloads.
        senders: 0,
        messageBytes: MESSAGE_BYTES,
        pingsPerSession: 0,
        workMs: 1,
      },
      { signal: this.#signal },
    )
    return {
      answersPerS: load.elapsedNs > 0 ? load.operations / (load.elapsedNs / 1e9) : 0,
      wrong: faultsOfLoad(load, clients).map(({ text }) => text),
    }
  }

  readonly #autocannon = (address: string, connections: number): Promise<Figure> => {
    const { durationMs } = this.#options
    const warmupMs = durationMs * WARMUP_SHARE
    return shoot({ address, connections, durationMs, warmupMs }, this.#signal)
  }
}
