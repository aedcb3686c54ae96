// From what a chart shows to what ECharts is told. The same functions draw the still picture when a report
// is written and the moving one in the browser, which gets them as text: so they use nothing but their
// arguments, each other, and nothing that is imported.

import type { Look } from './looks.ts'

/** A row of medians, intervals and repeats. */
export interface RatesRow {
  readonly model: string
  readonly median: number
  readonly low: number
  readonly high: number
  readonly repeats: readonly number[]
  /** The figure in words, which stands at the end of the row. */
  readonly text: string
  /** What is known of it, a line each, for whoever points at it. */
  readonly facts: readonly string[]
}

/** One dot and one interval for each model, best first. */
export interface RatesChart {
  readonly kind: 'rates'
  readonly axis: string
  readonly rows: readonly RatesRow[]
  readonly looks: readonly Look[]
}

export interface Line {
  readonly model: string
  /** x as it is drawn (a logarithm, where the ticks are), y in the unit of the axis. */
  readonly points: readonly (readonly [x: number, y: number])[]
  /** Which of them have a marker. */
  readonly marked: readonly number[]
  /** A prediction, not a measurement. */
  readonly isThin?: boolean
}

export interface Tick {
  readonly at: number
  readonly text: string
}

/** Lines over percentiles or over numbers of clients. */
export interface LinesChart {
  readonly kind: 'lines'
  readonly axis: string
  readonly unit: string
  readonly xAxis: string
  readonly xTicks: readonly Tick[]
  readonly isLogarithmic: boolean
  readonly lines: readonly Line[]
  readonly looks: readonly Look[]
}

/** Each model's share of the best one's figure, on one line for each workload and size. */
export interface SharesChart {
  readonly kind: 'shares'
  readonly axis: string
  readonly rows: readonly string[]
  readonly dots: readonly {
    readonly model: string
    readonly row: number
    readonly share: number
    readonly text: string
  }[]
  readonly looks: readonly Look[]
}

/** What ECharts takes. */
type Option = Record<string, unknown>

export type Chart = RatesChart | LinesChart | SharesChart

/** What the drawing takes from its surroundings. Colours are CSS variables, or what a browser made of them. */
export interface Drawing {
  readonly width: number
  readonly colourOf: (variable: string) => string
  readonly formatAmount: (value: number) => string
  readonly font: string
}

/** Of the drawing, in pixels; the width is that of the page. */
export function chartHeight(chart: Chart): number {
  if (chart.kind === 'lines') return 340
  return chart.rows.length * (chart.kind === 'rates' ? 34 : 38) + 56
}

export function chartOption(chart: Chart, drawing: Drawing): Option {
  const { colourOf, font } = drawing
  const body =
    chart.kind === 'rates'
      ? ratesOption(chart, drawing)
      : chart.kind === 'lines'
        ? linesOption(chart, drawing)
        : sharesOption(chart, drawing)
  return {
    animation: false,
    backgroundColor: 'transparent',
    textStyle: { fontFamily: font, fontSize: 13, color: colourOf('--ink') },
    ...body,
  }
}

function ratesOption({ rows, looks, axis }: RatesChart, drawing: Drawing): Option {
  const { colourOf, width } = drawing
  const isNarrow = width < 560
  const series = rows.flatMap((row, i) => {
    const look = looks.find(({ model }) => model === row.model)
    const colour = colourOf(look ? look.colour : '--ink')
    return [
      interval(row, i, colour),
      {
        ...dotsSeries(row.model, `path://${look ? look.marker : ''}`, 12, colour),
        data: [[row.median, i]],
        z: 4,
      },
      {
        ...dotsSeries(row.model, 'circle', 4, colourOf('--soft')),
        data: row.repeats.map((value) => [value, i]),
        // Below the interval, which they would hide.
        symbolOffset: [0, 11],
        itemStyle: { color: colourOf('--soft'), opacity: 0.75 },
        z: 5,
      },
    ]
  })
  return {
    grid: {
      left: isNarrow ? 82 : 128,
      right: isNarrow ? 16 : 170,
      top: 4,
      bottom: 52,
      outerBoundsMode: 'none',
    },
    xAxis: valueAxis(axis, drawing),
    yAxis: [
      categoryAxis(
        rows.map(({ model }) => model),
        drawing,
        '--ink',
      ),
      ...(isNarrow
        ? []
        : [
            {
              ...categoryAxis(
                rows.map(({ text }) => text),
                drawing,
                '--soft',
              ),
              position: 'right',
            },
          ]),
    ],
    series,
  }
}

/** From the lower to the upper end, and a pale bar from zero to the median. */
function interval({ model, low, median, high }: RatesRow, row: number, colour: string) {
  return {
    type: 'line',
    name: model,
    data: [
      [low, row],
      [high, row],
    ],
    symbol: 'none',
    silent: true,
    lineStyle: { color: colour, width: 3, cap: 'round', opacity: 0.9 },
    emphasis: { disabled: true },
    markLine: {
      symbol: 'none',
      silent: true,
      animation: false,
      label: { show: false },
      lineStyle: { color: colour, width: 14, type: 'solid', opacity: 0.16 },
      data: [[{ coord: [0, row] }, { coord: [median, row] }]],
    },
    z: 3,
  }
}

/** Dots without a line between them. */
function dotsSeries(name: string, symbol: string, symbolSize: number, colour: string) {
  return {
    type: 'scatter',
    name,
    symbol,
    symbolSize,
    symbolKeepAspect: true,
    itemStyle: { color: colour, opacity: 1 },
    emphasis: { disabled: true },
  }
}

function linesOption(chart: LinesChart, drawing: Drawing): Option {
  const { colourOf, width, formatAmount } = drawing
  const { xTicks } = chart
  const isNarrow = width < 560
  const textAt = (value: number) => {
    const tick = xTicks.find(({ at }) => Math.abs(at - value) < 1e-6)
    return tick ? tick.text : ''
  }
  const first = xTicks[0]
  const last = xTicks[xTicks.length - 1]
  return {
    grid: { left: isNarrow ? 60 : 64, right: 24, top: 30, bottom: 58, outerBoundsMode: 'none' },
    xAxis: {
      ...valueAxis(chart.xAxis, drawing),
      min: first ? first.at : 0,
      max: last ? last.at : 1,
      axisTick: { show: true, customValues: xTicks.map(({ at }) => at) },
      axisLabel: {
        color: colourOf('--soft'),
        fontSize: 12,
        customValues: xTicks.map(({ at }) => at),
        formatter: textAt,
        hideOverlap: true,
      },
      axisPointer: { show: true, type: 'line', snap: false, label: { show: false } },
    },
    yAxis: {
      ...valueAxis('', drawing),
      ...(chart.isLogarithmic ? logarithmicScale(chart) : {}),
      name: chart.axis,
      nameLocation: 'end',
      nameGap: 14,
      nameTextStyle: {
        color: colourOf('--soft'),
        fontSize: 12,
        align: 'left',
        padding: [0, 0, 0, isNarrow ? -58 : -62],
      },
      axisLabel: {
        color: colourOf('--soft'),
        fontSize: 12,
        ...(chart.isLogarithmic ? { customValues: ticksOf(chart) } : {}),
        formatter: (value: number) => formatAmount(value).replace(/\.0+$/, ''),
      },
      axisLine: { show: false },
    },
    series: chart.lines.flatMap((line) => lineSeries(line, chart, drawing)),
  }
}

/** From the tick below the lowest value to the one above the highest. */
function logarithmicScale(chart: LinesChart): Option {
  const ticks = ticksOf(chart)
  return {
    type: 'log',
    min: ticks[0],
    max: ticks[ticks.length - 1],
    axisTick: { show: false, customValues: ticks },
  }
}

/** 1, 2, 5, 10 ..., or only the powers of ten where those are many. */
function ticksOf({ lines }: LinesChart): number[] {
  const values = lines.flatMap(({ points }) => points.map(([, y]) => y)).filter((y) => y > 0)
  const lowest = Math.min(1e9, ...values)
  const highest = Math.max(lowest, ...values)
  const steps = Math.log10(highest / lowest) > 2.5 ? [1] : [1, 2, 5]
  const ticks = []
  for (let power = -6; power < 10; power++) {
    for (const step of steps) ticks.push(Number(`${step}e${power}`))
  }
  const first = ticks.filter((tick) => tick <= lowest).length - 1
  const last = ticks.findIndex((tick) => tick >= highest)
  return ticks.slice(Math.max(0, first), last < 0 ? ticks.length : last + 1)
}

/** A line, and markers on some of its points, so that nobody has to go by the colour. */
function lineSeries(line: Line, { looks }: LinesChart, { colourOf }: Drawing): Option[] {
  const look = looks.find(({ model }) => model === line.model)
  const colour = colourOf(look ? look.colour : '--ink')
  const dash = look ? look.dash : 'solid'
  return [
    {
      type: 'line',
      name: line.model,
      data: line.points,
      symbol: 'none',
      itemStyle: { color: colour },
      lineStyle: {
        color: colour,
        width: line.isThin ? 1.5 : 2.25,
        type: line.isThin ? 'dotted' : dash,
      },
      emphasis: { disabled: true },
    },
    {
      ...dotsSeries(line.model, `path://${look ? look.marker : ''}`, 11, colour),
      data: line.points.filter((_, i) => line.marked.indexOf(i) >= 0),
      tooltip: { show: false },
      silent: true,
      z: 4,
    },
  ]
}

function sharesOption({ rows, dots, looks, axis }: SharesChart, drawing: Drawing): Option {
  const { colourOf, width } = drawing
  const isNarrow = width < 560
  const lowest = Math.min(0.5, ...dots.map(({ share }) => share))
  const ticks = [1, 2, 5, 10, 100, 1000, 10_000].filter((times) => times <= 2 / lowest)
  const ends = { min: Math.log10(lowest) - 0.15, max: 0.08 }
  return {
    grid: { left: isNarrow ? 112 : 206, right: 40, top: 4, bottom: 52, outerBoundsMode: 'none' },
    xAxis: {
      ...valueAxis(axis, drawing),
      ...ends,
      axisTick: { show: false, customValues: ticks.map((times) => -Math.log10(times)) },
      axisLabel: {
        color: colourOf('--soft'),
        fontSize: 12,
        hideOverlap: true,
        customValues: ticks.map((times) => -Math.log10(times)),
        formatter: (value: number) => {
          const times = Math.round(10 ** -value)
          return times === 1 ? 'the fastest' : `1/${times.toLocaleString('en-US')}`
        },
      },
    },
    yAxis: {
      ...categoryAxis(rows, drawing, '--ink'),
      axisLabel: {
        color: colourOf('--ink'),
        fontSize: isNarrow ? 11 : 13,
        lineHeight: isNarrow ? 13 : 16,
        width: isNarrow ? 104 : 196,
        overflow: 'break',
        interval: 0,
      },
      splitLine: { show: true, lineStyle: { color: colourOf('--grid') } },
    },
    series: looks.map((look) => ({
      ...dotsSeries(look.model, `path://${look.marker}`, 14, colourOf(look.colour)),
      data: dots
        .filter(({ model }) => model === look.model)
        .map(({ share, row, text }) => ({ value: [Math.log10(share), row], name: text })),
    })),
  }
}

function valueAxis(name: string, { colourOf }: Drawing) {
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    nameGap: 30,
    nameTextStyle: { color: colourOf('--soft'), fontSize: 12 },
    axisLabel: { color: colourOf('--soft'), fontSize: 12, hideOverlap: true },
    axisLine: { show: true, lineStyle: { color: colourOf('--line') } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: colourOf('--grid') } },
  }
}

/** From top to bottom. */
function categoryAxis(data: readonly string[], { colourOf }: Drawing, colour: string) {
  return {
    type: 'category',
    data: [...data],
    inverse: true,
    axisLine: { show: false },
    axisTick: { show: false },
    axisLabel: { color: colourOf(colour), fontSize: 13, interval: 0 },
  }
}

/** All of the above, for the browser. */
export const SHARED_FUNCTIONS = [
  chartHeight,
  chartOption,
  ratesOption,
  interval,
  dotsSeries,
  linesOption,
  logarithmicScale,
  ticksOf,
  lineSeries,
  sharesOption,
  valueAxis,
  categoryAxis,
] as const
