import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { usable } from '../../bench/points.ts'
import { dataSection } from '../../bench/reporters/html/about.ts'
import { adviceOf, answersOf } from '../../bench/reporters/html/advice.ts'
import { clientsChart, percentilesChart, ratesChart } from '../../bench/reporters/html/charts.ts'
import { looksOf } from '../../bench/reporters/html/looks.ts'
import { html, json } from '../../bench/reporters/html/markup.ts'
import { htmlReport } from '../../bench/reporters/html/page.ts'
import { regimePart } from '../../bench/reporters/html/regime.ts'
import { workloadSections } from '../../bench/reporters/html/workload.ts'
import { STYLE } from '../../bench/reporters/html/style.ts'
import { resultsToJson } from '../../bench/results.ts'
import { costTables } from '../../bench/reporters/connection-costs.ts'
import { regimeTables } from '../../bench/reporters/regimes.ts'
import { scalingTables } from '../../bench/reporters/scaling.ts'
import { tablesOf } from '../../bench/reporters/tables.ts'
import { CATALOG } from '../../servers/catalog.ts'
import { contrast, difference, SIGHTS } from './colour.ts'
import { EVIL, pageResults } from './html-sample.ts'
import { measured, planned, results, sampleResults } from './sample.ts'

/** To draw a page takes seconds where many run at once. */
const LONG_MS = 120_000

const RUN = pageResults()
const PAGE = htmlReport(RUN)
const LOOKS = looksOf(RUN.config.models)

describe('mark-up', () => {
  test('text stays text, in elements and in attributes', () => {
    expect(html`<p title="${'"><b>'}">${"<i>&'"}</p>`.text).toBe(
      '<p title="&quot;&gt;&lt;b&gt;">&lt;i&gt;&amp;&#39;</p>',
    )
  })

  test('what the template made is not escaped again, lists are joined, null is nothing', () => {
    expect(
      html`<ul>
        ${[1, 2].map((n) => html`<li>${n}</li>`)}${null}
      </ul>`.text,
    ).toBe('<ul>\n<li>1</li><li>2</li>\n</ul>')
  })

  test('data for scripts cannot end their element, and are read as they were', () => {
    const { text } = json([EVIL, '<!--'])
    expect(text).not.toContain('<')
    expect(JSON.parse(text)).toEqual([EVIL, '<!--'])
  })
})

describe('the looks of models', () => {
  const all = looksOf(CATALOG.map(({ name }) => name))

  test('each has a colour and a marker of its own, the same in every run', () => {
    expect(new Set(all.map(({ colour }) => colour)).size).toBe(CATALOG.length)
    expect(new Set(all.map(({ marker }) => marker)).size).toBe(CATALOG.length)
    expect(looksOf(['cluster', 'thread'])).toEqual(
      all.filter(({ model }) => ['cluster', 'thread'].includes(model)),
    )
  })

  test('a model under other options keeps both, and has another line', () => {
    const [usual, spares] = looksOf(['process', 'process:spares=8'])
    expect(spares).toEqual({ ...usual, model: 'process:spares=8', dash: 'dashed' })
  })

  test.each(['light', 'dark'] as const)(
    'can be told apart and from the page, %s, by all kinds of eyes',
    (theme) => {
      const [light = '', dark = ''] = STYLE.split('prefers-color-scheme:dark')
      const text = theme === 'light' ? light : dark
      const value = (name: string) => new RegExp(`${name}:(#[0-9a-f]+)`).exec(text)?.[1] ?? ''
      const colours = all.map(({ colour }) => value(colour))
      for (const colour of colours)
        expect(contrast(colour, value('--paper'))).toBeGreaterThanOrEqual(3)
      for (const ink of ['--ink', '--soft', '--link', '--warn', '--bad']) {
        expect(contrast(value(ink), value('--paper'))).toBeGreaterThanOrEqual(4.5)
      }
      for (const sight of SIGHTS) {
        for (const [i, a] of colours.entries()) {
          for (const b of colours.slice(i + 1)) {
            expect(difference(a, b, sight), `${a} ${b} ${sight}`).toBeGreaterThan(0.05)
          }
        }
      }
    },
  )
})

describe('charts', () => {
  const pings = RUN.points.filter(({ workload, clients }) => workload === 'ping' && clients === 12)

  test('throughput: best first, with interval and every repeat, lower bounds marked', () => {
    const chart = ratesChart(pings, LOOKS)!
    expect(chart.rows.map(({ median }) => median)).toEqual(
      chart.rows.map(({ median }) => median).toSorted((a, b) => b - a),
    )
    for (const { low, median, high, repeats } of chart.rows) {
      expect(repeats).toHaveLength(3)
      expect(low).toBeLessThanOrEqual(median)
      expect(high).toBeGreaterThanOrEqual(median)
    }
    expect(chart.rows.find(({ model }) => model === 'epoll')!.text).toMatch(/^≥ 13\d k \(/)
    expect(chart.axis).toBe('k PINGs per second')
  })

  test('percentile curves rise, agree with the summary, and end where there are too few times', () => {
    const chart = percentilesChart(pings, LOOKS)!
    const scale = chart.unit === 'ms' ? 1e6 : 1e3
    for (const { model, points } of chart.lines) {
      const ys = points.map(([, y]) => y)
      expect(ys).toEqual(ys.toSorted((a, b) => a - b))
      const { serviceTime } = usable(pings.find((point) => point.model === model)!)!
      const at99 = points.find(([x]) => x === 2)![1]
      expect(at99 * scale).toBeCloseTo(Number(serviceTime.p99Ns!.toPrecision(4)), 0)
      expect(serviceTime.count * 10 ** -points.at(-1)![0]).toBeGreaterThan(9.99)
    }
  })

  test('against clients: only where a model has several sizes', () => {
    const rate = { name: 'PINGs', unit: '', divisor: 1 }
    const of = (points: typeof pings) =>
      clientsChart(points, LOOKS, rate, (s) => s.throughputPerS.median)
    expect(of(pings)).toBeNull()
    const chart = of(RUN.points.filter(({ workload }) => workload === 'ping'))!
    expect(chart.xTicks.map(({ text }) => text)).toEqual(['3', '6', '12', '25', '50', '100', '200'])
    expect(chart.lines.map(({ points }) => points.length)).toEqual(Array(8).fill(7))
  })

  test('a run without figures has none', () => {
    const { points } = results([
      measured(planned('thread', 'ping', Infinity, 'is not for this machine')),
    ])
    expect([ratesChart(points, LOOKS), percentilesChart(points, LOOKS)]).toEqual([null, null])
  })
})

const adviceFor = (need: string, run = RUN) => adviceOf(run).find((one) => one.need === need)!

describe('advice', () => {
  test('names who is first in the largest size, by how much, and who is not ranked', () => {
    const { use, why } = adviceFor('many small requests')
    expect(use).toEqual(['poll'])
    expect(why).toMatch(
      /^\d{3},000 PINGs\/s, 1\.\d times as many as async, with 200 clients\. Not ranked, .* epoll at least 1/,
    )
  })

  test('names ties as ties', () => {
    const run = results([
      measured(planned('async'), { perSecond: 900 }, { perSecond: 1000 }),
      measured(planned('poll'), { perSecond: 950 }, { perSecond: 990 }),
      measured(planned('thread'), { perSecond: 500 }, { perSecond: 510 }),
    ])
    expect(adviceFor('many small requests', run).use.toSorted()).toEqual(['async', 'poll'])
  })

  test('is none where nothing is ranked, or nothing was measured', () => {
    const run = results([measured(planned('async'), { perSecond: 900 })])
    expect(adviceFor('many small requests', run)).toMatchObject({
      use: [],
      why: expect.stringContaining('two repeats'),
    })
    expect(adviceFor('whole files', run)).toMatchObject({ use: [], from: null })
    expect(answersOf(adviceOf(run))).toEqual([])
  })

  test('says of a tie of many that it puts nobody first', () => {
    const models = ['async', 'poll', 'epoll', 'pool']
    const run = results(
      models.map((name) => measured(planned(name), { perSecond: 900 }, { perSecond: 1000 })),
    )
    expect(plain(htmlReport(run))).toContain(
      'For many small requests this run puts nobody first: too many tie.',
    )
  })

  test('never names an invalid model, nor one that served fewer than there were', () => {
    const named = adviceOf(RUN).flatMap(({ use, need }) => use.map((model) => `${need}: ${model}`))
    expect(named).not.toContain('one message to many people: pool')
    expect(
      named.filter((text) => text.endsWith('sequential') && !text.includes('come and go')),
    ).toEqual([])
  })
})

describe('the page', () => {
  test('is under 1.5 MB, whatever is in it', () => {
    expect(Buffer.byteLength(PAGE)).toBeLessThan(1_500_000)
    expect(PAGE).toContain('base64,')
  })

  test('fetches nothing, and lets nothing run but what it brought', () => {
    expect(PAGE).not.toMatch(/(?:src|href|action|poster)="(?:https?:)?\/\//)
    expect(PAGE).not.toMatch(/@import|url\((?!#)/)
    const policy = /Content-Security-Policy"\s+content="([^"]*)"/
      .exec(PAGE)![1]!
      .replaceAll('&#39;', "'")
    expect(policy).toContain("default-src 'none'")
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    const [, script = ''] = /<script>([^]*?)<\/script>/.exec(PAGE) ?? []
    const [, style = ''] = /<style>([^]*?)<\/style>/.exec(PAGE) ?? []
    const [, library = ''] = /id="library">([^<]*)</.exec(PAGE) ?? []
    expect(policy).toContain(hash(script))
    expect(policy).toContain(hash(style))
    expect(policy).toContain(hash(gunzipSync(Buffer.from(library, 'base64')).toString()))
    expect(PAGE.replace(/<script[^]*?<\/script>/g, '')).not.toMatch(/ style="| on\w+="/)
  })

  test('takes no words of servers for mark-up', () => {
    expect(PAGE).not.toContain('<img')
    expect(PAGE).not.toContain('<script>document')
    expect(PAGE).toContain('the server hung &lt;/script&gt;')
  })

  test('carries the data as they are in the file', () => {
    const packed = /base64,([^"]*)"/.exec(PAGE)![1]!
    expect(gunzipSync(Buffer.from(packed, 'base64')).toString()).toBe(resultsToJson(RUN))
  })

  test('has every figure of the tables, cell by cell', () => {
    const rows = [...PAGE.matchAll(/<tr\s+class="status-[^"]*"\s*>([^]*?)<\/tr>/g)].map(
      ([, row = '']) =>
        [...row.matchAll(/<td[^>]*>([^]*?)<\/td>/g)].map(([, cell = '']) => plain(cell)),
    )
    const cells = tablesInPage().flatMap((table) => table.rows.map((row) => row.cells))
    expect(rows).toEqual(cells)
  })

  test('has a picture, a caption and a table for each chart, each with an id of its own', () => {
    const figures = PAGE.match(/<figure[^]*?<\/figure>/g)!
    expect(figures.length).toBeGreaterThan(15)
    for (const figure of figures) {
      expect(figure).toMatch(/<figcaption>/)
      expect(figure).toMatch(/role="img"\s+aria-label="[^"]{20,}"/)
      expect(figure).toMatch(/<details>[^]*<table/)
    }
    const ids = [...PAGE.matchAll(/\sid="([^"]*)"/g)].map(([, id]) => id)
    expect(ids).toHaveLength(new Set(ids).size)
    for (const [, target] of PAGE.matchAll(/href="#([^"]*)"/g)) expect(ids).toContain(target)
  })

  const odd = {
    'with one of each verdict': sampleResults(),
    'without a figure': results([
      measured(planned('thread', 'ping', Infinity, 'is not for this machine')),
    ]),
    'of a single repeat': results([
      measured(planned('async'), { perSecond: 900, resources: null }),
    ]),
    'that was interrupted': {
      ...results([measured(planned('thread'))]),
      status: 'interrupted' as const,
    },
  }
  test.each(Object.entries(odd))(
    'of a run %s has only words and numbers',
    { timeout: LONG_MS },
    (_, run) => {
      const page = htmlReport(run)
      const text = plain(page.replace(/<(script|style|pre)[^]*?<\/\1>/g, ''))
      expect(text).not.toMatch(/\bNaN\b|undefined|\bnull\b|Infinity|\[object/)
      expect(page).not.toMatch(/(?:d|transform|width|height|[xy])="[^"]*NaN/)
    },
  )

  test('shows the times of the largest sizes only, where all would be too many', () => {
    expect(figuresOf('all')!.length).toBeGreaterThan(10)
    expect(figuresOf('less')).toHaveLength(5)
  })

  test('leaves the data to the file beside it, where there is no room for them', () => {
    const { text } = dataSection(RUN, 1000).body
    expect(text.length).toBeLessThan(1000)
    expect(text).toContain('too large to be carried in this page')
    expect(text).toContain('href="2026-01-31T12-34-56Z.json"')
  })
})

describe('the regime map', () => {
  test('says what it takes, where there is none', () => {
    const { text } = regimePart(sampleResults(), LOOKS)
    expect(text).toContain('Not in this run')
    expect(text).not.toContain('<table')
  })

  test('has a field for each size and share, with the winner or the tie', () => {
    const { text } = regimePart(RUN, LOOKS)
    expect(text.match(/<td class/g)).toHaveLength(8)
    expect(text).toMatch(/class="(?:tint-model-\d|tie)"/)
  })
})

function figuresOf(detail: 'all' | 'less') {
  return workloadSections(RUN, LOOKS, detail)
    .map(({ body }) => body.text)
    .join('')
    .match(/class="chart" id="times-/g)
}

/** Maps are drawn. */
function tablesInPage() {
  const maps = new Set(regimeTables(RUN).map(({ title }) => title))
  const tables = tablesOf(RUN).filter(({ title }) => !maps.has(title))
  return [...tables, ...scalingTables(RUN), ...costTables(RUN)]
}

function hash(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}

/** What a reader sees of it. */
function plain(markup: string): string {
  return markup
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .trim()
}
