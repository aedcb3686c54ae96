import { describe, expect, test } from 'vitest'
import type { Point } from '../../bench/schema.ts'
import type { Explanation } from '../../bench/reporters/explanations.ts'
import { explain, EXPLANATION_KINDS } from '../../bench/reporters/explanations.ts'
import type { WorkloadName } from '../../clients/load/contract.ts'
import { measured, model, planned, repeat, results, times } from './sample.ts'

/** What a case changes in a point of 1,000 PINGs in a second, of which the server was busy for 0.8 s. */
interface Case {
  readonly model?: string
  readonly workload?: WorkloadName
  readonly clients?: number
  readonly perSecond?: number
  readonly served?: number
  readonly cpuMs?: number
  readonly generatorMs?: number
  readonly busyShare?: number
  readonly switches?: readonly [voluntary: number, involuntary: number]
  readonly fromUs?: number
  readonly toUs?: number
  readonly heldKib?: number
  readonly others?: number
}

function pointOf(changes: Case): Point {
  const { clients = 16, perSecond = 1000, served = clients } = changes
  const run = repeat(
    1,
    { perSecond, served, fromUs: changes.fromUs ?? 400, toUs: changes.toUs ?? 900 },
    clients,
  )
  const [voluntarySwitches, involuntarySwitches] = changes.switches ?? [500, 0]
  const changed = {
    ...run,
    load: {
      ...run.load!,
      serviceTime: times(2000, changes.fromUs ?? 400, changes.toUs ?? 900),
      generator: {
        threads: 1,
        busyShare: changes.busyShare ?? 0.5,
        cpuMs: changes.generatorMs ?? 500,
      },
    },
    resources: {
      ...run.resources!,
      cpuMs: changes.cpuMs ?? 800,
      heldMemoryKib: 40_000 + (changes.heldKib ?? 500 * served),
      voluntarySwitches,
      involuntarySwitches,
      othersCpuShare: changes.others ?? 0,
    },
  }
  const plan = {
    ...planned('any', changes.workload ?? 'ping'),
    workload: {
      name: changes.workload ?? 'ping',
      clients: [clients],
      window: 1,
      warmupMs: 0,
      durationMs: 1000,
    },
    model: model(changes.model ?? 'async'),
    clients,
  }
  const { points } = results([{ planned: plan, repeats: [changed, { ...changed, repeat: 2 }] }])
  return points[0]!
}

const RUN = { environment: { cores: 2 }, config: { workMs: 5 } }

const said = (changes: Case) => explain(pointOf(changes), RUN)
const sentence = (kind: Explanation['kind'], changes: Case) =>
  said(changes).find((explanation) => explanation.kind === kind)?.text ?? null

/** For each rule a point of which it speaks, with the figures that it must name, and one of which it does not. */
const CASES: Readonly<
  Record<Explanation['kind'], { yes: Case; no: Case; names: readonly string[] }>
> = {
  'compute-blocks-others': {
    yes: { workload: 'mix', toUs: 40_000 },
    no: { workload: 'mix', toUs: 2000 },
    names: ['39.6 ms', '5 ms'],
  },
  'compute-kept-apart': {
    yes: { workload: 'mix', toUs: 2000 },
    no: { workload: 'mix', toUs: 40_000 },
    names: ['1,980 µs', '5 ms'],
  },
  'start-of-each': {
    yes: { workload: 'session', model: 'process', perSecond: 10, cpuMs: 1300 },
    no: { workload: 'session', model: 'process', perSecond: 1000, cpuMs: 1300 },
    names: ['130 ms', 'session', 'in a process of its own'],
  },
  'one-core-full': { yes: { cpuMs: 970 }, no: { model: 'thread', cpuMs: 970 }, names: ['0.97'] },
  'machine-full': {
    yes: { model: 'thread', cpuMs: 1300, generatorMs: 650 },
    no: { model: 'thread', cpuMs: 600, generatorMs: 650 },
    names: ['1.95 of 2 cores', '1.30'],
  },
  'mostly-waiting': {
    yes: { model: 'sequential', cpuMs: 250, served: 1 },
    no: { cpuMs: 700 },
    names: ['0.25', '1 of 16'],
  },
  crossings: {
    yes: { model: 'thread', switches: [2000, 100] },
    no: { model: 'async', switches: [2000, 100] },
    names: ['2.10 context switches', 'PING', 'socketpair'],
  },
  batching: { yes: { switches: [40, 0] }, no: { switches: [1040, 0] }, names: ['0.04', 'PING'] },
  'pushed-aside': { yes: { switches: [500, 500] }, no: { switches: [900, 100] }, names: ['50 %'] },
  'long-tail': {
    yes: { fromUs: 1, toUs: 900, workload: 'ping' },
    no: { fromUs: 400, toUs: 900 },
    names: [],
  },
  'heavy-clients': {
    yes: { model: 'thread', heldKib: 16 * 13_000 },
    no: { model: 'async', heldKib: 16 * 13_000 },
    names: ['12.7 MiB', 'in a worker thread of its own', '11 threads'],
  },
  'light-clients': {
    yes: { clients: 1000, heldKib: 20_000 },
    no: { clients: 16, heldKib: 320 },
    names: ['20.0 KiB', '1,000 clients'],
  },
  'generator-full': {
    yes: { busyShare: 0.99, generatorMs: 980 },
    no: { busyShare: 0.6 },
    names: ['99 %'],
  },
  'others-ran': { yes: { others: 0.14 }, no: { others: 0.02 }, names: ['14 %'] },
}

describe('an explanation', () => {
  test.each(EXPLANATION_KINDS.filter((kind) => kind !== 'long-tail'))(
    '%s is given where counters say so, with the figures, and not elsewhere',
    (kind) => {
      const { yes, no, names } = CASES[kind]
      const text = sentence(kind, yes)
      for (const name of names) expect(text).toContain(name)
      expect(text).toMatch(/^[A-Z0-9].*\.$/)
      expect(text).not.toMatch(/NaN|undefined|null|Infinity/)
      expect(sentence(kind, no)).toBeNull()
    },
  )

  test('long-tail compares p99 with p50', () => {
    const { repeats, ...point } = pointOf({})
    const summary = point.summary!
    const tailed = {
      ...summary,
      serviceTime: { ...summary.serviceTime, p50Ns: 150e3, p99Ns: 2_610e3 },
    }
    const of = (changed: typeof summary) =>
      explain({ ...point, repeats, summary: changed }, RUN).map(({ kind, text }) => [kind, text])
    expect(Object.fromEntries(of(tailed))['long-tail']).toContain(
      '17.4 times p50 (2,610 µs and 150 µs)',
    )
    expect(Object.fromEntries(of(summary))['long-tail']).toBeUndefined()
    const few = { ...tailed, serviceTime: { ...tailed.serviceTime, p99Ns: null } }
    expect(Object.fromEntries(of(few))['long-tail']).toBeUndefined()
  })

  test('is never given of a point without figures that may be used', () => {
    const wrong = { kind: 'wrong-answers', text: 'wrong answers: 3 corrupt' } as const
    const { points } = results([
      measured(planned('thread'), { perSecond: 10, faults: [wrong] }),
      measured(planned('async', 'ping', Infinity, 'cannot be run here')),
    ])
    expect(points.map((point) => explain(point, RUN))).toEqual([[], []])
  })

  test('says nothing of counters that could not be read', () => {
    const { points } = results([measured(planned('thread'), { perSecond: 900, resources: null })])
    expect(explain(points[0]!, RUN)).toEqual([])
  })
})
