// The commands that the hub knows, each with what performs it and how many parameters it cannot do
// without. PING, PONG, QUIT, VERSION, WORK and WAIT are missing: a conversation answers them by itself.

import { authenticate } from './accounts.ts'
import { join, list, names, part, topic } from './channels.ts'
import { mode } from './modes.ts'
import { motd, time, who, whois } from './queries.ts'
import { cap, nick, pass, user } from './registration.ts'
import type { Request } from './request.ts'
import { privmsg } from './talk.ts'

export interface Command {
  /** False means: refused, as if it had not been said. The others are done when they return. */
  readonly perform: <Id>(request: Request<Id>) => boolean | void
  /** With fewer, 461. Commands with a numeric of their own for that (431, 411) have 0 here. */
  readonly paramsMin: number
}

export const COMMANDS: ReadonlyMap<string, Command> = new Map([
  ['AUTHENTICATE', { perform: authenticate, paramsMin: 0 }],
  ['CAP', { perform: cap, paramsMin: 0 }],
  ['JOIN', { perform: join, paramsMin: 1 }],
  ['LIST', { perform: list, paramsMin: 0 }],
  ['MODE', { perform: mode, paramsMin: 1 }],
  ['MOTD', { perform: motd, paramsMin: 0 }],
  ['NAMES', { perform: names, paramsMin: 0 }],
  ['NICK', { perform: nick, paramsMin: 0 }],
  ['NOTICE', { perform: privmsg, paramsMin: 0 }],
  ['PART', { perform: part, paramsMin: 1 }],
  ['PASS', { perform: pass, paramsMin: 0 }],
  ['PRIVMSG', { perform: privmsg, paramsMin: 0 }],
  ['TIME', { perform: time, paramsMin: 0 }],
  ['TOPIC', { perform: topic, paramsMin: 1 }],
  ['USER', { perform: user, paramsMin: 0 }],
  ['WHO', { perform: who, paramsMin: 0 }],
  ['WHOIS', { perform: whois, paramsMin: 0 }],
])
