// Names: which nicknames, users, channels and keys there can be, and when two of them are the same.
//
// CASEMAPPING is ascii: only A to Z have a lower case. RFC 2812 section 2.2 would also have {}|^ be the
// lower case of []\~, a memory of Scandinavian keyboards that modern servers drop.

import {
  CHANNEL_BYTES_MAX,
  HOST_BYTES_MAX,
  KEY_BYTES_MAX,
  NICK_BYTES_MAX,
  USER_BYTES_MAX,
} from './limits.ts'

/** RFC 2812 section 2.3.1: letters, digits, specials, `-`; not a digit or `-` first. */
const NICK = /^[A-Za-z[\]\\`_^{|}][A-Za-z0-9[\]\\`_^{|}-]*$/

/** No control character, space or comma (they end a name in a line), nor a colon (RFC 2812 2.3.1). */
const CHANNEL = /^#[^\x00-\x20,:\x7f]*$/

/** A key stands in a comma list of JOIN, too, and must not look like a trailing parameter. */
const KEY = /^[^\x00-\x20,:\x7f][^\x00-\x20,\x7f]*$/

export function isNick(name: string): boolean {
  return name.length <= NICK_BYTES_MAX && NICK.test(name)
}

export function isChannelName(name: string): boolean {
  return name.length > 1 && name.length <= CHANNEL_BYTES_MAX && CHANNEL.test(name)
}

export function isKey(key: string): boolean {
  return key.length <= KEY_BYTES_MAX && KEY.test(key)
}

/** The user name as it is shown: what would be mistaken for a part of `nick!user@host` is left out. */
export function asUser(name: string): string {
  return name.replace(/[^A-Za-z0-9._-]/g, '').slice(0, USER_BYTES_MAX) || 'user'
}

/** The host as it is shown: `::1` would read as a trailing parameter, and is written `0::1`. */
export function asHost(host: string): string {
  const word = host.replace(/[^\x21-\x3f\x41-\x7e]/g, '').slice(0, HOST_BYTES_MAX) || 'unknown'
  return word.startsWith(':') ? `0${word}` : word
}

/** The form under which names are compared and looked up. */
export function foldName(name: string): string {
  return hasCode(name, 0x41, 0x5a) ? name.replace(/[A-Z]+/g, (run) => run.toLowerCase()) : name
}

/**
 * `toUpperCase` for A to Z alone. The general one knows that the capital of the latin1 character 0xFF
 * is not a latin1 character; these strings are bytes.
 */
export function asciiUpper(word: string): string {
  return hasCode(word, 0x61, 0x7a) ? word.replace(/[a-z]+/g, (run) => run.toUpperCase()) : word
}

function hasCode(text: string, low: number, high: number): boolean {
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code >= low && code <= high) return true
  }
  return false
}

/**
 * Whether `name` matches `mask`, in which `*` stands for any text and `?` for one byte. Both are folded
 * by the caller. It goes back to the last `*` only: at worst mask times name, never exponential.
 */
export function matchesMask(mask: string, name: string): boolean {
  let inMask = 0
  let inName = 0
  let starInMask = -1
  let starInName = 0
  while (inName < name.length) {
    const wanted = mask[inMask]
    if (wanted === '*') {
      starInMask = inMask++
      starInName = inName
    } else if (wanted === '?' || wanted === name[inName]) {
      inMask++
      inName++
    } else if (starInMask !== -1) {
      inMask = starInMask + 1
      inName = ++starInName
    } else return false
  }
  while (mask[inMask] === '*') inMask++
  return inMask === mask.length
}
