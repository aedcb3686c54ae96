// What is shown while a run goes on: how far it is, what it is doing, what came out last, and who is ahead
// in the table that it is working on. Lines of text, as many as the terminal has room for. Pure.

import { median } from 'simple-statistics'
import { formatAmount, formatCount, scaleOfRates } from './numbers.ts'
import type { Paint } from './text.ts'

/** A rate, and where it belongs. */
export interface Figure {
  /** Figures of one table can be compared: `ping · 12 clients`. */
  readonly table: string
  readonly model: string
  readonly perS: number
  /** What there are so many of: `PINGs`. */
  readonly unit: string
}

export interface Outcome {
  readonly name: string
  readonly words: string
  /** Null where one was to come out and did not; undefined where none was to. */
  readonly figure: Figure | null | undefined
}

export interface LiveState {
  readonly done: number
  readonly total: number
  readonly leftMs: number | null
  /** What it is doing; empty between two tasks. */
  readonly doing: string
  /** The table that this belongs to, and the model in it. */
  readonly table: string | null
  readonly model: string | null
  /** All so far, in their order. */
  readonly outcomes: readonly Outcome[]
}

export interface LiveSpace {
  readonly columns: number
  readonly rows: number
}

const LAST_SHOWN = 3
/** Wider, a bar says no more. */
const COLUMNS_MAX = 100

/** Lines no wider than the terminal, and fewer than it has rows: the cursor needs one, below. */
export function liveLines(state: LiveState, space: LiveSpace, paint: Paint): string[] {
  // The last column stays free: some terminals go on to the next line when it is written.
  const columns = Math.min(COLUMNS_MAX, space.columns - 1)
  const head = ['', ...barLines(state, columns, paint), paint('bold', cut(state.doing, columns))]
  const last = lastLines(state.outcomes, columns, paint)
  const ranking = rankingLines(state, columns, paint)
  const room = space.rows - 1 - head.length
  const blocks = [last, ranking].filter((lines) => lines.length > 0)
  // What has no room is left out as a whole: half a ranking would be read as one.
  const fitting: string[] = []
  for (const lines of blocks) {
    if (fitting.length + 1 + lines.length <= room) fitting.push('', ...lines)
  }
  return [...head, ...fitting].slice(0, Math.max(0, space.rows - 1))
}

const BAR_COLUMNS_MAX = 40
const BAR_COLUMNS_MIN = 8

function barLines({ done, total, leftMs }: LiveState, columns: number, paint: Paint): string[] {
  const share = total > 0 ? done / total : 0
  const percent = `${Math.floor(share * 100)} %`
  const count = `${formatCount(done).padStart(formatCount(total).length)}/${formatCount(total)}`
  const figures = [count, percent.padStart(5), ...(leftMs === null ? [] : [leftInWords(leftMs)])]
  const words = figures.join('  ')
  const width = Math.min(BAR_COLUMNS_MAX, columns - words.length - 2)
  if (width < BAR_COLUMNS_MIN) {
    const bar = barOf(share, Math.min(BAR_COLUMNS_MAX, columns), paint)
    return [bar, cut(words, columns)]
  }
  return [`${barOf(share, width, paint)}  ${words}`]
}

function barOf(share: number, width: number, paint: Paint): string {
  const full = Math.round(share * width)
  return paint('cyan', '━'.repeat(full)) + paint('dim', '─'.repeat(width - full))
}

/** Coarser the longer it is: nobody knows the second a minute before. */
function leftInWords(ms: number): string {
  const seconds = ms / 1000
  if (seconds < 1) return 'nearly done'
  const step = seconds > 120 ? 10 : seconds > 30 ? 5 : 1
  const rounded = Math.ceil(seconds / step) * step
  if (rounded < 60) return `${rounded} s left`
  const [minutes, rest] = [Math.floor(rounded / 60), rounded % 60]
  if (minutes >= 60) return `${Math.floor(minutes / 60)} h ${minutes % 60} min left`
  return `${minutes} min${rest > 0 ? ` ${rest} s` : ''} left`
}

/** The last ones, newest first. */
function lastLines(outcomes: readonly Outcome[], columns: number, paint: Paint): string[] {
  const first = Math.max(0, outcomes.length - LAST_SHOWN)
  const shown = outcomes.slice(first).toReversed()
  const changes = shown.map(({ figure }, i) =>
    changeOf(figure, outcomes.slice(0, outcomes.length - 1 - i)),
  )
  const nameWidth = widest(shown.map(({ name }) => name))
  const wordsWidth = widest(shown.map(({ words }) => words))
  const changeWidth = widest(changes)
  const hasChange = columns >= Math.min(nameWidth, 24) + wordsWidth + changeWidth + 4
  const forName = Math.min(nameWidth, columns - wordsWidth - 2 - (hasChange ? changeWidth + 2 : 0))
  return shown.map(({ name, words, figure }, i) => {
    const result = words.padStart(wordsWidth)
    return [
      cut(name, forName).padEnd(forName),
      figure === null ? paint('red', result) : result,
      ...(hasChange && changes[i] ? [paint('dim', changes[i])] : []),
    ].join('  ')
  })
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length))
}

/** Against the median of the same point's repeats before it. */
function changeOf(figure: Outcome['figure'], before: readonly Outcome[]): string {
  if (!figure) return ''
  const earlier = ratesOf(figure.table, figure.model, before)
  if (earlier.length === 0) return 'first'
  const middle = median(earlier)
  if (middle === 0) return ''
  const percent = (figure.perS / middle - 1) * 100
  return `${percent < 0 ? '−' : '+'}${Math.abs(percent).toFixed(1)} % from before`
}

function ratesOf(table: string, model: string, outcomes: readonly Outcome[]): number[] {
  return outcomes.flatMap(({ figure }) =>
    figure?.table === table && figure.model === model ? figure.perS : [],
  )
}

const RANKING_BAR_MIN = 6

/** Medians so far, the fastest first, as bars. One model alone is no ranking. */
function rankingLines(state: LiveState, columns: number, paint: Paint): string[] {
  const { table, outcomes } = state
  if (table === null) return []
  const figures = outcomes.flatMap(({ figure }) => (figure?.table === table ? figure : []))
  const models = [...new Set(figures.map(({ model }) => model))]
  if (models.length < 2) return []
  const ranked = models
    .map((model) => ({ model, perS: median(ratesOf(table, model, outcomes)) }))
    .toSorted((a, b) => b.perS - a.perS)
  const highest = Math.max(...ranked.map(({ perS }) => perS))
  const { unit, divisor } = scaleOfRates([highest])
  const rates = ranked.map(({ perS }) => formatAmount(perS / divisor))
  const rateWidth = widest(rates)
  const room = columns - rateWidth - RANKING_BAR_MIN - 4
  const nameWidth = Math.min(room, widest(models))
  const barWidth = Math.min(BAR_COLUMNS_MAX, columns - nameWidth - rateWidth - 4)
  const title = `${table} so far, ${unit === '' ? '' : `${unit} `}${figures[0]!.unit}/s`
  const lines = ranked.map(({ model, perS }, i) => {
    const name = cut(model, nameWidth).padEnd(nameWidth)
    const isRunning = model === state.model
    return [
      isRunning ? paint('bold', name) : name,
      rates[i]!.padStart(rateWidth),
      paint(isRunning ? 'cyan' : 'dim', eighthsBar(highest > 0 ? perS / highest : 0, barWidth)),
    ].join('  ')
  })
  return [paint('dim', cut(title, columns)), ...lines]
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉']

/** A bar in eighths of a column. */
function eighthsBar(share: number, width: number): string {
  const eighths = Math.max(1, Math.round(share * width * 8))
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8]
}

function cut(text: string, columns: number): string {
  return text.length <= columns ? text : `${text.slice(0, Math.max(0, columns - 1))}…`
}
