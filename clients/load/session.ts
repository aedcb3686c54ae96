// Workload `session`: connect, register, send K PINGs, QUIT, read to the end of the stream; then the
// same again with a new nickname. Every connection is a slot in which session follows session.
//
// Here waiting to be served is the point: the clock starts before connect, and a slot that the server
// leaves in its backlog waits there, as long as it takes. During the setup the first sessions begin in
// waves, so that a backlog is not flooded by what is no load yet; from the warm-up on nothing holds
// back. When the load stops, sessions that are under way go on to their end, and none begins.
//
// In an open loop an arrival is a new session. It takes a slot that is free, and waits when there is none: that
// wait is in the response time, and in no service time.

import { type Connection, STATE } from './connection.ts'
import { STEP } from './control.ts'
import { Driver, type Task } from './drive.ts'
import { PONG } from './lines.ts'
import { Pinger } from './pinger.ts'
import { TimeHistogram } from './times.ts'

/**
 * How long a server may take to close after QUIT (RFC 2812, section 3.1.7, makes it the server's turn).
 * Long enough for a server under any load; a server that ignores QUIT is the only one to reach it.
 */
const QUIT_NS_MAX = 10e9
/** A slot that was refused tries again so soon, but not at once: it would be a flood. */
const PAUSE_NS = 10e6

export class SessionDriver extends Driver {
  readonly #pinger: Pinger
  readonly #firstAnswer = new TimeHistogram()
  /** Of each slot: how many sessions it began, and when the current one was begun. */
  readonly #generations: Float64Array
  readonly #beganAtNs: Float64Array
  /** Open loop: when it ought to have been begun. */
  readonly #dueAtNs: Float64Array
  /** Of each slot: the number of its session's first request. */
  readonly #firstNumber: Int32Array
  /** Of each slot: when it sent QUIT, and when it may begin again after a failure. */
  readonly #quitAtNs: Float64Array
  readonly #againAtNs: Float64Array

  constructor(task: Task) {
    super(task, (connections) => connections)
    const slots = this.connections.length
    this.#pinger = new Pinger(task.spec, slots, this.ledger)
    this.#generations = new Float64Array(slots)
    this.#beganAtNs = new Float64Array(slots)
    this.#dueAtNs = new Float64Array(slots)
    this.#firstNumber = new Int32Array(slots)
    this.#quitAtNs = new Float64Array(slots)
    this.#againAtNs = new Float64Array(slots).fill(Infinity)
    // Slots take sessions, whether they were served before or not.
    this.control.setTakers(this.thread, slots)
  }

  protected override takesArrivals(): boolean {
    return false
  }

  protected override get takers(): readonly Connection[] {
    return this.connections
  }

  override hasRoom(connection: Connection): boolean {
    return connection.state === STATE.idle && !this.#isUnderWay(connection)
  }

  override arrive(connection: Connection, dueNs: number): void {
    this.#dueAtNs[connection.local] = dueNs
    this.begin(connection)
  }

  protected override get firstAnswerTime(): TimeHistogram {
    return this.#firstAnswer
  }

  /** Slots take turns in the numbers, so that no two sessions share one. */
  protected override serialOf(connection: Connection): number {
    const generation = this.#generations[connection.local]!
    return generation * this.spec.clients + connection.client
  }

  protected override begin(connection: Connection): void {
    const { local } = connection
    this.#generations[local]!++
    this.#againAtNs[local] = Infinity
    this.#firstNumber[local] = connection.sent
    this.ledger.restart(local, connection.sent)
    this.#beganAtNs[local] = this.clock.now()
    super.begin(connection)
  }

  protected override startLoad(): void {
    this.liftConnectingLimit()
  }

  protected override registered(connection: Connection, nowNs: number): void {
    this.#firstAnswer.record(nowNs - this.#beganAtNs[connection.local]!)
    this.markServed(connection)
  }

  protected override consume(connection: Connection, nowNs: number): void {
    const { inbox, line } = this
    for (;;) {
      const lineBytes = this.#pinger.quick(inbox)
      if (lineBytes > 0) {
        inbox.at += lineBytes
        this.#pinger.enter(connection, nowNs)
        continue
      }
      const next = line.next(inbox.bytes, inbox.at, inbox.end)
      if (next === -1) break
      if (line.command === PONG && this.#pinger.careful(inbox, line)) {
        this.#pinger.enter(connection, nowNs)
      } else {
        this.readOther(connection, nowNs)
        if (!connection.isOpen) return
      }
      inbox.at = next
    }
    if (connection.state === STATE.served) this.#goOn(connection, nowNs)
  }

  /** Asks on, or quits when everything was answered. */
  #goOn(connection: Connection, nowNs: number): void {
    const { window, pingsPerSession } = this.spec
    const asked = connection.sent - this.#firstNumber[connection.local]!
    const inFlight = this.#pinger.inFlight(connection)
    const count = Math.min(window - inFlight, pingsPerSession - asked)
    if (count > 0) {
      const lengthBytes = this.#pinger.write(connection, count, nowNs)
      this.wire.send(connection, this.#pinger.batch.memory, lengthBytes)
    } else if (inFlight === 0) {
      connection.state = STATE.quitting
      this.#quitAtNs[connection.local] = nowNs
      this.wire.sendWords(connection, 'QUIT\r\n')
    }
  }

  protected override ended(connection: Connection): void {
    if (connection.state !== STATE.quitting) return super.ended(connection)
    const nowNs = this.clock.now()
    this.wire.release(connection)
    connection.state = STATE.idle
    this.operations++
    this.service.record(nowNs - this.#beganAtNs[connection.local]!)
    this.#respond(connection, nowNs)
    if (this.#beginsAgain) this.begin(connection)
  }

  /** Sessions of the setup were nobody's arrival. */
  #respond({ local }: Connection, nowNs: number): void {
    const dueNs = this.#dueAtNs[local]!
    if (dueNs > 0) this.arrivals?.response.record(nowNs - dueNs)
    this.#dueAtNs[local] = 0
  }

  protected override failed(connection: Connection): void {
    connection.state = STATE.idle
    this.#againAtNs[connection.local] = this.clock.now() + PAUSE_NS
  }

  protected override sweep(nowNs: number): void {
    for (const connection of this.connections) {
      if (connection.state === STATE.quitting) {
        const sinceNs = nowNs - this.#quitAtNs[connection.local]!
        if (sinceNs > QUIT_NS_MAX) this.fail(connection, 'not closed after QUIT')
      } else if (this.#againAtNs[connection.local]! <= nowNs && this.#beginsAgain) {
        this.begin(connection)
      }
    }
  }

  get #beginsAgain(): boolean {
    return this.step < STEP.drain && this.arrivals === null
  }

  #isUnderWay(connection: Connection): boolean {
    return connection.isOpen || connection.retryAtNs !== Infinity
  }

  protected override isSettled(): boolean {
    return !this.connections.some((one) => this.#isUnderWay(one))
  }

  /** Sessions that have not ended are entered as well, and so are clients still waiting for an answer. */
  protected override closeBooks(nowNs: number): number {
    let outstanding = 0
    for (const connection of this.connections) {
      if (!this.#isUnderWay(connection)) continue
      const lastedNs = nowNs - this.#beganAtNs[connection.local]!
      this.service.record(lastedNs)
      this.#respond(connection, nowNs)
      if (connection.state <= STATE.joining) this.#firstAnswer.record(lastedNs)
      outstanding += this.#pinger.inFlight(connection)
    }
    return outstanding
  }
}
