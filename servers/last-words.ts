// Last words: why a connection has ended, in words for the others; and what to do for one that has hung up.
//
// Who says something and hangs up at once has said it. Over a Unix-domain socket a write fails from then on
// (EPIPE), and the selectors report the end (HANGUP), both also when there is something left to be read
// before it. So the input of whoever has hung up is read to its end, and only what nobody would see is not
// done any more: answers, and what takes its time for their sake. A WAIT that has begun is cut short.

import type { ConversationEffect } from '../protocol/index.ts'

/** The reason others are told when a connection ended without a QUIT. */
export const CONNECTION_CLOSED = 'Connection closed'

/** The reason others are told when a connection failed. */
export function reasonOf(error: unknown): string {
  if (saysHungUp(error)) return 'Connection reset by peer'
  const code = codeOf(error)
  if (code === 'ETIMEDOUT') return 'Write timed out'
  return typeof code === 'string' ? `Connection failed (${code})` : 'Internal error'
}

/** Whether this is what a read or a write says of a connection whose other side is gone. */
export function saysHungUp(error: unknown): boolean {
  const code = codeOf(error)
  return code === 'ECONNRESET' || code === 'EPIPE'
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : null
}

/** Whether an effect is only for the client to see: not to be performed for one that has hung up. */
export function isForClientOnly({ kind }: ConversationEffect): boolean {
  return kind === 'reply' || kind === 'compute' || kind === 'wait'
}
