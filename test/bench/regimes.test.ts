// Who is the best where, from figures chosen for it.

import { describe, expect, test } from 'vitest'
import { regimesOf } from '../../bench/regimes.ts'
import { regimeTables } from '../../bench/reporters/regimes.ts'
import { terminalReport } from '../../bench/reporters/terminal.ts'
import type { Config, Results } from '../../bench/schema.ts'
import type { Figures } from './sample.ts'
import { CONFIG, measured, planned, results } from './sample.ts'

const WORKLOAD = {
  name: 'mix' as const,
  clients: [10, 50],
  window: 1,
  warmupMs: 0,
  durationMs: 1000,
}
const SENDERS: Config['senders'] = [{ share: 0.1 }, { share: 0.5 }]

/** Two repeats, a tenth apart. */
function about(perSecond: number, more: Partial<Figures> = {}): Figures[] {
  return [
    { perSecond, ...more },
    { perSecond: perSecond * 1.1, ...more },
  ]
}

/** For each number of clients and of senders what each model does. */
function field(
  cells: Readonly<Record<string, Readonly<Record<string, readonly Figures[]>>>>,
  senders = SENDERS,
): Results {
  const points = Object.entries(cells).flatMap(([cell, models]) => {
    const [clients = 0, speaking = 0] = cell.split(' ').map(Number)
    return Object.entries(models).map(([model, figures]) =>
      measured({ ...planned(model), workload: WORKLOAD, clients, senders: speaking }, ...figures),
    )
  })
  return results(points, { config: { ...CONFIG, workloads: [WORKLOAD], senders } })
}

const GENERATOR_LIMIT = { busyShare: 0.99, generatorCpuMs: 980 }

const MAP = field({
  '10 1': { async: about(3000, { toUs: 40_000 }), thread: about(2000) },
  '50 5': { async: about(3000, { toUs: 40_000 }), thread: about(2900) },
  '10 5': { async: about(1000), thread: about(1100, { toUs: 950 }) },
  '50 25': { async: about(900), thread: about(4000, GENERATOR_LIMIT) },
})

describe('a regime map', () => {
  const [map, ...others] = regimesOf(MAP)
  const best = map!.cells.map((row) => row.map(({ throughput }) => throughput.best))

  test('has a column for each number of clients, and a row for each share that was asked for', () => {
    expect(others).toEqual([])
    expect(map).toMatchObject({ workload: 'mix', name: 'mix', clients: [10, 50], senders: SENDERS })
    expect(map!.cells.map((row) => row.map(({ senders }) => senders))).toEqual([
      [1, 5],
      [5, 25],
    ])
  })

  test('says who does most, and nobody where intervals overlap', () => {
    expect(best).toEqual([
      ['async', null],
      [null, 'thread'],
    ])
    expect(map!.cells[0]![1]!.throughput.leaders).toEqual(['async', 'thread'])
  })

  test('lets a lower bound win, since it can only be more', () => {
    expect(map!.cells[1]![1]!.throughput).toEqual({ best: 'thread', leaders: ['thread'] })
  })

  test('says who has the shortest 99th percentile, which may be another', () => {
    expect(map!.cells[0]![0]!.p99).toEqual({ best: 'thread', leaders: ['thread'] })
    // Of the other one the generator was the limit, and then times are its own.
    expect(map!.cells[1]![1]!.p99.leaders).not.toContain('thread')
  })

  test('does not let one win who might be below a lower bound', () => {
    const bounded = field({
      '10 1': { async: about(3000), thread: about(2000, GENERATOR_LIMIT) },
      '50 5': {},
    })
    const all = { ...bounded, points: [...bounded.points, ...MAP.points.slice(2)] }
    const cell = regimesOf(all)[0]!.cells[0]![0]!
    expect(cell.throughput).toEqual({ best: null, leaders: ['async', 'thread'] })
  })

  test('is no map with one row, one column, or nobody with a part of his own', () => {
    expect(regimesOf(field({ '10 1': {}, '50 5': {} }, SENDERS.slice(0, 1)))).toEqual([])
    expect(regimesOf(field({ '10 1': { async: about(1) }, '10 5': { async: about(1) } }))).toEqual(
      [],
    )
    expect(regimesOf(field({ '10 0': { async: about(1) }, '50 0': { async: about(1) } }))).toEqual(
      [],
    )
  })

  test('has empty cells where nothing was measured', () => {
    const points = MAP.points.map((point) =>
      point.clients === 10 ? { ...point, status: 'invalid' as const } : point,
    )
    expect(regimesOf({ ...MAP, points })[0]!.cells[0]![0]!.throughput).toEqual({
      best: null,
      leaders: [],
    })
  })
})

describe('in a report', () => {
  const [most, promptest] = regimeTables(MAP)

  test('it is a table for throughput, and one for times', () => {
    expect([most?.title, promptest?.title]).toEqual([
      'mix · the most PINGs per s',
      'mix · the shortest p99',
    ])
    expect(most?.columns.map(({ head }) => head.join(' ').trim())).toEqual([
      'compute',
      '10 clients',
      '50 clients',
    ])
    expect(most?.rows.map(({ cells }) => cells)).toEqual([
      ['10%', 'async', 'async, thread'],
      ['50%', 'async, thread', 'thread'],
    ])
    expect(most?.reading).toBe('The best of 4 cells: async in 1 and thread in 1, nobody in 2.')
  })

  test('it fits into 80 columns', () => {
    const text = terminalReport(MAP, { colour: false, columns: 80 })
    expect(text).toContain('mix · the most PINGs per s')
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
  })
})
