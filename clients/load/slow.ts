// Workload `slow`: as `room`, but when the measured window begins some of the members stop reading, as on a bad
// network or in a program that hangs. What is measured is what the others feel.
//
// The server may let those go who do not read, or keep what they have to hear: either is its right, and what it did is
// told by the words that it gave. When the load has stopped they read again. Whoever was kept must then get all that
// was said, each message once and in order, for the ledger has no exception for slow readers; whoever was let go is no
// member any more.
//
// How much it takes is not ours to say. For a client that reads nothing Linux takes 3 to 5 MB on the loopback
// interface, most of it in the buffer of the sender, however small the receiver's is; only then the server notices.

import type { Connection } from './connection.ts'
import { STEP } from './control.ts'
import { RoomDriver } from './room.ts'
import { Tally } from './tally.ts'

export class SlowDriver extends RoomDriver {
  readonly #letGo = new Tally()
  #reads = true

  /** The last ones; the first ones speak. */
  #isSlow({ client }: Connection): boolean {
    return client >= this.spec.clients - this.spec.senders
  }

  protected override sweep(): void {
    const shouldRead = this.step !== STEP.measure
    if (shouldRead === this.#reads) return
    this.#reads = shouldRead
    for (const connection of this.connections) {
      if (this.#isSlow(connection) && connection.isOpen) this.wire.listen(connection, shouldRead)
    }
  }

  /** Nobody times or counts what was read late on purpose. */
  protected override countsDeliveries(connection: Connection): boolean {
    return !this.#isSlow(connection)
  }

  protected override isSettled(): boolean {
    return this.#reads && super.isSettled()
  }

  /** From the window on it is no fault of a connection. */
  protected override countFailure(connection: Connection, cause: string): void {
    if (this.#isSlow(connection) && this.step >= STEP.measure) this.#letGo.add(cause)
    else super.countFailure(connection, cause)
  }

  protected override get slow() {
    const readers = this.connections.filter((one) => this.#isSlow(one) && one.wasServed).length
    return { readers, letGo: this.#letGo.toRecord() }
  }
}
