// Progress for people, on standard error: lines that are drawn over and over on a terminal, and a plain one
// for each task everywhere else, so that a log stays readable.

import { performance } from 'node:perf_hooks'
import type { TerminalOut } from './live-block.ts'
import { LiveBlock } from './live-block.ts'
import type { Figure, Outcome } from './reporters/live.ts'
import { liveLines } from './reporters/live.ts'
import type { Paint } from './reporters/text.ts'
import { painter, textColumns, wrap } from './reporters/text.ts'
import type { Task } from './time-left.ts'
import { TimeLeft } from './time-left.ts'

/** Where words for people go. `process.stderr` is one. */
export interface WordsOut extends TerminalOut {
  readonly isTTY?: boolean
  hasColors?(): boolean
  on?(event: 'resize', listener: () => void): unknown
  off?(event: 'resize', listener: () => void): unknown
}

/** Where a task belongs. */
export interface Place {
  /** Null where models are not ranked. */
  readonly table: string | null
  readonly model: string
  /** `repeat 2 of 5` */
  readonly repeat: string
}

export interface Progress {
  /** A task begins, the next one. */
  begin(what: string, place?: Place): void
  /** It has ended, and this came out; a figure that is null was to come out, and did not. */
  end(what: string, outcome: string, figure?: Figure | null): void
  /** The next one is not done after all. */
  skip(what: string, why: string): void
  /** Something to say that stays. */
  say(text: string): void
  close(): void
}

/** `tasks`: what there is to do, in its order, or how many of it. */
export function openProgress(err: WordsOut, tasks: readonly Task[] | number): Progress {
  const list =
    typeof tasks === 'number'
      ? Array.from({ length: tasks }, () => ({ kind: '', expectedMs: null }))
      : tasks
  // A dumb terminal, as that of an editor, shows escape codes as they are.
  const canRedraw = err.isTTY === true && process.env['TERM'] !== 'dumb'
  return canRedraw ? new Live(err, list) : new Lines(err, list.length)
}

/**
 * Twice a second is enough for a clock. A turn takes a third of a millisecond of this thread, which does
 * nothing else while the threads of the generator measure.
 */
const REDRAW_MS = 500

class Live implements Progress {
  readonly #err: WordsOut
  readonly #block: LiveBlock
  readonly #paint: Paint
  readonly #timeLeft: TimeLeft
  readonly #total: number
  readonly #timer: NodeJS.Timeout
  readonly #redraw = () => this.#draw()
  readonly #outcomes: Outcome[] = []
  #done = 0
  #doing = ''
  #place: Place | null = null

  constructor(err: WordsOut, tasks: readonly Task[]) {
    this.#err = err
    this.#block = new LiveBlock(err)
    this.#paint = painter(err.hasColors?.() ?? false)
    this.#timeLeft = new TimeLeft(tasks)
    this.#total = tasks.length
    this.#timer = setInterval(this.#redraw, REDRAW_MS).unref()
    err.on?.('resize', this.#redraw)
  }

  begin(what: string, place: Place | null = null): void {
    this.#timeLeft.begin(performance.now())
    this.#doing = place ? `${what}, ${place.repeat}` : what
    // Between two tables the last one stays, so that it can be read.
    this.#place = place ?? this.#place
    this.#draw()
  }

  end(what: string, words: string, figure?: Figure | null): void {
    this.#timeLeft.end(performance.now())
    this.#outcomes.push({ name: what, words, figure })
    this.#done++
    this.#draw()
  }

  skip(_what: string, _why: string): void {
    this.#timeLeft.skip()
    this.#done++
  }

  say(text: string): void {
    const lines = wrap(text, textColumns(this.#err.columns || undefined), '  ')
    this.#block.say(lines.join('\n'))
    this.#draw()
  }

  close(): void {
    clearInterval(this.#timer)
    this.#err.off?.('resize', this.#redraw)
    this.#block.close()
  }

  #draw(): void {
    const state = {
      done: this.#done,
      total: this.#total,
      leftMs: this.#timeLeft.leftMs(performance.now()),
      doing: this.#doing,
      table: this.#place?.table ?? null,
      model: this.#place?.model ?? null,
      outcomes: this.#outcomes,
    }
    // A terminal that does not know its size says 0.
    const space = { columns: this.#err.columns || 80, rows: this.#err.rows || 24 }
    this.#block.draw(liveLines(state, space, this.#paint))
  }
}

class Lines implements Progress {
  readonly #err: WordsOut
  readonly #total: number
  #done = 0
  #repeat = ''

  constructor(err: WordsOut, total: number) {
    this.#err = err
    this.#total = total
  }

  begin(_what: string, place?: Place): void {
    this.#repeat = place ? `, ${place.repeat}` : ''
  }

  end(what: string, outcome: string): void {
    const done = String(++this.#done).padStart(String(this.#total).length)
    this.#err.write(`[${done}/${this.#total}] ${what}${this.#repeat}: ${outcome}\n`)
  }

  skip(what: string, why: string): void {
    this.#repeat = ''
    this.end(what, why)
  }

  say(text: string): void {
    this.#err.write(`${text}\n`)
  }

  close(): void {}
}
