// The formats for other programs. Each is read here as its readers read it, against the rules that they
// publish: what comes out is what the results say, and nothing in it is made up.

import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { pointName } from '../../bench/points.ts'
import { bencherReport } from '../../bench/reporters/bencher.ts'
import { csvReport } from '../../bench/reporters/csv.ts'
import { FORMAT_NAMES, FORMATS, formatTable, leftOut } from '../../bench/reporters/formats.ts'
import { biggerIsBetterReport, smallerIsBetterReport } from '../../bench/reporters/github.ts'
import { hgrmReport } from '../../bench/reporters/hgrm.ts'
import type { Point } from '../../bench/schema.ts'
import { atRate, measured, planned, results, sampleResults } from './sample.ts'

const SAMPLE = sampleResults()
const VALID = SAMPLE.points.filter(({ status }) => status === 'valid')
const USABLE = SAMPLE.points.filter(({ status }) => ['valid', 'lower-bound'].includes(status))
const NOTHING = results([measured(planned('sequential', 'room', 1, 'talks to one client'))])

function pointOf(workload: string, model: string): Point {
  return SAMPLE.points.find((point) => point.workload === workload && point.model === model)!
}

/** Null is a word of JSON, and of the scripts in a page. */
const NOT_FIGURES = /: null\b|<(script|pre)[^]*?<\/\1>/g

describe('every format', () => {
  test.each(FORMAT_NAMES)('%s has nothing unmeasured in it', async (name) => {
    const render = await FORMATS[name].load()
    for (const run of [SAMPLE, NOTHING]) {
      const rendered = render(run, { colour: false })
      const texts = typeof rendered === 'string' ? [rendered] : rendered.map(({ text }) => text)
      for (const text of texts) {
        expect(text.replaceAll(NOT_FIGURES, '')).not.toMatch(/NaN|undefined|Infinity|null|\[object/)
      }
    }
  })

  test('but the results themselves ends otherwise than .json, and each in its own way', () => {
    const extensions = FORMAT_NAMES.map((name) => FORMATS[name].extension)
    expect(new Set(extensions).size).toBe(FORMAT_NAMES.length)
    expect(FORMAT_NAMES.filter((name) => FORMATS[name].extension.endsWith('json'))).toEqual([
      'json',
    ])
  })

  test('has a line in --help, that fits', () => {
    for (const name of FORMAT_NAMES) expect(formatTable()).toContain(`\n  ${name} `)
    expect(
      Math.max(
        ...formatTable()
          .split('\n')
          .map((line) => line.length),
      ),
    ).toBeLessThanOrEqual(80)
  })

  test('says how many points it has no room for', () => {
    expect(leftOut('csv', SAMPLE.points)).toBeNull()
    expect(leftOut('hgrm', SAMPLE.points)).toBe('1 invalid point and 1 point that cannot be run')
    expect(leftOut('bencher', SAMPLE.points)).toBe(
      '1 lower bound, 1 invalid point and 1 point that cannot be run',
    )
  })
})

/** RFC 4180, to the letter: lines end with CR LF, fields are quoted or hold no quote, comma or line end. */
function parseCsv(text: string): string[][] {
  const lines: string[][] = []
  let line: string[] = []
  let rest = text
  while (rest !== '') {
    const match = /^(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/.exec(rest)
    if (!match) throw new Error(`no field: ${JSON.stringify(rest.slice(0, 60))}`)
    line.push(match[1]?.replaceAll('""', '"') ?? match[2]!)
    if (match[3] === '\r\n') {
      lines.push(line)
      line = []
    }
    rest = rest.slice(match[0].length)
  }
  if (line.length > 0) throw new Error('the last line has no end')
  return lines
}

/** As a table with names. */
function readCsv(text: string): Record<string, string>[] {
  const [header = [], ...lines] = parseCsv(text)
  return lines.map((cells) => {
    expect(cells).toHaveLength(header.length)
    return Object.fromEntries(header.map((name, i) => [name, cells[i]!]))
  })
}

describe('CSV', () => {
  const rows = readCsv(csvReport(SAMPLE))

  test('has a row for each repeat, and one for a point that was never run', () => {
    const repeats = SAMPLE.points.flatMap(({ repeats: list }) => (list.length > 0 ? list : [null]))
    expect(rows).toHaveLength(repeats.length)
    expect(rows.map(({ repeat }) => repeat)).toEqual(repeats.map((r) => `${r?.repeat ?? ''}`))
    const cannot = rows.find(({ status }) => status === 'cannot')
    expect(cannot).toMatchObject({ workload: 'room', model: 'sequential', repeat: '' })
    expect(cannot!['reasons']).toBe('talks to 1 client at a time, so nobody hears')
    expect(cannot!['throughput_per_s']).toBe('')
  })

  test('names are words with units at their ends, and every one once', () => {
    const [header = []] = parseCsv(csvReport(SAMPLE))
    expect(new Set(header).size).toBe(header.length)
    for (const name of header) expect(name).toMatch(/^[a-z][a-z0-9_]*$/)
    const times = header.filter((name) => /(?:time|lag)_(?!count)/.test(name))
    expect(times.filter((name) => !name.endsWith('_ns'))).toEqual([])
  })

  test('has the figures of the file, to the last digit', () => {
    const { repeats, rank } = pointOf('ping', 'async')
    const own = rows.filter(({ workload, model }) => workload === 'ping' && model === 'async')
    expect(own).toHaveLength(2)
    for (const [i, { load, resources, throughputPerS, order }] of repeats.entries()) {
      const number = (name: string) => Number(own[i]![name])
      expect(number('throughput_per_s')).toBe(throughputPerS)
      expect(number('order')).toBe(order)
      expect(number('service_time_p99_ns')).toBe(load!.serviceTime.p99Ns)
      expect(number('service_time_count')).toBe(load!.serviceTime.count)
      expect(number('server_cpu_ms')).toBe(resources!.cpuMs)
      expect(number('held_memory_kib')).toBe(resources!.heldMemoryKib)
      expect(number('rank')).toBe(rank)
    }
    expect(own[0]).toMatchObject({ status: 'valid', reasons: '', rank_shared: 'false' })
  })

  test('says why a point is not valid, and keeps its figures', () => {
    const hung = rows.find(({ status }) => status === 'invalid')!
    expect(hung['reasons']).toBe('the server hung (its process is stopped) (repeat 1)')
    expect(Number(hung['throughput_per_s'])).toBe(251_000)
    expect(rows.find(({ status }) => status === 'lower-bound')!['reasons']).toContain('generator')
  })

  test('keeps what servers say in its cell, and spreadsheets from computing it', () => {
    const words = [
      '=HYPERLINK("http://evil","free")',
      '+1',
      '-2+3',
      '@SUM(A1)',
      '\t=1',
      'two "words",\r\nand a line',
      'as it is',
    ]
    const points = words.map((text, i) =>
      measured(planned(`m${i}`), {
        perSecond: 5,
        faults: [{ kind: 'server-died', text }],
      }),
    )
    const run = results(points)
    const read = readCsv(csvReport(run)).map((row) => row['faults'])
    expect(read).toEqual(words.map((text, i) => (i < 5 ? `'${text}` : text)))
  })

  test('does not take a negative number for a formula', () => {
    const run = results([measured(planned('async'), { perSecond: 5, thirds: -0.5 })])
    expect(readCsv(csvReport(run))[0]!['last_third_over_first']).toBe('-0.5')
  })
})

/** As the plotter reads a file: lines of four columns that do not begin with #. */
function plotted(text: string): { us: number; inverse: number }[] {
  return text.split('\n').flatMap((line) => {
    const columns = line.trim().split(/ +/)
    const [us, inverse] = [Number(columns[0]), Number(columns[3])]
    const isPoint = line[0] !== '#' && columns.length === 4 && !Number.isNaN(us + inverse)
    return isPoint ? [{ us, inverse }] : []
  })
}

describe('.hgrm', () => {
  const parts = hgrmReport(SAMPLE)

  test('is a file for each kind of time of each point with usable figures', () => {
    const names = USABLE.map(
      ({ workload, model, senders }) =>
        `${workload}-${model}-16-clients${senders > 0 ? '-4-of-them-speak' : ''}-service-time`,
    )
    const firstAnswers = USABLE.filter(({ workload }) => workload === 'session').map(
      ({ model }) => `session-${model}-16-clients-first-answer-time`,
    )
    expect(parts.map(({ name }) => name).toSorted()).toEqual([...names, ...firstAnswers].toSorted())
  })

  test.each(parts.map((part) => [part.name, part] as const))('%s has its form', (_, { text }) => {
    const lines = text.trimEnd().split('\n')
    const body = lines.filter((line) => !line.startsWith('#') && line.trim() !== '')
    expect(body[0]!.trim().split(/ +/)).toEqual([
      'Value',
      'Percentile',
      'TotalCount',
      '1/(1-Percentile)',
    ])
    for (const line of body.slice(1, -1)) {
      expect(line).toMatch(/^ *\d+\.\d{3} [01]\.\d{12} +\d+ +\d+\.\d{2}$/)
    }
    expect(body.at(-1)).toMatch(/^ *\d+\.\d{3} 1\.0{12} +\d+$/)
    expect(lines.slice(-3).join('\n')).toMatch(
      /^#\[Mean +=.*StdDeviation.*\]\n#\[Max +=.*Total count.*\]\n#\[Buckets =.*SubBuckets.*\]$/,
    )
  })

  test('says which point it is of, and in which unit', () => {
    expect(parts[0]!.text.split('\n')[0]).toBe(
      '# ping · sequential · 16 clients: service time in microseconds',
    )
    const bound = parts.find(({ point }) => point === 'room · async · 16 clients, 4 of them speak')
    expect(bound!.text).toContain('\n# lower bound: the load generator was the limit\n')
  })

  test('has the distribution of the results, in microseconds', () => {
    const { summary } = pointOf('ping', 'async')
    const part = parts.find(({ name }) => name === 'ping-async-16-clients-service-time')!
    const curve = plotted(part.text)
    expect(curve.length).toBeGreaterThan(20)
    const histogram = decodeFromCompressedBase64(summary!.serviceTime.hdr)
    for (const { us, inverse } of curve) {
      const percentile = 100 - 100 / inverse
      const expected = histogram.getValueAtPercentile(percentile) / 1000
      // The columns are rounded, and a step further is the next bucket.
      expect(Math.abs(us - expected) / expected).toBeLessThan(0.01)
    }
    expect(part.text).toContain(` ${summary!.serviceTime.count}]`)
  })
})

/** README of github-action-benchmark, "Generic JSON format": name, unit and value, maybe range and extra. */
const GITHUB = z.array(
  z.strictObject({
    name: z.string().min(1),
    unit: z.string().min(1),
    value: z.number(),
    range: z.string().optional(),
    extra: z.string().optional(),
  }),
)

describe('github-action-benchmark', () => {
  const bigger = GITHUB.parse(JSON.parse(biggerIsBetterReport(SAMPLE)))
  const smaller = GITHUB.parse(JSON.parse(smallerIsBetterReport(SAMPLE)))

  test('has the throughput of each valid point, and half its interval', () => {
    expect(bigger.map(({ name }) => name)).toEqual(
      VALID.map((point) => `${pointName(point)} · throughput`),
    )
    expect(bigger.find(({ name }) => name.startsWith('ping · async'))).toEqual({
      name: 'ping · async · 16 clients · throughput',
      unit: 'PINGs/s',
      value: 92_200,
      range: '± 1200',
      extra: 'repeats: 2',
    })
  })

  test('has what less is better of apart', () => {
    const own = smaller.filter(({ name }) => name.startsWith('ping · async'))
    expect(own.map(({ name, unit }) => [name.split(' · ').at(-1), unit])).toEqual([
      ['service time p50', 'µs'],
      ['service time p99', 'µs'],
      ['CPU per operation', 'µs'],
      ['memory per client', 'KiB'],
    ])
    expect(own[0]!.value).toBe(pointOf('ping', 'async').summary!.serviceTime.p50Ns / 1000)
  })

  test('has no percentile of too few samples', () => {
    const names = smaller.map(({ name }) => name)
    expect(names).toContain('session · process · 16 clients · service time p50')
    expect(names).not.toContain('session · process · 16 clients · service time p99')
  })

  test('names every figure once: a name is what a history hangs on', () => {
    for (const list of [bigger, smaller]) {
      expect(new Set(list.map(({ name }) => name)).size).toBe(list.length)
    }
  })

  test('is empty where nothing is valid', () => {
    expect(JSON.parse(biggerIsBetterReport(NOTHING))).toEqual([])
  })
})

describe('an open loop', () => {
  const figures = { perSecond: 5000, offeredPerS: 5000, waitUs: 1000, lagUs: 40 }
  const run = results([measured(atRate(planned('async'), 5000, 'poisson'), figures, figures)])
  const { summary } = run.points[0]!

  test('has its rate, its response times and its schedule in CSV', () => {
    const [row] = readCsv(csvReport(run))
    expect(row).toMatchObject({ arrivals: 'poisson', offered_per_s: '5000', sent_per_s: '5000' })
    const { responseTime, schedule } = run.points[0]!.repeats[0]!.load!
    expect(Number(row!['response_time_p99_ns'])).toBe(responseTime!.p99Ns)
    expect(Number(row!['schedule_lag_max_ns'])).toBe(schedule!.lag.maxNs)
  })

  test('is judged by response times, so they come first', () => {
    const name = 'ping-async-16-clients-at-5-000-s'
    expect(hgrmReport(run).map((part) => part.name)).toEqual([
      `${name}-response-time`,
      `${name}-service-time`,
      `${name}-schedule-lag`,
    ])
  })

  test('has them in a history', () => {
    const point = BENCHER.parse(JSON.parse(bencherReport(run)))[
      'ping · async · 16 clients · at 5,000/s'
    ]
    expect(point!['response-time-p99-us']!.value).toBe(summary!.responseTime!.p99Ns! / 1000)
  })

  test('a closed loop has none of it', () => {
    expect(bencherReport(SAMPLE)).not.toContain('response')
    expect(readCsv(csvReport(SAMPLE))[0]).toMatchObject({ arrivals: 'closed', offered_per_s: '' })
  })
})

/** https://bencher.dev/bmf.json, with the lengths that its documentation gives. */
const BENCHER = z.record(
  z.string().min(1).max(1024),
  z.record(
    z.string().min(1).max(64),
    z.strictObject({
      value: z.number(),
      lower_value: z.number().optional(),
      upper_value: z.number().optional(),
    }),
  ),
)

describe('Bencher Metric Format', () => {
  const benchmarks = BENCHER.parse(JSON.parse(bencherReport(SAMPLE)))

  test('has the valid points, by name', () => {
    expect(Object.keys(benchmarks)).toEqual(VALID.map(pointName))
  })

  test('has slugs for measures, and the interval of throughput', () => {
    const own = benchmarks['ping · async · 16 clients']!
    expect(own['throughput']).toEqual({ value: 92_200, lower_value: 91_000, upper_value: 93_400 })
    for (const measure of Object.keys(own)) expect(measure).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
    expect(Object.keys(own)).toContain('service-time-p99-us')
    for (const { value, lower_value: lower, upper_value: upper } of Object.values(own)) {
      expect(lower ?? value).toBeLessThanOrEqual(value)
      expect(upper ?? value).toBeGreaterThanOrEqual(value)
    }
  })

  test('is empty where nothing is valid', () => {
    expect(JSON.parse(bencherReport(NOTHING))).toEqual({})
  })
})
