// Workload `room`: all clients are in one room, some of them speak. A speaker sends `window` messages
// and a PING behind them, its barrier; when the PONG comes the server has seen the messages, and the
// next burst begins. What is measured is not the barrier but the deliveries, at each receiver.
//
// A message proves by itself who sent it, when, and as which number, so a receiver knows what to expect
// from speakers in other threads without asking them. How much they have sent in all it reads from
// shared memory, once, when the load has stopped.
//
// In an open loop an arrival is one message and its barrier, by the next speaker who has room. What the message
// says then is when it was due, since whoever receives it cannot ask; when it was sent is in shared memory.

import { Buffer } from 'node:buffer'
import { DeliveryReader } from './answers.ts'
import { type Connection, STATE } from './connection.ts'
import { workloadInfo } from './contract.ts'
import { Driver, type Task } from './drive.ts'
import { inFlightMax } from './arrivals.ts'
import { PONG, PRIVMSG } from './lines.ts'
import { MESSAGE_BYTES_MIN, MessageCodec } from './message.ts'
import { nickname } from './nickname.ts'
import { ReceiverCounts } from './receivers.ts'
import { RequestBatch } from './requests.ts'
import { speakersOf } from './speakers.ts'

const ROOM = '#bench'
const RPL_ENDOFNAMES = 366
const BARRIER_BYTES = `PING :\r\n`.length + MESSAGE_BYTES_MIN

export class RoomDriver extends Driver {
  readonly #senders: number
  readonly #codec: MessageCodec
  readonly #deliveries: DeliveryReader
  readonly #batch: RequestBatch
  /** The barrier is a message too, numbered by the messages before it, and as short as can be. */
  readonly #barrierCodec: MessageCodec
  readonly #barrier: RequestBatch
  /** Messages sent together. */
  readonly #burstMessages: number
  readonly #inFlightMax: number
  protected override readonly receivers: ReceiverCounts | null
  /** Of each connection: messages that the server has confirmed by answering their barrier. */
  readonly #confirmed: Int32Array

  constructor(task: Task) {
    const { spec } = task
    const speakers = speakersOf(spec)
    super(task, (connections) => connections * speakers)
    this.#senders = speakers
    this.#codec = new MessageCodec(spec.seed, spec.messageBytes, spec.accounting)
    this.#deliveries = new DeliveryReader(this.#codec, nicknamesOf(spec.seed, speakers))
    this.#batch = new RequestBatch(this.#codec, `PRIVMSG ${ROOM} :`, spec.window, BARRIER_BYTES)
    this.#barrierCodec = new MessageCodec(spec.seed, MESSAGE_BYTES_MIN)
    this.#barrier = new RequestBatch(this.#barrierCodec, 'PING :', 1)
    this.#confirmed = new Int32Array(this.connections.length)
    this.#burstMessages = this.arrivals === null ? spec.window : 1
    this.#inFlightMax = inFlightMax(spec)
    const { fansOut } = workloadInfo(spec.workload)
    this.receivers =
      fansOut && spec.threads === 1 ? new ReceiverCounts(speakers, this.#inFlightMax) : null
  }

  protected override registered(connection: Connection, _nowNs: number): void {
    connection.state = STATE.joining
    this.wire.sendWords(connection, `JOIN ${ROOM}\r\n`)
  }

  protected override takesArrivals({ client }: Connection): boolean {
    return client < this.#senders
  }

  override hasRoom(connection: Connection): boolean {
    const inFlight = connection.sent - this.#confirmed[connection.local]!
    return (
      connection.state === STATE.served &&
      connection.unsent === null &&
      inFlight < this.#inFlightMax
    )
  }

  override arrive(connection: Connection, dueNs: number, nowNs: number): void {
    this.#burst(connection, nowNs, dueNs)
  }

  protected override startLoad(): void {
    this.receivers?.begin(this.connections.filter((one) => this.#isMember(one)).length - 1)
    if (this.arrivals !== null) return
    const nowNs = this.clock.now()
    for (const connection of this.connections) {
      if (connection.client < this.#senders && connection.state === STATE.served) {
        this.#burst(connection, nowNs, nowNs)
      }
    }
  }

  protected override consume(connection: Connection, nowNs: number): void {
    // Who joined too late hears the room as well, but is no member as far as the ledger goes.
    if (connection.state !== STATE.served) return this.readWords(connection, nowNs)
    const { inbox, line } = this
    for (;;) {
      const lineBytes = this.#deliveries.quick(inbox)
      if (lineBytes > 0) {
        inbox.at += lineBytes
        this.#delivered(connection, nowNs)
        continue
      }
      const next = line.next(inbox.bytes, inbox.at, inbox.end)
      if (next === -1) return
      if (line.command === PRIVMSG && this.#deliveries.careful(inbox, line)) {
        this.#delivered(connection, nowNs)
      } else if (line.command === PONG && this.#isBarrierOf(connection)) {
        this.#confirm(connection)
      } else {
        this.readOther(connection, nowNs)
        if (!connection.isOpen) return
      }
      inbox.at = next
    }
  }

  protected override readOther(connection: Connection, nowNs: number): void {
    const joined = connection.state === STATE.joining && this.line.command === RPL_ENDOFNAMES
    if (joined && this.isSettingUp) this.markServed(connection)
    else super.readOther(connection, nowNs)
  }

  #delivered(connection: Connection, nowNs: number): void {
    const { sender, number, timeNs } = this.#codec
    const stream = connection.local * this.#senders + sender
    // The sender hears itself from no server; and a number not sent yet is nothing a server can know.
    if (
      sender === connection.client ||
      (number !== this.ledger.next[stream] && number >= this.control.sent(sender))
    ) {
      this.ledger.corrupt++
    } else if (this.ledger.accept(stream, number) && this.countsDeliveries(connection)) {
      this.operations++
      this.#record(sender, number, timeNs, nowNs)
    }
  }

  protected countsDeliveries(_connection: Connection): boolean {
    return true
  }

  /** `timeNs`: what the message says. */
  #record(sender: number, number: number, timeNs: number, nowNs: number): void {
    this.receivers?.received(sender, number, timeNs, nowNs)
    if (this.arrivals === null) return this.service.record(nowNs - timeNs)
    this.arrivals.response.record(nowNs - timeNs)
    this.service.record(nowNs - this.control.sentAtNs(sender, number, 1))
  }

  #isBarrierOf(connection: Connection): boolean {
    const { line, inbox } = this
    if (line.end - line.lastStart !== MESSAGE_BYTES_MIN) return false
    const codec = this.#barrierCodec
    return (
      codec.read(inbox.view, line.lastStart) &&
      codec.sender === connection.client &&
      codec.number === this.#confirmed[connection.local]! + this.#burstMessages &&
      this.#awaitsBarrier(connection)
    )
  }

  #awaitsBarrier(connection: Connection): boolean {
    return this.#confirmed[connection.local]! < connection.sent
  }

  /** The barrier just read: the next one, as answers come in order. */
  #confirm(connection: Connection): void {
    const { number } = this.#barrierCodec
    this.#confirmed[connection.local] = number
    this.control.confirm(connection.client, number)
    if (!this.driving || this.arrivals !== null) return
    // A clock of its own: the read before may have taken long, with hundreds of deliveries in it.
    const nowNs = this.clock.now()
    this.#burst(connection, nowNs, nowNs)
  }

  #burst(connection: Connection, nowNs: number, dueNs: number): void {
    const messages = this.#burstMessages
    const { client } = connection
    for (let i = 0; i < messages; i++) this.#batch.write(i, client, connection.sent++, dueNs)
    this.#barrier.write(0, client, connection.sent, nowNs)
    const messagesBytes = messages * this.#batch.requestBytes
    this.#barrier.memory.bytes.copy(this.#batch.memory.bytes, messagesBytes)
    // Before it is sent: a receiver in another thread may well be faster than the return from send.
    this.control.noteBurst(client, connection.sent, messages, nowNs, dueNs)
    this.wire.send(connection, this.#batch.memory, messagesBytes + BARRIER_BYTES)
  }

  protected override failed(connection: Connection): void {
    if (connection.client < this.#senders) this.control.giveUp(connection.client)
  }

  /** Those who only listen have no answers. */
  protected override answersOf(connection: Connection): number | null {
    return connection.client < this.#senders ? this.#confirmed[connection.local]! : null
  }

  protected override isSettled(): boolean {
    return this.connections.every((one) => !this.#isMember(one) || this.#isUpToDate(one))
  }

  #isMember(connection: Connection): boolean {
    return connection.state === STATE.served
  }

  #isUpToDate(connection: Connection): boolean {
    if (this.#awaitsBarrier(connection)) return false
    for (let sender = 0; sender < this.#senders; sender++) {
      if (this.#missing(connection, sender) > 0) return false
    }
    return true
  }

  /** How many messages of a sender this member has yet to get. */
  #missing(connection: Connection, sender: number): number {
    if (sender === connection.client) return 0
    const next = this.ledger.next[connection.local * this.#senders + sender]!
    return Math.max(0, this.control.owed(sender) - next)
  }

  /** A barrier that was never answered counts as one, since its messages may all have arrived. */
  protected override closeBooks(nowNs: number): number {
    this.receivers?.end(nowNs)
    let outstanding = 0
    for (const connection of this.connections) {
      if (!this.#isMember(connection)) continue
      const unconfirmed = connection.sent - this.#confirmed[connection.local]!
      outstanding += Math.ceil(unconfirmed / this.#burstMessages)
      for (let sender = 0; sender < this.#senders; sender++) {
        outstanding += this.#recordMissing(connection, sender, nowNs)
      }
    }
    return outstanding
  }

  #recordMissing(connection: Connection, sender: number, nowNs: number): number {
    const messages = this.#burstMessages
    const missing = this.#missing(connection, sender)
    const owed = this.control.owed(sender)
    for (let number = owed - missing; number < owed;) {
      // All messages of a burst were sent at one time.
      const behind = Math.min(owed, (Math.floor(number / messages) + 1) * messages)
      const sentAtNs = this.control.sentAtNs(sender, number, messages)
      this.service.recordMany(nowNs - sentAtNs, behind - number)
      const dueAtNs = this.control.dueAtNs(sender, number, messages)
      this.arrivals?.response.recordMany(nowNs - dueAtNs, behind - number)
      number = behind
    }
    return missing
  }
}

function nicknamesOf(seed: number, count: number): Buffer {
  const all = Array.from({ length: count }, (_, client) => nickname(seed, client))
  return Buffer.from(all.join(''), 'latin1')
}
