// The accept loop's two troubles: accept(2) fails, and no place is left.

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { close, getpeername, IoBuffer, type Listener, sendNow, shutdown } from '../posix/index.ts'

/**
 * What accept(2) says of the one connection that was next, and that is gone. The man page of Linux asks
 * to go on after these. (ECONNABORTED, the one that others have too, does not get here.)
 */
const OF_ONE_CONNECTION = new Set([
  'ENETDOWN',
  'EPROTO',
  'ENOPROTOOPT',
  'EHOSTDOWN',
  'ENONET',
  'EHOSTUNREACH',
  'ENOTSUP', // EOPNOTSUPP, as Node calls that number.
  'ENETUNREACH',
])
/**
 * The process or the machine is out of descriptors or memory, or a firewall forbids it (EPERM). This will
 * pass, but not at once: the connection may stay in the backlog and the listener readable, and without a
 * rest a loop would spin on it.
 */
const PASSING = new Set(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EPERM'])
const REST_MS = 100
/** How often the operator is told so. */
const LOG_INTERVAL_MS = 1_000

/** What to do about the failures of one accept loop. */
export class AcceptFailures {
  private readonly log: (sentence: string) => void
  private loggedMs = -Infinity

  constructor(log: (sentence: string) => void) {
    this.log = log
  }

  /** How long to rest before the next accept. Throws a failure again that will not pass. */
  restMs(failure: unknown): number {
    const code = failure instanceof Error && 'code' in failure ? String(failure.code) : ''
    if (OF_ONE_CONNECTION.has(code)) return 0
    if (!PASSING.has(code)) throw failure
    const nowMs = performance.now()
    if (nowMs - this.loggedMs >= LOG_INTERVAL_MS) {
      this.log(`Cannot accept for now (${code}); new clients wait.`)
      this.loggedMs = nowMs
    }
    return REST_MS
  }
}

/**
 * The connections of a listener, one in each turn of the event loop: starting a thread or a process for
 * each takes milliseconds, and those that are here already must not wait for a whole backlog of them.
 */
export async function* accepted(
  listener: Listener,
  log: (sentence: string) => void,
): AsyncGenerator<number, void, void> {
  const failures = new AcceptFailures(log)
  for (;;) {
    try {
      for await (const client of listener) {
        if (isGone(client)) close(client)
        else yield client
        await nextTurn()
      }
      return
    } catch (error) {
      await sleep(failures.restMs(error))
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
export const REFUSED_MAX = 16
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
