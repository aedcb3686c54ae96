// Framing: from bytes to lines.
//
// A line ends with LF; a CR before it belongs to the end (RFC 2812 section 2.3 asks for CR LF, and
// every server takes LF alone, which is what a person with `nc` sends). Blank lines are ignored. A line
// with its terminator has at most 512 bytes.
//
// Lines are latin1 strings: one character for one byte. Every byte passes through unchanged, and the
// conversion is a copy; UTF-8 is checked, because clients are promised it, but never decoded.
//
// A long chunk is converted once and its lines are slices of it, which V8 makes without copying. The
// price: a slice keeps its parent alive. So whatever outlives the chunk (half a line here, a nickname
// or a topic in the hub) must go through `detach`.

import { ENDLESS_LINE_BYTES_MAX, LINE_BYTES_MAX } from './limits.ts'

const CR = 0x0d

/** What can be wrong with a line. The line itself is not to be seen by anybody. */
export class FramingFault {
  readonly what: 'too long' | 'endless' | 'forbidden byte' | 'not UTF-8'

  constructor(what: FramingFault['what']) {
    this.what = what
  }
}

// One object for each fault for the whole program: a hostile client makes faults cheaply, not garbage.
const TOO_LONG = new FramingFault('too long')
const ENDLESS = new FramingFault('endless')
const FORBIDDEN_BYTE = new FramingFault('forbidden byte')
const NOT_UTF8 = new FramingFault('not UTF-8')

/**
 * Takes chunks in, gives lines out, and holds at most what was pushed and not yet asked for. Between
 * chunks that is half a line, or nothing: an idle reader owns no buffer.
 */
export class LineReader {
  private text = ''
  /** Where in `text` the next line begins. */
  private at = 0
  /** Bytes of a too long line thrown away so far; 0: not within such a line. */
  private discarded = 0

  /** Bytes that are held. */
  get length(): number {
    return this.text.length - this.at
  }

  /** The byte that the next line begins with; -1 when there is none, or when it is being discarded. */
  get firstByte(): number {
    return this.at < this.text.length && this.discarded === 0 ? this.text.charCodeAt(this.at) : -1
  }

  /** Nothing is held, and nothing is being thrown away: the next chunk begins with a line. */
  get isEmpty(): boolean {
    return this.at === this.text.length && this.discarded === 0
  }

  push(chunk: string): void {
    this.text = this.at === this.text.length ? chunk : this.text.slice(this.at) + chunk
    this.at = 0
  }

  /** The next line without its terminator, what is wrong with it, or null: more bytes are needed. */
  next(): string | FramingFault | null {
    for (;;) {
      const end = this.text.indexOf('\n', this.at)
      if (this.discarded > 0) {
        if (!this.discardTo(end)) return this.discarded > ENDLESS_LINE_BYTES_MAX ? ENDLESS : null
        continue
      }
      const bytes = (end === -1 ? this.text.length : end + 1) - this.at
      if (bytes > LINE_BYTES_MAX || (end === -1 && bytes === LINE_BYTES_MAX)) {
        // Said as soon as it is certain, however the bytes were cut into chunks.
        this.at += LINE_BYTES_MAX - 1
        this.discarded = LINE_BYTES_MAX - 1
        return TOO_LONG
      }
      if (end === -1) {
        this.keepRemainder()
        return null
      }
      const start = this.at
      this.at = end + 1
      const stop = end > start && this.text.charCodeAt(end - 1) === CR ? end - 1 : end
      if (stop === start) continue
      return inspect(this.text.slice(start, stop))
    }
  }

  /** Forgets everything that is held. */
  clear(): void {
    this.text = ''
    this.at = 0
  }

  /** Throws away up to `end` (-1: all there is). True when the too long line is over. */
  private discardTo(end: number): boolean {
    this.discarded += (end === -1 ? this.text.length : end) - this.at
    if (end === -1 || this.discarded > ENDLESS_LINE_BYTES_MAX) {
      this.clear()
      return false
    }
    this.at = end + 1
    this.discarded = 0
    return true
  }

  private keepRemainder(): void {
    if (this.at === 0) return
    this.text = this.at === this.text.length ? '' : detach(this.text.slice(this.at))
    this.at = 0
  }
}

/** What most lines have nothing of: forbidden bytes, and those that are more than ASCII. */
const CLOSER_LOOK = /[\0\r\x80-\xff]/

function inspect(line: string): string | FramingFault {
  if (!CLOSER_LOOK.test(line)) return line
  if (line.includes('\0') || line.includes('\r')) return FORBIDDEN_BYTE
  return isUtf8(line) ? line : NOT_UTF8
}

/**
 * Whether the bytes are well-formed UTF-8: RFC 3629 section 4, so no overlong form, no surrogate,
 * nothing above U+10FFFF, nothing cut short.
 */
export function isUtf8(bytes: string): boolean {
  for (let i = 0; i < bytes.length;) {
    const lead = bytes.charCodeAt(i++)
    if (lead < 0x80) continue
    if (lead < 0xc2 || lead > 0xf4) return false
    // Only the first continuation byte has a narrower range, and only after these four leads.
    const low = lead === 0xe0 ? 0xa0 : lead === 0xf0 ? 0x90 : 0x80
    const high = lead === 0xed ? 0x9f : lead === 0xf4 ? 0x8f : 0xbf
    const first = bytes.charCodeAt(i++)
    // Past the end charCodeAt is NaN, and every comparison with it is false: hence the form.
    if (!(first >= low && first <= high)) return false
    for (let more = lead >= 0xf0 ? 2 : lead >= 0xe0 ? 1 : 0; more > 0; more--) {
      const next = bytes.charCodeAt(i++)
      if (!(next >= 0x80 && next <= 0xbf)) return false
    }
  }
  return true
}

/** The longest beginning of `text` that has at most `bytesMax` bytes and cuts no UTF-8 sequence. */
export function cutBytes(text: string, bytesMax: number): string {
  if (text.length <= bytesMax) return text
  let end = bytesMax
  while (end > 0 && (text.charCodeAt(end) & 0xc0) === 0x80) end--
  return text.slice(0, end)
}

/** `text` as a line on the wire: cut to 512 bytes with its terminator. */
export function wireLine(text: string): string {
  return (text.length > LINE_BYTES_MAX - 2 ? cutBytes(text, LINE_BYTES_MAX - 2) : text) + '\r\n'
}

/** The first `count` bytes as latin1 text. */
export function textOf(bytes: Buffer, count: number): string {
  return latin1.latin1Slice.call(bytes, 0, count)
}

// What `bytes.toString('latin1', 0, count)` comes to, three functions later. Node's documentation leaves
// it out, but every version has it; and in a model that runs each conversation in a thread of its own,
// every function on this path has to get warm once for every client.
const latin1 = Buffer.prototype as unknown as {
  latin1Slice(this: Buffer, start: number, end: number): string
}

/** A copy that keeps nothing else alive. V8 copies slices shorter than 13 characters anyway. */
export function detach(text: string): string {
  return text.length < 13 ? text : Buffer.from(text, 'latin1').toString('latin1')
}
