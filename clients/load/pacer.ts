// When the requests of an open loop are due. A pacer knows no clock and no server: it is a function of how many
// arrivals there were, and when the last one was due. So a schedule can be tested without waiting for it, and
// whoever computes it again, as every thread of a run does, gets the same one.
//
// After vegeta's lib/pacer.go, where the next hit, too, follows from the hits so far and nothing else.

import type { LoadSpec } from './contract.ts'

/**
 * The moment at which arrival `number` (from 0) is due, when the one before it was due at `beforeNs`, in
 * nanoseconds from the beginning of the load. Before the first one it is 0.
 */
export type Pacer = (number: number, beforeNs: number) => number

const SECOND_NS = 1e9

/** Evenly, and the first one at once. No error adds up: each moment is computed from the number. */
export function constantPacer(ratePerS: number): Pacer {
  return (number) => (number / ratePerS) * SECOND_NS
}

/**
 * As those of very many users who know nothing of each other: a Poisson process, whose gaps are exponentially
 * distributed. Now and then many come at once, as they do in life; a queue is made of that.
 */
export function poissonPacer(ratePerS: number, seed: number): Pacer {
  const meanNs = SECOND_NS / ratePerS
  return (number, beforeNs) => beforeNs - Math.log(1 - drawn(seed, number)) * meanNs
}

export function pacerOf({ arrivals, ratePerS, seed }: LoadSpec): Pacer | null {
  if (arrivals === 'closed' || ratePerS === null) return null
  return arrivals === 'constant' ? constantPacer(ratePerS) : poissonPacer(ratePerS, seed)
}

/** How many arrivals are due before `elapsedNs`. */
export function arrivalsWithin(pacer: Pacer, elapsedNs: number): number {
  let number = 0
  for (let dueNs = pacer(0, 0); dueNs < elapsedNs; dueNs = pacer(number, dueNs)) number++
  return number
}

/** From 0 up to but not including 1, of each number another: the mixing step of MurmurHash3, twice. */
function drawn(seed: number, number: number): number {
  let mixed = Math.imul(seed ^ Math.imul(number + 1, 0x9e3779b1), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  mixed = Math.imul(mixed ^ (mixed >>> 16) ^ seed, 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return ((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32
}
