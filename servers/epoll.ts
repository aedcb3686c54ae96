// Model            epoll: one readiness loop of ours over epoll(7), for all clients.
// Conversations run in one thread, a piece at a time: whenever their descriptor is ready. It is not the main
//                  thread, because one that is in the kernel hears no signal: see server-thread.ts.
// They reach the hub by a call. Nothing else runs meanwhile, so nothing needs a lock.
// What blocks what Nobody waits for a slow client. Everybody waits for one that computes (WORK). Nobody pays
//                  for those who are idle: the kernel keeps the list, and returns those who are ready.
// Backpressure     What the kernel does not take is kept, and the selector asked to tell when there is room.
//                  A client whose own answers pile up is not read from; one that lets a room's messages pile
//                  up is let go (SendQ exceeded).
// If its code dies An exception is caught and ends that client. An endless loop stops everyone.
// When to use it   Ten thousand clients that are mostly idle, on Linux; it is what libuv, nginx and redis do.
//                  When not: as with async, whatever keeps a CPU busy for milliseconds.
// Leaves out       A second core. Edge-triggered readiness, which saves a few calls and costs much care.
// Stands on        readiness.ts, the loop; ready-clients.ts and loop-client.ts, its clients; turn-output.ts;
//                  server-thread.ts and errands.ts, its thread.
// Read next        thread.ts: no loop, but a thread for each client.

import { isMainThread } from 'node:worker_threads'
import { EpollSelector } from '../posix/index.ts'
import type { Server, Setup } from './model.ts'
import { runLoop } from './readiness.ts'
import { serveInThread } from './server-thread.ts'

export function serve(setup: Setup): Server {
  return serveInThread(setup, import.meta.url, { errands: true })
}

// The server's thread runs this same file.
if (!isMainThread) await runLoop(new EpollSelector())
