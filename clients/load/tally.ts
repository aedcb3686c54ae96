// How often each of a few causes occurred, when a stranger words the causes.

/** A server that words every refusal differently must not fill memory, nor a report. */
const CAUSES_MAX = 32
const CAUSE_CHARACTERS_MAX = 120
const OTHER_CAUSES = 'other causes'

export class Tally {
  readonly #counts = new Map<string, number>()
  total = 0

  add(cause: string, count = 1): void {
    // Control characters could not be shown on a terminal without harm.
    const shown = cause.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '?').slice(0, CAUSE_CHARACTERS_MAX)
    const known = this.#counts.has(shown) || this.#counts.size < CAUSES_MAX
    const key = known ? shown : OTHER_CAUSES
    this.#counts.set(key, (this.#counts.get(key) ?? 0) + count)
    this.total += count
  }

  addAll(counts: Readonly<Record<string, number>>): void {
    for (const [cause, count] of Object.entries(counts)) this.add(cause, count)
  }

  toRecord(): Record<string, number> {
    return Object.fromEntries(this.#counts)
  }
}
