// The hub of services whose clients have nothing to do with each other: it knows who is there, so that it
// can end them, and no more. Services that share a little extend it.

import type { HubEffect } from '../effects.ts'
import type { Hub, LastWords, Verdict } from '../service.ts'

const NOTHING: readonly never[] = []

/** These services have no words for what is outside of their course. */
export const NO_WORDS: LastWords = { serverFull: '', internalError: '' }

export class Guests<Id> implements Hub<Id> {
  /** Where each of them comes from. */
  private readonly hosts = new Map<Id, string>()

  get clients(): number {
    return this.hosts.size
  }

  /** Undefined: it is not there any more. */
  protected hostOf(id: Id): string | undefined {
    return this.hosts.get(id)
  }

  connect(id: Id, host: string, _nowMs: number): readonly HubEffect<Id>[] {
    this.hosts.set(id, host)
    return NOTHING
  }

  receive(_id: Id, _line: string, _nowMs: number): readonly HubEffect<Id>[] {
    return NOTHING
  }

  verified(_id: Id, _verdict: Verdict, _nowMs: number): readonly HubEffect<Id>[] {
    return NOTHING
  }

  disconnect(id: Id, _reason: string): readonly HubEffect<Id>[] {
    this.hosts.delete(id)
    return NOTHING
  }

  /** Without a word: these services have none for it. */
  evict(id: Id, _reason: string): readonly HubEffect<Id>[] {
    return this.hosts.delete(id) ? [{ kind: 'close', to: id, text: '' }] : NOTHING
  }

  shutdown(_reason: string): readonly HubEffect<Id>[] {
    const all = [...this.hosts.keys()]
    this.hosts.clear()
    return all.map((to) => ({ kind: 'close', to, text: '' }))
  }
}
