// Progress for people, on standard error: a bar that is drawn over and over on a terminal, and plain
// lines everywhere else, so that a log stays readable.

import { Presets, SingleBar } from 'cli-progress'

/** Where words for people go. `process.stderr` is one. */
export interface WordsOut {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export interface Progress {
  /** A piece of work begins. */
  begin(what: string): void
  /** It has ended, and this came out. */
  end(what: string, outcome: string): void
  /** Something to say that stays. */
  say(text: string): void
  close(): void
}

export function openProgress(err: WordsOut, total: number): Progress {
  return err.isTTY === true ? new Bar(err as NodeJS.WriteStream, total) : new Lines(err, total)
}

class Bar implements Progress {
  readonly #bar: SingleBar
  readonly #err: WordsOut

  constructor(err: NodeJS.WriteStream, total: number) {
    this.#err = err
    const format = '{bar} {value}/{total}  {what}'
    this.#bar = new SingleBar(
      { format, stream: err, barsize: 24, hideCursor: true, clearOnComplete: true, fps: 10 },
      Presets.shades_classic,
    )
    this.#bar.start(total, 0, { what: '' })
  }

  begin(what: string): void {
    this.#bar.update({ what })
  }

  end(_what: string, _outcome: string): void {
    this.#bar.increment()
  }

  say(text: string): void {
    // The bar is drawn again, below, at its next turn.
    this.#err.write(`\r\x1b[K${text}\n`)
  }

  close(): void {
    this.#bar.stop()
  }
}

class Lines implements Progress {
  readonly #err: WordsOut
  readonly #total: number
  #done = 0

  constructor(err: WordsOut, total: number) {
    this.#err = err
    this.#total = total
  }

  begin(_what: string): void {}

  end(what: string, outcome: string): void {
    const done = String(++this.#done).padStart(String(this.#total).length)
    this.#err.write(`[${done}/${this.#total}] ${what}: ${outcome}\n`)
  }

  say(text: string): void {
    this.#err.write(`${text}\n`)
  }

  close(): void {}
}
