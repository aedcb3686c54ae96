// One client of the generator: a socket, and where its conversation stands.

/** Where a connection stands. Numbers, because the hot path compares them. */
export const STATE = {
  /** Not connected: before the first attempt, or before the next one. */
  idle: 0,
  connecting: 1,
  /** NICK and USER were sent, or a first request; 001, or its answer, has not come. */
  registering: 2,
  /** `room`: JOIN was sent; 366 has not come. */
  joining: 3,
  /** Served by the server: takes part. */
  served: 4,
  /** `session`: QUIT was sent; the end of the stream has not come. */
  quitting: 5,
  /** Failed, refused, or done for good. */
  gone: 6,
} as const
export type State = (typeof STATE)[keyof typeof STATE]

export class Connection {
  /** Which client of the run this is; in messages, this is the sender. */
  readonly client: number
  /** Which client of this thread. */
  readonly local: number
  fd = -1
  state: State = STATE.idle
  /** The beginning of a line whose end has not come. */
  rest: Buffer | null = null
  /** What the kernel had no room for. */
  unsent: Buffer | null = null
  /** Why a send failed. The reading side may still hold the server's last words, so it decides. */
  brokenBy: string | null = null
  /** The words of the server's ERROR line. */
  farewell: string | null = null
  /** Requests so far, which is the number of the next one. Goes on from session to session. */
  sent = 0
  /** When to try again to connect. */
  retryAtNs = Infinity
  /** It was served at least once. */
  wasServed = false
  /** It was refused, or failed, before it was served. */
  wasLost = false

  constructor(client: number, local: number) {
    this.client = client
    this.local = local
  }

  get isOpen(): boolean {
    return this.fd !== -1
  }
}
