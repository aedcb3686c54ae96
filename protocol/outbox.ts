// Outbox: collects the effects of one call of the hub.
//
// Consecutive texts to one and the same client become one effect, so that the seven lines that welcome a
// client are one write.

import type { HubEffect } from './effects.ts'
import { wireLine } from './framing.ts'
import type { NumericName, NumericValues } from './numerics.ts'
import { formatNumeric } from './numerics.ts'
import type { Client } from './roster.ts'

export class Outbox<Id> {
  private readonly serverName: string
  private readonly done: HubEffect<Id>[] = []
  /** Text to `receiver` that may still grow. */
  private text = ''
  private receiver: Client<Id> | null = null

  constructor(serverName: string) {
    this.serverName = serverName
  }

  /** Text that is wire format already, to one client. */
  reply(client: Client<Id>, text: string): void {
    if (this.receiver !== client) {
      this.flush()
      this.receiver = client
    }
    this.text += text
  }

  numeric<Name extends NumericName>(
    client: Client<Id>,
    name: Name,
    ...values: NumericValues<Name>
  ): void {
    this.reply(client, formatNumeric(this.serverName, client.nickOrStar, name, ...values))
  }

  /** One line from the server itself, without its prefix, to one client. */
  say(client: Client<Id>, text: string): void {
    this.reply(client, wireLine(`:${this.serverName} ${text}`))
  }

  /** One line that `source` caused, to all of `to` but `except`. */
  relay(to: Iterable<Id>, except: Id | null, source: Client<Id>, text: string): void {
    this.flush()
    this.done.push({ kind: 'send', to, except, text: wireLine(`:${source.source} ${text}`) })
  }

  identify(client: Client<Id>): void {
    this.flush()
    const { id: to, nick, registered } = client
    this.done.push({ kind: 'identify', to, nick, registered })
  }

  /** The password has to be verified before anything else happens to the client. */
  verify(effect: Extract<HubEffect<Id>, { kind: 'verify' }>): void {
    this.flush()
    this.done.push(effect)
  }

  /** `ERROR :words` to the client, after what it was sent in this call, and its end. */
  close(client: Client<Id>, words: string): void {
    this.reply(client, wireLine(`ERROR :${words}`))
    this.done.push({ kind: 'close', to: client.id, text: this.text })
    this.receiver = null
    this.text = ''
  }

  /** Everything collected. The outbox is used up. */
  effects(): readonly HubEffect<Id>[] {
    this.flush()
    return this.done
  }

  private flush(): void {
    if (this.receiver === null) return
    this.done.push({ kind: 'send', to: this.receiver.alone, except: null, text: this.text })
    this.receiver = null
    this.text = ''
  }
}
