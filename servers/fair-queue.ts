// A fair queue: for work that only so much of may be under way at a time. Whose it is decides who is next,
// not who came first: the one who has least under way, and of several the one whose turn ended longest ago.
// So whoever asks for much makes others wait for what is under way, not for all that he has asked for.

interface Owner {
  underWay: number
  /** Called with whether it is their turn, or never will be; the oldest first. */
  readonly waiting: ((isTurn: boolean) => void)[]
}

export class FairQueue {
  private readonly underWayMax: number
  private readonly waitingMax: number
  /** Those who have something under way or waiting. Whose turn has ended last comes last. */
  private readonly byName = new Map<string, Owner>()
  private underWay = 0
  private waiting = 0
  private refusing = false

  constructor(underWayMax: number, waitingMax: number) {
    this.underWayMax = underWayMax
    this.waitingMax = waitingMax
  }

  /** How many have something under way or waiting. */
  get owners(): number {
    return this.byName.size
  }

  /** Does the work when its turn has come; null: it will not be done, too much is waiting. */
  async run<Result>(name: string, work: () => Promise<Result>): Promise<Result | null> {
    if (!(await this.turn(name))) return null
    try {
      return await work()
    } finally {
      this.end(name)
    }
  }

  /** It is over: who waits has waited in vain, and nobody waits from now on. */
  refuseWaiting(): void {
    this.refusing = true
    for (const [name, owner] of this.byName) {
      while (owner.waiting.length > 0) this.giveUp(owner)
      if (owner.underWay === 0) this.byName.delete(name)
    }
  }

  private turn(name: string): Promise<boolean> | boolean {
    const owner = this.byName.get(name) ?? { underWay: 0, waiting: [] }
    if (this.underWay < this.underWayMax) {
      this.begin(name, owner)
      return true
    }
    if (this.refusing || (this.waiting >= this.waitingMax && !this.makeRoom(owner))) return false
    this.byName.set(name, owner)
    this.waiting++
    return new Promise((resolve) => owner.waiting.push(resolve))
  }

  private begin(name: string, owner: Owner): void {
    this.underWay++
    owner.underWay++
    this.byName.set(name, owner)
  }

  /** The place goes on to the next one. */
  private end(name: string): void {
    const ended = this.byName.get(name)!
    this.underWay--
    ended.underWay--
    this.byName.delete(name)
    if (ended.underWay > 0 || ended.waiting.length > 0) this.byName.set(name, ended)
    let next: readonly [string, Owner] | null = null
    for (const entry of this.byName) {
      const [, owner] = entry
      if (owner.waiting.length === 0) continue
      if (next === null || owner.underWay < next[1].underWay) next = entry
    }
    if (next === null) return
    this.begin(...next)
    this.waiting--
    next[1].waiting.shift()!(true)
  }

  /** Sends away the last of whoever has most waiting, if that is more than this one would have. */
  private makeRoom(newcomer: Owner): boolean {
    let longest = newcomer
    for (const owner of this.byName.values()) {
      if (owner.waiting.length > longest.waiting.length) longest = owner
    }
    if (longest.waiting.length <= newcomer.waiting.length + 1) return false
    this.giveUp(longest)
    return true
  }

  private giveUp(owner: Owner): void {
    this.waiting--
    owner.waiting.pop()!(false)
  }
}
