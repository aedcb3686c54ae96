// The ledger: numbers that ought to arrive once each, in order, on many streams.
//
// A stream is one sender as one receiver sees it. What a number says depends on the one expected next:
//
//     the expected one     received
//     a later one          received; those in between are lost, for now
//     an earlier one       if it was counted as lost: received after all, and reordered
//                          otherwise: duplicated
//
// So for every stream, always: the next number = received + lost. Whoever sends closes the account:
// sent = next number + outstanding.

/**
 * How many lost numbers are remembered one by one, to tell a late one from a second one. Beyond it a
 * late one counts as a duplicate; a run with so many losses is worth nothing anyway.
 */
const MISSING_MAX = 1 << 16

export class SequenceLedger {
  /** The number that each stream expects next. */
  readonly next: Int32Array
  received = 0
  lost = 0
  duplicated = 0
  reordered = 0
  corrupt = 0
  readonly #missing = new Map<number, Set<number>>()
  #missingCount = 0

  constructor(streams: number) {
    this.next = new Int32Array(streams)
  }

  /** Enters a number that has arrived. False: it was there before. */
  accept(stream: number, number: number): boolean {
    const expected = this.next[stream]!
    if (number === expected) {
      this.next[stream] = number + 1
      this.received++
      return true
    }
    return number > expected ? this.#skip(stream, expected, number) : this.#late(stream, number)
  }

  /** All before `number` that have not arrived are lost, unless they come late. */
  giveUp(stream: number, number: number): void {
    const expected = this.next[stream]!
    if (number <= expected) return
    this.#miss(stream, expected, number)
    this.next[stream] = number
  }

  /** The stream goes on at `number`; what it was waiting for is nobody's any more. */
  restart(stream: number, number: number): void {
    this.next[stream] = number
    this.#missingCount -= this.#missing.get(stream)?.size ?? 0
    this.#missing.delete(stream)
  }

  #skip(stream: number, expected: number, number: number): boolean {
    this.#miss(stream, expected, number)
    this.next[stream] = number + 1
    this.received++
    return true
  }

  #miss(stream: number, expected: number, number: number): void {
    this.lost += number - expected
    const missing = this.#missing.get(stream) ?? new Set<number>()
    this.#missing.set(stream, missing)
    for (let one = expected; one < number && this.#missingCount < MISSING_MAX; one++) {
      missing.add(one)
      this.#missingCount++
    }
  }

  #late(stream: number, number: number): boolean {
    if (this.#missing.get(stream)?.delete(number) !== true) {
      this.duplicated++
      return false
    }
    this.#missingCount--
    this.lost--
    this.reordered++
    this.received++
    return true
  }
}

/** Counts what arrives, and asks nothing: for runs without accounting. */
export class CountingLedger extends SequenceLedger {
  override accept(stream: number): boolean {
    this.next[stream]!++
    this.received++
    return true
  }
}
