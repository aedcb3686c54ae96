// Reading IRC lines where they lie: no line becomes a string, no connection owns a buffer.
//
// All connections of a thread are read into one piece of memory. What remains of a read, the beginning
// of a line whose end has not come yet, is copied out, and copied back before that connection is read
// again. Reads that end in the middle of a line are rare, so nearly nothing is ever copied.

import { IoBuffer } from '../../posix/index.ts'
import { viewOf } from './message.ts'

const LF = 10
const CR = 13
const SPACE = 32
const COLON = 58

/** Enough for some hundred lines at once, and still a small part of a core's own cache. */
const INBOX_BYTES = 64 * 1024
/** No server's line is as long (RFC 2812: 512; with IRCv3 tags 8,191 more). */
export const LINE_BYTES_MAX = 16 * 1024

/** The memory that all connections are read into, one at a time. */
export class Inbox {
  readonly memory = new IoBuffer(INBOX_BYTES)
  readonly bytes = this.memory.bytes
  readonly view = viewOf(this.memory.bytes)
  /** The unread bytes lie in [at, end). */
  at = 0
  end = 0

  /** Puts back what an earlier read has left over. New bytes go to `end`, up to `room` of them. */
  begin(rest: Buffer | null): void {
    this.at = 0
    this.end = rest === null ? 0 : rest.copy(this.bytes, 0)
  }

  get room(): number {
    return INBOX_BYTES - this.end
  }

  /** What is left over now: an unfinished line, or null. */
  rest(): Buffer | null {
    return this.at === this.end ? null : Buffer.from(this.bytes.subarray(this.at, this.end))
  }
}

// What a line is, in one number: 0 to 999 are IRC's numerics themselves.
export const PING = 1000
export const PONG = 1001
export const PRIVMSG = 1002
export const ERROR = 1003
/** A command that servers send without being asked, and that means nothing to a load generator. */
export const CHATTER = 1004
/** Nothing between two line ends. */
export const BLANK = 1005
/** No command of any server. */
export const UNKNOWN = 1006
/** The answers to what a server has with `--lab` only. */
export const WORK = 1007
export const WAIT = 1008
/** Somebody else has left. */
export const QUIT = 1009

const COMMANDS = new Map<string, number>([
  ['PING', PING],
  ['PONG', PONG],
  ['PRIVMSG', PRIVMSG],
  ['ERROR', ERROR],
  ['WORK', WORK],
  ['WAIT', WAIT],
  ['QUIT', QUIT],
])
for (const word of 'NOTICE JOIN PART NICK MODE TOPIC KICK INVITE AWAY WALLOPS CAP'.split(' ')) {
  COMMANDS.set(word, CHATTER)
}

/** Finds lines, and the parts of a line. All positions are those of the last line found. */
export class LineScanner {
  start = 0
  /** Behind the last byte of the text: CR LF and LF do not belong to it. */
  end = 0
  /** The prefix without its colon; empty when there is none. */
  prefixStart = 0
  prefixEnd = 0
  command = BLANK
  /** Everything behind the command, and behind the space that follows it. */
  parametersStart = 0
  /** The last parameter, without the colon that may introduce it. */
  lastStart = 0

  /** Finds the line that begins at `at`. Returns where the next one begins; -1: no line end before `end`. */
  next(bytes: Buffer, at: number, end: number): number {
    let lineEnd = at
    while (lineEnd < end && bytes[lineEnd] !== LF) lineEnd++
    if (lineEnd === end) return -1
    this.start = at
    this.end = lineEnd > at && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd
    this.#divide(bytes)
    return lineEnd + 1
  }

  #divide(bytes: Buffer): void {
    let at = this.start
    this.prefixStart = this.prefixEnd = at
    if (at < this.end && bytes[at] === COLON) {
      this.prefixStart = at + 1
      this.prefixEnd = this.#wordEnd(bytes, at)
      at = this.#spacesEnd(bytes, this.prefixEnd)
    }
    const commandEnd = this.#wordEnd(bytes, at)
    this.command = commandOf(bytes, at, commandEnd, this.start === this.end)
    this.parametersStart = this.#spacesEnd(bytes, commandEnd)
    this.lastStart = this.#lastParameter(bytes, this.parametersStart)
  }

  #lastParameter(bytes: Buffer, from: number): number {
    let at = from
    for (;;) {
      if (at < this.end && bytes[at] === COLON) return at + 1
      const next = this.#spacesEnd(bytes, this.#wordEnd(bytes, at))
      if (next >= this.end) return at
      at = next
    }
  }

  #wordEnd(bytes: Buffer, from: number): number {
    let at = from
    while (at < this.end && bytes[at] !== SPACE) at++
    return at
  }

  #spacesEnd(bytes: Buffer, from: number): number {
    let at = from
    while (at < this.end && bytes[at] === SPACE) at++
    return at
  }
}

function commandOf(bytes: Buffer, start: number, end: number, blank: boolean): number {
  if (blank) return BLANK
  if (end - start === 3) {
    const [a, b, c] = [bytes[start]! - 48, bytes[start + 1]! - 48, bytes[start + 2]! - 48]
    if (a >= 0 && a <= 9 && b >= 0 && b <= 9 && c >= 0 && c <= 9) return a * 100 + b * 10 + c
  }
  return COMMANDS.get(textOf(bytes, start, end)) ?? UNKNOWN
}

/** Bytes as a latin1 string: for what is rare, as the words of an ERROR. */
export function textOf(bytes: Buffer, start: number, end: number): string {
  return bytes.toString('latin1', start, end)
}
