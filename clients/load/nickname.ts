// Nicknames: unique over all clients, threads and sessions of a run, and all of one length.

/** RFC 2812, section 1.2.1: no server has to take a longer one. */
export const NICKNAME_BYTES = 9
const SERIAL_DIGITS = 7
const LETTERS = 26

/**
 * The nickname of a serial number. Two letters from the seed keep two generators that drive one server
 * apart (mostly: there are 676 pairs); base 36 stays unique where servers fold case. One length makes
 * all lines that relay a nickname equally long, which lets the receiver look where it expects things.
 */
export function nickname(seed: number, serial: number): string {
  const family = (seed >>> 0) % (LETTERS * LETTERS)
  const first = String.fromCharCode(97 + Math.floor(family / LETTERS))
  const second = String.fromCharCode(97 + (family % LETTERS))
  return first + second + serial.toString(36).padStart(SERIAL_DIGITS, '0')
}

/** 78 thousand million: more than one machine can connect in the life of a run. */
export const SERIALS_MAX = 36 ** SERIAL_DIGITS
