// One client's socket, used in blocking calls: what `sequential`, `thread` and `process` have in common.
// Blocking is the point, but not for ever: a call gives up now and then, so that whoever made it can look
// at the clock, and a client that takes nothing of what is written to it is let go in the end.

import { constants } from 'node:os'
import { performance } from 'node:perf_hooks'
import {
  AGAIN,
  IoBuffer,
  recv,
  sendAll,
  sendFile,
  setNoDelay,
  setReceiveTimeoutMs,
  setSendTimeoutMs,
  shutdown,
  SystemError,
} from '../posix/index.ts'
import { saysHungUp } from './last-words.ts'

export class BlockingClient {
  readonly socket: number
  private readonly output = new IoBuffer(16 * 1024)
  private readonly lookUpMs: number
  private readonly stallMs: number
  private stalledMs = 0
  /** A write has failed, because the other side is gone. It may have said something before (last-words.ts). */
  hungUp = false

  /**
   * `lookUpMs`: the longest that a call blocks. `onStall` is called when a write has blocked for so long;
   * it may throw to give up. After `stallMs` the client is given up anyway.
   */
  constructor(socket: number, limits: { lookUpMs: number; stallMs: number; onStall: () => void }) {
    this.socket = socket
    this.lookUpMs = limits.lookUpMs
    this.stallMs = limits.stallMs
    this.onStall = (takenBytes) => {
      this.stalledMs = takenBytes > 0 ? 0 : this.stalledMs + this.lookUpMs
      if (this.stalledMs >= this.stallMs) {
        throw new SystemError(constants.errno.ETIMEDOUT, 'send')
      }
      limits.onStall()
    }
    setReceiveTimeoutMs(socket, limits.lookUpMs)
    setSendTimeoutMs(socket, limits.lookUpMs)
    setNoDelay(socket, true)
  }

  private readonly onStall: (takenBytes: number) => void

  /**
   * Writes text, unless nobody is there any more. What is longer than the buffer goes in pieces. Throws what
   * else send(2) throws.
   */
  write(text: string): void {
    const { output } = this
    for (let at = 0; at < text.length; at += output.length) {
      this.send(output, 0, output.write(at === 0 ? text : text.slice(at), 0))
    }
  }

  /** Writes bytes that are in memory already. */
  send(from: IoBuffer, start: number, end: number): void {
    if (this.hungUp) return
    this.stalledMs = 0
    try {
      sendAll(this.socket, from, start, end - start, this.onStall)
    } catch (error) {
      if (!saysHungUp(error)) throw error
      this.hungUp = true
    }
  }

  /** Sends some of a file: at least one byte, unless it ends at `from`, which is 0. Throws what sendfile(2) throws. */
  sendFile(file: number, from: number, lengthBytes: number): number {
    this.stalledMs = 0
    for (;;) {
      const count = sendFile(this.socket, file, from, lengthBytes)
      if (count !== AGAIN) return count
      this.onStall(0)
    }
  }

  /**
   * Ends our half of the connection, then reads theirs to its end, for `lingerMs` at most. A close (or
   * the end of the process) while unread input is left would reset the connection, and the reset could
   * overtake what we have written last. The descriptor stays open: closing it is its owner's business.
   */
  linger(lingerMs: number): void {
    const { output, socket } = this
    const endMs = performance.now() + lingerMs
    try {
      shutdown(socket, 'write')
      for (let leftMs = lingerMs; leftMs > 0; leftMs = endMs - performance.now()) {
        setReceiveTimeoutMs(socket, Math.max(1, leftMs))
        const count = recv(socket, output, 0, output.length)
        if (count === 0 || count === AGAIN) return
      }
    } catch {
      // Reset by the other side: then nobody waits for our last words.
    }
  }
}
