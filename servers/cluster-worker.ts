// A worker of `cluster`: a process with an event loop of its own, as under `async`, in which many
// conversations run. It accepts from the listener that all workers share; their hub is far away (far-hub.ts).
//
// Read next: cluster-link.ts, how they reach their hub.

import { Socket } from 'node:net'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import {
  accept,
  AGAIN,
  dieWithParent,
  exitNow,
  PollSet,
  READABLE,
  SystemError,
} from '../posix/index.ts'
import { loadService } from '../protocol/index.ts'
import { AcceptFailures } from './accepting.ts'
import { busyFor } from './busy.ts'
import { FarHub } from './far-hub.ts'
import type { Settings } from './model.ts'
import { type Computing, NetClients } from './net-loop.ts'
import { verify } from './passwords.ts'

/** The descriptors that a worker inherits. */
const LISTENER = 3
const LINK = 4

/**
 * Who has more clients than others leaves a new connection to them for so long. A worker with nothing else to
 * do takes it within a millisecond; and if all others are busy, this is still soon enough.
 */
const AHEAD_MS = 5

/** Computes in the loop, as `async` does. The hub is to know that this is no endless loop. */
class InTheWorker implements Computing {
  readonly ready = Promise.resolve()
  private readonly hub: FarHub

  constructor(hub: FarHub) {
    this.hub = hub
  }

  work(ms: number): null {
    busyFor(ms)
    this.hub.beatWhenDue()
    return null
  }

  readonly verify = verify

  async end(): Promise<void> {}
}

/**
 * Accepts until the listener is shut down. Each connection wakes all workers that wait, and one of them gets
 * it; the others have lost a few microseconds.
 */
async function acceptFor(clients: NetClients, hub: FarHub): Promise<void> {
  const failures = new AcceptFailures(log)
  const waiting = new PollSet(1)
  waiting.set(0, LISTENER, READABLE)
  while (!hub.draining) {
    try {
      if (hub.ahead) await sleep(AHEAD_MS)
      const fd = accept(LISTENER) // The primary has made it non-blocking, for all.
      if (fd === AGAIN) {
        await waiting.pollAsync(1, -1)
        continue
      }
      const socket = new Socket({ fd, readable: true, writable: true, allowHalfOpen: true })
      clients.admit(socket.setNoDelay(true))
      await nextTurn() // One in each turn: the next may be for another worker.
    } catch (error) {
      if (error instanceof SystemError && error.code === 'EINVAL') return // It is shut down.
      await sleep(failures.restMs(error))
    }
  }
}

function log(sentence: string): void {
  console.error(`hubbub: Worker ${process.pid}: ${sentence}`)
}

/** A fault that nothing has caught costs this worker and its clients. The primary starts another one. */
function failAtOnce(error: unknown): never {
  log(`It failed: ${String(error)}`)
  exitNow(1)
}

dieWithParent()
process.on('uncaughtException', failAtOnce)
// Ctrl-C goes to every process of a terminal, but when a server ends is for the primary to say.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
const settings = JSON.parse(process.argv[2]!) as Settings
const service = await loadService(settings.service)
const hub = new FarHub(LINK, settings.server.heartbeatMs)
const clients = new NetClients(
  { settings, service, log },
  new InTheWorker(hub),
  hub,
  (client, bytes) => hub.hear(client, bytes),
)
hub.serve(clients)
await hub.ready
await acceptFor(clients, hub)
