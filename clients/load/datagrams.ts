// Workload `echo` over UDP: one message is one datagram, and so is its echo. Either may get lost on the way,
// and nobody is told. So a request that has no answer after a second is given up, and its place in the window
// is used again; one that is overtaken is given up at once. When its answer comes all the same it is counted,
// as reordered.
//
// Nothing of this is a fault, it is what UDP is, and it is entered in the ledger to be shown beside the rate.
// The service times are those of the answers that came.

import { type Connection, STATE } from './connection.ts'
import { EchoDriver } from './echo.ts'
import { codeOf } from './wire.ts'

/** No answer on a machine, nor on a continent, takes as long. What DNS resolvers wait is a few times that. */
const GIVE_UP_NS = 1e9

export class DatagramEchoDriver extends EchoDriver {
  /** May get lost as well; then the next one, a second later, is another message. */
  protected override introduce(connection: Connection): void {
    const nowNs = this.clock.now()
    this.ask(connection, 1, nowNs, nowNs)
  }

  protected override ask(
    connection: Connection,
    count: number,
    nowNs: number,
    dueNs: number,
  ): void {
    const { requests } = this
    requests.write(connection, count, nowNs, dueNs)
    const { memory, requestBytes } = requests.batch
    try {
      for (let i = 0; i < count; i++) {
        this.wire.sendDatagram(connection, memory, i * requestBytes, requestBytes)
      }
    } catch (error) {
      this.fail(connection, codeOf(error))
    }
  }

  protected override consume(connection: Connection, nowNs: number): void {
    const { inbox, requests } = this
    const isWhole = requests.quick(inbox) === inbox.end - inbox.at && inbox.end > inbox.at
    inbox.at = inbox.end
    if (!isWhole) this.ledger.corrupt++
    else if (connection.state === STATE.served) this.answered(connection, nowNs)
    else if (requests.enter(connection, nowNs) && this.takesPart) this.registered(connection, nowNs)
    if (this.driving && connection.state === STATE.served) this.refill(connection, nowNs)
  }

  protected override sweep(nowNs: number): void {
    for (const connection of this.connections) {
      if (!connection.isOpen || !this.#giveUpBefore(connection, nowNs - GIVE_UP_NS)) continue
      if (connection.state === STATE.registering && this.isSettingUp) this.introduce(connection)
      if (connection.state === STATE.served && this.driving) this.refill(connection, nowNs)
    }
  }

  /** Gives up what was sent before. Returns whether there was any. */
  #giveUpBefore(connection: Connection, sentNs: number): boolean {
    const first = this.ledger.next[connection.local]!
    let number = first
    while (number < connection.sent && this.requests.sentAt(connection, number) <= sentNs) number++
    this.ledger.giveUp(connection.local, number)
    return number > first
  }

  /** What has not come by now is lost. */
  protected override closeBooks(): number {
    for (const { local, sent } of this.connections) this.ledger.giveUp(local, sent)
    return 0
  }
}
