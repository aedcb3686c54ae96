// Verdicts, ranks and warnings, each from the figures that call for it.

import { describe, expect, test } from 'vitest'
import { groupPoints, judgePoints, pointName } from '../../bench/points.ts'
import type { Point, WarningKind } from '../../bench/results.ts'
import { faultsOfLoad, isSaturated } from '../../bench/verdict.ts'
import { findWarnings } from '../../bench/warnings.ts'
import type { LoadResult, WorkloadName } from '../../clients/load/contract.ts'
import type { Figures } from './sample.ts'
import { atRate, CONFIG, ENVIRONMENT, measured, planned, repeat, SAME, times } from './sample.ts'

function judge(...runs: readonly Figures[]): Point {
  const [point] = judgePoints([measured(planned('thread'), ...runs)], SAME)
  if (!point) throw new Error('no point')
  return point
}

function twice(figures: Figures): [Figures, Figures] {
  return [figures, figures]
}

describe('a point', () => {
  test('has the median of its repeats, and percentiles of all their times together', () => {
    const { status, summary } = judge(
      { perSecond: 1000, fromUs: 100, toUs: 200 },
      { perSecond: 3000, fromUs: 100, toUs: 200 },
      { perSecond: 2000, fromUs: 10_000, toUs: 10_001 },
    )
    expect(status).toBe('valid')
    expect(summary?.throughputPerS).toMatchObject({ median: 2000, min: 1000, max: 3000 })
    // 2,000 of 6,000 times are slow: the median is fast, the 90th percentile is not. An average of
    // the three medians, 3.4 ms, is a time that no request ever took.
    expect(summary?.serviceTime.count).toBe(6000)
    expect(summary?.serviceTime.p50Ns).toBeLessThan(250_000)
    expect(summary?.serviceTime.p90Ns).toBeGreaterThan(9_900_000)
    expect(summary?.ledger.sent).toBe(6000)
  })

  test('has CPU for each operation and memory for each client that was served', () => {
    const { summary } = judge({ perSecond: 1000, served: 8 })
    expect(summary?.cpuUsPerOperation).toBe(800)
    expect(summary?.memoryKibPerClient).toBe(500)
    expect(judge({ perSecond: 1000, resources: null }).summary?.cpuUsPerOperation).toBeNull()
  })

  test('is invalid when one repeat is, and says which', () => {
    const died = { kind: 'server-died', text: 'the server died (exit code 3)' } as const
    const point = judge({ perSecond: 10 }, { perSecond: 10, faults: [died] })
    expect(point.status).toBe('invalid')
    expect(point.rank).toBeNull()
    expect(point.faults).toEqual([
      { kind: 'server-died', text: 'the server died (exit code 3) (repeat 2)' },
    ])
  })

  test('is a lower bound when the generator was busy and had a core to itself', () => {
    const busy = { perSecond: 10, busyShare: 0.95 }
    expect(judge({ ...busy, generatorCpuMs: 950 }).status).toBe('lower-bound')
    expect(judge({ ...busy, generatorCpuMs: 500 }).status).toBe('valid')
    expect(judge({ ...busy, generatorCpuMs: 0 }).status).toBe('lower-bound')
    expect(judge({ perSecond: 10, busyShare: 0.89, generatorCpuMs: 890 }).status).toBe('valid')
  })

  test('of a model that answers differently is invalid, also when nothing of it was measured', () => {
    const differs = SAME.map((transcript) =>
      transcript.model === 'thread'
        ? { ...transcript, same: false, difference: 'line 7' }
        : transcript,
    )
    const points = judgePoints([measured(planned('thread'))], differs)
    expect(points[0]?.status).toBe('invalid')
    expect(points[0]?.faults[0]?.text).toBe('answers differently: line 7')
  })

  test('is ranked among the valid ones of its own workload only', () => {
    const points = judgePoints(
      [
        measured(planned('thread'), ...twice({ perSecond: 100 })),
        measured(
          planned('async'),
          ...twice({ perSecond: 300, busyShare: 1, generatorCpuMs: 1000 }),
        ),
        measured(planned('process'), { perSecond: 90 }, { perSecond: 110 }),
        measured(planned('sequential', 'session'), ...twice({ perSecond: 5 })),
      ],
      SAME,
    )
    const ranks = points.map(({ model, rank, rankShared }) => [model, rank, rankShared])
    expect(ranks).toEqual([
      ['thread', 1, true],
      ['async', null, false],
      ['process', 1, true],
      ['sequential', 1, false],
    ])
  })

  test('of a single repeat has figures, but no rank: it has no spread to compare', () => {
    const [once, more] = judgePoints(
      [
        measured(planned('async'), { perSecond: 300 }),
        measured(planned('thread'), ...twice({ perSecond: 100 })),
      ],
      SAME,
    )
    expect(once).toMatchObject({ status: 'valid', rank: null, summary: { repeats: 1 } })
    expect(more).toMatchObject({ status: 'valid', rank: 1, rankShared: false })
  })

  test('of which nothing was measured is kept, as interrupted', () => {
    const [point] = judgePoints([measured(planned('thread'))], SAME)
    expect(point).toMatchObject({ status: 'interrupted', rank: null, summary: null, faults: [] })
  })
})

function judgeOpen(figures: Figures, workload: WorkloadName = 'ping'): Point {
  const point = atRate(planned('thread', workload), 1000)
  return judgePoints([measured(point, ...twice({ offeredPerS: 1000, ...figures }))], SAME)[0]!
}

describe('a point of an open loop', () => {
  test('has response times of all its repeats, and what was offered', () => {
    const { status, summary, rank } = judgeOpen({ perSecond: 1000, waitUs: 500 })
    expect(status).toBe('valid')
    expect(summary!.responseTime!.count).toBe(2000)
    expect(summary!.responseTime!.minNs).toBeGreaterThan(summary!.serviceTime.minNs + 400_000)
    expect(summary!.schedule!.offeredPerS).toBe(1000)
    // All are asked for the same: there is nobody to rank by throughput.
    expect(rank).toBeNull()
  })

  test.each([
    ['in time', 900, 0, 'valid'],
    ['late, by more than a millisecond', 1100, 0, 'lower-bound'],
    ['late, but little beside what is measured', 1900, 20_000, 'valid'],
    ['late beside what is measured', 4000, 20_000, 'lower-bound'],
  ])('is judged by its lag: %s', (_what, lagUs, waitUs, status) => {
    expect(judgeOpen({ perSecond: 1000, lagUs, waitUs }).status).toBe(status)
  })

  test('is not the generator’s for being busy: it may be, as long as it is in time', () => {
    expect(judgeOpen({ perSecond: 1000, busyShare: 1, generatorCpuMs: 1000 }).status).toBe('valid')
  })

  test.each([
    ['all that is offered', 'ping', 1000, 1000, false],
    ['nearly all', 'ping', 10_000, 9910, false],
    ['98 %', 'ping', 10_000, 9800, true],
    ['98 % of so few that it may be chance', 'ping', 1000, 980, false],
    ['what 15 others hear of each message', 'room', 1000, 15_000, false],
    ['what 14 others hear of each message', 'room', 1000, 14_000, true],
  ] as const)('does %s', (_what, workload, offeredPerS, perSecond, isSaturatedThen) => {
    const point = judgeOpen({ perSecond, offeredPerS }, workload)
    expect(point.status).toBe('valid')
    expect(isSaturated(point)).toBe(isSaturatedThen)
  })

  test('shares no table with a closed one, nor with another rate', () => {
    const points = judgePoints(
      [
        measured(planned('thread'), ...twice({ perSecond: 100 })),
        measured(atRate(planned('thread'), 100), ...twice({ perSecond: 100, offeredPerS: 100 })),
        measured(atRate(planned('thread'), 200), ...twice({ perSecond: 200, offeredPerS: 200 })),
        measured(
          atRate(planned('thread'), 200, 'poisson'),
          ...twice({ perSecond: 200, offeredPerS: 200 }),
        ),
      ],
      SAME,
    )
    expect(groupPoints(points).map((group) => group.length)).toEqual([1, 1, 1, 1])
    expect(points.map(pointName)).toEqual([
      'ping · thread · 16 clients',
      'ping · thread · 16 clients · at 100/s',
      'ping · thread · 16 clients · at 200/s',
      'ping · thread · 16 clients · at 200/s',
    ])
  })
})

test('without accounting nothing is ranked', () => {
  const points = judgePoints(
    ['thread', 'async'].map((name) =>
      measured({ ...planned(name), accounting: false }, ...twice({ perSecond: 100 })),
    ),
    SAME,
  )
  expect(points.map(({ status, rank }) => [status, rank])).toEqual([
    ['valid', null],
    ['valid', null],
  ])
})

describe('faults of what the generator counted', () => {
  const good = repeat(1, { perSecond: 100 }).load
  const spec = { workload: 'ping', address: '127.0.0.1:6667' } as LoadResult['spec']
  const datagrams = { workload: 'echo', address: 'udp:127.0.0.1:7' } as LoadResult['spec']
  const load = (changes: Partial<LoadResult>): LoadResult => ({
    ...good!,
    losses: null,
    scheduledNs: good!.elapsedNs,
    spec,
    ...changes,
  })
  const ledger = (changes: Partial<LoadResult['ledger']>) =>
    load({ ledger: { ...good!.ledger, ...changes } })

  test.each([
    ['nothing wrong', load({}), 16, []],
    ['corrupt answers', ledger({ corrupt: 2 }), 16, ['wrong answers: 2 corrupt']],
    [
      'duplicates out of order',
      ledger({ duplicated: 1, reordered: 3 }),
      16,
      ['wrong answers: 1 duplicated, 3 out of order'],
    ],
    ['lost messages', ledger({ lost: 1 }), 16, ['messages missing: 1 lost']],
    [
      'datagrams that were lost or late',
      { ...ledger({ lost: 9, reordered: 1 }), spec: datagrams },
      16,
      [],
    ],
    [
      'datagrams that came twice or damaged',
      { ...ledger({ duplicated: 1, corrupt: 2 }), spec: datagrams },
      16,
      ['wrong answers: 2 corrupt, 1 duplicated'],
    ],
    ['outstanding', ledger({ outstanding: 4 }), 16, ['messages missing: 4 never answered']],
    ['fewer served', load({ served: 15 }), 16, ['served 15 of 16 clients']],
    ['as many served as it can', load({ served: 1 }), 1, []],
    [
      'refused',
      load({ served: 10, refused: { 'ERROR :Server full': 6 } }),
      16,
      ['served 10 of 16 clients (6 refused with "ERROR :Server full")'],
    ],
    ['errors', load({ errors: { ECONNRESET: 2 } }), 16, ['connections failed: 2 × ECONNRESET']],
    [
      'nothing measured',
      load({ operations: 0, serviceTime: times(0, 1, 1) }),
      16,
      ['no PING within the window (if they take longer: --duration)'],
    ],
  ] as const)('%s', (_, result, expected, sentences) => {
    expect(faultsOfLoad(result, expected).map(({ text }) => text)).toEqual(sentences)
  })
})

function kinds(points: readonly Point[], config = CONFIG, environment = ENVIRONMENT) {
  return findWarnings({ config: { ...CONFIG, ...config }, environment, points }).map((w) => w.kind)
}

/** Repeats enough, with these figures in turn. */
function fiveTimes(...figures: readonly Figures[]): Figures[] {
  return Array.from({ length: 5 }, (_, i) => figures[i % figures.length]!)
}

/** Of an open loop of two repeats, which are few. */
function openKinds(figures: Figures): WarningKind[] {
  return kinds([judgeOpen(figures)]).filter((kind) => kind !== 'few-repeats')
}

describe('warnings', () => {
  const calm = { ...CONFIG, repeats: 5 }

  test('a calm run has none', () => {
    expect(kinds([judge(...fiveTimes({ perSecond: 100 }, { perSecond: 101 }))], calm)).toEqual([])
  })

  test('of an open loop: who could not keep up, and when the generator was late', () => {
    expect(openKinds({ perSecond: 1000 })).toEqual([])
    expect(openKinds({ perSecond: 700 })).toEqual(['saturated'])
    expect(openKinds({ perSecond: 1000, lagUs: 5000 })).toEqual(['generator-was-late'])
  })

  test('of a run without the ledger', () => {
    const point = judge(...fiveTimes({ perSecond: 100 }, { perSecond: 101 }))
    expect(kinds([point], { ...calm, accounting: false })).toEqual(['no-ledger'])
  })

  test.each<[WarningKind, Figures[]]>([
    ['model-served-few', [{ perSecond: 100, served: 1 }]],
    ['generator-was-limit', [{ perSecond: 100, busyShare: 0.95, generatorCpuMs: 950 }]],
    ['steady-state-missing', [{ perSecond: 100, thirds: 1.2 }]],
    ['steady-state-missing', [{ perSecond: 100, thirds: 0.8 }]],
    ['spread-wide', [{ perSecond: 100 }, { perSecond: 150 }]],
    ['outliers', [100, 101, 100.5, 99.5, 92].map((perSecond) => ({ perSecond }))],
    ['machine-busy', [{ perSecond: 100, othersCpuShare: 0.2 }]],
    ['network-trouble', [{ perSecond: 100, timeouts: 3 }]],
    ['memory-not-measurable', [{ perSecond: 100, memoryIsRss: true }]],
    ['resources-not-measurable', [{ perSecond: 100, resources: null }]],
  ])('%s', (kind, figures) => {
    const points = [judge(...fiveTimes(...figures))]
    expect(kinds(points, calm)).toEqual([kind])
    for (const { cause, tryThis } of findWarnings({
      config: calm,
      environment: ENVIRONMENT,
      points,
    })) {
      expect(cause).toMatch(/^[A-Z].+\.$|^thread /)
      expect(tryThis).toMatch(/^[A-Z].+\.$/)
    }
  })

  test('trouble of TCP is counted over the repeats, each kind where there was some', () => {
    const points = [judge(...fiveTimes({ perSecond: 100, timeouts: 2, retransmits: 7 }))]
    const [found] = findWarnings({ config: calm, environment: ENVIRONMENT, points })
    expect(found?.cause).toMatch(/: 10 retransmission timeouts\.$/)
  })

  test('segments that are sent again in time keep nobody waiting', () => {
    const points = [judge(...fiveTimes({ perSecond: 100, retransmits: 7 }))]
    expect(findWarnings({ config: calm, environment: ENVIRONMENT, points })).toEqual([])
  })

  test('few repeats, and a machine that was busy before, are about the whole run', () => {
    const busy = { ...ENVIRONMENT, loadAverageBefore: 1.5 }
    const points = [judge({ perSecond: 100 }, { perSecond: 101 })]
    const found = findWarnings({ config: CONFIG, environment: busy, points })
    expect(found.map(({ kind }) => kind)).toEqual(['few-repeats', 'machine-busy'])
    expect(found.every((warning) => warning.points.length === 0)).toBe(true)
    expect(found[1]?.cause).toContain('load average 1.5')
  })

  test('few repeats are named where an interruption left them', () => {
    const points = judgePoints(
      [
        measured(planned('async'), { perSecond: 100 }),
        measured(planned('thread'), ...fiveTimes({ perSecond: 100 })),
        measured(planned('process')),
      ],
      SAME,
    )
    const found = findWarnings({ config: calm, environment: ENVIRONMENT, points })
    expect(found.map(({ kind, points: about }) => [kind, about])).toEqual([
      ['few-repeats', ['ping · async · 16 clients']],
    ])
    expect(found[0]?.cause).toBe(
      'Fewer than 5 repeats show roughly who is faster, not by how much; a single one is not ranked.',
    )
  })

  test('where an interruption left single repeats, nothing is said to be faster', () => {
    const points = [judge({ perSecond: 100 })]
    for (const repeats of [1, 2, 5]) {
      const config = { ...CONFIG, repeats }
      expect(findWarnings({ config, environment: ENVIRONMENT, points })).toMatchObject([
        { points: [], cause: 'A single repeat has no spread, so nothing is ranked.' },
      ])
    }
    expect(findWarnings({ config: CONFIG, environment: ENVIRONMENT, points: [] })).toEqual([])
  })

  test('an invalid point needs none', () => {
    const died = { kind: 'server-died', text: 'the server died' } as const
    const point = judge({ perSecond: 1, faults: [died], thirds: 9 }, { perSecond: 100 })
    expect(kinds([point], calm)).toEqual([])
  })
})
