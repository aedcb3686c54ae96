// One thread of the generator: one loop over all its connections, on raw sockets.
//
// The loop is synchronous from the first connect to the last close. It waits for readiness, reads what
// has come, lets the workload account for it and send what is due, and waits again: no callback, no
// promise, no event loop in between. That is what lets a thread of JavaScript offer nearly what a loop
// in C offers. What it must know of the other threads it reads from shared memory, once a turn.
//
// What all workloads have in common is here: connecting, registering, reading, sending, failing, the
// steps of a run. A workload says what to do with an answer.
//
//     idle → connecting → registering (→ joining) → served (→ quitting → idle, next session)
//     from anywhere → gone
//
// A connection that fails is counted once, by its cause. What was in flight on it is neither lost nor
// outstanding, since nobody can say whether the server saw it: it is the difference that remains in
// the ledger, sent − received − lost − outstanding.

import { AGAIN, HANGUP, READABLE, sharpenTimers, WRITABLE } from '../../posix/index.ts'
import { type Arrivals, arrivalsOf, type Sender } from './arrivals.ts'
import type { Beside } from './beside.ts'
import { Clock } from './clock.ts'
import { Connection, STATE } from './connection.ts'
import type { Ledger, LoadResult, LoadSpec } from './contract.ts'
import type { LossesSeen } from './crash.ts'
import { Control, type SharedMemory, STEP, type Step } from './control.ts'
import { Shares } from './fairness.ts'
import * as lines from './lines.ts'
import { nickname } from './nickname.ts'
import type { ReceiverCounts, ReceiversOutcome } from './receivers.ts'
import { CountingLedger, SequenceLedger } from './sequence.ts'
import { Tally } from './tally.ts'
import { parseTarget } from './target.ts'
import { TimeHistogram } from './times.ts'
import { threadCpuNs } from './usage.ts'
import { codeOf, Wire } from './wire.ts'

/** What a thread is given. Plain data. */
export interface Task {
  readonly spec: LoadSpec
  readonly thread: number
  /** The moment that is zero on the clock of this run. */
  readonly originNs: bigint
  readonly shared: SharedMemory
}

/** What a thread gives back. Plain data. */
export interface Outcome {
  readonly served: number
  readonly unserved: number
  readonly refused: Readonly<Record<string, number>>
  readonly errors: Readonly<Record<string, number>>
  readonly operations: number
  /** How long it was between this thread's taking the step to measure and the next one. */
  readonly windowNs: number
  /** Encoded histograms. */
  readonly serviceTime: string
  readonly firstAnswerTime: string | null
  /** Open loop: what was due and sent in the window, and encoded histograms. */
  readonly arrivals: ArrivalsOutcome | null
  /** `room`: null unless this thread sees all deliveries. */
  readonly receivers: ReceiversOutcome | null
  readonly beside: { readonly operations: number; readonly serviceTime: string } | null
  /** Of each client whose answers are counted. */
  readonly answers: readonly number[]
  readonly slow: LoadResult['slow']
  readonly losses: LossesSeen | null
  readonly ledger: Ledger
  readonly busyShare: number
  readonly cpuMs: number
}

export interface ArrivalsOutcome {
  readonly due: number
  readonly sent: number
  readonly response: string
  readonly lag: string
}

/** The longest a thread waits: how late it may notice a new step when nothing else happens. */
const WAIT_MS = 5
/**
 * What the system call takes that finds something ready at once. This much of each wait is work, so that
 * a thread which never has to wait comes out as busy.
 */
const WAIT_CALL_NS = 1000
/** How often things are looked after that no readiness announces: retries, time-outs. */
const SWEEP_NS = 10e6
/** How long to wait before connecting again. */
const RETRY_NS = 10e6
/**
 * Connections that wait for their first answer at the same time, over all threads. A backlog of 128 is
 * what many servers have; one connection more, and the kernel drops it and tries again after a second.
 */
const UNANSWERED_MAX = 100
/** "No message of the day": the one error reply that is no error. */
const ERR_NOMOTD = 422
/** What no server sends unless it is asked, and then it is an answer. */
const STRAYS: ReadonlySet<number> = new Set([
  lines.PONG,
  lines.PRIVMSG,
  lines.WORK,
  lines.WAIT,
  lines.UNKNOWN,
])

export abstract class Driver implements Sender {
  protected readonly spec: LoadSpec
  protected readonly clock: Clock
  protected readonly control: Control
  protected readonly connections: readonly Connection[]
  protected readonly ledger: SequenceLedger
  protected readonly wire: Wire
  protected readonly inbox: lines.Inbox
  protected readonly line = new lines.LineScanner()
  protected readonly service = new TimeHistogram()
  /** Null in a closed loop. */
  protected readonly arrivals: Arrivals | null
  protected readonly errors = new Tally()
  /** Operations since the beginning. */
  protected operations = 0
  /** New requests are wanted. */
  protected driving = false
  protected step: Step = STEP.load

  /** Which thread of the run this is. */
  protected readonly thread: number
  readonly #refused = new Tally()
  readonly #shares: Shares
  #served = 0
  #takers = 0
  #lost = 0
  #nextToStart = 0
  /** Connections that were begun and have got no answer yet. */
  #unanswered = 0
  #unansweredMax: number
  #sweepAtNs = 0
  #waitedNs = 0
  #outstanding = 0
  #window = { startNs: 0, endNs: 0, operations: 0, waitedNs: 0, cpuNs: 0 }

  /** `streams`: how many the workload's ledger keeps, for this many connections. */
  constructor(task: Task, streams: (connections: number) => number) {
    const { spec, thread } = task
    this.spec = spec
    this.clock = new Clock(task.originNs)
    this.control = new Control(task.shared, spec.threads)
    const connections: Connection[] = []
    // Dealt out like cards, so that the speakers of a room are spread over the threads.
    for (let client = thread; client < spec.clients; client += spec.threads) {
      connections.push(new Connection(client, connections.length))
    }
    this.connections = connections
    this.#shares = new Shares(connections, (connection) => this.answersOf(connection))
    const Ledger = spec.accounting ? SequenceLedger : CountingLedger
    this.ledger = new Ledger(streams(connections.length))
    this.arrivals = arrivalsOf(spec, this, () => this.clock.now())
    this.thread = thread
    this.wire = new Wire(parseTarget(spec.address))
    this.inbox = this.wire.inbox
    this.#unansweredMax = Math.max(1, Math.floor(UNANSWERED_MAX / spec.threads))
  }

  /** Takes part in the whole run, and returns when it is over or halted. */
  run(): Outcome {
    try {
      if (this.arrivals !== null) sharpenTimers()
      while (this.step < STEP.finish && !this.control.halted) this.#turn()
      return this.#outcome()
    } finally {
      for (const connection of this.connections) this.wire.release(connection)
      this.wire.close()
      this.service.destroy()
      this.arrivals?.destroy()
      this.destroy()
    }
  }

  // What a workload decides.

  /** The connection is made: asks to be served. */
  protected introduce(connection: Connection): void {
    const nick = nickname(this.spec.seed, this.serialOf(connection))
    this.wire.sendWords(connection, `NICK ${nick}\r\nUSER bench 0 * :load\r\n`)
  }
  /** The first answer has come: in the chat, 001. Most are served with that. */
  protected registered(connection: Connection, _nowNs: number): void {
    this.markServed(connection)
  }
  /** Lines have come: take all whole ones out of the inbox, and send what is due. */
  protected abstract consume(connection: Connection, nowNs: number): void
  /** All clients are connected: the load begins. */
  protected abstract startLoad(): void
  /** Nothing of what was asked for is missing. */
  protected abstract isSettled(): boolean
  /** Enters what is still missing: at the time it has taken so far. Returns how many there are. */
  protected abstract closeBooks(nowNs: number): number
  /** A connection ended. */
  protected ended(connection: Connection): void {
    this.fail(connection, 'closed by server')
  }
  /** A connection failed, and has been counted. */
  protected failed(_connection: Connection): void {}
  /** Every hundredth of a second. */
  protected sweep(_nowNs: number): void {}
  /** Open loop: whether this client's requests come when they are due. If not, it goes on in a closed loop. */
  protected takesArrivals(_connection: Connection): boolean {
    return true
  }
  /** Open loop: those whom arrivals go to, in turn. */
  protected get takers(): readonly Connection[] {
    return this.connections.filter((one) => one.wasServed && this.takesArrivals(one))
  }
  /** Open loop: whether another request can be sent. */
  hasRoom(_connection: Connection): boolean {
    return false
  }
  /** Open loop: sends the request that was due at `dueNs`. */
  arrive(_connection: Connection, _dueNs: number, _nowNs: number): void {}
  /** A second histogram. */
  protected get firstAnswerTime(): TimeHistogram | null {
    return null
  }
  /** How many answers this client has got so far; null: they are not counted, as those of somebody else. */
  protected answersOf(_connection: Connection): number | null {
    return null
  }
  /** What became of those who stopped reading. */
  protected get slow(): LoadResult['slow'] {
    return null
  }
  /** Who has lost his connection, and who noticed. */
  protected get losses(): LossesSeen | null {
    return null
  }
  /** What some of the clients do meanwhile. */
  protected readonly beside: Beside | null = null
  /** Who hears a message first, and who last. */
  protected readonly receivers: ReceiverCounts | null = null
  protected destroy(): void {
    this.receivers?.destroy()
    this.firstAnswerTime?.destroy()
    this.beside?.times.destroy()
  }

  // The loop.

  #turn(): void {
    this.#followSteps()
    if (this.#nextToStart < this.connections.length) this.#startMore()
    const beforeNs = this.clock.now()
    const ready = this.arrivals === null ? this.wire.wait(WAIT_MS) : this.#waitForArrival(beforeNs)
    const afterNs = this.clock.now()
    this.#waitedNs += Math.max(0, afterNs - beforeNs - WAIT_CALL_NS)
    for (let i = 0; i < ready; i++) {
      const connection = this.wire.connection(i)
      if (connection) this.#serve(connection, this.wire.events(i))
      // What is due does not wait for the end of a turn that has many answers.
      this.arrivals?.send(this.clock.now())
    }
    if (ready === 0) this.arrivals?.send(afterNs)
    this.control.setOperations(this.thread, this.operations)
    if (afterNs >= this.#sweepAtNs) this.#sweepAll(afterNs)
    if (ready === 0 && this.step === STEP.drain && this.control.allStopped) {
      this.control.setSettled(this.thread, this.isSettled())
    }
  }

  /** What is due and has no room waits for an answer, as everything else does. */
  #waitForArrival(nowNs: number): number {
    const { dueNs, isBlocked } = this.arrivals!
    const untilNs = isBlocked ? Infinity : dueNs - nowNs
    return this.wire.waitNs(Math.min(WAIT_MS * 1e6, Math.max(0, untilNs)))
  }

  #sweepAll(nowNs: number): void {
    this.#sweepAtNs = nowNs + SWEEP_NS
    for (const connection of this.connections) {
      if (connection.retryAtNs <= nowNs) this.#open(connection)
    }
    this.sweep(nowNs)
  }

  /** Steps are taken one by one, even when this thread has slept through some. */
  #followSteps(): void {
    const target = this.control.step
    while (this.step < target) {
      this.step = (this.step + 1) as Step
      this.#enterStep()
      this.control.reach(this.thread, this.step)
    }
    if (this.step === STEP.load) {
      this.control.reach(this.thread, STEP.ready)
    }
  }

  #enterStep(): void {
    const window = this.#window
    if (this.step === STEP.warmup) {
      this.driving = true
      this.startLoad()
      this.#startArrivals()
    } else if (this.step === STEP.measure) {
      this.service.reset()
      this.arrivals?.windowBegins()
      this.receivers?.windowBegins()
      this.firstAnswerTime?.reset()
      this.beside?.windowBegins()
      this.#shares.windowBegins()
      window.startNs = this.clock.now()
      window.operations = -this.operations
      window.waitedNs = -this.#waitedNs
      window.cpuNs = -(threadCpuNs() ?? 0)
    } else if (this.step === STEP.drain) {
      this.driving = false
      this.arrivals?.end(this.control.stepNs(STEP.drain))
      window.endNs = this.clock.now()
      window.operations += this.operations
      this.beside?.windowEnds()
      this.#shares.windowEnds()
      window.waitedNs += this.#waitedNs
      const spentNs = window.endNs - window.startNs - window.waitedNs
      window.cpuNs += threadCpuNs() ?? spentNs
    } else if (this.step === STEP.hold) {
      this.#outstanding = this.closeBooks(this.clock.now())
    }
  }

  #startArrivals(): void {
    const { control } = this
    const startNs = control.stepNs(STEP.warmup)
    const share = { startNs, first: control.turnOf(this.thread), step: control.sendingThreads }
    this.arrivals?.begin(share, this.takers)
  }

  // Connecting.

  /** `session`: from now on every slot connects when it wants to, and waits as clients wait. */
  protected liftConnectingLimit(): void {
    this.#unansweredMax = Infinity
  }

  #startMore(): void {
    if (this.step < STEP.setup || this.step >= STEP.drain) return
    const isEager = this.#unansweredMax === Infinity && this.arrivals === null
    if (this.step > STEP.setup && !isEager) return
    while (this.#nextToStart < this.connections.length && this.#unanswered < this.#unansweredMax) {
      this.begin(this.connections[this.#nextToStart++]!)
    }
  }

  /** Connects, and registers as soon as that is possible. */
  protected begin(connection: Connection): void {
    this.#unanswered++
    connection.farewell = null
    connection.brokenBy = null
    this.#open(connection)
  }

  #open(connection: Connection): void {
    connection.retryAtNs = Infinity
    connection.state = STATE.connecting
    try {
      if (this.wire.open(connection)) this.#introduce(connection)
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'EAGAIN') return this.fail(connection, code)
      this.wire.release(connection)
      connection.retryAtNs = this.clock.now() + RETRY_NS
    }
  }

  #decided(connection: Connection): void {
    const error = this.wire.decided(connection)
    if (error === null) this.#introduce(connection)
    else this.fail(connection, error.code)
  }

  #introduce(connection: Connection): void {
    connection.state = STATE.registering
    this.introduce(connection)
  }

  /** What the nickname is made of: no two connections of a run have the same. */
  protected serialOf(connection: Connection): number {
    return connection.client
  }

  protected markServed(connection: Connection): void {
    connection.state = STATE.served
    this.#unanswered--
    if (connection.wasServed) return
    connection.wasServed = true
    this.#served++
    if (this.takesArrivals(connection)) this.control.setTakers(this.thread, ++this.#takers)
    if (connection.wasLost) this.#lost--
    this.control.setClients(this.thread, this.#served, this.#lost)
  }

  // Failing.

  /** Closes the connection and counts it: as refused if the server said so at once, or by cause. */
  protected fail(connection: Connection, cause: string): void {
    const early = connection.state <= STATE.joining
    const { farewell } = connection
    this.wire.release(connection)
    connection.state = STATE.gone
    if (early && farewell !== null) this.#refused.add(farewell)
    else this.countFailure(connection, farewell === null ? cause : `ERROR :${farewell}`)
    if (early) {
      this.#unanswered--
      if (!connection.wasServed && !connection.wasLost) this.#lost++
      connection.wasLost = true
      this.control.setClients(this.thread, this.#served, this.#lost)
    }
    this.failed(connection)
  }

  /** Of a client that was served. */
  protected countFailure(_connection: Connection, cause: string): void {
    this.errors.add(cause)
  }

  // Reading.

  #serve(connection: Connection, events: number): void {
    if (connection.state === STATE.connecting) return this.#decided(connection)
    if ((events & WRITABLE) !== 0) this.wire.sendUnsent(connection)
    if ((events & (READABLE | HANGUP)) !== 0) this.#read(connection)
  }

  #read(connection: Connection): void {
    let count: number
    try {
      count = this.wire.receive(connection)
    } catch (error) {
      return this.fail(connection, codeOf(error))
    }
    if (count === AGAIN) return
    if (count === 0 && !this.wire.isOfDatagrams) return this.#endOfStream(connection)
    if (this.step < STEP.hold) this.consume(connection, this.clock.now())
    else this.readWords(connection, 0)
    if (!connection.isOpen) return
    if (this.inbox.at === this.inbox.end) connection.rest = null
    else this.#keepRest(connection)
  }

  #keepRest(connection: Connection): void {
    const { at, end } = this.inbox
    if (end - at > lines.LINE_BYTES_MAX) this.fail(connection, 'endless line')
    else this.wire.keepRest(connection)
  }

  #endOfStream(connection: Connection): void {
    if (connection.brokenBy === null) this.ended(connection)
    else this.fail(connection, connection.brokenBy)
  }

  /** Takes all whole lines, none of which is an answer that the workload waits for. */
  protected readWords(connection: Connection, nowNs: number): void {
    const { inbox, line } = this
    for (;;) {
      const next = line.next(inbox.bytes, inbox.at, inbox.end)
      if (next === -1) return
      this.readOther(connection, nowNs)
      if (!connection.isOpen) return
      inbox.at = next
    }
  }

  /** The line just found is nothing that belongs to the workload alone. */
  protected readOther(connection: Connection, nowNs: number): void {
    const { line, inbox } = this
    const { command } = line
    if (command === lines.PING) {
      const token = lines.textOf(inbox.bytes, line.parametersStart, line.end)
      this.wire.sendWords(connection, `PONG ${token}\r\n`)
    } else if (command === lines.ERROR) {
      connection.farewell = lines.textOf(inbox.bytes, line.lastStart, line.end)
    } else if (command === 1) {
      if (connection.state === STATE.registering) this.#welcomed(connection, nowNs)
    } else if (command >= 400 && command < 600 && command !== ERR_NOMOTD) {
      this.#errorReply(connection)
    } else if (STRAYS.has(command)) {
      this.stray(connection)
    }
  }

  /** Whoever is welcomed as somebody else is not served: what was said to whom could not be told. */
  #welcomed(connection: Connection, nowNs: number): void {
    const { line, inbox } = this
    const [as = ''] = lines.textOf(inbox.bytes, line.parametersStart, line.end).split(' ', 1)
    if (as !== nickname(this.spec.seed, this.serialOf(connection))) {
      this.fail(connection, 'welcomed as somebody else')
    } else if (this.takesPart) {
      this.registered(connection, nowNs)
    }
  }

  protected get isSettingUp(): boolean {
    return this.step === STEP.setup
  }

  /** Whoever is served after setting up has ended is too late, unless clients come and go. */
  protected get takesPart(): boolean {
    if (this.isSettingUp) return true
    return this.#unansweredMax === Infinity && this.step < STEP.hold
  }

  /** Before a client is served, `433` and its like mean that it never will be. */
  #errorReply(connection: Connection): void {
    const { line, inbox } = this
    if (connection.state !== STATE.registering && connection.state !== STATE.joining) {
      return this.stray(connection)
    }
    const words = lines.textOf(inbox.bytes, line.lastStart, line.end)
    connection.farewell = `${line.command} ${words}`
    this.fail(connection, words)
  }

  /** A line that nobody asked for, or that is not what it should be. */
  protected stray(connection: Connection): void {
    if (this.step < STEP.hold && connection.wasServed) this.ledger.corrupt++
  }

  // The result.

  #outcome(): Outcome {
    const { ledger } = this
    const windowNs = this.#window.endNs - this.#window.startNs
    const { firstAnswerTime, beside } = this
    return {
      served: this.#served,
      unserved: this.connections.filter((one) => !one.wasServed && !one.wasLost).length,
      refused: this.#refused.toRecord(),
      errors: this.errors.toRecord(),
      operations: this.#window.operations,
      windowNs,
      serviceTime: this.service.encode(),
      firstAnswerTime: firstAnswerTime === null ? null : firstAnswerTime.encode(),
      arrivals: this.#arrivalsOutcome(),
      receivers: this.receivers?.encode() ?? null,
      beside:
        beside === null
          ? null
          : { operations: beside.inWindow, serviceTime: beside.times.encode() },
      answers: this.#shares.answers,
      slow: this.slow,
      losses: this.losses,
      ledger: {
        sent: this.connections.reduce((total, one) => total + one.sent, 0),
        received: ledger.received,
        outstanding: this.#outstanding,
        lost: ledger.lost,
        duplicated: ledger.duplicated,
        reordered: ledger.reordered,
        corrupt: ledger.corrupt,
      },
      // A window shorter than one wait (nobody was served) says nothing about being busy.
      busyShare: windowNs > WAIT_MS * 1e6 ? 1 - this.#window.waitedNs / windowNs : 0,
      cpuMs: this.#window.cpuNs / 1e6,
    }
  }

  #arrivalsOutcome(): ArrivalsOutcome | null {
    const { arrivals, control } = this
    if (arrivals === null) return null
    return {
      ...arrivals.counts(control.stepNs(STEP.measure), control.stepNs(STEP.drain)),
      response: arrivals.response.encode(),
      lag: arrivals.lag.encode(),
    }
  }
}
