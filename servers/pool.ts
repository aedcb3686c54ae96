// Model            pool: one event loop for all clients, and a few threads for what takes a CPU.
// Conversations run in the main thread, a piece at a time, as under async. What one of them has to compute
//                  goes to a pool of worker threads (piscina), and comes back as a callback.
// They reach the hub by a call. Nothing else runs meanwhile, so nothing needs a lock.
// What blocks what Nobody waits for a slow client, nor for one that computes, while there are CPUs; only the
//                  client itself does, whose later lines are answered after it.
// Backpressure     As under async. What waits to be computed is bounded, too: beyond that it is refused.
// If its code dies As under async; a computation that throws is one in a thread, and ends alone.
// When to use it   A server that computes now and then: passwords, pictures, templates.
//                  When not: nothing to compute (async), or nothing else (thread). A task costs a message to
//                  another thread and one back, some 20 µs: less than that is sooner done in the loop.
// Leaves out       A conversation's own code in another thread: only what it asks to be computed goes there.
// Stands on        net-loop.ts, loop-client.ts and turn.ts, the loop of async; pool-worker.ts, its threads.
// Read next        pool-worker.ts; then poll.ts, a loop that is all our own.

import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { Piscina } from 'piscina'
import type { Guess, Verdict } from '../protocol/index.ts'
import { FairQueue } from './fair-queue.ts'
import type { Server, Setup } from './model.ts'
import { type Computing, NetLoop } from './net-loop.ts'
import type * as tasks from './pool-worker.ts'

const WORKER = fileURLToPath(new URL('./pool-worker.js', import.meta.url))

/** How long the threads may take to end after the last client. They are not in system calls. */
const CLOSE_MS_MAX = 1_000

export function serve(setup: Setup): Server {
  return new NetLoop(setup, new InThePool(setup))
}

class InThePool implements Computing {
  readonly ready: Promise<void>
  private readonly pool: Piscina
  /** Hashes wait here, and not in the pool: it knows only who was first. */
  private readonly hashes: FairQueue

  constructor({ settings, log }: Setup) {
    // As many as can compute at a time. They are there from the start: the first client pays for none.
    const threads = availableParallelism()
    this.pool = new Piscina({
      filename: WORKER,
      minThreads: threads,
      maxThreads: threads,
      maxQueue: settings.server.computeQueueMax,
      closeTimeout: CLOSE_MS_MAX,
    })
    this.hashes = new FairQueue(threads, settings.server.computeQueueMax)
    // A thread that ends while it has nothing to do is replaced.
    this.pool.on('error', (error: Error) => log(`A thread of the pool failed: ${error.message}`))
    this.ready = this.start(threads)
  }

  /** A thread opens its files when it first runs; later there may be no descriptor left for that. */
  private async start(threads: number): Promise<void> {
    await Promise.all(Array.from({ length: threads }, () => this.work(0)))
  }

  async work(ms: number): Promise<boolean> {
    if (this.isFull()) return false
    await this.run<typeof tasks.work>('work', ms)
    return true
  }

  async verify(guess: Guess): Promise<Verdict> {
    const verdict = await this.hashes.run(guess.host, async () =>
      this.isFull() ? null : this.run<typeof tasks.verify>('verify', guess),
    )
    return verdict ?? 'busy'
  }

  end(): Promise<void> {
    this.hashes.refuseWaiting()
    return this.pool.close({ force: true })
  }

  /** A queue without an end would only hide that there is more to do than can be done. */
  private isFull(): boolean {
    return this.pool.queueSize >= this.pool.options.maxQueue
  }

  private run<Task extends (argument: never) => unknown>(
    name: string,
    argument: Parameters<Task>[0],
  ): Promise<ReturnType<Task>> {
    return this.pool.run(argument, { name }) as Promise<ReturnType<Task>>
  }
}
