// Accounts: who may log in with which password, and how often somebody may try. The services `login` and
// `irc` share it.
//
// Nothing is hashed here: that takes long, and so an attempt has two halves. `begin` says what is to be
// verified, and `end` is told what came of it. Hashing is what a guess costs a server, so that too many
// guesses are refused before it, by account and by host; and so that nobody learns from the time which
// names there are, a name that is not there is verified too, against a hash of nothing.
//
// Guesses at an account are counted wherever they come from. So whoever guesses at somebody else's keeps
// that account from logging in for a minute: the price that fail2ban and every lockout have. Counted by
// account and host together, it would be a botnet that has no price.

import type { HubEffect } from './effects.ts'
import { detach, isUtf8 } from './framing.ts'
import { ACCOUNT_BYTES_MAX, PASSWORD_BYTES_MAX } from './limits.ts'
import { foldName } from './names.ts'
import type { Verdict } from './service.ts'
import { Throttle } from './throttle.ts'

/** Plain data: some models copy it to the thread that the hub is in. */
export interface Accounts {
  /** Names and hashes. How a hash is read is the server's business. */
  readonly entries: readonly (readonly [name: string, hash: string])[]
  /** A hash of no password, of the same cost as the others. */
  readonly dummy: string
}

const MINUTE_MS = 60_000

/** The fourth wrong password for an account within a minute is not looked at. */
export const ACCOUNT_RULE = {
  wrongMax: 3,
  attemptsMax: 3,
  windowMs: MINUTE_MS,
  keysMax: 10_000,
}
/**
 * A host may be many people behind one address, and they may come at the same moment; but of 16 who all
 * guess wrong the next one has to wait. All who come over a Unix-domain socket are one host, `localhost`:
 * its file is for one user, whose programs share the rule.
 */
export const HOST_RULE = {
  wrongMax: 10,
  attemptsMax: 16,
  windowMs: MINUTE_MS,
  keysMax: 10_000,
}

/** Letters and digits, `.`, `_` and `-`, none of the last two first: one word in any line and file. */
const NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]*$/

export function isAccountName(name: string): boolean {
  return name.length <= ACCOUNT_BYTES_MAX && NAME.test(name)
}

/**
 * A password as it is hashed; null: it is none. Text in, text out, latin1 as everywhere: the bytes of
 * UTF-8. What looks the same to a person is made the same, as RFC 8265 (OpaqueString) wants it: any space
 * is a space, and composed characters (NFC) stand for `e` and an accent.
 */
export function asPassword(bytes: string): string | null {
  if (bytes === '' || /[\0\r\n]/.test(bytes) || !isUtf8(bytes)) return null
  const text = Buffer.from(bytes, 'latin1').toString('utf8')
  const same = text.replace(/\p{Zs}/gu, ' ').normalize('NFC')
  const password = Buffer.from(same, 'utf8').toString('latin1')
  return password.length > PASSWORD_BYTES_MAX ? null : password
}

type VerifyEffect<Id> = Extract<HubEffect<Id>, { kind: 'verify' }>

/** What comes of a log-in. `throttled`: nobody has looked, because there were too many of them. */
export type Outcome = Verdict | 'throttled'

interface Attempt {
  readonly account: string
  readonly hostKey: string
  /** As the accounts have it; null: they do not. */
  readonly name: string | null
}

export class Authenticator<Id> {
  private readonly dummy: string
  private readonly known: ReadonlyMap<string, readonly [name: string, hash: string]>
  private readonly byAccount = new Throttle(ACCOUNT_RULE)
  private readonly byHost = new Throttle(HOST_RULE)
  private readonly underWay = new Map<Id, Attempt>()

  constructor({ entries, dummy }: Accounts) {
    this.dummy = dummy
    this.known = new Map(entries.map((entry) => [foldName(entry[0]), entry]))
  }

  /** What has to be verified for this log-in; or, without a look at the password, what comes of it. */
  begin(
    id: Id,
    host: string,
    name: string,
    given: string,
    nowMs: number,
  ): VerifyEffect<Id> | 'wrong' | 'throttled' {
    const password = asPassword(given)
    if (password === null || !isAccountName(name)) return 'wrong'
    const account = detach(foldName(name)) // It may be kept for as long as it counts.
    const hostKey = networkOf(host)
    const isAllowed =
      !this.underWay.has(id) &&
      this.byAccount.allows(account, nowMs) &&
      this.byHost.allows(hostKey, nowMs)
    if (!isAllowed) return 'throttled'
    this.byAccount.begin(account, nowMs)
    this.byHost.begin(hostKey, nowMs)
    const entry = this.known.get(account)
    this.underWay.set(id, { account, hostKey, name: entry?.[0] ?? null })
    const hash = entry?.[1] ?? this.dummy
    return { kind: 'verify', to: id, guess: { password, hash, host: hostKey } }
  }

  /** What came of it, and the account's name if it was right. Also for a client that has gone meanwhile. */
  end(id: Id, verdict: Verdict, nowMs: number): { verdict: Verdict; name: string } | null {
    const attempt = this.underWay.get(id)
    if (attempt === undefined) return null
    this.underWay.delete(id)
    const { account, hostKey, name } = attempt
    const said = verdict === 'right' && name === null ? 'wrong' : verdict
    // A host is not pardoned: somebody with an account could guess at others as often as he likes.
    if (said === 'right') this.byAccount.pardon(account)
    this.byAccount.end(account, said === 'wrong', nowMs)
    this.byHost.end(hostKey, said === 'wrong', nowMs)
    return { verdict: said, name: name ?? '' }
  }
}

/** An IPv6 address is one of 2^64 that its owner may take, and counts as all of them. */
export function networkOf(host: string): string {
  const isV4 = !host.includes(':') || host.includes('.')
  if (isV4) return host
  const [before = '', after] = host.split('::')
  const groups = before === '' ? [] : before.split(':')
  const rest = after === undefined || after === '' ? [] : after.split(':')
  const zeros = Array.from({ length: Math.max(0, 8 - groups.length - rest.length) }, () => '0')
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':')
}
