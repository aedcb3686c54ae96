// The accept loop's two troubles: no descriptor left, and no place left.

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import {
  close,
  getpeername,
  IoBuffer,
  type Listener,
  sendNow,
  shutdown,
  SystemError,
} from '../posix/index.ts'

/** How long accepting rests when the process or the machine is out of descriptors or memory. */
export const EXHAUSTED_REST_MS = 100
/** How often the operator is told so. */
const EXHAUSTED_LOG_MS = 1_000
const EXHAUSTED = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM'])

/**
 * The connections of a listener, one in each turn of the event loop: starting a thread or a process for
 * each takes milliseconds, and those that are here already must not wait for a whole backlog of them.
 *
 * When descriptors run out, the connection stays in the backlog and the
 * listener stays readable; without a rest, a loop would spin on it.
 */
export async function* accepted(
  listener: Listener,
  log: (sentence: string) => void,
): AsyncGenerator<number, void, void> {
  let loggedMs = -Infinity
  for (;;) {
    try {
      for await (const client of listener) {
        if (isGone(client)) close(client)
        else yield client
        await nextTurn()
      }
      return
    } catch (error) {
      if (!(error instanceof SystemError) || !EXHAUSTED.has(error.code)) throw error
      if (performance.now() - loggedMs > EXHAUSTED_LOG_MS) {
        log(`Cannot accept for now (${error.code}); waiting for clients to leave.`)
        loggedMs = performance.now()
      }
      await sleep(EXHAUSTED_REST_MS)
    }
  }
}

/** It was reset while it waited in the backlog: not worth a thread or a process, nor even a refusal. */
function isGone(client: number): boolean {
  try {
    getpeername(client)
    return false
  } catch {
    return true // ENOTCONN.
  }
}

/** Where a client comes from, as text for other people. A Unix-domain socket comes from here. */
export function hostOf(client: number): string {
  try {
    const peer = getpeername(client)
    return peer.family === 'unix' ? 'localhost' : peer.host
  } catch {
    return 'localhost' // It is gone already (ENOTCONN), and will be noticed to be.
  }
}

/** Says a line to a client that nobody else writes to, if there is room for it. */
export function sayLast(client: number, line: string): void {
  const memory = new IoBuffer(line.length)
  memory.bytes.write(line, 'latin1')
  try {
    sendNow(client, memory, 0, line.length)
    shutdown(client, 'write')
  } catch {
    // It is gone already; then nobody is told.
  }
}

const REFUSED_LINGER_MS = 1_000
/** Each refused connection keeps its descriptor for a while, but not more than this many do. */
const REFUSED_MAX = 16
let refused = 0

/**
 * Tells a connection that there is no place for it, and lets it go. It stays open for a moment so that
 * the line arrives (BlockingClient.linger says why), without anybody waiting for it.
 */
export function refuse(client: number, line: string): void {
  sayLast(client, line)
  if (refused >= REFUSED_MAX) return close(client)
  refused++
  setTimeout(() => {
    refused--
    close(client)
  }, REFUSED_LINGER_MS)
}
