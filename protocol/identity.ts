// Identity: what a server is called and which rules it keeps, as its conversations and its hub know it.

import type { Accounts } from './accounts.ts'
import type { ProtocolLimits } from './limits.ts'

export interface ServerIdentity {
  /** The name in prefixes, as in `:hubbub.local PONG`. One word. */
  readonly serverName: string
  /** As in 002 and 351, for example `hubbub-0.1.0`. One word. */
  readonly version: string
  /** Whether the computing commands WORK and WAIT exist. */
  readonly lab: boolean
  readonly limits: ProtocolLimits
}

export interface HubOptions extends ServerIdentity {
  /** As in 003: for people to read. */
  readonly createdAt: string
  /** What every client has to give with PASS; null: nothing. */
  readonly password: string | null
  /** Who may log in. None, or null: there are no accounts. */
  readonly accounts?: Accounts | null
  /** Message of the day, line by line, latin1 as everything here; without it, 422. */
  readonly motd?: readonly string[]
}
