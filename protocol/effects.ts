// Effects: what the protocol asks its surroundings to do.
//
// The protocol performs nothing itself: it has no socket, no clock and no timer. It returns effects,
// which are plain data, and the concurrency model performs them: by a call, by a blocking write, or by
// sending them over a link to another thread or process. That is why one protocol can run under every
// model, and why it can be tested without any of them.
//
// Two rules hold everywhere:
//
// - All effects of one call are performed, in their order, before the protocol is called again for the
//   same client. A conversation that asked for `compute`, `wait` or `hub` is therefore suspended simply
//   by not being asked for its next effect. Later lines of that client wait in its buffer, and a
//   client's answers always come in the order of its requests: PING is a barrier.
// - `text` is wire format: whole lines with CR LF, as a latin1 string, one character for one byte.

import type { FileRequest } from './files.ts'

/** What one client's conversation asks for. One at a time, from `Conversation.nextEffect()`. */
export type ConversationEffect =
  /** Write `text` to this client. */
  | { readonly kind: 'reply'; readonly text: string }
  /** Pass this line (without its terminator) to the hub, and perform what the hub returns. */
  | { readonly kind: 'hub'; readonly line: string }
  /** Keep a CPU busy for `ms` milliseconds. */
  | { readonly kind: 'compute'; readonly ms: number }
  /** Let `ms` milliseconds pass without using a CPU, as if on a disk. */
  | { readonly kind: 'wait'; readonly ms: number }
  /** Do this with a file, and tell the conversation what came of it (`answered`). */
  | { readonly kind: 'file'; readonly request: FileRequest }
  /** Write `text`, then end the connection, and tell the hub `reason`. */
  | { readonly kind: 'close'; readonly text: string; readonly reason: string }

/** Whether `password` is the one that `hash` was made of is to be found out. */
export interface Guess {
  readonly password: string
  readonly hash: string
  /** Whose guess it is: a host. Whoever makes many of them must not keep the others waiting. */
  readonly host: string
}

/**
 * What the hub asks for. `Id` is whatever the model calls a client by: the hub only keeps it, hands it
 * back, and compares it by identity. A model may well use its own client objects, and saves a look-up
 * for each receiver.
 */
export type HubEffect<Id> =
  /**
   * Write `text` to each of `to`, but not to `except`. One effect for one message, however many receive
   * it: `to` is the channel's own set of members, not a copy, which is safe because effects are
   * performed before the next call.
   */
  | {
      readonly kind: 'send'
      readonly to: Iterable<Id>
      readonly except: Id | null
      readonly text: string
    }
  /** Tell the conversation of `to` who it is now: call its `identify(nick, registered)`. */
  | {
      readonly kind: 'identify'
      readonly to: Id
      readonly nick: string
      readonly registered: boolean
    }
  /**
   * Find out whether the guess is right, in as long as that takes, and tell the hub (`verified`). The
   * client's later lines wait for that; nobody else should. Always the last effect of its call.
   */
  | { readonly kind: 'verify'; readonly to: Id; readonly guess: Guess }
  /** Write `text` to `to`, then end its connection. The hub has forgotten it already. */
  | { readonly kind: 'close'; readonly to: Id; readonly text: string }
