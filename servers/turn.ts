// A turn: one round of the event loop. What is written to a client in a turn, by however many others, is
// collected, and written to its socket once, at the turn's end. With a hundred people talking in a room
// of a hundred, that is the difference between a system call for each line and one for a hundred lines.

/** Those who have something to be written in this turn. */
export class Turn<Client> {
  private readonly flush: (clients: readonly Client[]) => void
  private clients: Client[] = []

  /** `flush` is called at the end of each turn in which somebody was added. */
  constructor(flush: (clients: readonly Client[]) => void) {
    this.flush = flush
  }

  /** Adds a client: once a turn, when the first thing is collected for it. */
  add(client: Client): void {
    // setImmediate comes after all sockets that were ready in this turn have been read.
    if (this.clients.length === 0) setImmediate(() => this.end())
    this.clients.push(client)
  }

  /** At the latest when all sockets that were ready have been read. */
  end(): void {
    const { clients } = this
    this.clients = []
    this.flush(clients)
  }
}
