// The text of a message: everything a receiver needs to prove that it is the right one.
//
//     sender  number        time      body
//     0AF     00g7Q         0001kq3B  dVx2...        messageBytes in all
//     3       5             8         the rest, at least 8
//
// The three numbers are written in digits of base 64, because shifting is cheaper than dividing and
// sixteen bytes hold them all. The body is a piece of one long text that both sides compute from the
// seed, and *where* it is cut out depends on all three numbers. So the receiver, who may be another
// thread than the sender, needs no table of what was sent: it reads the numbers, looks up the same piece
// and compares. One changed byte anywhere, in the numbers too, makes the two disagree.
//
// This is the hot path of the generator. Nothing here allocates, and bytes are compared four at a time.

/** Numbers and eight bytes of body. */
export const MESSAGE_BYTES_MIN = 24
/**
 * An IRC line holds 510 bytes (RFC 2812, section 2.3), and a relayed one begins with
 * `:nick!user@host PRIVMSG #bench :`, where the host alone may have 63. With 400 nothing is ever cut.
 */
export const MESSAGE_BYTES_MAX = 400
/** Three digits of base 64. */
export const SENDERS_MAX = 64 ** 3

const HEADER_BYTES = 16
/** How many places a body can begin at. A power of two; far more than a cache line, less than a cache. */
const TEXT_PLACES = 1 << 16

const DIGITS = Buffer.from(
  '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_',
  'latin1',
)
const NO_DIGIT = 0x80
/** Value of each byte as a digit. NO_DIGIT has a bit that no value has, so one test serves many. */
const VALUES = new Uint8Array(256).fill(NO_DIGIT)
for (const [value, digit] of DIGITS.entries()) VALUES[digit] = value

/** Writes and proves messages of one length and one seed. */
export class MessageCodec {
  readonly messageBytes: number
  readonly #bodyBytes: number
  readonly #seed: number
  readonly #text: DataView
  readonly #proves: boolean

  /** What the last successful `read` has found. */
  sender = 0
  number = 0
  timeNs = 0

  /** `proves`: whether bodies are written and compared. Without, a message is its numbers, and says nothing sure. */
  constructor(seed: number, messageBytes: number, proves = true) {
    this.messageBytes = messageBytes
    this.#proves = proves
    this.#bodyBytes = messageBytes - HEADER_BYTES
    this.#seed = seed
    this.#text = longText(seed, TEXT_PLACES + messageBytes)
  }

  /** Writes the message of `sender` with this number (30 bits) and time (48 bits: three days). */
  write(view: DataView, at: number, sender: number, number: number, timeNs: number): void {
    const timeHigh = Math.floor(timeNs / 0x1000000)
    const timeLow = Math.floor(timeNs) - timeHigh * 0x1000000
    view.setUint8(at, DIGITS[(sender >> 12) & 63]!)
    view.setUint8(at + 1, DIGITS[(sender >> 6) & 63]!)
    view.setUint8(at + 2, DIGITS[sender & 63]!)
    view.setUint8(at + 3, DIGITS[(number >> 24) & 63]!)
    writeFour(view, at + 4, number)
    writeFour(view, at + 8, timeHigh)
    writeFour(view, at + 12, timeLow)
    if (!this.#proves) return
    const place = this.#placeOf(sender, number, timeHigh, timeLow)
    copyBytes(this.#text, place, view, at + HEADER_BYTES, this.#bodyBytes)
  }

  /**
   * Proves the message at `at`, of which all bytes must be there. True: `sender`, `number` and `timeNs`
   * tell which one it is. False: these bytes were never sent.
   */
  read(view: DataView, at: number): boolean {
    const a = VALUES[view.getUint8(at)]!
    const b = VALUES[view.getUint8(at + 1)]!
    const c = VALUES[view.getUint8(at + 2)]!
    const d = VALUES[view.getUint8(at + 3)]!
    const numberLow = readFour(view, at + 4)
    const timeHigh = readFour(view, at + 8)
    const timeLow = readFour(view, at + 12)
    if (((a | b | c | d) & NO_DIGIT) !== 0 || (numberLow | timeHigh | timeLow) < 0) return false
    const sender = (a << 12) | (b << 6) | c
    const number = (d << 24) | numberLow
    if (this.#proves && !this.#isBody(view, at + HEADER_BYTES, sender, number, timeHigh, timeLow)) {
      return false
    }
    this.sender = sender
    this.number = number
    this.timeNs = timeHigh * 0x1000000 + timeLow
    return true
  }

  #isBody(
    view: DataView,
    at: number,
    sender: number,
    number: number,
    timeHigh: number,
    timeLow: number,
  ): boolean {
    const place = this.#placeOf(sender, number, timeHigh, timeLow)
    return sameBytes(this.#text, place, view, at, this.#bodyBytes)
  }

  /** Mixes all numbers (multiplications of MurmurHash3), so that neighbours lie far apart. */
  #placeOf(sender: number, number: number, timeHigh: number, timeLow: number): number {
    let mixed = Math.imul(sender ^ this.#seed, 0xcc9e2d51) ^ Math.imul(number, 0x1b873593)
    mixed = Math.imul(mixed ^ (mixed >>> 15) ^ timeHigh, 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13) ^ timeLow, 0xc2b2ae35)
    return (mixed ^ (mixed >>> 16)) & (TEXT_PLACES - 1)
  }
}

/** The lowest 24 bits, as four digits. */
function writeFour(view: DataView, at: number, value: number): void {
  view.setUint8(at, DIGITS[(value >> 18) & 63]!)
  view.setUint8(at + 1, DIGITS[(value >> 12) & 63]!)
  view.setUint8(at + 2, DIGITS[(value >> 6) & 63]!)
  view.setUint8(at + 3, DIGITS[value & 63]!)
}

/** Four digits; negative when one of them is none. */
function readFour(view: DataView, at: number): number {
  const a = VALUES[view.getUint8(at)]!
  const b = VALUES[view.getUint8(at + 1)]!
  const c = VALUES[view.getUint8(at + 2)]!
  const d = VALUES[view.getUint8(at + 3)]!
  return ((a | b | c | d) & NO_DIGIT) === 0 ? (a << 18) | (b << 12) | (c << 6) | d : -1
}

/** Digits drawn with a seed. Mulberry32, one multiplication a byte: good enough to differ. */
function longText(seed: number, lengthBytes: number): DataView {
  const text = new DataView(new ArrayBuffer(lengthBytes))
  let state = seed | 0
  for (let i = 0; i < lengthBytes; i++) {
    state = (state + 0x6d2b79f5) | 0
    let drawn = Math.imul(state ^ (state >>> 15), 1 | state)
    drawn = (drawn + Math.imul(drawn ^ (drawn >>> 7), 61 | drawn)) ^ drawn
    text.setUint8(i, DIGITS[(drawn ^ (drawn >>> 14)) & 63]!)
  }
  return text
}

/** Whether two pieces of memory are equal. For some tens of bytes faster than Buffer.compare's call. */
export function sameBytes(
  one: DataView,
  oneAt: number,
  other: DataView,
  otherAt: number,
  lengthBytes: number,
): boolean {
  let i = 0
  for (const words = lengthBytes - 3; i < words; i += 4) {
    if (one.getInt32(oneAt + i, true) !== other.getInt32(otherAt + i, true)) return false
  }
  for (; i < lengthBytes; i++) {
    if (one.getUint8(oneAt + i) !== other.getUint8(otherAt + i)) return false
  }
  return true
}

function copyBytes(
  from: DataView,
  fromAt: number,
  to: DataView,
  toAt: number,
  lengthBytes: number,
): void {
  let i = 0
  for (const words = lengthBytes - 3; i < words; i += 4) {
    to.setInt32(toAt + i, from.getInt32(fromAt + i, true), true)
  }
  for (; i < lengthBytes; i++) to.setUint8(toAt + i, from.getUint8(fromAt + i))
}

/** A view of all of a Buffer's memory. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
