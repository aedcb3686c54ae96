// The bounds of a server, whatever its model. What belongs to the protocol (lengths of lines and names,
// how long a client may be silent) is bounded in protocol/limits.ts.

import { availableParallelism } from 'node:os'

export interface ServerLimits {
  /** Clients at a time. One more is told `ERROR :Server full` and let go. */
  readonly clientsMax: number
  /**
   * Connections that the kernel keeps for us while we do not accept: listen(2). The kernel may cap it
   * (net.core.somaxconn, 4096 on Linux since 5.4). nginx asks for 511, as Node does.
   */
  readonly backlog: number
  /**
   * Output that waits for one client here; what the kernel holds for it comes on top. A client that is
   * over it does not read what it asked for, and is let go with `ERROR :SendQ exceeded`. Its memory is
   * the server's: ngIRCd allows 32 KiB, ergo 96 KiB, InspIRCd 256 KiB, NATS 64 MiB.
   */
  readonly sendQueueBytesMax: number
  /** A client whose replies pile up to this much is not read from until they are written. */
  readonly replyQueueBytesMax: number
  /**
   * A model that writes in blocking calls lets a client go that has taken nothing of what is written to
   * it for this long. The others notice the same client by its silence (pingTimeoutMs).
   */
  readonly stallMs: number
  /**
   * How long a connection that we have ended may take to read the rest and end its side, before it is
   * closed the hard way. A close while unread input is left resets the connection, and the reset can
   * overtake our last words: nginx waits up to 5 s for the same reason (`lingering_timeout`).
   */
  readonly lingerMs: number
  /** After SIGTERM: how long clients may take to read what waits for them. redis and NATS: 10 s. */
  readonly drainMs: number
  /**
   * What may wait for a thread of `pool`. One more is refused: whoever waits behind so many has better things
   * to do. With two threads and WORK 5, the last one of 64 waits for 160 ms.
   */
  readonly computeQueueMax: number
  /** Processes of `cluster`, each with an event loop. One for each core; a single one would be `async`. */
  readonly workers: number
  /** Threads or processes that `thread` and `process` start in advance, and keep ready. */
  readonly spares: number
  /** How often time-outs are looked at, and so how late they may fire (heartbeatMs, in an owner). */
  readonly tickMs: number
  /** How often the hub tells conversations that run elsewhere that time passes, and they that they live. */
  readonly heartbeatMs: number
  /**
   * A conversation that runs elsewhere and has said nothing for this long is in an endless loop, or
   * stopped, and is killed. It must be longer than the longest WORK (protocol/limits.ts, workMsMax).
   */
  readonly hungMs: number
}

export const DEFAULT_SERVER_LIMITS: Omit<ServerLimits, 'clientsMax'> = {
  backlog: 511,
  sendQueueBytesMax: 256 * 1024,
  replyQueueBytesMax: 64 * 1024,
  stallMs: 10_000,
  lingerMs: 2_000,
  drainMs: 4_000,
  computeQueueMax: 64,
  workers: Math.min(64, Math.max(2, availableParallelism())),
  spares: 0,
  tickMs: 100,
  heartbeatMs: 1_000,
  hungMs: 4_000,
}

/**
 * Descriptors that are never given to clients: standard input and output, the event loop's own, and the
 * few that a server needs in order to log and to refuse. redis keeps 32 back for the same purpose.
 */
export const RESERVED_DESCRIPTORS = 32
