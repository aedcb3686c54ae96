// Model            async: one event loop for all clients.
// Conversations run in the main thread, a piece at a time: one callback for each piece of input.
// They reach the hub by a call. Nothing else runs meanwhile, so nothing needs a lock.
// What blocks what Nobody waits for a slow client. Everybody waits for one that computes (WORK).
// Backpressure     node:net queues what the kernel does not take. A client whose own answers pile up is
//                  not read from; one that lets a room's messages pile up is let go (SendQ exceeded).
// If its code dies An exception is caught and ends that client. An endless loop stops everyone.
// When to use it   Many clients that are mostly idle, little to compute: chat, proxies, most of the web.
//                  When not: anything that keeps a CPU busy for milliseconds. See thread for that.
// Leaves out       A second core.
// Stands on        net-loop.ts, the loop; loop-client.ts, what it knows of a client; turn.ts, its output.
// Read next        net-loop.ts; then pool.ts, which differs in where computing is done.

import { busyFor } from './busy.ts'
import type { Server, Setup } from './model.ts'
import { type Computing, NetLoop } from './net-loop.ts'
import { verify } from './passwords.ts'

export function serve(setup: Setup): Server {
  return new NetLoop(setup, new InTheLoop())
}

class InTheLoop implements Computing {
  readonly ready = Promise.resolve()

  /** In the loop itself: while this runs, nobody else is read, answered or accepted. */
  work(ms: number): null {
    busyFor(ms)
    return null
  }

  /** Node hashes on libuv's own threads, of which there are four: so this one does not stop the loop. */
  readonly verify = verify

  async end(): Promise<void> {}
}
