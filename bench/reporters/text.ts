// Running text and colour for a terminal.

import { styleText } from 'node:util'

/** Running text wider than this is tiring to read, however wide the window is. */
const TEXT_COLUMNS_MAX = 100

export interface TerminalOptions {
  /** True and false decide; left out, standard output, NO_COLOR and FORCE_COLOR do. */
  readonly colour?: boolean | undefined
  /** Width of the terminal; left out, nothing has to fit. */
  readonly columns?: number | undefined
}

/** The width of running text in a terminal. */
export function textColumns(terminalColumns = Infinity): number {
  return Math.min(terminalColumns, TEXT_COLUMNS_MAX)
}

type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

/** `true` and `false` decide; `undefined` leaves it to standard output, NO_COLOR and FORCE_COLOR. */
export function painter(colour: boolean | undefined): Paint {
  if (colour === false) return (_, text) => text
  if (colour === true) return (style, text) => styleText(style, text, { validateStream: false })
  return (style, text) => styleText(style, text)
}

/** Breaks text at spaces; later lines begin with `indent`. */
export function wrap(text: string, columns: number, indent = ''): string[] {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > columns) {
      lines.push(line)
      line = indent + word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  return line === '' ? lines : [...lines, line]
}

/** A paragraph of words for people, for a terminal of so many columns. */
export function paragraph(text: string, terminalColumns?: number): string {
  return `${wrap(text, textColumns(terminalColumns)).join('\n')}\n`
}

/** `1 repeat`, `2 repeats`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

/** `a, b and c`. */
export function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}

/** A name for a file or for a program: `ping · thread · 16 clients` becomes `ping-thread-16-clients`. */
export function slugOf(name: string): string {
  const words = name.toLowerCase().replaceAll('µ', 'u')
  return words.replaceAll(/[^a-z0-9]+/g, '-').replaceAll(/^-|-$/g, '')
}
