import { describe, expect, test } from 'vitest'
import { connectionCostsOf } from '../../bench/connection-costs.ts'
import { seededRandom } from '../../bench/random.ts'
import { costTables } from '../../bench/reporters/connection-costs.ts'
import { markdownReport } from '../../bench/reporters/markdown.ts'
import { terminalReport } from '../../bench/reporters/terminal.ts'
import { type Point, Results } from '../../bench/schema.ts'
import type { Figures } from './sample.ts'
import { CONFIG, planned, repeat, results } from './sample.ts'

const IDLE = { name: 'idle', clients: [16], window: 1, warmupMs: 0, durationMs: 1000 } as const
const SIZES = [50, 1050, 5050, 10_050]

interface Line {
  readonly model?: string
  readonly sizes?: readonly number[]
  readonly repeats?: number
  readonly kib?: (clients: number) => number
  readonly figures?: Partial<Figures>
  readonly workload?: 'idle' | 'ping'
}

/** 40 MB and 3 KiB for each connection, unless told otherwise. */
function line({
  model = 'epoll',
  sizes = SIZES,
  repeats = 3,
  kib = (clients) => 40_000 + 3 * clients,
  figures = {},
  workload = 'idle',
}: Line = {}) {
  return sizes.map((clients) => ({
    planned: {
      ...planned(model),
      workload: { ...IDLE, clients: [...IDLE.clients], name: workload },
      clients,
    },
    repeats: Array.from({ length: repeats }, (_, i) =>
      repeat(
        i + 1,
        { perSecond: 10, heldMemoryKib: Math.round(kib(clients)), ...figures },
        clients,
      ),
    ),
  }))
}

function costs(of: Line = {}) {
  return connectionCostsOf(results(line(of)).points)
}

/** The same, but each repeat held another amount. */
function withMemory(point: Point, kib: (clients: number) => number): Point {
  const repeats = point.repeats.map((one) => ({
    ...one,
    resources: one.resources && { ...one.resources, heldMemoryKib: kib(point.clients) },
  }))
  return { ...point, repeats }
}

describe('what a connection costs', () => {
  test('is the slope over the sizes, whatever the server needs without clients', () => {
    expect(costs()).toEqual([
      {
        transport: 'tcp',
        model: 'epoll',
        kibPerClient: expect.closeTo(3, 6),
        low: expect.closeTo(3, 6),
        high: expect.closeTo(3, 6),
        clients: SIZES,
      },
    ])
  })

  test('lies within an interval that is as wide as the measurements vary', () => {
    const random = seededRandom(5)
    const noisy = (kib: number) => (clients: number) =>
      40_000 + 3 * clients + kib * (random() - 0.5)
    const [narrow] = costs({ kib: noisy(200) })
    const [wide] = costs({ kib: noisy(20_000) })
    for (const cost of [narrow!, wide!]) {
      expect(cost.low).toBeLessThan(cost.kibPerClient)
      expect(cost.high).toBeGreaterThan(cost.kibPerClient)
    }
    expect(narrow!.low).toBeGreaterThan(2.9)
    expect(narrow!.high).toBeLessThan(3.1)
    expect(wide!.high! - wide!.low!).toBeGreaterThan(5 * (narrow!.high! - narrow!.low!))
  })

  test('holds the truth in nearly all of its intervals', () => {
    const random = seededRandom(9)
    const noisy = (clients: number) => 40_000 + 3 * clients + Math.round(3000 * (random() - 0.5))
    const { points } = results(line())
    const found = Array.from({ length: 20 }, () => {
      const [cost] = connectionCostsOf(points.map((point) => withMemory(point, noisy)))
      return cost!.low! <= 3 && cost!.high! >= 3
    })
    expect(found.filter(Boolean).length).toBeGreaterThanOrEqual(15)
  })

  test('has no interval by fewer than six measurements', () => {
    expect(costs({ sizes: SIZES.slice(0, 3), repeats: 1 })[0]).toMatchObject({
      kibPerClient: expect.closeTo(3, 6) as number,
      low: null,
      high: null,
    })
  })

  test.each<[string, Line]>([
    ['two sizes', { sizes: [50, 1050] }],
    ['another workload', { workload: 'ping' }],
    ['RSS', { figures: { memoryIsRss: true } }],
    ['no memory', { figures: { resources: null } }],
    ['faults', { figures: { faults: [{ kind: 'server-died', text: 'it died' }] } }],
    ['one client that is served', { figures: { served: 1 } }],
  ])('cannot be told by %s', (_, of) => expect(costs(of)).toEqual([]))
})

describe('in a report', () => {
  const run = results(
    [
      ...line({ model: 'async', kib: (clients) => 50_000 + 12.3 * clients }),
      ...line({ sizes: [50, 1050, 5050], repeats: 1 }),
    ],
    { config: { ...CONFIG, workloads: [{ ...IDLE, clients: SIZES }] } },
  )
  const [table] = costTables(run)

  test('the cheapest comes first, with its interval and what it was measured over', () => {
    expect(table?.title).toBe('idle · memory of a connection')
    expect(table?.rows.map(({ cells }) => cells)).toEqual([
      ['epoll', '3.00', '–', '–', '50–5,050'],
      ['async', '12.3', '12.3', '12.3', '50–10,050'],
    ])
    expect(table?.reading).toBe(
      'epoll: 3.00 KiB per connection, over 50 to 5,050 clients. ' +
        'async: 12.3 KiB per connection (12.3 to 12.3), over 50 to 10,050 clients.',
    )
  })

  test('it is said what PSS does not count', () => {
    expect(terminalReport(run)).toMatch(/PSS does not count[^]*kernel/)
    expect(markdownReport(run)).toContain('## idle · memory of a connection')
    expect(() => Results.parse(run)).not.toThrow()
  })
})
