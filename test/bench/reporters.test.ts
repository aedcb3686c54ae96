import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { renderCatalog } from '../../bench/reporters/catalog.ts'
import { markdownReport } from '../../bench/reporters/markdown.ts'
import {
  formatAmount,
  formatDuration,
  scaleOfCpu,
  scaleOfMemory,
  scaleOfRates,
  scaleOfTimes,
} from '../../bench/reporters/numbers.ts'
import { scalingTables } from '../../bench/reporters/scaling.ts'
import { tablesOf } from '../../bench/reporters/tables.ts'
import { terminalReport } from '../../bench/reporters/terminal.ts'
import { CATALOG } from '../../servers/catalog.ts'
import { type MeasuredPoint, pointName } from '../../bench/points.ts'
import { throughputBy } from '../../bench/scaling.ts'
import { type Config, Results as ResultsSchema, type WarningKind } from '../../bench/schema.ts'
import {
  atRate,
  CONFIG,
  ENVIRONMENT,
  type Figures,
  measured,
  planned,
  repeat,
  results,
  SAME,
  sampleResults,
} from './sample.ts'

const SAMPLE = sampleResults()
/** What the reading of a table ends with when repeats differ by more than a tenth. */
const WIDE = ' But some repeats differ widely: see the warnings.'
const PLAIN = terminalReport(SAMPLE, { colour: false, columns: 100 })

describe('numbers', () => {
  test.each([
    [0, '0.00'],
    [0.034, '0.03'],
    [9.876, '9.88'],
    [12.34, '12.3'],
    [99.96, '100'],
    [123.4, '123'],
    [999.6, '1,000'],
    [1234, '1,230'],
    [91_234, '91,200'],
    [1_234_567, '1,230,000'],
    [-2.5, '-2.50'],
    [Number.NaN, '–'],
  ])('%d is written %s', (value, text) => expect(formatAmount(value)).toBe(text))

  test('one unit for a column, by its largest value', () => {
    expect(scaleOfTimes([500, 9_999_999]).unit).toBe('µs')
    expect(scaleOfTimes([500, 10_000_000]).unit).toBe('ms')
    expect(scaleOfRates([9_999]).unit).toBe('')
    expect(scaleOfRates([5, 10_000]).unit).toBe('k')
    expect(scaleOfMemory([9_999]).unit).toBe('KiB')
    expect(scaleOfMemory([10_000]).unit).toBe('MiB')
    expect(scaleOfCpu([9_999]).unit).toBe('µs')
    expect(scaleOfCpu([10_000]).unit).toBe('ms')
    expect(scaleOfTimes([]).unit).toBe('µs')
  })

  test.each([
    [850, '850 ms'],
    [2000, '2 s'],
    [12_345, '12.3 s'],
    [245_000, '4 min 5 s'],
  ])('%d ms last %s', (ms, text) => expect(formatDuration(ms)).toBe(text))
})

describe('tables', () => {
  const [ping, room, session] = tablesOf(SAMPLE)
  const models = (table: typeof ping) => table?.rows.map(({ cells }) => cells[1])
  const cell = (table: typeof ping, row: number, head: string) => {
    const column = table?.columns.findIndex((c) => c.head.join(' ').startsWith(head)) ?? -1
    return table?.rows[row]?.cells[column]
  }

  test('have the fastest first, and what has no figure last', () => {
    expect(models(ping)).toEqual(['async', 'sequential', 'thread', 'process'])
    expect(models(room)).toEqual(['async', 'thread', 'sequential', 'process'])
  })

  test('show ranks, shared where intervals overlap', () => {
    expect(ping?.rows.map(({ cells }) => cells[0])).toEqual(['1', '2', '3=', '3='])
    expect(room?.rows.map(({ cells }) => cells[0])).toEqual(['–', '1', '–', '–'])
  })

  test('say what was done, also without a warm-up', () => {
    expect(ping?.explanation).toContain('window 1, 2 × 1 s after 1 s of warm-up.')
    const workloads = CONFIG.workloads.map((workload) => ({ ...workload, warmupMs: 0 }))
    const config = { ...CONFIG, workloads }
    const cold = results([measured(planned('async'), { perSecond: 1 })], { config })
    expect(tablesOf(cold)[0]?.explanation).toMatch(/window 1, 1 × 1 s without warm-up\.$/)
  })

  test('show throughput with its interval, in a unit of the column', () => {
    expect(cell(ping, 0, 'PINGs')).toBe('92.2')
    expect(cell(ping, 0, 'interval')).toBe('91.0–93.4')
    expect(cell(session, 0, 'sessions')).toBe('1,920')
    expect(cell(room, 0, 'deliveries')).toBe('≥ 1,610')
  })

  test('show one client served of 16, and say what that means', () => {
    expect(cell(ping, 1, 'served')).toBe('1/16')
    expect(ping?.rows[1]?.cells.at(-1)).toBe('valid¹')
    expect(ping?.notes).toEqual([
      '¹ sequential talks to one client at a time: the figures are of 1 of 16, the others waited.',
    ])
  })

  test('show no figure of an invalid point, but why it is invalid', () => {
    expect(room?.rows.at(-1)?.cells.slice(0, 7)).toEqual(['–', 'process', '–', '–', '–', '–', '–'])
    expect(room?.notes.join('\n')).toContain(
      'process: the server hung (its process is stopped) (repeat 1).',
    )
    expect(room?.rows.at(-1)?.status).toBe('invalid')
  })

  test('show no 99th percentile of a few samples', () => {
    const row = models(session)?.indexOf('process') ?? -1
    expect(cell(session, row, 'p99')).toBe('–')
    expect(cell(session, row, 'max')).toBe('900')
  })

  test('of datagrams show how many were lost, and over what all went', () => {
    const workloads = [
      { name: 'echo' as const, clients: [16], window: 1, warmupMs: 0, durationMs: 1000 },
    ]
    const config = { ...CONFIG, workloads, transports: ['tcp' as const, 'udp' as const] }
    const echo = (transport: 'tcp' | 'udp') => ({
      ...planned('async'),
      workload: workloads[0]!,
      transport,
    })
    const run = results(
      [
        measured(echo('tcp'), { perSecond: 500 }),
        measured(echo('udp'), { perSecond: 400, lost: 6 }),
      ],
      { config },
    )
    expect(() => ResultsSchema.parse(run)).not.toThrow()
    const [tcp, udp] = tablesOf(run)
    expect([tcp?.title, udp?.title]).toEqual(['echo · 16 clients', 'echo over udp · 16 clients'])
    expect(tcp?.explanation).toContain('64-byte messages over TCP, window 1')
    expect(udp?.explanation).toContain('64-byte messages over UDP, window 1')
    expect(cell(udp, 0, 'lost')).toBe('1.50')
    expect(cell(tcp, 0, 'lost')).toBeUndefined()
    expect(udp?.rows[0]?.status).toBe('valid')
  })

  test('of some who work show what the others feel first, and the work beside', () => {
    const workloads = [
      { name: 'mix' as const, clients: [16], window: 1, warmupMs: 0, durationMs: 1000 },
    ]
    const mix = (model: string, toUs: number) =>
      measured(
        { ...planned(model), workload: workloads[0]!, senders: 2 },
        ...[380, 400].map((worksPerSecond) => ({ perSecond: 700, worksPerSecond, toUs })),
      )
    const config = { ...CONFIG, workloads, workMs: 20 }
    const run = results([mix('async', 90_000), mix('thread', 900)], { config })
    expect(() => ResultsSchema.parse(run)).not.toThrow()
    const [table] = tablesOf(run)
    expect(table?.title).toBe('mix · 16 clients, 2 of them compute')
    expect(table?.explanation).toContain(
      'WORK 20 again and again, which keeps a CPU busy for 20 ms',
    )
    expect(table?.reading).toContain(
      'The p99 of the others is 0.89 ms under thread and 89.1 ms under async.',
    )
    expect(cell(table, 0, 'PINGs')).toBe('700')
    expect(cell(table, 0, 'WORKs per s')).toBe('390')
    expect(cell(table, 0, 'WORK p50 µs')).toBe('7,000')
    expect(cell(table, 0, 'WORK p99 µs')).toBe('8,960')
  })

  test('of fairness show how evenly clients were answered, and say what the worst one got', () => {
    const workloads = [
      { name: 'fairness' as const, clients: [16], window: 4, warmupMs: 0, durationMs: 1000 },
    ]
    const even = (model: string, jain: number, worstOverMedian: number) =>
      measured(
        { ...planned(model), workload: workloads[0]! },
        { perSecond: 700, fairness: { jain, worstOverMedian } },
      )
    const run = results([even('thread', 0.871, 0.402), even('epoll', 0.9996, 0.981)], {
      config: { ...CONFIG, workloads },
    })
    expect(() => ResultsSchema.parse(run)).not.toThrow()
    const [table] = tablesOf(run)
    expect(table?.explanation).toContain('window 4,')
    expect(cell(table, 0, 'Jain')).toBe('0.871')
    expect(cell(table, 1, 'Jain')).toBe('1.000')
    expect(cell(table, 0, 'worst /median')).toBe('0.40')
    expect(table?.reading).toContain(
      'What the worst client gets, of what the median client gets, is 98 % under epoll and 40 % under thread.',
    )
  })

  test('of those who wait say how near they come to being alone', () => {
    const workloads = [
      { name: 'wait' as const, clients: [16], window: 1, warmupMs: 0, durationMs: 1000 },
    ]
    const wait = (model: string, perSecond: number) =>
      measured({ ...planned(model), workload: workloads[0]! }, { perSecond })
    const run = results([wait('async', 1520), wait('sequential', 96)], {
      config: { ...CONFIG, workloads },
    })
    expect(tablesOf(run)[0]?.reading).toContain(
      'Were each of 16 alone, there would be 1,600 WAITs/s; it is 95 % under async and 6 % under sequential.',
    )
  })

  test('of slow readers say who was let go, and with which words', () => {
    const workloads = [
      { name: 'slow' as const, clients: [16], window: 16, warmupMs: 0, durationMs: 1000 },
    ]
    const slow = (model: string, letGo: Record<string, number>) =>
      measured(
        { ...planned(model), workload: workloads[0]!, senders: 2 },
        ...[700, 800].map((perSecond) => ({ perSecond, slow: { readers: 2, letGo } })),
      )
    const run = results([slow('epoll', { 'ERROR :SendQ exceeded': 2 }), slow('thread', {})], {
      config: { ...CONFIG, workloads },
    })
    expect(() => ResultsSchema.parse(run)).not.toThrow()
    const [table] = tablesOf(run)
    expect(table?.title).toBe('slow · 16 clients, 2 of them stop reading')
    expect([cell(table, 0, 'let go'), cell(table, 1, 'let go')]).toEqual(['4/4', '0/4'])
    expect(table?.reading).toContain(
      'Of those who stopped reading, let go were 4 of 4 by epoll (4 × ERROR :SendQ exceeded) and 0 of 4 by thread.',
    )
  })

  test('of processes that were killed show whom that cost, and who noticed', () => {
    const workloads = [
      { name: 'crash' as const, clients: [16], window: 1, warmupMs: 0, durationMs: 1000 },
    ]
    const crash = (model: string, victims: number, replacedMs: number | null) =>
      measured(
        { ...planned(model), workload: workloads[0]!, senders: 4 },
        ...[700, 800].map((perSecond) => ({
          perSecond,
          crash: { victims, othersLost: 0, noticedMs: 12.5, replacedMs },
        })),
      )
    const run = results([crash('process', 1, 95), crash('cluster', 8, null)], {
      config: { ...CONFIG, workloads },
    })
    expect(() => ResultsSchema.parse(run)).not.toThrow()
    const [table] = tablesOf(run)
    const row = (at: number) =>
      ['victims', 'others lost', 'noticed ms', 'replaced ms'].map((head) => cell(table, at, head))
    expect([row(0), row(1)]).toEqual([
      ['2', '0', '12.5', '95.0'],
      ['16', '0', '12.5', '–'],
    ])
    expect(table?.reading).toContain(
      'A process that is killed costs 1.00 of 16 clients under process and 8.00 of 16 clients under cluster.',
    )
  })

  test('are one for each number of senders', () => {
    const workloads = [
      { name: 'mix' as const, clients: [16], window: 1, warmupMs: 0, durationMs: 1000 },
    ]
    const mix = (senders: number) =>
      measured({ ...planned('async'), workload: workloads[0]!, senders }, { perSecond: 700 })
    const run = results([mix(1), mix(8), mix(16)], { config: { ...CONFIG, workloads } })
    expect(tablesOf(run).map(({ title }) => title)).toEqual([
      'mix · 16 clients, 1 of them computes',
      'mix · 16 clients, 8 of them compute',
      'mix · 16 clients, all of them compute',
    ])
    expect(run.points.map(pointName)[1]).toBe('mix · async · 16 clients, 8 of them compute')
  })

  test('say in words what the numbers say', () => {
    expect(ping?.reading).toBe(
      'async is the fastest with 92,200 PINGs/s: 1.9 times sequential (which served 1 of 16), ' +
        '2.0 times thread and 2.1 times process. thread and process overlap.',
    )
    expect(room?.reading).toBe(
      'thread alone has a valid figure: 267,000 deliveries/s. ' +
        'async is not ranked: the load generator was the limit.',
    )
  })

  test('say that leaders cannot be told apart', () => {
    const run = results([
      measured(planned('thread'), { perSecond: 100 }, { perSecond: 120 }),
      measured(planned('async'), { perSecond: 110 }, { perSecond: 130 }),
      measured(planned('process'), { perSecond: 60 }, { perSecond: 60 }),
    ])
    expect(tablesOf(run)[0]?.reading).toBe(
      'async and thread lead, and their intervals overlap: no order among them can be told; ' +
        `the median of async is 2.0 times that of process.${WIDE}`,
    )
  })

  test('say who of those that share a rank does not overlap', () => {
    const run = results([
      measured(planned('thread'), { perSecond: 100 }, { perSecond: 120 }),
      measured(planned('async'), { perSecond: 115 }, { perSecond: 130 }),
      measured(planned('process'), { perSecond: 90 }, { perSecond: 102 }),
    ])
    expect(tablesOf(run)[0]?.reading).toBe(
      'async, thread and process lead, and their intervals overlap from one to the next (though async ' +
        `is above process): no other order among them can be told.${WIDE}`,
    )
  })

  test('say so of each of them', () => {
    const run = results([
      measured(planned('async'), { perSecond: 115 }, { perSecond: 130 }),
      measured(planned('poll'), { perSecond: 112 }, { perSecond: 129 }),
      measured(planned('thread'), { perSecond: 100 }, { perSecond: 120 }),
      measured(planned('epoll'), { perSecond: 101 }, { perSecond: 119 }),
      measured(planned('process'), { perSecond: 90 }, { perSecond: 100.5 }),
      measured(planned('cluster'), { perSecond: 80 }, { perSecond: 91 }),
    ])
    expect(tablesOf(run)[0]?.reading).toContain(
      'overlap from one to the next (though async, poll and epoll are above process and cluster; ' +
        'thread above cluster): no other order',
    )
  })

  test('say which warnings are about them, and not those about others', () => {
    const run = results([
      measured(planned('thread'), { perSecond: 100 }, { perSecond: 101 }),
      measured(planned('async'), { perSecond: 110 }, { perSecond: 111 }),
    ])
    const warn = (kind: WarningKind, points: string[]) =>
      tablesOf({ ...run, warnings: [{ kind, points, cause: '', tryThis: '' }] })[0]?.reading
    const own = pointName(run.points[0]!)
    const plain = 'async is the fastest with 111 PINGs/s: 1.1 times thread.'
    expect(warn('machine-busy', [own])).toBe(
      `${plain} But other programs ran meanwhile: see the warnings.`,
    )
    expect(warn('steady-state-missing', [own])).toBe(
      `${plain} But some rates were still changing: see the warnings.`,
    )
    expect(warn('machine-busy', ['room · thread · 16 clients'])).toBe(plain)
    expect(warn('model-served-few', [own])).toBe(plain)
  })

  test('say when nothing is valid', () => {
    const differs = [{ ...SAME[2]!, same: false, difference: 'line 7' }]
    const run = results([measured(planned('thread'))], {}, differs)
    expect(tablesOf(run)[0]?.reading).toBe('No model has a valid figure here.')
    expect(terminalReport(run, { colour: false })).toContain('thread: answers differently: line 7.')
  })
})

describe('the terminal report', () => {
  test('looks like this', async () => {
    await expect(PLAIN).toMatchFileSnapshot('./reporters.terminal.txt')
  })

  test('fits into 100 columns', () => {
    const widest = Math.max(...PLAIN.split('\n').map((line) => line.length))
    expect(widest).toBeLessThanOrEqual(100)
  })

  test('in a narrow terminal says below the table what has no room in it', () => {
    const narrow = terminalReport(SAMPLE, { colour: false, columns: 80 })
    const lines = narrow.split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    expect(narrow).toMatch(/^ 1 {2}async .* valid$/m)
    const [ping = '', room = '', session = ''] = narrow.split(/^(?=\w+ · 16 clients)/m).slice(1)
    expect(ping).toContain('\nserved  16/16, but sequential 1/16\nerrors  0\n')
    expect(ping).toMatch(/ p99 +max +CPU µs /)
    expect(room).toContain('\nserved  16/16\nerrors  0\nmax µs  900\n')
    expect(session).toContain('\nserved  16/16\nerrors  0\n\n')
    expect(PLAIN).not.toMatch(/^served/m)
  })

  test('names each model where their figures differ, and in the narrowest loses no figure', () => {
    const narrowest = terminalReport(SAMPLE, { colour: false, columns: 58 })
    expect(widthOf(narrowest)).toBeLessThanOrEqual(58)
    const words = narrowest.replaceAll(/\s+/g, ' ')
    expect(words).toContain(
      'KiB/client 500 CPU µs each async 8.68, sequential 16.5, thread 17.4, process 18.0',
    )
    const figures = PLAIN.match(/\d[\d,.–]*/g)!
    for (const figure of new Set(figures)) expect(words).toContain(figure)
  })

  test('in a wide terminal, or none, is as wide as can be read with ease', () => {
    expect(terminalReport(SAMPLE, { colour: false, columns: 120 })).toBe(PLAIN)
    expect(terminalReport(SAMPLE, { colour: false })).toBe(PLAIN)
  })

  test('has no trailing spaces, no colour unless asked for, and nothing unmeasured in words', () => {
    expect(PLAIN).not.toMatch(/ \n/)
    expect(PLAIN).not.toContain('\x1b')
    expect(PLAIN).not.toMatch(/NaN|undefined|null|Infinity/)
  })

  test('in colour says the same', () => {
    const coloured = terminalReport(SAMPLE, { colour: true, columns: 100 })
    expect(coloured).toContain('\x1b[31m')
    expect(coloured.replaceAll(/\x1b\[\d+m/g, '')).toBe(PLAIN)
  })
})

function over(transport: 'tcp' | 'unix', name: string, cannot: string | null = null) {
  return { ...planned(name, 'ping', Infinity, cannot), transport }
}

function sized(clients: number, name: string, cannot: string | null = null) {
  return { ...planned(name, 'session', Infinity, cannot), clients }
}

function twice(figures: Figures): [Figures, Figures] {
  return [figures, figures]
}

function at5000(name: string, ...runs: readonly Figures[]): MeasuredPoint {
  return measured(atRate(planned(name), 5000, 'poisson'), ...runs)
}

describe('an open loop in a report', () => {
  const OPEN: Config = { ...CONFIG, arrivals: 'poisson', ratesPerS: [5000] }
  const kept = { perSecond: 5000, offeredPerS: 5000 }
  const run = results(
    [
      at5000('thread', { ...kept, waitUs: 2000 }, { ...kept, waitUs: 2000 }),
      at5000('process', ...twice({ ...kept, perSecond: 3200, toUs: 900_000 })),
      at5000('async', kept, kept),
      at5000('sequential', ...twice({ ...kept, lagUs: 5000, waitUs: 3000 })),
    ],
    { config: OPEN },
  )
  const [table] = tablesOf(run)

  test('says in its title that it is one, how requests came, and at which rate', () => {
    expect(table!.title).toBe('ping · 16 clients · open loop, Poisson arrivals at 5,000/s')
    expect(table!.explanation).toContain('an arrival is a PING, on the next connection')
    expect(table!.explanation).not.toContain('window')
  })

  test('has what was offered and achieved, and response times beside service times', () => {
    const heads = table!.columns.map(({ head }) => head.join(' ').trim())
    expect(heads.slice(0, 7)).toEqual([
      'model',
      'offered per s',
      'PINGs per s',
      'response p50 ms',
      'response p99 ms',
      'response max ms',
      'service p99 ms',
    ])
    // In the order of the 99th percentile, and nobody ranked.
    expect(table!.rows.map(({ cells }) => cells.slice(0, 3))).toEqual([
      ['async', '5,000', '5,000'],
      ['thread', '5,000', '5,000'],
      ['sequential', '5,000', '5,000'],
      ['process', '5,000', '3,200'],
    ])
    const [async, thread] = table!.rows.map(({ cells }) => cells.slice(3, 7).map(Number))
    expect(async![1]).toBeCloseTo(0.89, 1)
    expect(thread![1]).toBeCloseTo(2.89, 1)
    expect(thread![3]).toBeCloseTo(0.89, 1)
  })

  test('says who did not keep up, and where the generator was late', () => {
    expect(table!.reading).toContain('process does not keep up.')
    expect(table!.reading).toContain('async, thread and sequential keep up; the 99th percentile')
    expect(table!.reading).toContain('The load generator was late at sequential.')
    const verdicts = table!.rows.map(({ cells }) => cells.at(-1))
    expect(verdicts).toEqual(['valid', 'valid', 'lower bound¹', 'valid²'])
    expect(table!.notes[0]).toContain('The load generator was late')
    expect(table!.notes[1]).toContain('Saturated')
  })

  test('has a legend of its own, for a terminal and in Markdown', () => {
    for (const text of [terminalReport(run, { colour: false }), markdownReport(run)]) {
      expect(text).toContain('Response times begin when a request was due')
      expect(text).not.toContain('share a rank')
      expect(text.replaceAll(/\s+/g, ' ')).toContain('process in ping with 16 clients at 5,000/s')
    }
  })

  test('without accounting says that nothing was proved, and ranks nobody', () => {
    const blind = results(
      ['thread', 'async'].map((name, i) =>
        measured(
          { ...planned(name), accounting: false },
          ...[1, 2].map((n) => ({ perSecond: 99 * n * (i + 1) })),
        ),
      ),
      { config: { ...CONFIG, accounting: false } },
    )
    expect(tablesOf(blind)[0]!.rows.map(({ cells }) => cells[0])).toEqual(['–', '–'])
    expect(tablesOf(blind)[0]!.reading).toContain('Nothing is ranked: no answer was proved.')
    expect(terminalReport(blind, { colour: false })).toContain('--no-ledger')
  })
})

describe('what a model was not run in by design', () => {
  const DATAGRAMS = 'serves udp only'
  const run = results([
    measured(over('tcp', 'async'), { perSecond: 100 }),
    measured(over('tcp', 'udp', DATAGRAMS)),
    measured(over('unix', 'async'), { perSecond: 100 }),
    measured(over('unix', 'udp', DATAGRAMS)),
    measured(sized(16, 'process'), { perSecond: 100 }),
    measured(sized(1050, 'process', 'admits 300 clients at most')),
    measured(sized(1050, 'async'), { perSecond: 100 }),
    measured(sized(5050, 'process', 'admits 300 clients at most')),
    measured(sized(5050, 'async'), { perSecond: 100 }),
    measured(planned('sequential', 'room', 1, 'talks to 1 client at a time')),
    measured(planned('async', 'room'), { perSecond: 100 }),
  ])

  test.each([
    ['terminal', terminalReport(run, { colour: false, columns: 100 })],
    ['Markdown', markdownReport(run)],
  ])('is said once where it would be said in several tables: %s', (_, text) => {
    const words = text.replaceAll(/\s+/g, ' ')
    expect(words).toContain(' udp is not in ping and ping over unix: it serves udp only. ')
    expect(words).toContain(
      ' process is not in session with 1,050 and 5,050 clients: it admits 300 clients at most. ',
    )
    expect(words.split(DATAGRAMS)).toHaveLength(2)
  })

  test('is said in a row where it is said once', () => {
    const names = tablesOf(run).map(({ rows }) => rows.map(({ cells }) => cells[1]).join(' '))
    expect(names).toEqual(['async', 'async', 'process', 'async', 'async', 'async sequential'])
  })
})

const THREE = { ...CONFIG, repeats: 3 }

describe('an interrupted run', () => {
  const CUT = results(
    [
      measured(planned('async'), { perSecond: 100 }, { perSecond: 120 }),
      measured(planned('thread'), { perSecond: 300 }),
      measured(planned('process')),
      measured(planned('async', 'session'), { perSecond: 100 }),
      measured(planned('thread', 'session'), { perSecond: 50 }),
      measured(planned('async', 'room')),
      measured(planned('thread', 'room')),
      measured(planned('sequential', 'room', 1, 'talks to 1 client at a time')),
    ],
    { status: 'interrupted', config: THREE },
  )
  const [ping, session, room] = tablesOf(CUT)
  const REPORTS = [
    ['terminal', terminalReport(CUT, { colour: false })],
    ['Markdown', markdownReport(CUT)],
  ] as const

  test.each(REPORTS)('says so, and what is missing: %s', (_, text) => {
    const words = text.replaceAll(/\s+/g, ' ')
    expect(words).toContain(
      'Interrupted: 3 of 7 points were not run, and 4 have fewer than 3 repeats.',
    )
    expect(words).toContain('not run: interrupted.')
    expect(words).toContain('1 of 3 repeats: not ranked, for want of a spread.')
    expect(words).toContain('2 of 3 repeats.')
    expect(words).not.toMatch(/NaN|undefined|null/)
  })

  test('ranks nobody by a single repeat, and draws nothing from it', () => {
    expect(ping?.rows.map(({ cells, isFirst }) => [cells[0], cells[1], isFirst])).toEqual([
      ['–', 'thread', false],
      ['1', 'async', true],
      ['–', 'process', false],
    ])
    expect(ping?.reading).toBe(
      `async alone has the repeats to be ranked: 110 PINGs/s. thread is not ranked: 1 of 3 repeats.${WIDE}`,
    )
    expect(session?.rows.map(({ cells }) => cells[0])).toEqual(['–', '–'])
    expect(session?.reading).toBe('Nothing is ranked: that takes 2 repeats.')
    expect(session?.explanation).toContain('1 × 1.5 s')
    expect(session?.rows.map(({ cells }) => cells[3])).toEqual(['–', '–'])
  })

  test('keeps the points that were not run, in a table of their own if need be', () => {
    expect(ping?.rows.at(-1)).toMatchObject({ status: 'interrupted' })
    expect(room?.rows.map(({ cells }) => cells.at(-1))).toEqual([
      'not run¹',
      'not run¹',
      'not run²',
    ])
    expect(room?.reading).toBe('Nothing was measured here.')
    expect(ResultsSchema.parse(CUT)).toEqual(CUT)
  })

  test('compares those that were ranked, and says that there are others', () => {
    const run = results(
      [
        measured(planned('async'), { perSecond: 100 }, { perSecond: 110 }),
        measured(planned('thread'), { perSecond: 50 }, { perSecond: 60 }),
        measured(planned('process'), { perSecond: 90 }),
      ],
      { status: 'interrupted', config: THREE },
    )
    expect(tablesOf(run)[0]?.reading).toBe(
      'Of those ranked, async is the fastest with 105 PINGs/s: 1.9 times thread. ' +
        `process is not ranked: 1 of 3 repeats.${WIDE}`,
    )
  })
})

test('a point that is precise has no repeats missing', () => {
  const config = { ...CONFIG, repeats: 9, precisionShare: 0.03 }
  const steady = [100, 101, 100, 99, 100].map((perSecond) => ({ perSecond }))
  const run = results([measured(planned('async'), ...steady)], { config })
  expect(run.points[0]?.stoppedBy).toBe('precision')
  expect(tablesOf(run)[0]?.notes).toEqual([])
  expect(tablesOf(run)[0]?.explanation).toContain('5 × 1 s')
})

test('pinned cores stand in the head of a report', () => {
  const pinning = { generatorCores: [0], serverCores: [1, 2] }
  const run = results([], { environment: { ...ENVIRONMENT, pinning } })
  expect(terminalReport(run, { colour: false })).toContain(
    'load generator on core 0, servers on cores 1, 2\n',
  )
})

test('a complete run of a single repeat ranks nothing', () => {
  const run = results(
    [
      measured(planned('async'), { perSecond: 100 }),
      measured(planned('thread'), { perSecond: 50 }),
    ],
    { config: { ...CONFIG, repeats: 1 } },
  )
  const [table] = tablesOf(run)
  expect(table?.rows.map(({ cells }) => cells[0])).toEqual(['–', '–'])
  expect(table?.notes).toEqual(['¹ 1 repeat: not ranked, for want of a spread.'])
  expect(table?.reading).toBe('Nothing is ranked: that takes 2 repeats.')
})

describe('the Markdown report', () => {
  const markdown = markdownReport(SAMPLE)

  test('looks like this', async () => {
    await expect(markdown).toMatchFileSnapshot('./reporters.markdown.txt')
  })

  test('has as many cells in every row of a table as in its head', () => {
    const tables = markdown.split('\n\n').filter((part) => part.startsWith('|'))
    expect(tables).toHaveLength(3)
    for (const table of tables) {
      const widths = table.split('\n').map((line) => line.split(/(?<!\\)\|/).length)
      expect(new Set(widths).size).toBe(1)
    }
  })

  test('does not let the words of a server become mark-up', () => {
    const text = 'the server died (exit code 1: <script>|`*_[x](http://y)'
    const bad = measured(planned('thread'), {
      perSecond: 1,
      faults: [{ kind: 'server-died', text }],
    })
    const report = markdownReport(results([bad]))
    expect(report).not.toMatch(/(?<!\\)<script|(?<!\\)\[x\]/)
    expect(report).toContain('\\<script\\>\\|\\`\\*\\_\\[x\\]')
  })
})

test('the catalog names every model and what it answers', () => {
  const text = renderCatalog(CATALOG, { colour: false })
  for (const { name, summary, useFor, notFor, conversationsRun, reachHubBy } of CATALOG) {
    expect(text).toContain(`${name}  ${summary}`)
    expect(text.replaceAll(/\s+/g, ' ')).toContain(`use it for ${useFor} not for ${notFor} `)
    expect(text.replaceAll(/\s+/g, ' ')).toContain(conversationsRun)
    expect(text).toContain(`by ${reachHubBy}`)
  }
  expect(widthOf(text)).toBeLessThanOrEqual(100)
  expect(widthOf(renderCatalog(CATALOG, { colour: false, columns: 60 }))).toBeLessThanOrEqual(60)
})

function widthOf(text: string): number {
  return Math.max(...text.split('\n').map((line) => line.length))
}

test('the golden reports are those of this version', () => {
  const golden = readFileSync(new URL('./reporters.terminal.txt', import.meta.url), 'utf8')
  expect(golden).toContain('ping · 16 clients')
})

function byLaw(clients: number): number {
  return throughputBy({ lambdaPerS: 20_000, sigma: 0.03, kappa: 0.0006 }, clients)
}

describe('a sweep in a report', () => {
  const sizes = [1, 2, 4, 8, 16, 32, 64]
  const sweep = (name: string, perS: (clients: number) => number, atOnce = Infinity) =>
    sizes.map((clients) => ({
      planned: { ...planned(name, 'ping', atOnce), clients },
      repeats: [1, 2].map((number) =>
        repeat(
          number,
          { perSecond: Math.round(perS(clients)), served: Math.min(atOnce, clients) },
          clients,
        ),
      ),
    }))
  const run = results([
    ...sweep('thread', (n) => (n === 64 ? byLaw(n) / 1.08 : byLaw(n))),
    ...sweep('async', (n) => 20_000 * Math.min(n, 8)),
    ...sweep('sequential', () => 20_000, 1),
  ])
  const [table] = scalingTables(run)

  test('says of each model what the law is, or why it has none', () => {
    expect(table?.title).toBe('ping · how it scales')
    expect(table?.reading).toBe(
      'thread: contention 3.00 %, coherency 0.06 %: the most at 40 clients; predicted 64 clients 8 % too high. ' +
        'async: not this law; it predicted 64 clients 700 % too high. ' +
        'sequential: no law, with figures for 1 clients only.',
    )
  })

  test('has a row for each, with what was predicted and measured', () => {
    expect(table?.rows.map(({ cells }) => cells)).toEqual([
      ['thread', '20,000', '3.00', '0.06', '40', '1–8', '64', '241', '223', '+8', 'valid'],
      ['async', '20,000', '0.00', '0.00', '–', '1–8', '64', '1,280', '160', '+700', 'doubtful¹'],
      ['sequential', '–', '–', '–', '–', '–', '–', '–', '–', '–', 'doubtful²'],
    ])
    expect(table?.notes).toHaveLength(2)
  })

  test('stands behind the tables of the sizes, in a terminal of 80 columns and in Markdown', () => {
    const text = terminalReport(run, { colour: false, columns: 80 })
    expect(text).toContain('\nping · how it scales\n')
    for (const line of text.split('\n')) expect(line.length).toBeLessThanOrEqual(80)
    expect(markdownReport(run)).toContain('## ping · how it scales')
    expect(() => ResultsSchema.parse(run)).not.toThrow()
  })

  test('is not there where nothing was swept', () => expect(scalingTables(SAMPLE)).toEqual([]))
})
