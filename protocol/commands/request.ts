// Request: one line of one client on its way through the hub, with all a command may touch.

import type { Outbox } from '../outbox.ts'
import type { Client, Roster } from '../roster.ts'

export interface Request<Id> {
  readonly client: Client<Id>
  /** In upper case. */
  readonly command: string
  readonly params: readonly string[]
  /** Wall clock, milliseconds since 1970: for the times that people read. */
  readonly nowMs: number
  readonly roster: Roster<Id>
  readonly out: Outbox<Id>
}

/** The names in a comma list, without empty ones and without repetitions. */
export function splitList(list: string | undefined): string[] {
  if (list === undefined || list === '') return []
  return list.includes(',') ? [...new Set(list.split(',').filter((name) => name !== ''))] : [list]
}

/** Whole seconds since 1970, as numerics carry them. */
export function asSeconds(ms: number): string {
  return String(Math.floor(ms / 1_000))
}
