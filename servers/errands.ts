// Errands: what a loop that waits in the kernel has the main thread do for it. The main thread has an event
// loop and Node's thread pool; this one has neither, so it asks by a message, and goes on.
//
// The answer is a message too, but who waits in poll(2) hears of none. So whoever sends it rings a bell: a
// byte through a socketpair, whose other end is one more descriptor that the loop waits for. Such a pipe to
// oneself is how a signal or another thread has reached a select loop since the 1980s.

import { parentPort, receiveMessageOnPort, type Worker } from 'node:worker_threads'
import { AGAIN, IoBuffer, recvNow, sendNow } from '../posix/index.ts'
import type { Guess, Verdict } from '../protocol/index.ts'
import { verify } from './passwords.ts'

export interface Errand {
  readonly id: number
  readonly guess: Guess
}

interface Result {
  readonly id: number
  readonly verdict: Verdict
}

/** The loop's side. */
export class Errands {
  /** Readable when there are results to collect. */
  readonly bell: number
  private readonly done = new Map<number, (verdict: Verdict) => void>()
  private readonly rings = new IoBuffer(64)
  private lastId = 0

  constructor(bell: number) {
    this.bell = bell
  }

  /** `done` is called from `collect`. */
  verify(guess: Guess, done: (verdict: Verdict) => void): void {
    const errand: Errand = { id: ++this.lastId, guess }
    this.done.set(errand.id, done)
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- That is for windows.
    parentPort!.postMessage(errand)
  }

  /** The bell has rung. */
  collect(): void {
    while (recvNow(this.bell, this.rings, 0, this.rings.length) !== AGAIN);
    for (;;) {
      const received = receiveMessageOnPort(parentPort!)
      if (received === undefined) return
      const { id, verdict } = received.message as Result
      const done = this.done.get(id)
      this.done.delete(id)
      done?.(verdict)
    }
  }
}

const RING = new IoBuffer(1)

/** The main thread's side: does it, and tells the thread. */
export async function runErrand(errand: Errand, thread: Worker, bell: number): Promise<void> {
  const result: Result = {
    id: errand.id,
    verdict: await verify(errand.guess),
  }
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- That is for windows.
  thread.postMessage(result)
  try {
    sendNow(bell, RING, 0, 1) // When there is no room, it is ringing already.
  } catch {
    // The thread has ended meanwhile, and its end of the bell with it.
  }
}
