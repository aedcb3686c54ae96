// Who hears a message first, and who last: of each message in a room, when the first, the median and the last
// receiver had it. Every delivery that a thread reads comes later than, or together with, the one before it, so it
// is enough to count: the first delivery of a message is its first receiver's, and so on. No times are kept, and
// a delivery costs one increment.
//
// That holds within one thread. Deliveries that several threads read have no order that could be known without
// asking a clock that all share for each of them, which would cost more than the delivery; so with several
// threads nothing is said about receivers.

import { mergeTimes, TimeHistogram } from './times.ts'
import type { Receivers } from './contract.ts'

/** Encoded histograms. */
export interface ReceiversOutcome {
  readonly first: string
  readonly median: string
  readonly last: string
}

/** Messages of one sender that are remembered at least, until everybody has them. */
const KEPT_MIN = 256

export class ReceiverCounts {
  readonly #first = new TimeHistogram()
  readonly #median = new TimeHistogram()
  readonly #last = new TimeHistogram()
  /** A power of two, so that a place is found by masking. */
  readonly #kept: number
  /** Of the last messages of each sender: how many have received it, its number, and since when it is awaited. */
  readonly #counts: Int32Array
  readonly #numbers: Int32Array
  readonly #sinceNs: Float64Array
  #receivers = 0
  #medianAt = 0

  /** `inFlight`: how many messages a sender may have under way. */
  constructor(senders: number, inFlight: number) {
    this.#kept = 2 ** Math.ceil(Math.log2(Math.max(KEPT_MIN, 2 * inFlight)))
    this.#counts = new Int32Array(senders * this.#kept)
    this.#numbers = new Int32Array(senders * this.#kept).fill(-1)
    this.#sinceNs = new Float64Array(senders * this.#kept)
  }

  /** `receivers`: how many hear each message. */
  begin(receivers: number): void {
    this.#receivers = receivers
    this.#medianAt = Math.ceil(receivers / 2)
  }

  windowBegins(): void {
    for (const times of [this.#first, this.#median, this.#last]) times.reset()
  }

  /** Somebody has received this message, which was sent (open loop: was due) at `sinceNs`. */
  received(sender: number, number: number, sinceNs: number, nowNs: number): void {
    const place = sender * this.#kept + (number & (this.#kept - 1))
    if (this.#numbers[place] !== number) this.#replace(place, number, sinceNs, nowNs)
    const count = ++this.#counts[place]!
    if (count === 1) this.#first.record(nowNs - sinceNs)
    if (count === this.#medianAt) this.#median.record(nowNs - sinceNs)
    if (count === this.#receivers) this.#last.record(nowNs - sinceNs)
  }

  #replace(place: number, number: number, sinceNs: number, nowNs: number): void {
    this.#giveUp(place, nowNs)
    this.#numbers[place] = number
    this.#counts[place] = 0
    this.#sinceNs[place] = sinceNs
  }

  /** A message that some have not received is entered at the time that they have waited by now. */
  #giveUp(place: number, nowNs: number): void {
    if (this.#numbers[place] === -1) return
    const count = this.#counts[place]!
    const waitedNs = nowNs - this.#sinceNs[place]!
    if (count < this.#medianAt) this.#median.record(waitedNs)
    if (count < this.#receivers) this.#last.record(waitedNs)
    this.#numbers[place] = -1
  }

  /** Nothing more will come. Messages that nobody has received are not known here. */
  end(nowNs: number): void {
    for (let place = 0; place < this.#numbers.length; place++) this.#giveUp(place, nowNs)
  }

  encode(): ReceiversOutcome {
    return {
      first: this.#first.encode(),
      median: this.#median.encode(),
      last: this.#last.encode(),
    }
  }

  destroy(): void {
    for (const times of [this.#first, this.#median, this.#last]) times.destroy()
  }
}

/** As a result has it; null unless one thread has seen all. */
export function receiversOf(outcomes: readonly (ReceiversOutcome | null)[]): Receivers | null {
  const [only, ...others] = outcomes
  if (!only || others.length > 0) return null
  return {
    first: mergeTimes([only.first]),
    median: mergeTimes([only.median]),
    last: mergeTimes([only.last]),
  }
}
