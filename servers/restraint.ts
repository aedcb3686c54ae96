// Answering datagrams without harming those who have not asked.
//
// A datagram names its sender, and nothing proves that. Two things follow:
//
// - Amplification: somebody sends a little in another's name, and the other receives much. DNS, NTP and
//   memcached have been used like that (RFC 5358).
// - Loops: one datagram in the name of another server, and the two answer each other for ever
//   (CERT CA-1996-01, echo and chargen).
//
// Protocols of today have the sender prove itself with a token first (QUIC, RFC 9000 section 8.1). Those of
// 1983 have no place for one. So what could do harm is given sparingly: see `mayAnswer`.

import { randomBytes } from 'node:crypto'
import type { Sender } from '../posix/index.ts'

/**
 * The ports of services: echo 7, daytime 13, chargen 19 and their like. Programs that ask send from others,
 * so what comes from there is an answer, and an answer to it would be a loop. inetd of NetBSD does the same.
 */
const SERVICE_PORT_MAX = 1023

/** A person who asks for the time, or says the same thing again, never needs more. */
const TOKENS_PER_S = 10
const TOKENS_MAX = 20

/**
 * Fixed tables, whatever is sent: what falls into the same place is taken for the same. An attacker cannot aim,
 * because the place depends on a number that is drawn at the start.
 */
const NETWORK_BITS = 12
/** At 100,000 answers in a second, one is remembered for half of a second. */
const ANSWER_BITS = 16

export class Restraint {
  private readonly secret = randomBytes(4).readInt32LE()
  /** By the network of the sender, because a port can be made up too. */
  private readonly tokens = new Float64Array(1 << NETWORK_BITS).fill(TOKENS_MAX)
  private readonly filledMs = new Float64Array(1 << NETWORK_BITS)
  /** The last answers, by what was said to whom: a number each. */
  private readonly answers = new Int32Array(1 << ANSWER_BITS)

  /**
   * Whether this may be answered. An answer that is longer than the request costs its sender's network a
   * token; so does one to an answer of ours that comes back, as from a server that echoes us. All others
   * are free: they are no more than the sender could have sent itself.
   */
  mayAnswer(sender: Sender, request: string, answer: string, nowMs: number): boolean {
    const { network, port } = sender
    if (port <= SERVICE_PORT_MAX) return false
    const whom = mix(mix(this.secret, network), port)
    const heard = digest(whom, request)
    const isOurs = this.answers[place(heard, ANSWER_BITS)] === heard
    const isFree = answer.length <= request.length && !isOurs
    if (!isFree && !this.takeToken(place(mix(this.secret, network), NETWORK_BITS), nowMs))
      return false
    const said = answer === request ? heard : digest(whom, answer)
    this.answers[place(said, ANSWER_BITS)] = said
    return true
  }

  /** A token bucket. A loop that turns faster than it is filled finds it empty, and has ended. */
  private takeToken(bucket: number, nowMs: number): boolean {
    const earned = ((nowMs - this.filledMs[bucket]!) / 1000) * TOKENS_PER_S
    const tokens = Math.min(TOKENS_MAX, this.tokens[bucket]! + earned)
    this.filledMs[bucket] = nowMs
    this.tokens[bucket] = tokens >= 1 ? tokens - 1 : tokens
    return tokens >= 1
  }
}

/** 32 bits for a text. All of it counts: what did not could be varied to have others forgotten. */
function digest(start: number, text: string): number {
  let hash = mix(start, text.length)
  for (let i = 0; i < text.length; i++) hash = mix(hash, text.charCodeAt(i))
  return hash
}

/** A step of multiplicative hashing, as in MurmurHash. */
function mix(hash: number, value: number): number {
  const product = Math.imul(hash ^ value, 0x5bd1e995)
  return product ^ (product >>> 15)
}

/**
 * Where a hash belongs in a table of 2 to the `bits` places. One step alone would leave neighbouring hosts
 * evenly spaced, so that two networks could fall onto each other host by host; the last steps of MurmurHash3
 * (fmix32) let each bit change all others.
 */
function place(hash: number, bits: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> (32 - bits)
}
