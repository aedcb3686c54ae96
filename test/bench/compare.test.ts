import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { compare } from '../../bench/compare.ts'
import { compareRuns, regressionsOf } from '../../bench/differences.ts'
import { parseShare } from '../../bench/options.ts'
import { seededRandom } from '../../bench/random.ts'
import type { CompareFormat } from '../../bench/reporters/compare.ts'
import { comparisonReport } from '../../bench/reporters/compare.ts'
import type { Results } from '../../bench/results.ts'
import { writeResults } from '../../bench/results.ts'
import type { Figures } from './sample.ts'
import { CONFIG, ENVIRONMENT, measured, planned, results } from './sample.ts'

const folder = mkdtempSync(join(tmpdir(), 'hubbub-compare-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Repeats around a rate, which vary by 2 %. */
function around(perSecond: number, count: number, random: () => number): Figures[] {
  const vary = () => 1 + 0.02 * (random() + random() + random() - 1.5) * 2
  return Array.from({ length: count }, () => {
    const factor = vary()
    return {
      perSecond: Math.round(perSecond * factor),
      toUs: Math.round(900 / factor + 20 * random()),
    }
  })
}

const RATES = { thread: 3000, async: 5000, process: 2000 }

/** A run of three models in two workloads; rates of some are multiplied. */
function run(seed: number, count = 10, factors: Readonly<Record<string, number>> = {}): Results {
  const random = seededRandom(seed)
  const points = (['ping', 'room'] as const).flatMap((workload) =>
    Object.entries(RATES).map(([name, rate]) =>
      measured(planned(name, workload), ...around(rate * (factors[name] ?? 1), count, random)),
    ),
  )
  return results(points, { config: { ...CONFIG, repeats: count, seed } })
}

const BASE = run(1)

function words(before: Results, after: Results, format: CompareFormat = 'terminal'): string {
  const options = { colour: false, columns: 80 }
  return comparisonReport(compareRuns(before, after, 0.05), format, options)
}

describe('a comparison', () => {
  test('of a run with itself finds nothing', () => {
    const comparison = compareRuns(BASE, BASE, 0.05)
    expect(comparison.points).toHaveLength(6)
    expect(comparison.leftOut).toEqual([])
    expect(comparison.changes).toEqual([])
    expect(comparison.throughputRatio).toBe(1)
    for (const { differences } of comparison.points) {
      expect(differences.map(({ measure }) => measure)).toEqual(['throughput', 'p99', 'cpu'])
      for (const { ratio, verdict } of differences)
        expect([ratio, verdict]).toEqual([1, 'unproven'])
    }
  })

  test.each([2, 3, 4, 5])('of a run with its repetition raises no alarm (%d)', (seed) => {
    expect(regressionsOf(compareRuns(run(100, 7), run(seed, 7), 0.05))).toEqual([])
  })

  test('finds a model that is 10 % slower, and no other', () => {
    const { points } = compareRuns(BASE, run(2, 10, { async: 0.9 }), 0.05)
    const slower = points.filter(({ differences }) =>
      differences.some(({ measure, verdict }) => measure === 'throughput' && verdict === 'worse'),
    )
    expect(slower.map(({ point }) => [point.workload, point.model])).toEqual([
      ['ping', 'async'],
      ['room', 'async'],
    ])
    const [throughput] = slower[0]!.differences
    expect(throughput!.ratio).toBeGreaterThan(0.87)
    expect(throughput!.ratio).toBeLessThan(0.93)
    expect(throughput!.low!).toBeLessThan(throughput!.ratio)
    expect(throughput!.high!).toBeLessThan(1)
    expect(throughput!.isRegression).toBe(true)
  })

  test('calls more throughput better, and more time or CPU worse', () => {
    const [first] = compareRuns(BASE, run(2, 10, { thread: 1.2 }), 0.05).points
    const verdicts = first!.differences.map(({ measure, verdict }) => [measure, verdict])
    expect(verdicts).toContainEqual(['throughput', 'better'])
    expect(verdicts).toContainEqual(['cpu', 'better'])
    const [worse] = compareRuns(BASE, run(2, 10, { thread: 0.8 }), 0.05).points
    expect(worse!.differences.find(({ measure }) => measure === 'cpu')).toMatchObject({
      verdict: 'worse',
      isRegression: true,
    })
  })

  test('knows no regression below its threshold', () => {
    const slower = run(2, 10, { async: 0.9 })
    expect(regressionsOf(compareRuns(BASE, slower, 0.05)).length).toBeGreaterThan(0)
    expect(regressionsOf(compareRuns(BASE, slower, 0.5))).toEqual([])
  })

  test('of few repeats proves nothing, and says so', () => {
    const comparison = compareRuns(run(1, 3), run(2, 3, { async: 0.5 }), 0.05)
    const [, one] = comparison.points
    expect(one!.differences[0]).toMatchObject({ p: null, pAmongAll: null, verdict: 'unproven' })
    const text = words(run(1, 3), run(2, 3, { async: 0.5 })).replaceAll(/\s+/g, ' ')
    expect(text).toContain('That takes at least four repeats on each side')
    expect(text).toContain('No difference is proven at any of 6 points.')
  })
})

describe('what cannot be compared is named', () => {
  const hung = { kind: 'server-hung', text: 'the server hung' } as const
  const five = Array.from({ length: 5 }, (_, i) => ({ perSecond: 2000 + i }))
  const limit = { busyShare: 0.99, generatorCpuMs: 990 }
  const before = results([
    measured(planned('async'), ...five),
    measured(planned('thread'), ...five),
    measured(planned('process'), ...five),
    measured(planned('poll'), ...five.map(({ perSecond }) => ({ perSecond, ...limit }))),
    measured(planned('sequential', 'room', 1, 'talks to 1 client at a time')),
  ])
  const after = results([
    measured(planned('async'), ...five.map(({ perSecond }) => ({ perSecond: perSecond / 4 }))),
    measured(planned('thread'), { perSecond: 2000, faults: [hung] }),
    measured(planned('epoll'), ...five),
    measured(planned('poll'), ...five.map(({ perSecond }) => ({ perSecond: perSecond * 2 }))),
    measured(planned('sequential', 'room', 1, 'talks to 1 client at a time')),
  ])
  const { leftOut, points } = compareRuns(before, after, 0.05)

  test('points of one file, invalid ones, and figures that were not measured', () => {
    expect(leftOut).toEqual([
      { point: 'ping · thread · 16 clients', why: 'invalid in the new file' },
      { point: 'ping · epoll · 16 clients', why: 'only in the new file' },
      { point: 'ping · process · 16 clients', why: 'only in the old file' },
      {
        point: 'ping · async · 16 clients, p99',
        why: 'a repeat with less than 1,000 times has none',
      },
      { point: 'ping · poll · 16 clients, throughput', why: 'the load generator was the limit' },
    ])
    expect(points.map(({ point }) => point.model)).toEqual(['async', 'poll'])
  })

  test('but a server that has become slower than the generator is compared', () => {
    const { points: reversed } = compareRuns(after, before, 0.05)
    expect(reversed.at(-1)!.point.model).toBe('poll')
    const slowed = compareRuns(
      before,
      results([measured(planned('poll'), ...five.map(() => ({ perSecond: 1500 })))]),
      0.05,
    )
    expect(slowed.points[0]!.differences[0]).toMatchObject({ measure: 'throughput' })
  })

  test('in words', () => {
    expect(words(before, after).replaceAll(/\s+/g, ' ')).toContain(
      '! Not compared: ping · thread · 16 clients (invalid in the new file).',
    )
  })
})

test('what else differs between the runs is named, but not what does not matter', () => {
  const after = {
    ...BASE,
    environment: {
      ...ENVIRONMENT,
      node: '22.1.0',
      loadAverageBefore: 0.3,
      commit: { id: 'f'.repeat(40), dirty: true },
    },
    config: {
      ...CONFIG,
      seed: 7,
      workloads: CONFIG.workloads.map((workload) => ({
        ...workload,
        window: workload.name === 'ping' ? 4 : workload.window,
        durationMs: 3000,
      })),
    },
  }
  expect(compareRuns({ ...BASE, config: CONFIG }, after, 0.05).changes).toEqual([
    'commit 0123456789, then ffffffffff+',
    'node 20.20.2, then 22.1.0',
    'window of ping 1, then 4',
    'durationMs of ping 1000, then 3000',
    'durationMs of room 1000, then 3000',
    'durationMs of session 1500, then 3000',
  ])
  expect(words(BASE, after)).toContain('! The runs differ in more than what is compared: commit')
})

describe('the report', () => {
  const slower = run(2, 10, { async: 0.9 })
  const text = words(BASE, slower)

  test('fits into 80 columns, and loses no figure in 60', () => {
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    const narrow = comparisonReport(compareRuns(BASE, slower, 0.05), 'terminal', {
      colour: false,
      columns: 60,
    })
    expect(Math.max(...narrow.split('\n').map((line) => line.length))).toBeLessThanOrEqual(60)
  })

  test('ends with the answer', () => {
    const answer = text.trimEnd().split('\n\n').at(-1)!.replaceAll('\n', ' ')
    expect(answer).toMatch(
      /^The new run is slower or costlier at 2 of 6 points, faster or cheaper at none; elsewhere no difference is proven\. Worse: ping · async · 16 clients \(throughput −\d+\.\d\s%, .*\d figures are worse by more than 5 %\.$/,
    )
    const same = words(BASE, BASE).trimEnd().split('\n\n').at(-1)
    expect(same).toBe('No difference is proven at any of 6 points.')
  })

  test('says how many would differ by chance', () => {
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      '18 figures of 6 points were compared. At p < 0.05 each, chance alone would make about 1 of them differ',
    )
  })

  test('shows a tilde where nothing is proven, and no figure that is not one', () => {
    expect(text).toMatch(/^thread +PINGs\/s .* ~ .*$/m)
    expect(text).not.toMatch(/NaN|undefined|null|Infinity/)
    expect(text).not.toMatch(/ \n/)
  })

  test('in Markdown has the answer first, and as many cells in every row', () => {
    const markdown = words(BASE, slower, 'markdown')
    expect(markdown).toMatch(/^# hubbub compare\n\n\*\*The new run is slower or costlier at 2 of 6/)
    const tables = markdown.split('\n\n').filter((part) => part.startsWith('|'))
    expect(tables).toHaveLength(2)
    for (const table of tables) {
      expect(new Set(table.split('\n').map((line) => line.split('|').length)).size).toBe(1)
    }
  })

  test('in JSON has all figures', () => {
    const json = JSON.parse(words(BASE, slower, 'json'))
    expect(json).toMatchObject({ thresholdShare: 0.05, comparisons: 18 })
    expect(json.points[1]).toMatchObject({
      point: 'ping · async · 16 clients',
      repeats: { old: 10, new: 10 },
      differences: [{ measure: 'throughput', verdict: 'worse', isRegression: true }, {}, {}],
    })
  })
})

function path(name: string, content: Results): string {
  const file = join(folder, name)
  writeResults(file, content)
  return file
}

function exitCode(old: string, now: string, thresholdShare = 0.05): number {
  return compare(old, now, { thresholdShare, format: 'terminal' }, { out: () => {} })
}

describe('the command', () => {
  const before = path('a.json', BASE)
  const slower = path('b.json', run(2, 10, { async: 0.9 }))

  test('ends with 1 when something is worse past the threshold, and with 0 otherwise', () => {
    expect(exitCode(before, slower)).toBe(1)
    expect(exitCode(before, slower, 0.5)).toBe(0)
    expect(exitCode(slower, before)).toBe(0)
    expect(exitCode(before, before)).toBe(0)
  })

  test('refuses files that have nothing in common', () => {
    const other = path(
      'c.json',
      results([measured(planned('epoll'), { perSecond: 1000 }, { perSecond: 1001 })]),
    )
    expect(() => exitCode(before, other)).toThrow(
      'The two files have no point that can be compared; for one, ping · epoll · 16 clients: only in the new file.',
    )
  })

  test.each([
    ['5%', 0.05],
    ['2.5 %', 0.025],
    ['0%', 0],
  ])('takes a threshold of %s', (text, share) => expect(parseShare(text)).toBeCloseTo(share))

  test.each(['5', 'five', '-5%', ''])('refuses a threshold of "%s"', (text) => {
    expect(() => parseShare(text)).toThrow('is not a percentage; write it like 5%.')
  })
})
