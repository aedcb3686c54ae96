// Workload `echo`: as `ping`, but for a server that sends back every byte as it came. What is sent are
// messages, each with CR LF behind it: not for the server, which knows no lines, but so that one that comes
// back damaged is one line, and the next one is found.
//
// A client is served when its first message has come back: connecting alone is not being served.

import { EchoReader } from './answers.ts'
import { type Connection, STATE } from './connection.ts'
import { PingDriver } from './ping.ts'
import { Pinger } from './pinger.ts'

export class EchoDriver extends PingDriver {
  protected override makePinger(): Pinger {
    return new Pinger(this.spec, this.connections.length, this.ledger, '', EchoReader)
  }

  protected override introduce(connection: Connection): void {
    const nowNs = this.clock.now()
    this.ask(connection, 1, nowNs, nowNs)
    // It is entered when it is answered: of who is left waiting, nothing is missing.
    connection.sent = 0
  }

  protected override consume(connection: Connection, nowNs: number): void {
    if (connection.state === STATE.registering) this.#first(connection, nowNs)
    if (connection.isOpen) super.consume(connection, nowNs)
  }

  /** What comes before a client is served is the echo of its first message, or nothing of an echo server's. */
  #first(connection: Connection, nowNs: number): void {
    const { inbox, requests } = this
    const lineBytes = requests.quick(inbox)
    if (lineBytes === 0 && inbox.end - inbox.at < requests.batch.requestBytes) return
    connection.sent = 1
    if (lineBytes === 0 || !requests.enter(connection, nowNs)) {
      connection.farewell = 'not an echo'
      return this.fail(connection, 'not an echo')
    }
    inbox.at += lineBytes
    if (this.takesPart) this.registered(connection, nowNs)
  }

  /** No line of an echo server means anything but itself. */
  protected override readOther(connection: Connection): void {
    this.stray(connection)
  }

  /** The books are closed. */
  protected override readWords(): void {
    this.inbox.at = this.inbox.end
  }
}
