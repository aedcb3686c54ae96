// Throttle: how often somebody may be wrong. It counts attempts under a key, an account or a host, and says
// whether another one may be made. What is under way counts as if it were wrong: a hundred guesses at the
// same moment are a hundred guesses. Times are arguments, any one clock in milliseconds.
//
// It remembers only what it would act on: for each key the last wrong attempts, and no key for longer than
// they count.

export interface ThrottleRule {
  /** So many wrong attempts within `windowMs`, and there is no further one. */
  readonly wrongMax: number
  /** So many attempts, wrong ones and those under way. Not less than `wrongMax`. */
  readonly attemptsMax: number
  readonly windowMs: number
  /** Keys that are remembered. When there are more, the one that was wrong longest ago is forgotten. */
  readonly keysMax: number
}

interface Count {
  underWay: number
  /** When the last attempts were wrong, the oldest first: `wrongMax` of them at most. */
  readonly wrongMs: number[]
}

export class Throttle {
  private readonly rule: ThrottleRule
  /** Those that were wrong last come last. */
  private readonly counts = new Map<string, Count>()

  constructor(rule: ThrottleRule) {
    this.rule = rule
  }

  /** How many keys are remembered. */
  get size(): number {
    return this.counts.size
  }

  allows(key: string, nowMs: number): boolean {
    const count = this.counts.get(key)
    if (count === undefined) return true
    const { wrongMax, attemptsMax } = this.rule
    const wrong = this.recent(count, nowMs)
    return wrong < wrongMax && wrong + count.underWay < attemptsMax
  }

  /** An attempt begins. Whoever says so says `end` later, once. */
  begin(key: string, nowMs: number): void {
    const count = this.counts.get(key) ?? { underWay: 0, wrongMs: [] }
    count.underWay++
    this.counts.set(key, count)
    this.forget(nowMs)
  }

  /** An attempt has ended: nothing is known of it, or it was wrong. */
  end(key: string, wasWrong: boolean, nowMs: number): void {
    const count = this.counts.get(key) ?? { underWay: 1, wrongMs: [] }
    count.underWay--
    if (wasWrong) {
      count.wrongMs.push(nowMs)
      if (count.wrongMs.length > this.rule.wrongMax) count.wrongMs.shift()
      this.counts.delete(key)
      this.counts.set(key, count)
    } else if (this.isIdle(count, nowMs)) this.counts.delete(key)
  }

  /** Whatever was wrong under this key counts no longer. */
  pardon(key: string): void {
    const count = this.counts.get(key)
    if (count !== undefined) count.wrongMs.length = 0
  }

  private recent(count: Count, nowMs: number): number {
    while (count.wrongMs.length > 0 && nowMs - count.wrongMs[0]! >= this.rule.windowMs) {
      count.wrongMs.shift()
    }
    return count.wrongMs.length
  }

  private isIdle(count: Count, nowMs: number): boolean {
    return count.underWay === 0 && this.recent(count, nowMs) === 0
  }

  /** Two looks at the oldest keys for each new one: what counts no longer goes sooner than it comes. */
  private forget(nowMs: number): void {
    let looks = 2
    for (const [key, count] of this.counts) {
      // Those with an attempt under way are kept: they are no more than there are clients.
      const isTooMany = this.counts.size > this.rule.keysMax && count.underWay === 0
      if (isTooMany || this.isIdle(count, nowMs)) this.counts.delete(key)
      if (--looks === 0) return
    }
  }
}
