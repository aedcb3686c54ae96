// Whole benchmarks, with the real load generator, against servers that are good and servers that go
// wrong. Every fault must be named in the results, and none may touch the points of the other models.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { runBench } from '../../bench/bench.ts'
import type { BenchOptions, BenchSurroundings } from '../../bench/bench.ts'
import { Failure, UsageError } from '../../bench/errors.ts'
import { takeLock } from '../../bench/lock.ts'
import type { PlannedModel } from '../../bench/plan.ts'
import { readTree } from '../../bench/process-tree.ts'
import type { Point, Results } from '../../bench/results.ts'
import { readResults } from '../../bench/results.ts'
import { runLoad } from '../../clients/load/index.ts'
import { coresOf } from '../../posix/index.ts'

const FAKE_SERVER = fileURLToPath(new URL('./fake-server.mjs', import.meta.url))
const LONG_MS = 60_000

let folder = ''
let out: string[] = []
let err: string[] = []

function setUp(): void {
  folder = mkdtempSync(join(tmpdir(), 'hubbub-bench-test-'))
  out = []
  err = []
}

function cleanUp(): void {
  rmSync(folder, { recursive: true, force: true })
}

beforeEach(setUp)
afterEach(cleanUp)

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8')
  } catch {
    return ''
  }
}

function model(name: string, clientsAtOnce = Infinity): PlannedModel {
  return { name, clientsAtOnce, clientsMax: 1000, platforms: null }
}

function surroundings(...models: string[]): BenchSurroundings {
  return {
    catalog: models.map((name) => model(name)),
    serverCommand: () => [process.execPath, FAKE_SERVER],
    runLoad,
    lockPath: join(folder, 'lock'),
    patience: { readyMs: 2000, silenceMs: 2500, phaseMs: 3000, stopMs: 1000 },
  }
}

const TINY: Omit<BenchOptions, 'out'> = {
  workloads: ['ping'],
  clients: [4],
  durationMs: 200,
  warmupMs: 100,
  repeats: 2,
  seed: 7,
}

function io(signal: AbortSignal = new AbortController().signal) {
  return {
    out: (text: string) => out.push(text),
    err: { write: (t: string) => err.push(t) },
    signal,
  }
}

function writtenResults(): Results {
  const names = readdirSync(folder).filter((name) => name.endsWith('.json'))
  expect(names).toHaveLength(1)
  return readResults(join(folder, names[0] ?? ''))
}

function pointOf({ points }: Results, name: string): Point {
  const point = points.find((candidate) => candidate.model === name)
  if (!point) throw new Error(`no point of ${name}`)
  return point
}

/** Nothing that was started may be left: servers, generators, temporary files, the lock. */
function expectNothingLeft(): void {
  // Other test files run in threads of this process and have children of their own.
  const left = readTree(process.pid).filter(({ pid }) => commandLine(pid).includes(FAKE_SERVER))
  expect(left).toEqual([])
  expect(readdirSync(folder).filter((name) => /tmp|lock/.test(name))).toEqual([])
}

/**
 * The machine may be busy, and rates differ: these are as steady as they are on a quiet one. Only for a workload
 * whose service times say nothing of its rate, such as a room.
 */
const runSteadyLoad: typeof runLoad = async (...asked) => {
  const result = await runLoad(...asked)
  return { ...result, operations: 1000 + (result.operations % 10), elapsedNs: 1e9 }
}

interface Seen {
  readonly own: number[][]
  readonly servers: number[][]
}

/** The cores of all threads of this process, and of the servers that it has started; each set once. */
function coresSeen(): Seen {
  const servers = readTree(process.pid).filter(({ pid }) => commandLine(pid).includes(FAKE_SERVER))
  return { own: coreSets([process.pid]), servers: coreSets(servers.map(({ pid }) => pid)) }
}

function coreSets(pids: readonly number[]): number[][] {
  const threads = pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map(Number))
  const sets = new Set(threads.map((id) => JSON.stringify(coresOf(id))))
  return [...sets].map((set) => JSON.parse(set) as number[])
}

describe('a run of good servers', () => {
  test(
    'measures all workloads, writes JSON and Markdown, and prints a table for each',
    async () => {
      const options = { ...TINY, workloads: ['ping', 'room', 'session'], out: folder }
      const exitCode = await runBench(options, io(), surroundings('good', 'better'))
      expect(exitCode).toBe(0)
      const results = writtenResults()
      expect(results.status).toBe('complete')
      expect(results.points).toHaveLength(6)
      for (const point of results.points) expectMeasured(point)
      expect(results.equivalence.every(({ same }) => same)).toBe(true)
      expect(results.config.seed).toBe(7)
      expect(err.join('')).toMatch(
        /^hubbub bench, standard: ping with 4 clients; room [^]*; 2 repeats\s[^]*, seed 7; about \d+ s\.\n/,
      )
      const text = out.join('')
      expect(text).toContain('ping · 4 clients')
      expect(text).toContain('room · 4 clients, 1 of them speaks')
      expect(text).toContain('session · 4 clients')
      expect(text).not.toMatch(/NaN|undefined|null|Infinity/)
      const markdown = readdirSync(folder).find((name) => name.endsWith('.md')) ?? ''
      expect(readFileSync(join(folder, markdown), 'utf8')).toContain('## ping · 4 clients')
      expectNothingLeft()
    },
    LONG_MS,
  )

  test(
    'stops where figures are precise, and says so in the file',
    async () => {
      const steady = { workloads: ['room'], durationMs: 100, repeats: 7, precision: 0.03 }
      const options = { ...TINY, ...steady, out: folder }
      const world = { ...surroundings('good'), runLoad: runSteadyLoad }
      expect(await runBench(options, io(), world)).toBe(0)
      const { points, config, status } = writtenResults()
      expect([status, config.precisionShare]).toEqual(['complete', 0.03])
      expect(points[0]).toMatchObject({ stoppedBy: 'precision', status: 'valid' })
      expect(points[0]!.repeats).toHaveLength(5)
      expect(err.join('')).toContain('left out, it is precise enough')
      expect(out.join('')).not.toContain('5 of 7 repeats')
    },
    LONG_MS,
  )

  test.skipIf(process.platform !== 'linux' || coresOf().length < 2)(
    'with cores of its own, and the generator with others',
    async () => {
      const before = coresOf()
      const seen: Seen[] = []
      const watched: typeof runLoad = (spec, hooks) =>
        runLoad(spec, {
          ...hooks,
          onPhase: async (phase) => {
            if (phase === 'measure') seen.push(coresSeen())
            await hooks?.onPhase?.(phase)
          },
        })
      const options = { ...TINY, repeats: 1, threads: 1, pin: true, out: folder }
      await runBench(options, io(), { ...surroundings('good'), runLoad: watched })
      const { environment, points } = writtenResults()
      const [generator, ...servers] = before
      expect(environment.pinning).toEqual({ generatorCores: [generator], serverCores: servers })
      expect(environment.coresAllowed).toEqual(before)
      expect(seen).toEqual([{ own: [[generator]], servers: [servers] }])
      expect(coresOf()).toEqual(before)
      expect(out.join('')).toContain(`load generator on core ${generator}, servers on core`)
      expect(points[0]!.repeats[0]!.network).toMatchObject({ listenOverflows: expect.any(Number) })
    },
    LONG_MS,
  )

  test(
    'of a sweep has a law, or says what it lacks',
    async () => {
      const clients = [1, 2, 3, 4, 5, 6]
      const options = { ...TINY, clients, durationMs: 150, repeats: 1, out: folder }
      expect(await runBench(options, io(), surroundings('good'))).toBe(0)
      const { points, scaling } = writtenResults()
      const valid = points.filter(({ status }) => status === 'valid')
      expect(scaling).toHaveLength(1)
      const [law] = scaling
      expect(law?.measuredClients).toEqual(valid.map((point) => point.clients))
      expect(law?.predictions).toHaveLength(valid.length === 6 ? 2 : 0)
      expect(law?.lambdaPerS === null).toBe(valid.length < 6)
      expect(out.join('')).toContain('ping · how it scales')
    },
    LONG_MS,
  )

  test(
    'of a search for capacity keeps its stages, and prints what was met and missed',
    async () => {
      const options = {
        ...TINY,
        workloads: ['capacity'],
        objectiveMs: 2000,
        durationMs: 400,
        out: folder,
      }
      expect(await runBench(options, io(), surroundings('good'))).toBe(0)
      const point = pointOf(writtenResults(), 'good')
      expect(point.status).toMatch(/valid|lower-bound/)
      for (const { stages, capacity, throughputPerS, load } of point.repeats) {
        expect(capacity?.objectiveNs).toBe(2e9)
        expect(throughputPerS).toBe(capacity?.ratePerS)
        expect(load?.schedule?.offeredPerS).toBeGreaterThan(0)
        const met = stages!.filter(({ meetsObjective }) => meetsObjective)
        expect(met.map(({ offeredPerS }) => offeredPerS)).toContain(capacity?.ratePerS)
      }
      expect(out.join('')).toMatch(/capacity · 4 clients[^]* missed at /)
      expectNothingLeft()
    },
    LONG_MS,
  )

  test(
    'of a server that stops in the middle ends the search there',
    async () => {
      const options = {
        ...TINY,
        workloads: ['capacity'],
        repeats: 1,
        objectiveMs: 2000,
        durationMs: 400,
        out: folder,
      }
      await runBench(options, io(), surroundings('tires'))
      const [repeat] = pointOf(writtenResults(), 'tires').repeats
      const { stages, capacity, faults } = repeat!
      // The first four clients are those of the closed loop.
      expect(stages).toHaveLength(3)
      expect(stages!.at(-1)).toMatchObject({ valid: false, meetsObjective: false })
      const met = stages!.filter(({ meetsObjective }) => meetsObjective)
      expect(capacity?.ratePerS ?? 0).toBe(Math.max(0, ...met.map((stage) => stage.offeredPerS)))
      // Where nothing was met before, there is nothing to be told.
      expect(faults.length > 0).toBe(capacity?.ratePerS === null)
      expectNothingLeft()
    },
    LONG_MS,
  )

  test(
    '--json prints exactly what is in the file, and a second run gets a name of its own',
    async () => {
      const options = { ...TINY, repeats: 1, json: true, out: folder }
      await runBench(options, io(), surroundings('good'))
      const name = readdirSync(folder).find((file) => file.endsWith('.json')) ?? ''
      expect(out.join('')).toBe(readFileSync(join(folder, name), 'utf8'))
      await runBench(options, io(), surroundings('good'))
      expect(readdirSync(folder).filter((file) => file.endsWith('.json'))).toHaveLength(2)
    },
    LONG_MS,
  )

  test(
    'a name of which the .md alone is taken goes to neither file, and nothing is overwritten',
    async () => {
      const options = { ...TINY, repeats: 1, out: folder }
      const world = surroundings('good')
      let taken = ''
      await runBench(options, io(), {
        ...world,
        runLoad: async (spec, hooks) => {
          // The name is that of the second in which the run began, which was not long ago.
          const beganAtMs = Date.now() - Math.ceil(spec.warmupMs)
          for (let s = -10; s <= 1; s++) {
            taken = new Date(beganAtMs + s * 1000).toISOString().replaceAll(':', '-')
            writeFileSync(join(folder, taken.replace(/\..*/, 'Z.md')), 'precious')
          }
          return runLoad(spec, hooks)
        },
      })
      const names = readdirSync(folder)
      const json = names.find((name) => name.endsWith('.json')) ?? ''
      expect(json).toMatch(/Z-2\.json$/)
      const report = json.replace('.json', '.md')
      expect(readFileSync(join(folder, report), 'utf8')).toMatch(/^# hubbub/)
      const others = names.filter((name) => name.endsWith('.md') && name !== report)
      expect(others.map((name) => readFileSync(join(folder, name), 'utf8'))).toEqual(
        others.map(() => 'precious'),
      )
    },
    LONG_MS,
  )

  test(
    'writes other formats beside them, and says where everything is and what is not in it',
    async () => {
      const world = { ...surroundings('good'), catalog: [model('good'), model('better', 1)] }
      const formats = ['csv', 'hgrm', 'bencher', 'csv', 'json']
      const options = { ...TINY, workloads: ['room'], repeats: 1, export: formats, out: folder }
      expect(await runBench(options, io(), world)).toBe(0)
      const run = readdirSync(folder)
        .find((name) => name.endsWith('.json'))!
        .slice(0, -5)
      const times = ['service-time', ...['first', 'median', 'last'].map((one) => `${one}-receiver`)]
      const hgrm = times.map((of) => `${run}-room-good-4-clients-1-of-them-speaks-${of}.hgrm`)
      const names = [...hgrm, ...['bmf', 'csv', 'html', 'json', 'md'].map((end) => `${run}.${end}`)]
      expect(readdirSync(folder).toSorted()).toEqual(names.toSorted())
      const stem = join(folder, run)
      const without = 'without 1 point that cannot be run'
      expect(err.join('')).toMatch(/^Written:\n/m)
      expect(err.join('').split('\nWritten:\n')[1]!.split('\n')).toEqual([
        `  ${stem}.json`,
        `  ${stem}.md`,
        `  ${stem}.html`,
        `  ${stem}.csv`,
        `  ${stem}-*.hgrm, 4 files, ${without}`,
        `  ${stem}.bmf, ${without}`,
        '',
      ])
    },
    LONG_MS,
  )

  test(
    'leaves out what a model cannot do, and marks what it did with fewer clients',
    async () => {
      const world = { ...surroundings('good'), catalog: [model('good'), model('better', 1)] }
      const options = { ...TINY, repeats: 1, workloads: ['room'], out: folder }
      expect(await runBench(options, io(), world)).toBe(0)
      const results = writtenResults()
      expect(pointOf(results, 'better').status).toBe('cannot')
      expect(pointOf(results, 'better').repeats).toEqual([])
      expect(out.join('')).toContain('better talks to 1 client at a time')
    },
    LONG_MS,
  )
})

function expectMeasured({ status, summary, repeats, clients }: Point): void {
  expect(status).toBe('valid')
  expect(summary?.served).toBe(clients)
  expect(summary?.throughputPerS.median).toBeGreaterThan(0)
  expect(summary?.serviceTime.count).toBe(
    repeats.reduce((sum, { load }) => sum + (load?.serviceTime.count ?? 0), 0),
  )
  expect(repeats.map(({ repeat }) => repeat)).toEqual([1, 2])
  if (process.platform !== 'linux') return
  expect(summary?.cpuUsPerOperation).toBeGreaterThan(0)
  expect(repeats[0]?.resources?.threads).toBeGreaterThan(4)
}

describe('a server that goes wrong makes its own points invalid', () => {
  const CASES = [
    ['exits', 'transcript-differs', /did not start: exit code 1: hubbub: 127.0.0.1:1 is in use/],
    ['silent', 'transcript-differs', /did not start: it said nothing within 2 s/],
    ['babbles', 'transcript-differs', /did not start: its ready line is "ready!"/],
    ['impostor', 'transcript-differs', /did not start: its ready line is that of .* process 1/],
    ['differs', 'transcript-differs', /answers differently: line \d+ .*"[^"]*other" instead of/],
    ['dies', 'server-died', /the server died \(exit code 3: fake: out of luck\) \(repeat \d\)/],
    ['killed', 'server-died', /the server died \(killed by SIGKILL\)/],
    ['stops', 'server-hung', /the server hung \(.*its process is stopped\)/],
    ['lies', 'wrong-answers', /wrong answers: \d+ corrupt/],
    ['drops', 'messages-missing', /messages missing: \d+ (lost|never answered)/],
    ['stubborn', 'server-did-not-stop', /did not end within 1 s of SIGTERM/],
    ['clumsy', 'server-did-not-stop', /did not end in order: exit code 7/],
  ] as const

  // One run for all of them: what goes wrong with one must not touch the others.
  let results: Results
  let text = ''
  beforeAll(async () => {
    setUp()
    const world = surroundings('good', 'better', ...CASES.map(([name]) => name))
    expect(await runBench({ ...TINY, out: folder }, io(), world)).toBe(0)
    results = writtenResults()
    text = out.join('')
    expectNothingLeft()
    cleanUp()
  }, 2 * LONG_MS)

  test.each(CASES)('%s: %s', (name, kind, words) => {
    const bad = pointOf(results, name)
    expect(bad.status).toBe('invalid')
    expect(bad.rank).toBeNull()
    expect(bad.faults.map((fault) => fault.kind)).toContain(kind)
    expect(bad.faults.map((fault) => fault.text).join('\n')).toMatch(words)
    // Once it is invalid, it is not tried again.
    const earlier = bad.repeats.slice(0, -1)
    expect(earlier.flatMap(({ faults }) => faults)).toEqual([])
    expect(text).toMatch(new RegExp(`${name} .*invalid`))
  })

  test.each(['good', 'better'])('%s is measured as if it were alone', (name) => {
    const { status, repeats, rank } = pointOf(results, name)
    expect(status).toBe('valid')
    expect(repeats).toHaveLength(2)
    expect(rank).toBeGreaterThanOrEqual(1)
  })

  test(
    'a run without any usable figure ends with 1',
    async () => {
      expect(await runBench({ ...TINY, out: folder }, io(), surroundings('dies'))).toBe(1)
      expect(out.join('')).toContain('No model has a valid figure here.')
    },
    LONG_MS,
  )

  test(
    'a generator that fails is not blamed on the server',
    async () => {
      const world = {
        ...surroundings('good'),
        runLoad: () => Promise.reject(new Error('no sockets left')),
      }
      expect(await runBench({ ...TINY, out: folder }, io(), world)).toBe(1)
      expect(pointOf(writtenResults(), 'good').faults).toEqual([
        { kind: 'generator-failed', text: 'the load generator failed: no sockets left (repeat 1)' },
      ])
      expectNothingLeft()
    },
    LONG_MS,
  )
})

test(
  'what cannot be written is printed all the same, and the run fails',
  async () => {
    const world = surroundings('good')
    const gone = join(folder, 'gone')
    const running = runBench({ ...TINY, repeats: 1, out: gone }, io(), {
      ...world,
      runLoad: async (spec, hooks) => {
        const result = await runLoad(spec, hooks)
        rmSync(gone, { recursive: true })
        return result
      },
    })
    await expect(running).rejects.toThrow(/\.json could not be written \(ENOENT\)/)
    expect(out.join('')).toContain('good does ')
    expectNothingLeft()
  },
  LONG_MS,
)

describe('interrupted', () => {
  test(
    'in the middle, it keeps what was measured, ends every server, and ends with 130',
    async () => {
      const controller = new AbortController()
      const world = surroundings('good')
      let loads = 0
      const options = { ...TINY, repeats: 50, out: folder }
      const exitCode = await runBench(options, io(controller.signal), {
        ...world,
        runLoad: (spec, hooks) => {
          // In the middle of the third trial, when the load is on.
          if (++loads < 3) return runLoad(spec, hooks)
          return runLoad(spec, {
            ...hooks,
            onPhase: async (phase) => {
              await hooks?.onPhase?.(phase)
              if (phase === 'measure') controller.abort(new Error('interrupted'))
            },
          })
        },
      })
      expect(exitCode).toBe(130)
      const results = writtenResults()
      expect(results.status).toBe('interrupted')
      expect(pointOf(results, 'good').repeats).toHaveLength(2)
      expect(out.join('')).toContain('Interrupted: 1 of 1 points has fewer than 50 repeats.')
      expectNothingLeft()
    },
    LONG_MS,
  )

  test(
    'in the first round, it ranks nobody and keeps the points that were not run',
    async () => {
      const controller = new AbortController()
      const world = surroundings('good', 'better')
      let loads = 0
      const exitCode = await runBench({ ...TINY, out: folder }, io(controller.signal), {
        ...world,
        runLoad: (spec, hooks) => {
          if (++loads > 1) controller.abort(new Error('interrupted'))
          return runLoad(spec, hooks)
        },
      })
      expect(exitCode).toBe(130)
      const { points } = writtenResults()
      expect(points.map(({ status }) => status).toSorted()).toEqual(['interrupted', 'valid'])
      expect(points.map(({ rank }) => rank)).toEqual([null, null])
      const markdown = readdirSync(folder).find((name) => name.endsWith('.md')) ?? ''
      for (const text of [out.join(''), readFileSync(join(folder, markdown), 'utf8')]) {
        expect(text).toContain('not run: interrupted.')
        expect(text).toContain('1 of 2 repeats: not ranked')
        expect(text).not.toMatch(/fastest with|alone/)
      }
    },
    LONG_MS,
  )

  test(
    'before anything was measured, it writes nothing',
    async () => {
      const controller = new AbortController()
      const running = runBench(
        { ...TINY, out: folder },
        io(controller.signal),
        surroundings('good'),
      )
      controller.abort(new Error('interrupted'))
      expect(await running).toBe(130)
      expect(readdirSync(folder)).toEqual([])
      expect(err.join('')).toContain('nothing was written')
    },
    LONG_MS,
  )
})

describe('refused before anything is started', () => {
  test('a folder that cannot be made', async () => {
    writeFileSync(join(folder, 'file'), '')
    const options = { ...TINY, out: join(folder, 'file', 'results') }
    const running = runBench(options, io(), surroundings('good'))
    await expect(running).rejects.toThrow(Failure)
    await expect(running).rejects.toThrow(/results cannot be written to .*ENOTDIR.*--out/)
  })

  test('a model that does not exist', async () => {
    const running = runBench({ ...TINY, models: ['goof'], out: folder }, io(), surroundings('good'))
    await expect(running).rejects.toThrow(UsageError)
    await expect(running).rejects.toThrow('There is no model "goof"; did you mean good?')
  })

  test('while another benchmark is running', async () => {
    const release = takeLock(join(folder, 'lock'))
    const running = runBench({ ...TINY, out: folder }, io(), surroundings('good'))
    await expect(running).rejects.toThrow(
      `another benchmark is running (process ${process.pid}), and two would`,
    )
    release()
  })
})
