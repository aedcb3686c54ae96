// Model            poll: one readiness loop of ours over poll(2), for all clients.
// Conversations run in one thread, a piece at a time: whenever their descriptor is ready. It is not the main
//                  thread, because one that is in the kernel hears no signal: see server-thread.ts.
// They reach the hub by a call. Nothing else runs meanwhile, so nothing needs a lock.
// What blocks what Nobody waits for a slow client. Everybody waits for one that computes (WORK), and
//                  everybody pays for those who are idle: each wait hands the kernel the whole list of
//                  descriptors.
// Backpressure     What the kernel does not take is kept, and the selector asked to tell when there is room.
//                  A client whose own answers pile up is not read from; one that lets a room's messages pile
//                  up is let go (SendQ exceeded).
// If its code dies An exception is caught and ends that client. An endless loop stops everyone.
// When to use it   Some hundred clients; anywhere, because every Unix has poll(2).
//                  When not: thousands of them. To fifty clients who PING beside 10,000 who are idle an
//                  answer costs 100 µs of CPU, alone 8. See epoll, which differs in nothing else: there it is
//                  9 µs beside as many.
// Leaves out       A second core. Edge-triggered readiness, which poll(2) does not have.
// Stands on        readiness.ts, the loop; ready-clients.ts and loop-client.ts, its clients; turn-output.ts;
//                  server-thread.ts and errands.ts, its thread.
// Read next        readiness.ts; then epoll.ts, the same over the better call.

import { isMainThread } from 'node:worker_threads'
import { PollSelector } from '../posix/index.ts'
import type { Server, Setup } from './model.ts'
import { runLoop } from './readiness.ts'
import { serveInThread } from './server-thread.ts'

export function serve(setup: Setup): Server {
  return serveInThread(setup, import.meta.url, { errands: true })
}

// The server's thread runs this same file.
if (!isMainThread) await runLoop(new PollSelector())
