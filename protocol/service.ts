// A service: what is talked about on the connections of a server. The chat is one (`irc`), and so are the
// small services that network programming is taught with (`echo`, `upper`, `daytime`, ...).
//
// It is two things, the same two for every service, and that is all that a concurrency model has to know:
// a conversation for each client, and one hub that they share. Where the conversations run and how they
// reach the hub is the model's business.

import type { ConversationEffect, HubEffect } from './effects.ts'
import type { FileAnswer } from './files.ts'
import type { HubOptions, ServerIdentity } from './identity.ts'

/**
 * What belongs to one client.
 *
 *     receive(bytes) ... nextEffect(), nextEffect(), ... null ... receive(bytes) ...
 *
 * Like h11's `next_event`, `nextEffect` gives one effect at a time and null when more bytes are needed.
 * Whoever runs the conversation performs the effect before it asks again. `nowMs` is any one monotonic
 * clock, in milliseconds.
 */
export interface Conversation {
  /** Takes in the first `count` bytes, and does no more than that. They are copied. */
  receive(bytes: Buffer, nowMs: number, count?: number): void
  nextEffect(): ConversationEffect | null
  /** The hub says who the client is now. */
  identify(name: string, registered: boolean): void
  /** What the last `compute` asked for is not done: too much of it is under way. */
  refused(): void
  /** What came of a `file` effect. A conversation that has no such effects leaves it out. */
  answered?(answer: FileAnswer, nowMs: number): void
  /** The client could not be heard, by our own doing: its silence does not count. */
  excuse(nowMs: number): void
  /** At the latest at this time tick() has to be called; Infinity when it has nothing more to say. */
  nextTickMs(): number
  /** What time alone brings about: a question to a silent client, or the end of one that stays silent. */
  tick(nowMs: number): ConversationEffect | null
}

/**
 * What all clients share. `Id` is how the model calls a client: it is kept, handed back, and compared by
 * identity. `nowMs` is the wall clock, in milliseconds since 1970.
 */
export interface Hub<Id> {
  /** How many clients are connected. */
  readonly clients: number
  /** A client is there. `host` is where it comes from: an address or a name. */
  connect(id: Id, host: string, nowMs: number): readonly HubEffect<Id>[]
  /** A line of a client, as its conversation's `hub` effect gave it. */
  receive(id: Id, line: string, nowMs: number): readonly HubEffect<Id>[]
  /** What came of a `verify` effect. */
  verified(id: Id, verdict: Verdict, nowMs: number): readonly HubEffect<Id>[]
  /** The client has gone. Unknown clients: no effects. */
  disconnect(id: Id, reason: string): readonly HubEffect<Id>[]
  /** The server ends the client, and says why if the service has words for it. */
  evict(id: Id, reason: string): readonly HubEffect<Id>[]
  /** The server ends all clients. */
  shutdown(reason: string): readonly HubEffect<Id>[]
}

/** What is said outside of the protocol's course; possibly nothing. */
export interface LastWords {
  /** To a client that there is no place for. */
  readonly serverFull: string
  /** To one whose conversation broke. */
  readonly internalError: string
}

/** `busy`: nobody has looked, because too many others are waiting for the same. */
export type Verdict = 'right' | 'wrong' | 'busy'

export interface Service {
  readonly lastWords: LastWords
  conversation(server: ServerIdentity, nowMs: number): Conversation
  hub<Id>(options: HubOptions): Hub<Id>
  /**
   * The answer to a datagram, latin1, if the service answers datagrams; '' is none. It is cut at the length
   * that requests may have. One that is longer than its request is for others to misuse, and is given
   * sparingly. Two servers must not answer each other for ever.
   */
  readonly datagram?: (request: string, nowMs: number) => string
}
