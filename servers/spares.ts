// Spares: owners (threads, processes) that are started before their clients come, so that accepting a
// client costs no start. As many as the operator asked for are kept: whenever one of them gets a client or
// ends, another is started in its place.
//
// In a storm there are soon none left that have started. A client then takes the one that was started
// first, which is ready earlier than one that is started now; and when there is none at all, one is started
// for it, as if there were no spares. Either way only so many start at the same time (Switchboard.settled),
// and no start is in vain.
//
// A spare waits in a system call and says nothing, so that it costs nothing. The price: one that somebody
// has stopped (SIGSTOP) is found only when it has a client and does not answer, and that client is let go.

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { BackOff } from './back-off.ts'
import type { Link, Switchboard } from './switchboard.ts'

export class Spares<Owner extends { readonly link: Link }> {
  /** Settles when all of them have started once, or one could not be: nobody should wait for ever. */
  readonly ready: Promise<void>
  private readonly wanted: number
  private readonly switchboard: Switchboard
  private readonly start: () => Owner | null
  private readonly log: (sentence: string) => void
  /** In the order of their starts. */
  private readonly owners = new Set<Owner>()
  /** After a spare could not be started, or has ended without a client. */
  private readonly backOff = new BackOff()
  private startedCount = 0
  private stopped = false
  private wake: () => void = () => {}
  private settle: () => void = () => {}

  /** `start` starts an owner without a client, or returns null, or throws. */
  constructor(
    wanted: number,
    switchboard: Switchboard,
    start: () => Owner | null,
    log: (sentence: string) => void,
  ) {
    this.wanted = wanted
    this.switchboard = switchboard
    this.start = start
    this.log = log
    this.ready = new Promise((resolve) => (this.settle = resolve))
    if (wanted === 0) this.settle()
    else void this.fill()
  }

  get size(): number {
    return this.owners.size
  }

  /** One for a client: one that has started, if there is any. Null when there is none at all. */
  take(): Owner | null {
    let chosen: Owner | null = null
    for (const owner of this.owners) {
      // It has ended, or is about to; and the number of its link's descriptor may be another's already.
      if (owner.link.closing || owner.link.socket.destroyed) continue
      chosen ??= owner
      if (!this.switchboard.hasStarted(owner.link)) continue
      chosen = owner
      break
    }
    if (chosen !== null) this.owners.delete(chosen)
    this.wake()
    return chosen
  }

  /** An owner has ended. If it was a spare, it is replaced. */
  bury(owner: Owner): void {
    if (!this.owners.delete(owner) || this.stopped) return
    this.log('A spare has ended before it had a client; it is replaced.')
    this.rest()
    this.wake()
  }

  /** No more are started. */
  stop(): void {
    this.stopped = true
    this.settle()
    this.wake()
  }

  private async fill(): Promise<void> {
    while (!this.stopped) {
      if (this.owners.size >= this.wanted) {
        await this.untilTaken()
        continue
      }
      await this.switchboard.settled()
      const { leftMs } = this.backOff
      if (leftMs > 0) await sleep(leftMs, undefined, { ref: false })
      if (this.stopped) return
      this.add()
      await nextTurn() // Those who have clients are served between two starts.
    }
  }

  private untilTaken(): Promise<void> {
    return new Promise((resolve) => (this.wake = resolve))
  }

  private add(): void {
    try {
      const owner = this.start()
      if (owner === null) return this.rest()
      owner.link.onStarted = () => this.started()
      this.owners.add(owner)
    } catch (error) {
      this.log(`A spare could not be started: ${String(error)}`)
      this.rest()
    }
  }

  private started(): void {
    if (++this.startedCount === this.wanted) this.settle()
  }

  private rest(): void {
    this.settle()
    this.backOff.fail()
  }
}
