// Workload `crash`: as `room`, while somebody else kills a process of the server. Whoever loses his connection then is
// counted, and a new client comes in his place, under a new name: it registers and stays, and is no member of the
// room. The others must hear everything that the server had confirmed, as always, and that somebody is gone.

import { type Connection, STATE } from './connection.ts'
import { STEP } from './control.ts'
import { QUIT } from './lines.ts'
import { RoomDriver } from './room.ts'

/** What one thread saw. Times are those of the run's clock; 0: never. */
export interface LossesSeen {
  readonly clients: number
  /** Members who are left, and how often one of them was told that somebody is gone. */
  readonly members: number
  readonly told: number
  readonly toldAtNs: number
  readonly replaced: number
  readonly replacedAtNs: number
}

export class CrashDriver extends RoomDriver {
  readonly #lost = new Set<Connection>()
  readonly #replaced = new Set<Connection>()
  /** Of each connection: which client in this place it is. */
  readonly #generations = new Int32Array(this.connections.length)
  #told = 0
  #toldAtNs = 0
  #replacedAtNs = 0

  protected override countFailure(connection: Connection, cause: string): void {
    if (this.step < STEP.measure) super.countFailure(connection, cause)
  }

  protected override failed(connection: Connection): void {
    if (this.step < STEP.measure) return super.failed(connection)
    if (!this.#lost.has(connection)) super.failed(connection)
    this.#lost.add(connection)
    this.#replaced.delete(connection)
  }

  /** Not at once: the next one must not get what the last one has left in the inbox. */
  protected override sweep(): void {
    if (this.step !== STEP.measure) return
    for (const connection of this.#lost) {
      if (connection.state !== STATE.gone) continue
      this.#generations[connection.local]!++
      this.begin(connection)
    }
  }

  protected override serialOf(connection: Connection): number {
    return this.#generations[connection.local]! * this.spec.clients + connection.client
  }

  protected override get takesPart(): boolean {
    return this.step < STEP.drain
  }

  protected override registered(connection: Connection, nowNs: number): void {
    if (!this.#lost.has(connection)) {
      if (this.isSettingUp) super.registered(connection, nowNs)
      return
    }
    this.markServed(connection)
    // Not a member: the ledger owes it nothing.
    connection.state = STATE.quitting
    this.#replaced.add(connection)
    this.#replacedAtNs = nowNs
  }

  protected override readOther(connection: Connection, nowNs: number): void {
    // When all is over, everybody leaves.
    const isMeant = this.step === STEP.measure || this.step === STEP.drain
    if (this.line.command === QUIT && isMeant) {
      this.#told++
      this.#toldAtNs = nowNs
    } else super.readOther(connection, nowNs)
  }

  protected override get losses(): LossesSeen {
    return {
      clients: this.#lost.size,
      members: this.connections.filter(({ state }) => state === STATE.served).length,
      told: this.#told,
      toldAtNs: this.#toldAtNs,
      replaced: this.#replaced.size,
      replacedAtNs: this.#replacedAtNs,
    }
  }
}
