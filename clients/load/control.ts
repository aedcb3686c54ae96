// What the threads of a run tell each other: one piece of shared memory.
//
// A thread that drives connections never returns to its event loop, so messages cannot reach it. It
// reads the step here once a turn instead, a load from memory, and writes down how far it is. Words are read
// and written with Atomics. What is a double is not, because Atomics knows no doubles, and need not be: an aligned
// double is written whole on every machine that Node runs on, a progress display forgives a late one, and times
// are written before the step that makes them be read.

/** The steps of a run, as the threads see them. They only go forward. */
export const STEP = {
  /** Threads load their code. */
  load: 0,
  /** Loaded; nothing is connected. */
  ready: 1,
  setup: 2,
  warmup: 3,
  measure: 4,
  /** No new requests; outstanding answers are still taken. */
  drain: 5,
  /** The books are closed; connections stay open, and the server's PINGs are answered. */
  hold: 6,
  finish: 7,
} as const
export type Step = (typeof STEP)[keyof typeof STEP]

/** How many bursts of each sender are remembered at least, to say since when a delivery is outstanding. */
export const BURSTS_KEPT = 64
/** Of each burst: when it was sent, and when it was due. */
const BURST_DOUBLES = 2

// Words for all, then words for each thread, then words for each sender.
const STEP_WORD = 0
const HALT_WORD = 1
const ALL_STOPPED_WORD = 2
const SENDING_THREADS_WORD = 3
const COMMON_WORDS = 4
const REACHED = 0
const SERVED = 1
const LOST = 2
const SETTLED = 3
const TURN = 4
const TAKERS = 5
const THREAD_WORDS = 6
const SENT = 0
const CONFIRMED = 1
const GONE = 2
const SENDER_WORDS = 3

// Doubles for all, then one for each thread, then some for each sender.
const COMMON_DOUBLES = STEP.finish + 1

/** The memory itself, which crosses threads. */
export interface SharedMemory {
  readonly words: SharedArrayBuffer
  readonly doubles: SharedArrayBuffer
  readonly burstsKept: number
}

/** `senders`: of the room; 0 elsewhere. `burstsKept`: of each of them. */
export function allocateShared(
  threads: number,
  senders: number,
  burstsKept = BURSTS_KEPT,
): SharedMemory {
  const words = COMMON_WORDS + threads * THREAD_WORDS + senders * SENDER_WORDS
  const doubles = COMMON_DOUBLES + threads + senders * burstsKept * BURST_DOUBLES
  return {
    words: new SharedArrayBuffer(words * Int32Array.BYTES_PER_ELEMENT),
    doubles: new SharedArrayBuffer(doubles * Float64Array.BYTES_PER_ELEMENT),
    burstsKept,
  }
}

export class Control {
  readonly #words: Int32Array
  readonly #doubles: Float64Array
  readonly #threads: number
  readonly #sendersAt: number
  readonly #burstsAt: number
  readonly #burstsKept: number

  constructor(memory: SharedMemory, threads: number) {
    this.#words = new Int32Array(memory.words)
    this.#doubles = new Float64Array(memory.doubles)
    this.#threads = threads
    this.#sendersAt = COMMON_WORDS + threads * THREAD_WORDS
    this.#burstsAt = COMMON_DOUBLES + threads
    this.#burstsKept = memory.burstsKept
  }

  // Written by the main thread.

  get step(): Step {
    return Atomics.load(this.#words, STEP_WORD) as Step
  }
  set step(step: Step) {
    Atomics.store(this.#words, STEP_WORD, step)
  }

  /** When a step was taken, on the clock of the run; 0: not yet. */
  stepNs(step: Step): number {
    return this.#doubles[step]!
  }
  setStepNs(step: Step, ns: number): void {
    this.#doubles[step] = ns
  }

  /** Open loop: deals the arrivals to the threads that have clients for them, in turn. The others get none. */
  dealArrivals(): void {
    let turns = 0
    for (const [thread, takers] of this.#threadWords(TAKERS).entries()) {
      this.#setThreadWord(thread, TURN, takers > 0 ? turns++ : -1)
    }
    Atomics.store(this.#words, SENDING_THREADS_WORD, turns)
  }
  /** Between how many threads arrivals are dealt. */
  get sendingThreads(): number {
    return Atomics.load(this.#words, SENDING_THREADS_WORD)
  }
  /** Whose turn this thread is among them; -1: it is none of them. */
  turnOf(thread: number): number {
    return this.#threadWords(TURN)[thread]!
  }

  /** Everybody is to end at once, whatever the step. Any thread may ask for it. */
  get halted(): boolean {
    return Atomics.load(this.#words, HALT_WORD) !== 0
  }
  halt(): void {
    Atomics.store(this.#words, HALT_WORD, 1)
  }

  /** Every thread has reached `drain`: what was sent is known, and can be waited for. */
  get allStopped(): boolean {
    return Atomics.load(this.#words, ALL_STOPPED_WORD) !== 0
  }
  setAllStopped(): void {
    Atomics.store(this.#words, ALL_STOPPED_WORD, 1)
  }

  // Written by each thread, read by the main thread.

  reach(thread: number, step: Step): void {
    this.#setThreadWord(thread, REACHED, step)
  }
  /** Whether all threads have come to this step. */
  allReached(step: Step): boolean {
    return this.#threadWords(REACHED).every((reached) => reached >= step)
  }

  /** `lost`: clients that will never be served, because they were refused or failed. */
  setClients(thread: number, served: number, lost: number): void {
    this.#setThreadWord(thread, SERVED, served)
    this.#setThreadWord(thread, LOST, lost)
  }
  /** Open loop: how many of this thread's clients take arrivals. */
  setTakers(thread: number, takers: number): void {
    this.#setThreadWord(thread, TAKERS, takers)
  }
  get served(): number {
    return sum(this.#threadWords(SERVED))
  }
  get lost(): number {
    return sum(this.#threadWords(LOST))
  }

  /** Nothing that this thread waits for is outstanding. Means something after `allStopped`. */
  setSettled(thread: number, settled: boolean): void {
    this.#setThreadWord(thread, SETTLED, settled ? 1 : 0)
  }
  get allSettled(): boolean {
    return this.#threadWords(SETTLED).every((settled) => settled === 1)
  }

  setOperations(thread: number, operations: number): void {
    this.#doubles[COMMON_DOUBLES + thread] = operations
  }
  get operations(): number {
    return sum([...this.#doubles.subarray(COMMON_DOUBLES, this.#burstsAt)])
  }

  // Written by the thread of a sender, read by the threads of all receivers.

  /** `number` messages were sent so far; the last burst of `messages` began at `timeNs`, and was due then. */
  noteBurst(
    sender: number,
    number: number,
    messages: number,
    timeNs: number,
    dueNs = timeNs,
  ): void {
    const place = this.#placeOf(sender, Math.floor((number - 1) / messages))
    this.#doubles[place] = timeNs
    this.#doubles[place + 1] = dueNs
    Atomics.store(this.#words, this.#senderWord(sender, SENT), number)
  }
  sent(sender: number): number {
    return Atomics.load(this.#words, this.#senderWord(sender, SENT))
  }

  /** The server has answered the barrier behind message `number`: it has seen all before it. */
  confirm(sender: number, number: number): void {
    Atomics.store(this.#words, this.#senderWord(sender, CONFIRMED), number)
  }
  /** The sender's connection failed: what was not confirmed may have been lost with it. */
  giveUp(sender: number): void {
    Atomics.store(this.#words, this.#senderWord(sender, GONE), 1)
  }

  /** How many of this sender's messages every other member has to get. */
  owed(sender: number): number {
    const gone = Atomics.load(this.#words, this.#senderWord(sender, GONE)) !== 0
    const which = gone ? CONFIRMED : SENT
    return Atomics.load(this.#words, this.#senderWord(sender, which))
  }

  /** When message `number` was sent. Of an old one: no later than this. */
  sentAtNs(sender: number, number: number, messages: number): number {
    return this.#doubles[this.#burstOf(sender, number, messages)]!
  }

  /** When message `number` was due. Of an old one: no later than this. */
  dueAtNs(sender: number, number: number, messages: number): number {
    return this.#doubles[this.#burstOf(sender, number, messages) + 1]!
  }

  #burstOf(sender: number, number: number, messages: number): number {
    const last = Math.floor((this.sent(sender) - 1) / messages)
    const oldest = last - this.#burstsKept + 1
    return this.#placeOf(sender, Math.max(Math.floor(number / messages), oldest))
  }

  #placeOf(sender: number, burst: number): number {
    const kept = this.#burstsKept
    return this.#burstsAt + (sender * kept + (burst % kept)) * BURST_DOUBLES
  }

  #senderWord(sender: number, word: number): number {
    return this.#sendersAt + sender * SENDER_WORDS + word
  }

  #setThreadWord(thread: number, word: number, value: number): void {
    Atomics.store(this.#words, COMMON_WORDS + thread * THREAD_WORDS + word, value)
  }

  #threadWords(word: number): number[] {
    return Array.from({ length: this.#threads }, (_, thread) =>
      Atomics.load(this.#words, COMMON_WORDS + thread * THREAD_WORDS + word),
    )
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
