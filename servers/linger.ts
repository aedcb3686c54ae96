// Ending a connection so that its last words arrive.

import { AGAIN, type IoBuffer, recv, setReceiveTimeoutMs, shutdown } from '../posix/index.ts'

/**
 * Ends our half of a blocking connection, then reads theirs to its end, for `lingerMs` at most. A close
 * (or the end of the process) while unread input is left would reset the connection, and the reset could
 * overtake what we have written last. The descriptor stays open: closing it is its owner's business.
 */
export function lingeringClose(client: number, memory: IoBuffer, lingerMs: number): void {
  const endMs = performance.now() + lingerMs
  try {
    shutdown(client, 'write')
    for (let leftMs = lingerMs; leftMs > 0; leftMs = endMs - performance.now()) {
      setReceiveTimeoutMs(client, Math.max(1, leftMs))
      const count = recv(client, memory, 0, memory.length)
      if (count === 0 || count === AGAIN) return
    }
  } catch {
    // Reset by the other side: then nobody waits for our last words.
  }
}
