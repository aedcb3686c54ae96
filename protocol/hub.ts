// Hub: what all clients share. Nicknames, channels, who hears what.
//
// There is one hub in a server, and one line at a time goes through it. That is how shared state is
// kept whole under every concurrency model: not by locks but by having one owner, whom conversations
// reach by a call or over a link.
//
// A call returns effects, to be performed in their order before the next call. Times are wall clock,
// milliseconds since 1970, because the hub needs them only for people to read (317, 329, 333, 391).

import { leave, settle } from './commands/accounts.ts'
import { admit } from './commands/registration.ts'
import { COMMANDS } from './commands/table.ts'
import type { Request } from './commands/request.ts'
import type { HubEffect } from './effects.ts'
import type { HubOptions } from './identity.ts'
import { parseMessage } from './messages.ts'
import { asHost } from './names.ts'
import { Outbox } from './outbox.ts'
import { REGISTRATION, registrationEvent } from './registration.ts'
import { Client, Roster } from './roster.ts'
import type { Hub, Verdict } from './service.ts'

const NOTHING: readonly never[] = []

/** `Id` is how the model calls a client. It is kept, handed back, and compared by identity. */
export class IrcHub<Id> implements Hub<Id> {
  private readonly roster: Roster<Id>

  constructor(options: HubOptions) {
    this.roster = new Roster(options)
  }

  /** How many clients are connected, registered or not. */
  get clients(): number {
    return this.roster.clients.size
  }

  /** A client is there. `host` is where it comes from, as others will see it: an address or a name. */
  connect(id: Id, host: string, nowMs: number): readonly HubEffect<Id>[] {
    this.roster.clients.set(id, new Client(id, asHost(host), nowMs))
    return NOTHING
  }

  /** A line of a client, as its conversation's `hub` effect gave it. */
  receive(id: Id, line: string, nowMs: number): readonly HubEffect<Id>[] {
    const { roster } = this
    const client = roster.clients.get(id)
    if (client === undefined) return NOTHING
    const out = this.outbox()
    const { command, params } = parseMessage(line)
    perform({ client, command, params, nowMs, roster, out })
    return out.effects()
  }

  /** What came of a password. The client may have gone meanwhile; then it is only counted. */
  verified(id: Id, verdict: Verdict, nowMs: number): readonly HubEffect<Id>[] {
    const { roster } = this
    const ended = roster.accounts?.end(id, verdict, nowMs)
    const client = roster.clients.get(id)
    if (!ended || client === undefined) return NOTHING
    const out = this.outbox()
    settle({ client, roster, out }, ended.verdict, ended.name)
    return out.effects()
  }

  /** The client has gone: its peers are told `QUIT :reason`. Unknown clients: no effects. */
  disconnect(id: Id, reason: string): readonly HubEffect<Id>[] {
    const client = this.roster.clients.get(id)
    if (client === undefined) return NOTHING
    const out = this.outbox()
    leave({ client, roster: this.roster, out }, reason)
    return out.effects()
  }

  /** The server ends the client, and says why: `ERROR :reason` to it, `QUIT :reason` to its peers. */
  evict(id: Id, reason: string): readonly HubEffect<Id>[] {
    const client = this.roster.clients.get(id)
    if (client === undefined) return NOTHING
    const out = this.outbox()
    out.close(client, reason)
    leave({ client, roster: this.roster, out }, reason)
    return out.effects()
  }

  /** `ERROR :reason` to every client and its end. Nobody is told that the others go: all do. */
  shutdown(reason: string): readonly HubEffect<Id>[] {
    const out = this.outbox()
    for (const client of this.roster.clients.values()) out.close(client, reason)
    this.roster.clear()
    return out.effects()
  }

  private outbox(): Outbox<Id> {
    return new Outbox(this.roster.options.serverName)
  }
}

/** Asks the registration table whether the client may say this now, and has it performed. */
function perform<Id>(request: Request<Id>): void {
  const { client, command, params, out } = request
  const event = registrationEvent(command, params)
  const { action, next } = REGISTRATION[client.state][event]
  if (action === '451') {
    // A NOTICE is never answered, not even here.
    if (command !== 'NOTICE') out.numeric(client, 'ERR_NOTREGISTERED')
    return
  }
  if (action === '462') return out.numeric(client, 'ERR_ALREADYREGISTERED')
  const known = COMMANDS.get(command)
  if (known === undefined) return out.numeric(client, 'ERR_UNKNOWNCOMMAND', command)
  if (params.length < known.paramsMin) return out.numeric(client, 'ERR_NEEDMOREPARAMS', command)
  if (known.perform(request) === false) return
  client.state = next
  if (action === 'admit') admit(request)
}
