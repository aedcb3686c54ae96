// login: a line `user|password` is answered `success` or `fail`, and the next one may be tried. Who may try
// how often is in accounts.ts; the password itself is verified by the server (effect `verify`), which
// takes it as long as hashing does.

import { type Accounts, Authenticator, type Outcome } from '../accounts.ts'
import type { ConversationEffect, HubEffect } from '../effects.ts'
import { LineReader, textOf } from '../framing.ts'
import type { ServerIdentity } from '../identity.ts'
import { INPUT_BYTES_MAX } from '../limits.ts'
import type { Conversation, Service, Verdict } from '../service.ts'
import { Guests, NO_WORDS } from './guests.ts'
import { Silence, silenceMsMax } from './silence.ts'

const ANSWERS: Readonly<Record<Outcome, string>> = {
  right: 'success\r\n',
  wrong: 'fail\r\n',
  throttled: 'fail, too many attempts: wait a minute\r\n',
  busy: 'busy, try again later\r\n',
}
const NOT_A_LOGIN = 'error: a line is user|password\r\n'

class LoginConversation implements Conversation {
  private readonly reader = new LineReader()
  private readonly silence: Silence
  private closed = false

  constructor(server: ServerIdentity, nowMs: number) {
    this.silence = new Silence(silenceMsMax(server), nowMs)
  }

  receive(bytes: Buffer, nowMs: number, count = bytes.length): void {
    this.silence.broken(nowMs)
    if (!this.closed && this.reader.length <= INPUT_BYTES_MAX) {
      this.reader.push(textOf(bytes, count))
    }
  }

  nextEffect(): ConversationEffect | null {
    if (this.closed) return null
    if (this.reader.length > INPUT_BYTES_MAX) return this.close('RecvQ exceeded')
    const line = this.reader.next()
    if (line === null) return null
    if (typeof line === 'string') return { kind: 'hub', line }
    if (line.what === 'endless') return this.close('Line without end')
    return { kind: 'reply', text: NOT_A_LOGIN }
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

  private close(reason: string): ConversationEffect {
    this.closed = true
    this.reader.clear()
    return { kind: 'close', text: '', reason }
  }
}

class LoginHub<Id> extends Guests<Id> {
  private readonly accounts: Authenticator<Id>

  constructor(accounts: Accounts) {
    super()
    this.accounts = new Authenticator(accounts)
  }

  override receive(id: Id, line: string, nowMs: number): readonly HubEffect<Id>[] {
    const host = this.hostOf(id)
    if (host === undefined) return []
    const bar = line.indexOf('|')
    if (bar === -1) return [to(id, NOT_A_LOGIN)]
    const password = line.slice(bar + 1)
    const begun = this.accounts.begin(id, host, line.slice(0, bar), password, nowMs)
    return [typeof begun === 'string' ? to(id, ANSWERS[begun]) : begun]
  }

  override verified(id: Id, verdict: Verdict, nowMs: number): readonly HubEffect<Id>[] {
    const ended = this.accounts.end(id, verdict, nowMs)
    if (ended === null || this.hostOf(id) === undefined) return []
    return [to(id, ANSWERS[ended.verdict])]
  }
}

function to<Id>(id: Id, text: string): HubEffect<Id> {
  return { kind: 'send', to: [id], except: null, text }
}

/** A server without accounts lets nobody in. */
const NOBODY: Accounts = { entries: [], dummy: '' }

export const service: Service = {
  lastWords: NO_WORDS,
  conversation: (server, nowMs) => new LoginConversation(server, nowMs),
  hub: (options) => new LoginHub(options.accounts ?? NOBODY),
}
