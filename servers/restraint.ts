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
 * A fixed table, whatever is sent: those who fall into the same place share it. An attacker cannot aim at
 * anybody's, because it depends on a number that is drawn at the start.
 */
const PLACE_BITS = 12
const PLACES = 1 << PLACE_BITS

export class Restraint {
  private readonly secret = randomBytes(4).readInt32LE()
  /** By the network of the sender, because a port can be made up too. */
  private readonly tokens = new Float64Array(PLACES).fill(TOKENS_MAX)
  private readonly filledMs = new Float64Array(PLACES)
  /** By the network and the port. Bounded, as answers are. */
  private readonly lastAnswers: string[] = Array.from({ length: PLACES }, () => '')

  /**
   * Whether this may be answered. An answer that is longer than the request costs its sender's network a
   * token; so does one to our own last answer, which a server that echoes us would send. All others are
   * free: they are no more than the sender could have sent itself.
   */
  mayAnswer(sender: Sender, request: string, answer: string, nowMs: number): boolean {
    const { network, port } = sender
    if (port <= SERVICE_PORT_MAX) return false
    const place = this.placeOf(network + Math.imul(port, 0x85ebca6b))
    const isFree = answer.length <= request.length && request !== this.lastAnswers[place]
    if (!isFree && !this.takeToken(this.placeOf(network), nowMs)) return false
    this.lastAnswers[place] = answer
    return true
  }

  /** A token bucket. A loop that turns faster than it is filled finds it empty, and has ended. */
  private takeToken(place: number, nowMs: number): boolean {
    const earned = ((nowMs - this.filledMs[place]!) / 1000) * TOKENS_PER_S
    const tokens = Math.min(TOKENS_MAX, this.tokens[place]! + earned)
    this.filledMs[place] = nowMs
    this.tokens[place] = tokens >= 1 ? tokens - 1 : tokens
    return tokens >= 1
  }

  /** Multiplicative hashing: the highest bits depend on all others. */
  private placeOf(number: number): number {
    const mixed = Math.imul((number | 0) ^ this.secret, 0x9e3779b1)
    return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) >>> (32 - PLACE_BITS)
  }
}
