// Messages: from a line to a command with its parameters (RFC 2812 section 2.3.1).
//
//     [@tags] [:prefix] command {middle} [:trailing]
//
// Tags and a prefix are skipped: no capability that brings tags is offered, and a client has no right
// to say who it is. Any number of spaces separates. Beyond 15 parameters the rest of the line is the
// last parameter, spaces and all.

import { PARAMS_MAX } from './limits.ts'
import { asciiUpper } from './names.ts'

const SPACE = 0x20
const COLON = 0x3a
const AT = 0x40

export interface Message {
  /** In upper case; '' when the line has none. */
  readonly command: string
  readonly params: readonly string[]
}

export function parseMessage(line: string): Message {
  const start = commandStart(line)
  let at = tokenEnd(line, start)
  const command = asciiUpper(line.slice(start, at))
  const params: string[] = []
  while (at < line.length) {
    const first = line.charCodeAt(at)
    if (first === SPACE) at++
    else if (first === COLON || params.length === PARAMS_MAX - 1) {
      params.push(line.slice(first === COLON ? at + 1 : at))
      break
    } else {
      const end = tokenEnd(line, at)
      params.push(line.slice(at, end))
      at = end
    }
  }
  return { command, params }
}

/** The command of a line alone, in upper case, for those who need no more than that. */
export function commandOf(line: string): string {
  const start = commandStart(line)
  return asciiUpper(line.slice(start, tokenEnd(line, start)))
}

function commandStart(line: string): number {
  let at = skipSpaces(line, 0)
  if (line.charCodeAt(at) === AT) at = skipSpaces(line, tokenEnd(line, at))
  if (line.charCodeAt(at) === COLON) at = skipSpaces(line, tokenEnd(line, at))
  return at
}

function tokenEnd(line: string, at: number): number {
  const end = line.indexOf(' ', at)
  return end === -1 ? line.length : end
}

function skipSpaces(line: string, from: number): number {
  let at = from
  while (line.charCodeAt(at) === SPACE) at++
  return at
}
