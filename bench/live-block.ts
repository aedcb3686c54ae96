// A few lines at the bottom of a terminal that are drawn over and over. The cursor rests below them, so that
// whatever else is written begins on a line of its own.
//
// Escape codes are those of ECMA-48 that every terminal knows. Progress-bar libraries count lines as they
// wrote them; a terminal that became narrower has broken each of them into several by then, and what is not
// counted stays on the screen for ever.

import { stripVTControlCharacters } from 'node:util'

/** What is needed of a terminal. `process.stderr` is one. */
export interface TerminalOut {
  write(text: string): unknown
  readonly columns?: number
  readonly rows?: number
}

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const ERASE_TO_LINE_END = '\x1b[K'
const ERASE_BELOW = '\x1b[J'

export class LiveBlock {
  readonly #terminal: TerminalOut
  /** How many columns each line on the screen takes. */
  #widths: readonly number[] = []
  #drawn = ''
  readonly #onExit = () => this.close()

  constructor(terminal: TerminalOut) {
    this.#terminal = terminal
    // Whoever ends the process, at a second Ctrl-C or by an error, leaves the cursor as it was.
    process.on('exit', this.#onExit)
    terminal.write(HIDE_CURSOR)
  }

  /** Shows these lines instead of those before. Nothing is written when they are the same. */
  draw(lines: readonly string[]): void {
    const drawn = lines.join('\n')
    if (drawn === this.#drawn) return
    // Over the old ones, not after erasing them: nothing flickers.
    this.#write(lines.map((line) => `${line}${ERASE_TO_LINE_END}\n`).join(''), lines)
    this.#drawn = drawn
  }

  /** Text that stays, above; the lines have to be drawn again. */
  say(text: string): void {
    this.#write(`${ERASE_BELOW}${text}\n`, [])
  }

  /** Erases the lines, and gives the cursor back. */
  close(): void {
    process.off('exit', this.#onExit)
    this.#write(SHOW_CURSOR, [])
  }

  #write(text: string, lines: readonly string[]): void {
    this.#terminal.write(`${this.#toTop()}${text}${ERASE_BELOW}`)
    this.#widths = lines.map((line) => stripVTControlCharacters(line).length)
    this.#drawn = ''
  }

  #toTop(): string {
    const { columns = Infinity } = this.#terminal
    const rows = this.#widths.map((width) => Math.max(1, Math.ceil(width / columns)))
    const up = rows.reduce((sum, count) => sum + count, 0)
    return up > 0 ? `\r\x1b[${up}A` : '\r'
  }
}
