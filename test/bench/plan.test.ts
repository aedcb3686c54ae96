import { describe, expect, test } from 'vitest'
import { partsOfLabel } from '../../bench/models.ts'
import { resolveConfig } from '../../bench/options.ts'
import { estimateMs, planRun } from '../../bench/plan.ts'
import { seededRandom } from '../../bench/random.ts'
import type { PlannedModel, Trial } from '../../bench/plan.ts'
import type { Config } from '../../bench/results.ts'
import { CATALOG as ALL } from '../../servers/catalog.ts'
import { CONFIG, model } from './sample.ts'

const CATALOG: readonly PlannedModel[] = [
  model('sequential', 1),
  { ...model('process'), clientsMax: 300 },
  model('thread'),
  { ...model('epoll'), platforms: ['linux'] },
]
const NAMES = CATALOG.map(({ name }) => name)

function config(changes: Partial<Config> = {}): Config {
  return { ...CONFIG, models: NAMES, ...changes }
}

function order(trials: readonly Trial[]): string[] {
  return trials.map(({ point }) => `${point.workload.name} ${point.model.name} ${point.clients}`)
}

describe('a plan', () => {
  test('has every model × workload × size, by workload, size and model', () => {
    const workloads = [
      { name: 'ping' as const, clients: [10, 50], window: 1, warmupMs: 0, durationMs: 100 },
    ]
    const { points } = planRun(config({ workloads }), CATALOG, 'linux')
    expect(points.map(({ model: { name }, clients }) => `${name} ${clients}`)).toEqual([
      ...NAMES.map((name) => `${name} 10`),
      ...NAMES.map((name) => `${name} 50`),
    ])
  })

  test('is the same for the same seed, and another for another one', () => {
    const first = order(planRun(config({ seed: 1 }), CATALOG, 'linux').trials)
    expect(order(planRun(config({ seed: 1 }), CATALOG, 'linux').trials)).toEqual(first)
    expect(order(planRun(config({ seed: 2 }), CATALOG, 'linux').trials)).not.toEqual(first)
  })

  test('runs every point once before any is run again, in an order of its own each time', () => {
    const { trials } = planRun(config({ repeats: 4 }), CATALOG, 'linux')
    const round = trials.length / 4
    const rounds = [0, 1, 2, 3].map((i) => order(trials.slice(i * round, (i + 1) * round)))
    for (const [i, names] of rounds.entries()) {
      expect(new Set(names).size).toBe(round)
      expect(names.toSorted()).toEqual(rounds[0]?.toSorted())
      expect(trials.slice(i * round, (i + 1) * round).every((t) => t.repeat === i + 1)).toBe(true)
    }
    expect(new Set(rounds.map((names) => names.join())).size).toBe(4)
    expect(trials.map((trial) => trial.order)).toEqual(trials.map((_, i) => i + 1))
  })

  test('says why a point cannot be run, and does not run it', () => {
    const workloads = [
      { name: 'room' as const, clients: [500], window: 1, warmupMs: 0, durationMs: 100 },
    ]
    const { points, trials } = planRun(config({ workloads, repeats: 2 }), CATALOG, 'darwin')
    expect(points.map(({ cannot }) => cannot)).toEqual([
      'talks to 1 client at a time, so nobody hears what is said in a room',
      'admits 300 clients at most',
      null,
      'runs on linux only',
    ])
    expect(order(trials)).toEqual(['room thread 500', 'room thread 500'])
  })

  test('runs a model under each label, and starts it with what the label says', () => {
    const labels = ['process', 'thread', 'process:spares=8']
    const { points } = planRun(config({ models: labels }), CATALOG, 'linux')
    const names = points.filter(({ workload }) => workload.name === 'ping').map((p) => p.model.name)
    expect(names).toEqual(['process', 'process:spares=8', 'thread'])
    expect(names.map(partsOfLabel)).toEqual([
      { name: 'process', words: [] },
      { name: 'process', words: ['--spares', '8'] },
      { name: 'thread', words: [] },
    ])
  })

  test('goes over every transport that the workload and the model can use', () => {
    const workloads = (['ping', 'echo'] as const).map((name) => ({
      name,
      clients: [4],
      window: 1,
      warmupMs: 0,
      durationMs: 100,
    }))
    const catalog = [model('async'), { ...model('udp'), transports: ['udp'] as const }]
    const over = (transports: Config['transports']) =>
      planRun(config({ models: ['async', 'udp'], workloads, transports }), catalog).points.map(
        (point) =>
          [point.workload.name, point.transport, point.model.name, point.cannot ?? ''].join(' '),
      )
    expect(over(['tcp', 'udp'])).toEqual([
      'ping tcp async ',
      'ping tcp udp serves udp only',
      'echo tcp async ',
      'echo udp udp ',
    ])
    expect(over(['unix'])[1]).toBe('ping unix udp serves udp only')
    expect(over(['udp'])).toEqual(['echo udp async serves tcp and unix only', 'echo udp udp '])
  })

  test('kills processes only of models that run conversations in them', () => {
    const workloads = [
      { name: 'crash' as const, clients: [10], window: 1, warmupMs: 0, durationMs: 100 },
    ]
    const catalog = [{ ...model('process'), inProcesses: true }, model('thread')]
    const names = { models: ['process', 'thread'], workloads }
    const why = (platform: string) =>
      planRun(config(names), catalog, platform).points.map(({ cannot }) => cannot)
    expect(why('linux')).toEqual([
      null,
      'runs all conversations in one process: who kills one from outside kills them all',
    ])
    expect(why('darwin')[0]).toMatch(/^is not killed here/)
  })

  test('lets a model that serves few clients try with many', () => {
    const workloads = [
      { name: 'ping' as const, clients: [500], window: 1, warmupMs: 0, durationMs: 100 },
    ]
    const { points } = planRun(config({ workloads }), [
      { ...model('sequential', 1), clientsMax: 1 },
    ])
    expect(points.map(({ cannot }) => cannot)).toEqual([null])
  })

  test('lets a quarter of the clients speak, at least one, unless told otherwise', () => {
    const workloads = [
      { name: 'room' as const, clients: [2, 16], window: 1, warmupMs: 0, durationMs: 100 },
    ]
    const senders = (changes: Partial<Config>) =>
      planRun(config({ workloads, models: ['thread'], ...changes }), CATALOG).points.map(
        (point) => point.senders,
      )
    expect(senders({})).toEqual([1, 4])
    expect(senders({ senders: [{ count: 2 }] })).toEqual([2, 2])
    const login = [
      { name: 'login' as const, clients: [4, 500], window: 1, warmupMs: 0, durationMs: 100 },
    ]
    expect(senders({ workloads: login })).toEqual([1, 16])
  })

  test('makes each number of senders, and each share, a point of its own', () => {
    const workloads = (['ping', 'mix'] as const).map((name) => ({
      name,
      clients: [10, 50],
      window: 1,
      warmupMs: 0,
      durationMs: 100,
    }))
    const senders = [{ share: 0.1 }, { share: 0.5 }, { count: 5 }]
    const { points } = planRun(config({ workloads, models: ['thread'], senders }), CATALOG)
    expect(points.map((point) => [point.workload.name, point.clients, point.senders])).toEqual([
      ['ping', 10, 0],
      ['ping', 50, 0],
      ['mix', 10, 1],
      // Half of ten are five, and so are five.
      ['mix', 10, 5],
      ['mix', 50, 5],
      ['mix', 50, 25],
    ])
  })
})

test('the quick preset is done within two minutes on two cores, whatever the catalog has', () => {
  const plan = planRun(resolveConfig({ preset: 'quick', out: 'results' }, ALL), ALL, 'linux')
  expect(new Set(plan.points.map((point) => point.model.name)).size).toBeGreaterThanOrEqual(7)
  // npm ci and a machine that is busy need their time as well.
  expect(estimateMs(plan, 2)).toBeLessThan(105_000)
})

test('seeded random numbers are even enough to shuffle with', () => {
  const random = seededRandom(1)
  const buckets = Array.from({ length: 10 }, () => 0)
  for (let i = 0; i < 10_000; i++) {
    const value = random()
    expect(value).toBeGreaterThanOrEqual(0)
    expect(value).toBeLessThan(1)
    buckets[Math.floor(value * 10)]!++
  }
  // Each bucket expects 1,000 with a standard deviation of 30: five of them on either side.
  for (const count of buckets) expect(Math.abs(count - 1000)).toBeLessThan(150)
})
