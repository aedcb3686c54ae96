// What the page does where scripts run: still pictures become charts that answer to a pointer, names in the
// keys become buttons, and the data can be saved as they are. Without it nothing is missing that is not also
// in words or in a table.
//
// The functions here run in a browser. They reach it as text, so they use nothing that is imported; what
// they know of a browser stands in the few types below.

import { formatAmount, formatCount, UNKNOWN } from '../numbers.ts'
import type { Chart, Drawing } from './chart-option.ts'
import type { chartHeight, chartOption } from './chart-option.ts'
import { SHARED_FUNCTIONS } from './chart-option.ts'

interface Element {
  readonly dataset: Record<string, string | undefined>
  readonly style: { setProperty(name: string, value: string): void }
  readonly clientWidth: number
  readonly parentElement: Element | null
  readonly classList: { add(name: string): void }
  textContent: string
  className: string
  hidden: boolean
  href: string
  download: string
  querySelector(selector: string): Element | null
  querySelectorAll(selector: string): Iterable<Element>
  closest(selector: string): Element | null
  append(...children: readonly (Element | string)[]): void
  replaceWith(other: Element): void
  setAttribute(name: string, value: string): void
  getAttribute(name: string): string | null
  addEventListener(type: string, listener: () => void): void
  click(): void
}

/** What the still pictures are drawn and written with, which the browser gets too. */
interface Tools {
  readonly chartHeight: typeof chartHeight
  readonly chartOption: typeof chartOption
  readonly formatAmount: typeof formatAmount
  readonly formatCount: typeof formatCount
}

interface Browser extends Tools {
  readonly document: {
    readonly head: Element
    readonly documentElement: Element
    createElement(name: string): Element
    querySelector(selector: string): Element | null
    querySelectorAll(selector: string): Iterable<Element>
  }
  readonly echarts: ECharts
  getComputedStyle(element: Element): { getPropertyValue(name: string): string }
  matchMedia(query: string): { addEventListener(type: string, listener: () => void): void }
  readonly IntersectionObserver: new (
    seen: (entries: readonly { isIntersecting: boolean; target: Element }[]) => void,
    options: { rootMargin: string },
  ) => { observe(element: Element): void; unobserve(element: Element): void }
  readonly ResizeObserver: new (changed: () => void) => { observe(element: Element): void }
}

interface ECharts {
  init(element: Element, theme: null, options: object): Instance
}

interface Instance {
  setOption(option: object, options: { notMerge: boolean }): void
  resize(size: { height: number }): void
}

/** What ECharts tells of what is pointed at. */
interface Pointed {
  readonly seriesName: string
  readonly seriesType: string
  readonly dataIndex: number
  readonly name: string
  readonly value: readonly number[]
  readonly color: string
}

/** Charts that are alive, and the models that the reader has put away, in all of them at once. */
async function enliven(browser: Browser): Promise<void> {
  const { document } = browser
  await loadLibrary(browser)
  const hidden = new Set<string>()
  const redraws = new Map<Element, () => void>()
  const redrawAll = () => redraws.forEach((redraw) => redraw())
  const observer = new browser.IntersectionObserver(
    (entries) => {
      for (const { isIntersecting, target } of entries) {
        if (!isIntersecting || redraws.has(target)) continue
        observer.unobserve(target)
        redraws.set(target, openChart(browser, target, hidden))
      }
    },
    { rootMargin: '300px' },
  )
  for (const figure of document.querySelectorAll('figure.chart')) observer.observe(figure)
  makeButtons(browser, hidden, redrawAll)
  browser.matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redrawAll)
  document.documentElement.classList.add('is-enlivened')
}

/** The library travels compressed. The page's policy lets it run because it knows its hash. */
async function loadLibrary({ document }: Browser): Promise<void> {
  const packed = document.querySelector('#library')
  const script = document.createElement('script')
  script.textContent = await unpack(packed ? packed.textContent : '')
  document.head.append(script)
}

/** Text that was compressed with gzip and written as base64. */
async function unpack(base64: string): Promise<string> {
  const bytes = Uint8Array.from(atob(base64.trim()), (character) => character.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return await new Response(stream).text()
}

/** Puts a live chart in the place of a still one; gives back how to draw it again. */
function openChart(browser: Browser, figure: Element, hidden: Set<string>): () => void {
  const data = figure.querySelector('script.data')
  const live = figure.querySelector('.live')
  const picture = figure.querySelector('.picture')
  const whole = JSON.parse(data ? data.textContent : '{}') as Chart
  picture!.classList.add('is-live')
  live!.style.setProperty('height', `${browser.chartHeight(whole)}px`)
  const instance = browser.echarts.init(live!, null, { renderer: 'canvas' })
  let width = live!.clientWidth
  const redraw = () => {
    width = live!.clientWidth
    if (width === 0) return
    const chart = withoutModels(whole, hidden)
    live!.style.setProperty('height', `${browser.chartHeight(chart)}px`)
    instance.resize({ height: browser.chartHeight(chart) })
    const drawing = drawingFor(browser, width)
    const option = {
      ...browser.chartOption(chart, drawing),
      tooltip: tooltipOption(browser, chart, drawing),
    }
    instance.setOption(option, { notMerge: true })
  }
  redraw()
  const resized = new browser.ResizeObserver(() => {
    if (live!.clientWidth !== width) redraw()
  })
  resized.observe(live!)
  return redraw
}

function drawingFor(browser: Browser, width: number): Drawing {
  const style = browser.getComputedStyle(browser.document.documentElement)
  return {
    width,
    colourOf: (variable) => style.getPropertyValue(variable).trim(),
    formatAmount: browser.formatAmount,
    font: 'system-ui, sans-serif',
  }
}

function withoutModels(chart: Chart, hidden: Set<string>): Chart {
  const isShown = ({ model }: { readonly model: string }) => !hidden.has(model)
  const looks = chart.looks.filter(isShown)
  if (chart.kind === 'rates') return { ...chart, looks, rows: chart.rows.filter(isShown) }
  if (chart.kind === 'lines') return { ...chart, looks, lines: chart.lines.filter(isShown) }
  return { ...chart, looks, dots: chart.dots.filter(isShown) }
}

function tooltipOption(browser: Browser, chart: Chart, { colourOf }: Drawing): object {
  const byAxis = chart.kind !== 'shares'
  return {
    trigger: byAxis ? 'axis' : 'item',
    axisPointer:
      chart.kind === 'rates'
        ? { type: 'shadow', axis: 'y', shadowStyle: { color: colourOf('--grid'), opacity: 0.5 } }
        : { type: 'line', axis: 'x', lineStyle: { color: colourOf('--line') } },
    confine: true,
    transitionDuration: 0,
    backgroundColor: colourOf('--panel'),
    borderColor: colourOf('--line'),
    padding: [8, 12],
    formatter: (pointed: Pointed | readonly Pointed[]) =>
      tooltipOf(browser, chart, 'length' in pointed ? pointed : [pointed]),
  }
}

/** As elements, not as text: nobody’s name becomes mark-up, and the page’s policy takes no styles in text. */
function tooltipOf(browser: Browser, chart: Chart, pointed: readonly Pointed[]): Element {
  const tip = browser.document.createElement('div')
  tip.className = 'tip'
  const line = (name: string, className: string, text: string, value: string) => {
    const element = browser.document.createElement(name)
    element.className = className
    element.append(text)
    if (value !== '') {
      const figure = browser.document.createElement('i')
      figure.textContent = value
      element.append(figure)
    }
    tip.append(element)
  }
  const first = pointed[0]
  if (!first) return tip
  if (chart.kind === 'rates') {
    const row = chart.rows.find(({ model }) => model === first.seriesName)
    line('b', '', first.seriesName, '')
    for (const fact of row ? row.facts : []) line('div', '', fact, '')
  } else if (chart.kind === 'shares') {
    line('b', '', first.seriesName, '')
    line('div', '', chart.rows[first.value[1] || 0] || '', '')
    line('div', '', first.name, `${Math.round(10 ** (first.value[0] || 0) * 100)} %`)
  } else {
    line('b', '', xText(browser, chart.xAxis, first.value[0] || 0), '')
    const lines = pointed.filter(({ seriesType, value }) => {
      return seriesType === 'line' && Math.abs((value[0] || 0) - (first.value[0] || 0)) < 1e-3
    })
    const sorted = lines.toSorted((a, b) => (b.value[1] || 0) - (a.value[1] || 0))
    for (const { seriesName, value } of sorted) {
      line('div', '', seriesName, `${browser.formatAmount(value[1] || 0)} ${chart.unit}`)
    }
  }
  return tip
}

/** What a place on the axis of a line chart means. */
function xText(browser: Browser, axis: string, x: number): string {
  if (axis === 'clients') return `${browser.formatCount(10 ** x)} clients`
  const percentile = 100 - 10 ** (2 - x)
  return `${Number(percentile.toFixed(Math.max(0, Math.ceil(x) - 1)))} % took no longer than`
}

/** Names in the keys can be pressed: the model is put away, or comes back, in every chart of the page. */
function makeButtons(browser: Browser, hidden: Set<string>, redraw: () => void): void {
  const { document } = browser
  for (const item of document.querySelectorAll('.key .item')) {
    const button = document.createElement('button')
    const model = item.dataset['model'] || ''
    button.setAttribute('type', 'button')
    button.setAttribute('aria-pressed', 'true')
    button.setAttribute('title', 'show or hide in all charts')
    button.dataset['model'] = model
    button.append(...item.querySelectorAll('.model'))
    button.addEventListener('click', () => {
      if (hidden.has(model)) hidden.delete(model)
      else hidden.add(model)
      for (const other of document.querySelectorAll('.key button')) {
        other.setAttribute('aria-pressed', String(!hidden.has(other.dataset['model'] || '')))
      }
      redraw()
    })
    item.replaceWith(button)
  }
}

/** Both numbers.ts and the charts need this in the browser too. */
const FUNCTIONS = [
  ...SHARED_FUNCTIONS,
  formatAmount,
  formatCount,
  enliven,
  loadLibrary,
  unpack,
  openChart,
  drawingFor,
  withoutModels,
  tooltipOption,
  tooltipOf,
  xText,
  makeButtons,
]

/** The whole script. Where the browser is too old for it, the still pictures stay. */
export function pageScript(): string {
  const body = [`const UNKNOWN = ${JSON.stringify(UNKNOWN)}`, ...FUNCTIONS.map(String)].join('\n')
  return `{\n${body}\nenliven(Object.assign(globalThis, { chartHeight, chartOption, formatAmount, formatCount })).catch((error) => console.error(error))\n}`
}
