// echo: every byte comes back as it came (RFC 862). There is no framing: what one write has sent may come
// back in two reads, and the other way round. That is TCP, and the first thing it teaches.

import type { ConversationEffect } from '../effects.ts'
import { textOf } from '../framing.ts'
import type { ServerIdentity } from '../identity.ts'
import type { Conversation, Service } from '../service.ts'
import { Guests, NO_WORDS } from './guests.ts'
import { Silence, silenceMsMax } from './silence.ts'

/** Answers bytes with as many bytes, by a function of the text that they are. */
export class ByteConversation implements Conversation {
  private readonly answer: (text: string) => string
  private readonly silence: Silence
  private received = ''

  constructor(server: ServerIdentity, nowMs: number, answer: (text: string) => string) {
    this.answer = answer
    this.silence = new Silence(silenceMsMax(server), nowMs)
  }

  receive(bytes: Buffer, nowMs: number, count = bytes.length): void {
    this.silence.broken(nowMs)
    this.received += textOf(bytes, count)
  }

  nextEffect(): ConversationEffect | null {
    if (this.received === '') return null
    const text = this.answer(this.received)
    this.received = ''
    return { kind: 'reply', text }
  }

  identify(): void {}

  refused(): void {}

  excuse(nowMs: number): void {
    this.silence.broken(nowMs)
  }

  nextTickMs(): number {
    return this.silence.nextTickMs()
  }

  tick(nowMs: number): ConversationEffect | null {
    return this.silence.tick(nowMs)
  }
}

export const service: Service = {
  lastWords: NO_WORDS,
  conversation: (server, nowMs) => new ByteConversation(server, nowMs, (text) => text),
  hub: () => new Guests(),
  datagram: (request) => request,
}
