// Resting after failures: threads and processes that die as soon as they are started, or cannot be started at
// all, are not started again in a loop. That would take the CPU from those who live, and fill the log.

/**
 * The rest after a failure. It is doubled each time, and it is short again after the longest of them has
 * passed without a failure.
 */
const REST_MS_MIN = 100
const REST_MS_MAX = 5_000

export class BackOff {
  private restMs = 0
  private untilMs = -Infinity

  /** Something has failed. Many that fail at the same time, or while we rest, are one failure. */
  fail(): void {
    const nowMs = performance.now()
    if (nowMs < this.untilMs) return
    const isRare = nowMs - this.untilMs > REST_MS_MAX
    this.restMs = isRare ? REST_MS_MIN : Math.min(2 * this.restMs, REST_MS_MAX)
    this.untilMs = nowMs + this.restMs
  }

  /** How long to rest now; 0: not at all. */
  get leftMs(): number {
    return Math.max(0, this.untilMs - performance.now())
  }
}
