// What the load generator is asked for, and what it answers. Plain data: it crosses threads, and bench/
// builds on it.

export const WORKLOAD_NAMES = ['ping', 'room', 'session'] as const
export type WorkloadName = (typeof WORKLOAD_NAMES)[number]

/** One run of the generator against one server. All times are in the unit their name ends with. */
export interface LoadSpec {
  readonly workload: WorkloadName
  /** The server: `127.0.0.1:6667`, `[::1]:6667` or `unix:/path`, as posix/address.ts reads it. */
  readonly address: string
  /** Connections kept open at the same time (`session`: sessions that run at the same time). */
  readonly clients: number
  /** `room`: how many of the clients speak; all of them listen. */
  readonly senders: number
  /** `ping` and `session`: requests in flight on each connection; `room`: messages per barrier. */
  readonly window: number
  /** Length of the text after the colon of each PING or PRIVMSG. At least 24. */
  readonly messageBytes: number
  /** `session`: PINGs answered before the client quits. */
  readonly pingsPerSession: number
  /** Driven, but not measured. */
  readonly warmupMs: number
  /** The measured window. */
  readonly durationMs: number
  /** Setting up ends when every client is registered, or when none has been for this long. */
  readonly setupStallMs: number
  /** After the window: how long answers that are still outstanding are waited for. */
  readonly drainMs: number
  /** Worker threads that the connections are spread over. */
  readonly threads: number
  /** Seed of message bodies and nicknames. */
  readonly seed: number
}

/** The phases of a run, in their order. `hold`: load has stopped, every connection is still open. */
export type LoadPhase = 'setup' | 'warmup' | 'measure' | 'hold' | 'finish'

export interface LoadHooks {
  /** Called when the phase begins on all threads; `hold` lasts until the returned promise settles. */
  readonly onPhase?: (phase: LoadPhase) => void | Promise<void>
  /** Ends the run early: the promise of `runLoad` rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Operations so far, about four times a second, for a progress display. */
  readonly onProgress?: (operations: number) => void
}

/** Times of one kind, as a histogram of nanoseconds; it can be merged with others of its kind. */
export interface Times {
  readonly count: number
  readonly minNs: number
  readonly p50Ns: number
  readonly p90Ns: number
  readonly p99Ns: number
  readonly p999Ns: number
  readonly maxNs: number
  readonly meanNs: number
  /** HdrHistogram V2, compressed, base64: what `hdr-histogram-js` and HdrHistogram's tools decode. */
  readonly hdr: string
}

/** Every request and every delivery is accounted for; anything but zero in the last four is a fault. */
export interface Ledger {
  /**
   * Requests sent over the whole run, warm-up included: PINGs; in a room its PRIVMSGs, without the
   * barriers. `sent` (room: × the other members) = received + outstanding + lost + what was in flight
   * on connections that failed.
   */
  readonly sent: number
  /** Requests answered (ping, session), or messages delivered (room), over the whole run. */
  readonly received: number
  /**
   * Requests or deliveries still missing after the drain, on connections that stayed open. Each barrier
   * that was never answered counts as one more.
   */
  readonly outstanding: number
  /** Sequence numbers that were skipped. */
  readonly lost: number
  readonly duplicated: number
  readonly reordered: number
  /** Lines whose content is not what was sent, or that are no answer to anything. */
  readonly corrupt: number
}

export interface LoadResult {
  readonly spec: LoadSpec
  /** Clients that got a first answer from the server: connecting alone is not being served. */
  readonly served: number
  /**
   * Clients that the server refused in so many words (`ERROR :...`, or an error reply such as 433), by
   * its words. `session`: each refused attempt.
   */
  readonly refused: Readonly<Record<string, number>>
  /** Clients that connected and were never answered. */
  readonly unserved: number
  /** PONGs (ping), deliveries (room) or sessions (session) that ended within the measured window. */
  readonly operations: number
  /** Length of the measured window as it was. */
  readonly elapsedNs: number
  /**
   * ping: request to answer. room: sending to delivery at each receiver. session: connect to the end
   * of the connection. Measured in a closed loop from the actual sending: service time. What was under
   * way when the window ended is in here too, at the time that it took in the end or, if it is still
   * missing after the drain, has taken so far; so there are a few more times than operations.
   */
  readonly serviceTime: Times
  /** session: connect to the first answer: what a client waits before anyone talks to it. */
  readonly firstAnswerTime: Times | null
  readonly ledger: Ledger
  /** Connections that failed or were closed by the other side during the run, by cause. */
  readonly errors: Readonly<Record<string, number>>
  /** The generator's own state: is it the limit? */
  readonly generator: {
    readonly threads: number
    /** Share of the measured window that the busiest thread did not spend waiting: 0 to 1. */
    readonly busyShare: number
    /** CPU time of all generator threads in the measured window. */
    readonly cpuMs: number
  }
}
