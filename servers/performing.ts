// Performing what the hub asks for. The effects are the same under every model; what it means to write
// to a client, and to end it, is the model's own.

import type { Guess, HubEffect } from '../protocol/index.ts'

/** How a model reaches its clients, by the name it gave them when it connected them to the hub. */
export interface ClientPort<Client> {
  /** Writes to the client, sooner or later, but in the order of the calls. */
  write(client: Client, text: string): void
  /** Tells its conversation who it is. */
  identify(client: Client, nick: string, registered: boolean): void
  /** Finds out whether the guess is right, and tells the hub. Its later lines wait for that. */
  verify(client: Client, guess: Guess): void
  /** Writes the last words, after all that was written before, and ends the connection. */
  end(client: Client, text: string): void
}

/** Performs all effects of one call to the hub, in their order. */
export function perform<Client>(
  effects: readonly HubEffect<Client>[],
  port: ClientPort<Client>,
): void {
  for (const effect of effects) {
    switch (effect.kind) {
      case 'send':
        for (const client of effect.to) {
          if (client !== effect.except) port.write(client, effect.text)
        }
        break
      case 'identify':
        port.identify(effect.to, effect.nick, effect.registered)
        break
      case 'verify':
        port.verify(effect.to, effect.guess)
        break
      case 'close':
        port.end(effect.to, effect.text)
        break
    }
  }
}
