// AUTHENTICATE, and what PASS and it share: logging in to an account, and what comes of that.
//
// AUTHENTICATE is SASL (RFC 4422) as IRCv3 carries it: the mechanism, then its messages in base64, in pieces
// of 400 bytes. The one mechanism is PLAIN (RFC 4616): whom to act as, who one is, and the password, with
// NUL between them.

import type { Outcome } from '../accounts.ts'
import { detach } from '../framing.ts'
import { LOGIN_FAILURES_MAX, SASL_BYTES_MAX, SASL_PIECE_BYTES } from '../limits.ts'
import { asciiUpper, foldName } from '../names.ts'
import type { Request } from './request.ts'

type Occasion<Id> = Pick<Request<Id>, 'client' | 'roster' | 'out'>

const MECHANISM = 'PLAIN'
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

export function authenticate<Id>(request: Request<Id>): boolean {
  const { client, params, out } = request
  const [said] = params
  if (!client.hasSasl) {
    // Whoever has not asked for the capability does not have the command.
    if (client.registered) out.numeric(client, 'ERR_UNKNOWNCOMMAND', 'AUTHENTICATE')
    else out.numeric(client, 'ERR_NOTREGISTERED')
  } else if (said === undefined || said === '') {
    out.numeric(client, 'ERR_NEEDMOREPARAMS', 'AUTHENTICATE')
  } else if (client.account !== null) out.numeric(client, 'ERR_SASLALREADY')
  else if (said === '*') abort(request)
  else if (client.saslMessage === null) choose(request, said)
  else takePiece(request, client.saslMessage, said)
  return true
}

/** The exchange ends by the client's wish, or because it goes on without. */
export function abort<Id>({ client, out }: Occasion<Id>): void {
  client.saslMessage = null
  out.numeric(client, 'ERR_SASLABORTED')
}

function choose<Id>(request: Request<Id>, mechanism: string): void {
  const { client, out } = request
  if (asciiUpper(mechanism) !== MECHANISM) {
    out.numeric(client, 'RPL_SASLMECHS', MECHANISM)
    return out.numeric(client, 'ERR_SASLFAIL', '')
  }
  client.saslMessage = ''
  out.reply(client, 'AUTHENTICATE +\r\n')
}

/** A piece of full length is not the last one; `+` is an empty one. */
function takePiece<Id>(request: Request<Id>, before: string, piece: string): void {
  const { client, out } = request
  const message = piece === '+' ? before : detach(before + piece)
  client.saslMessage = null
  if (piece.length > SASL_PIECE_BYTES || message.length > SASL_BYTES_MAX) {
    return out.numeric(client, 'ERR_SASLTOOLONG')
  }
  if (piece.length === SASL_PIECE_BYTES) {
    client.saslMessage = message
    return
  }
  const isBase64 = message.length % 4 === 0 && BASE64.test(message)
  const fields = isBase64 ? Buffer.from(message, 'base64').toString('latin1').split('\0') : []
  const [actAs = '', name = '', password = ''] = fields
  // Nobody acts for somebody else here.
  const isHimself = actAs === '' || foldName(actAs) === foldName(name)
  if (fields.length === 3 && isHimself) logIn(request, 'SASL', name, password)
  else failSasl(request, '')
}

/** Has the password verified, if there may be another attempt; `settle` is told what comes of it. */
export function logIn<Id>(
  request: Request<Id>,
  by: 'PASS' | 'SASL',
  name: string,
  password: string,
): void {
  const { client, roster, out, nowMs } = request
  client.logsInBy = by
  const begun = roster.accounts!.begin(client.id, client.host, name, password, nowMs)
  if (typeof begun === 'string') settle(request, begun, name)
  else out.verify(begun)
}

/** Why nobody has looked at the password: behind what SASL says, and as the reason of an end. */
const NOT_LOOKED_AT = {
  throttled: [', too many attempts: wait a minute', 'Too many attempts to log in, wait a minute'],
  busy: [', the server is busy: try again later', 'The server is busy, try again later'],
} as const

/** What came of it. A wrong PASS ends the connection; SASL may be tried again. */
export function settle<Id>(occasion: Occasion<Id>, outcome: Outcome, name: string): void {
  const { client, out } = occasion
  if (outcome === 'right') {
    client.account = name
    const source = `${client.nickOrStar}!${client.user || '*'}@${client.host}`
    out.numeric(client, 'RPL_LOGGEDIN', source, name, name)
    if (client.logsInBy === 'SASL') out.numeric(client, 'RPL_SASLSUCCESS')
    return
  }
  const [why, reason] = outcome === 'wrong' ? ['', 'Bad password'] : NOT_LOOKED_AT[outcome]
  if (client.logsInBy === 'SASL') return failSasl(occasion, why)
  if (outcome === 'wrong') out.numeric(client, 'ERR_PASSWDMISMATCH')
  dismiss(occasion, reason)
}

function failSasl<Id>(occasion: Occasion<Id>, why: string): void {
  const { client, out } = occasion
  out.numeric(client, 'ERR_SASLFAIL', why)
  if (++client.loginFailures >= LOGIN_FAILURES_MAX) dismiss(occasion, 'Too many failed log-ins')
}

function dismiss<Id>(occasion: Occasion<Id>, reason: string): void {
  occasion.out.close(occasion.client, `Closing link: (${reason})`)
  leave(occasion, reason)
}

/** The client is gone: everybody who shares a channel with it is told once. */
export function leave<Id>({ client, roster, out }: Occasion<Id>, reason: string): void {
  const peers = roster.peers(client)
  roster.remove(client)
  if (peers.size > 0) out.relay(peers, null, client, `QUIT :${reason}`)
}
