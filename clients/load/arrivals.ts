// The arrivals of an open loop, as one thread of the generator sends them: those of the schedule that are this
// thread's, each on the next of its connections that has room.
//
// All threads compute the whole schedule, and take arrivals in turn: so the schedule of a run is the same whatever
// the number of threads. What is due and has no connection with room waits, in order, and needs no memory for
// that: the schedule is simply not read on. It is never left out. What is still waiting when the window ends is
// entered in the response times, at the time that it has waited, and is missing from what was sent.

import type { Connection } from './connection.ts'
import type { LoadSpec } from './contract.ts'
import { type Pacer, pacerOf } from './pacer.ts'
import { TimeHistogram } from './times.ts'

/**
 * Requests in flight at a time, over all connections: as many as a server that answers 1,000 in a second answers
 * while the drain lasts. More of them wait before they are sent, which changes nothing in their response times.
 */
const ALL_IN_FLIGHT_MAX = 4096
/** On one connection: more of them are a queue in a socket, and no longer one in the server. */
const IN_FLIGHT_MAX = 1024
/** In one turn, so that a generator which is late still reads answers. */
const SENT_IN_TURN_MAX = 64

/** How many requests may be in flight on each connection. Some may go on in a closed loop: then the window is. */
export function inFlightMax({ arrivals, clients, window }: LoadSpec): number {
  if (arrivals === 'closed') return window
  return Math.max(window, Math.min(IN_FLIGHT_MAX, Math.floor(ALL_IN_FLIGHT_MAX / clients)))
}

/** Which part of the schedule is a thread's. */
export interface Share {
  /** The beginning of the schedule, on the clock of the run. */
  readonly startNs: number
  /** Its first arrival; -1: it has none. */
  readonly first: number
  /** From each of its arrivals to the next one. */
  readonly step: number
}

/** What sends arrivals: a workload. */
export interface Sender {
  hasRoom(connection: Connection): boolean
  /** Sends the request that was due at `dueNs`. */
  arrive(connection: Connection, dueNs: number, nowNs: number): void
}

export class Arrivals {
  /** From when a request was due, to its answer. */
  readonly response = new TimeHistogram()
  /** From when a request was due and there was room for it, to its sending. */
  readonly lag = new TimeHistogram()
  /** When the next one is due, on the clock of the run. */
  dueNs = Infinity
  /** Whether the next one is waiting for a connection with room. */
  isBlocked = false
  readonly #pacer: Pacer
  readonly #sender: Sender
  readonly #now: () => number
  #share: Share = { startNs: 0, first: -1, step: 1 }
  #connections: readonly Connection[] = []
  #turn = 0
  #number = 0
  /** When that one is due, from the start of the schedule. */
  #offsetNs = 0
  /** When there was room again, the last time that there had been none. */
  #roomNs = 0
  #unsent = 0

  constructor(pacer: Pacer, sender: Sender, now: () => number) {
    this.#pacer = pacer
    this.#sender = sender
    this.#now = now
  }

  /** `connections`: those that take arrivals, in turn. */
  begin(share: Share, connections: readonly Connection[]): void {
    this.#share = share
    this.#connections = connections
    if (share.first < 0) return
    this.#offsetNs = this.#pacer(0, 0)
    this.#goTo(share.first)
  }

  windowBegins(): void {
    this.response.reset()
    this.lag.reset()
  }

  /** Sends what is due, as far as there is room. `turnNs`: now, and when room was made if there was none. */
  send(turnNs: number): void {
    let nowNs = turnNs
    for (let sent = 0; this.dueNs <= nowNs && sent < SENT_IN_TURN_MAX; sent++) {
      if (!this.#sendOne(nowNs, turnNs)) return
      nowNs = this.#now()
    }
  }

  /** The load ends. What was due before and can be sent still is; all others never will be. */
  end(endNs: number): void {
    let nowNs = this.#now()
    while (this.dueNs < endNs && this.#sendOne(nowNs, nowNs)) nowNs = this.#now()
    for (; this.dueNs < endNs; this.#unsent++) {
      this.response.record(endNs - this.dueNs)
      this.#goTo(this.#number + this.#share.step)
    }
    this.dueNs = Infinity
  }

  /** What was due in the window, and what of it was sent. Once the load has ended. */
  counts(fromNs: number, toNs: number): { due: number; sent: number } {
    const { startNs, first, step } = this.#share
    if (first < 0) return { due: 0, sent: 0 }
    let due = 0
    let offsetNs = this.#pacer(0, 0)
    for (let number = 0; startNs + offsetNs < toNs; number++) {
      if (startNs + offsetNs >= fromNs && number % step === first) due++
      offsetNs = this.#pacer(number + 1, offsetNs)
    }
    return { due, sent: Math.max(0, due - this.#unsent) }
  }

  #sendOne(nowNs: number, turnNs: number): boolean {
    const connection = this.#nextWithRoom()
    if (connection === null) {
      this.isBlocked = true
      return false
    }
    if (this.isBlocked) this.#roomNs = turnNs
    this.isBlocked = false
    const { dueNs } = this
    this.lag.record(nowNs - Math.max(dueNs, this.#roomNs))
    this.#goTo(this.#number + this.#share.step)
    this.#sender.arrive(connection, dueNs, nowNs)
    return true
  }

  #nextWithRoom(): Connection | null {
    const all = this.#connections
    for (let tried = 0; tried < all.length; tried++) {
      const connection = all[this.#turn]!
      this.#turn = (this.#turn + 1) % all.length
      if (this.#sender.hasRoom(connection)) return connection
    }
    return null
  }

  #goTo(number: number): void {
    while (this.#number < number) this.#offsetNs = this.#pacer(++this.#number, this.#offsetNs)
    this.dueNs = this.#share.startNs + this.#offsetNs
  }

  destroy(): void {
    this.response.destroy()
    this.lag.destroy()
  }
}

/** Null in a closed loop. */
export function arrivalsOf(spec: LoadSpec, sender: Sender, now: () => number): Arrivals | null {
  const pacer = pacerOf(spec)
  return pacer === null ? null : new Arrivals(pacer, sender, now)
}
