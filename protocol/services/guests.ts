// The hub of services whose clients have nothing to do with each other: it knows who is there, so that it
// can end them, and no more. Services that share a little extend it.

import type { HubEffect } from '../effects.ts'
import type { Hub, LastWords, Verdict } from '../service.ts'

const NOTHING: readonly never[] = []

/** These services have no words for what is outside of their course. */
export const NO_WORDS: LastWords = { serverFull: '', internalError: '' }

export class Guests<Id> implements Hub<Id> {
  private readonly ids = new Set<Id>()

  get clients(): number {
    return this.ids.size
  }

  connect(id: Id, _host: string, _nowMs: number): readonly HubEffect<Id>[] {
    this.ids.add(id)
    return NOTHING
  }

  receive(_id: Id, _line: string, _nowMs: number): readonly HubEffect<Id>[] {
    return NOTHING
  }

  verified(_id: Id, _verdict: Verdict, _nowMs: number): readonly HubEffect<Id>[] {
    return NOTHING
  }

  disconnect(id: Id, _reason: string): readonly HubEffect<Id>[] {
    this.ids.delete(id)
    return NOTHING
  }

  /** Without a word: these services have none for it. */
  evict(id: Id, _reason: string): readonly HubEffect<Id>[] {
    return this.ids.delete(id) ? [{ kind: 'close', to: id, text: '' }] : NOTHING
  }

  shutdown(_reason: string): readonly HubEffect<Id>[] {
    const all = [...this.ids]
    this.ids.clear()
    return all.map((to) => ({ kind: 'close', to, text: '' }))
  }
}
