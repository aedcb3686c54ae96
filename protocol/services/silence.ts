// The clock of conversations that are ended when their client is silent for too long, without a word.

import type { ConversationEffect } from '../effects.ts'
import type { ServerIdentity } from '../identity.ts'

/** What the chat gives to a registered client that does not answer: an interval, and a time-out. */
export function silenceMsMax({ limits }: ServerIdentity): number {
  return limits.pingIntervalMs + limits.pingTimeoutMs
}

export class Silence {
  private readonly msMax: number
  private endMs: number

  constructor(msMax: number, nowMs: number) {
    this.msMax = msMax
    this.endMs = nowMs + msMax
  }

  /** The client has said something, or could not be heard. */
  broken(nowMs: number): void {
    this.endMs = nowMs + this.msMax
  }

  nextTickMs(): number {
    return this.endMs
  }

  tick(nowMs: number): ConversationEffect | null {
    if (nowMs < this.endMs) return null
    this.endMs = Infinity
    return { kind: 'close', text: '', reason: 'Idle for too long' }
  }
}
