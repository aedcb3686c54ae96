// Servers that go wrong on purpose, one fault each: mutants, as mutation testing calls them. Whatever the load
// generator and the verdicts are there to notice, one of these does, and mutants.ts says what must notice it.
//
// Most of them go wrong now and then, first after a few answers, so that a run has found its pace and the fault
// is a needle in a haystack. They count answers and deliveries, never time: a slow machine sees the same.

import { NullServer, type Peer } from './null-server.ts'

/** Answers or deliveries before the first fault. */
export const FIRST = 100
/** Answers or deliveries from one fault to the next. */
const PERIOD = 500
/** `drops`: one delivery in so many is lost. */
const RARE_PERIOD = 10_000
/** `stalls` and `acks-early`. Long beside every answer of an honest server. */
export const STALL_MS = 1000
export const DELAY_MS = 50

class Occasional extends NullServer {
  #count = 0

  /** True now and then. */
  protected isTime(period = PERIOD): boolean {
    return ++this.#count % period === FIRST
  }

  /** True from the first time on. */
  protected isPast(): boolean {
    return ++this.#count > FIRST
  }

  /** True once. */
  protected isOnce(): boolean {
    return ++this.#count === FIRST
  }
}

class Drops extends Occasional {
  protected override deliver(to: Peer): void {
    if (!this.isTime(RARE_PERIOD)) this.put(to)
  }
}

class LeavesOneOut extends Occasional {
  protected override relay(from: Peer): void {
    const isTime = this.isTime()
    const others = this.peers.filter((peer) => peer !== from)
    for (const to of isTime ? others.slice(1) : others) this.put(to)
  }
}

class Duplicates extends Occasional {
  protected override answer(peer: Peer): void {
    this.put(peer)
    if (this.isTime()) this.put(peer)
  }
}

class DeliversTwice extends Occasional {
  protected override deliver(to: Peer): void {
    this.put(to)
    if (this.isTime()) this.put(to)
  }
}

class Reorders extends Occasional {
  #held: { readonly to: Peer; readonly from: Peer; readonly bytes: Buffer } | null = null

  protected override deliver(to: Peer, from: Peer): void {
    const held = this.#held
    if (held?.to === to && held.from === from) {
      this.put(to)
      this.put(to, held.bytes, held.bytes.length)
      this.#held = null
    } else if (held === null && this.isTime()) {
      this.#held = { to, from, bytes: this.keepLine() }
    } else {
      this.put(to)
    }
  }
}

class AnswersLate extends Occasional {
  #held: { readonly peer: Peer; readonly bytes: Buffer; othersMissing: number } | null = null

  protected override answer(peer: Peer): void {
    const held = this.#held
    if (held === null && this.isTime()) {
      this.#held = { peer, bytes: this.keepLine(), othersMissing: 3 }
      return
    }
    this.put(peer)
    if (held?.peer !== peer || --held.othersMissing > 0) return
    this.put(peer, held.bytes, held.bytes.length)
    this.#held = null
  }
}

class AnswersHalf extends Occasional {
  protected override answer(peer: Peer): void {
    if (this.isTime()) {
      const words = this.keepLine().toString('latin1').trimEnd()
      const tokenAt = words.lastIndexOf(':') + 1
      this.compose(`${words.slice(0, tokenAt + (words.length - tokenAt) / 2)}\r\n`)
    }
    this.put(peer)
  }
}

class AcknowledgesEarly extends NullServer {
  protected override deliver(to: Peer): void {
    const bytes = this.keepLine()
    setTimeout(() => this.put(to, bytes, bytes.length), DELAY_MS)
  }
}

class MakesUpTokens extends Occasional {
  protected override answer(peer: Peer): void {
    if (this.isTime()) {
      const words = this.keepLine().toString('latin1').trimEnd()
      const tokenAt = words.lastIndexOf(':') + 1
      this.compose(`${words.slice(0, tokenAt)}${'x'.repeat(words.length - tokenAt)}\r\n`)
    }
    this.put(peer)
  }
}

class SwapsAnswers extends Occasional {
  #held: { readonly peer: Peer; readonly bytes: Buffer } | null = null

  protected override answer(peer: Peer): void {
    const held = this.#held
    if (held !== null && held.peer !== peer) {
      this.put(held.peer)
      this.put(peer, held.bytes, held.bytes.length)
      this.#held = null
    } else if (held === null && this.isTime()) {
      this.#held = { peer, bytes: this.keepLine() }
    } else {
      this.put(peer)
    }
  }
}

class Corrupts extends Occasional {
  protected override deliver(to: Peer): void {
    if (!this.isTime()) return this.put(to)
    const bytes = this.keepLine()
    // The last but one letter of the message: one bit is another.
    bytes[bytes.length - 4]! ^= 1
    this.put(to, bytes, bytes.length)
  }
}

class CutsLines extends Occasional {
  protected override answer(peer: Peer): void {
    this.put(peer, this.line, this.isTime() ? this.lineBytes - 10 : this.lineBytes)
  }
}

class Invents extends Occasional {
  protected override answer(peer: Peer): void {
    this.put(peer)
    if (!this.isTime()) return
    this.compose(':null.server PONG null.server :nobody-has-asked\r\n')
    this.put(peer)
  }
}

class EchoesToSender extends Occasional {
  protected override relay(from: Peer): void {
    super.relay(from)
    if (this.isTime()) this.put(from)
  }
}

class StallsOne extends Occasional {
  #stalled: Peer | null = null

  protected override answer(peer: Peer): void {
    if (this.isOnce()) this.#stalled = peer
    if (peer !== this.#stalled) this.put(peer)
  }
}

class StallsAll extends Occasional {
  protected override answer(peer: Peer): void {
    if (this.isOnce()) Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, STALL_MS)
    this.put(peer)
  }
}

class StopsAnswering extends Occasional {
  protected override answer(peer: Peer): void {
    if (!this.isPast()) this.put(peer)
  }
}

class HangsUp extends Occasional {
  protected override answer(peer: Peer): void {
    if (this.isOnce()) this.hangUp(peer)
    else this.put(peer)
  }
}

class WelcomesAnother extends NullServer {
  protected override welcome(peer: Peer): void {
    this.compose(':null.server 001 somebody :Welcome\r\n')
    this.put(peer)
  }
}

class RefusesOne extends NullServer {
  #isDone = false

  protected override welcome(peer: Peer): void {
    if (this.#isDone) return this.put(peer)
    this.#isDone = true
    this.compose('ERROR :Server full\r\n')
    this.put(peer)
    setTimeout(() => this.hangUp(peer), DELAY_MS)
  }
}

class DoesNoWork extends NullServer {
  protected override work(peer: Peer): void {
    this.put(peer)
  }
}

class AnswersNoWork extends NullServer {
  #isDone = false

  protected override work(peer: Peer, ms: number): void {
    if (this.#isDone) super.work(peer, ms)
    this.#isDone = true
  }
}

class Dies extends Occasional {
  protected override answer(peer: Peer): void {
    if (this.isOnce()) process.kill(process.pid, 'SIGKILL')
    this.put(peer)
  }
}

class Hangs extends Occasional {
  protected override answer(peer: Peer): void {
    if (this.isOnce()) process.kill(process.pid, 'SIGSTOP')
    this.put(peer)
  }
}

/** By name. */
export const BROKEN = {
  drops: Drops,
  'leaves-one-out': LeavesOneOut,
  duplicates: Duplicates,
  'delivers-twice': DeliversTwice,
  reorders: Reorders,
  'answers-late': AnswersLate,
  'answers-half': AnswersHalf,
  'acks-early': AcknowledgesEarly,
  'makes-up-tokens': MakesUpTokens,
  'swaps-answers': SwapsAnswers,
  corrupts: Corrupts,
  'cuts-lines': CutsLines,
  invents: Invents,
  'echoes-to-sender': EchoesToSender,
  'stalls-one': StallsOne,
  'stalls-all': StallsAll,
  'stops-answering': StopsAnswering,
  'hangs-up': HangsUp,
  'welcomes-another': WelcomesAnother,
  'refuses-one': RefusesOne,
  'does-no-work': DoesNoWork,
  'answers-no-work': AnswersNoWork,
  dies: Dies,
  hangs: Hangs,
} as const satisfies Readonly<Record<string, typeof NullServer>>
