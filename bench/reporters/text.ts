// Running text and colour for a terminal.

import { styleText } from 'node:util'

/** Running text wider than this is tiring to read, however wide the window is. */
export const TEXT_COLUMNS_MAX = 100

type Style = 'bold' | 'dim' | 'red' | 'yellow'
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
