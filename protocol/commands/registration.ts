// PASS, NICK, USER, CAP: the commands of registration, and the welcome at its end.
//
// Each returns whether it was accepted. Only then does the registration table move on.

import { cutBytes, detach } from '../framing.ts'
import type { HubOptions } from '../identity.ts'
import {
  CHANNEL_BYTES_MAX,
  KEY_BYTES_MAX,
  MODES_MAX,
  NICK_BYTES_MAX,
  REALNAME_BYTES_MAX,
  TOPIC_BYTES_MAX,
} from '../limits.ts'
import { asUser, asciiUpper, isNick } from '../names.ts'
import type { Roster } from '../roster.ts'
import { abort, logIn } from './accounts.ts'
import type { Request } from './request.ts'

/** The server's password, or `account:password` where there are accounts. */
export function pass<Id>(request: Request<Id>): boolean {
  const { client, params, roster, out } = request
  const [password] = params
  if (password === undefined || password === '') {
    out.numeric(client, 'ERR_NEEDMOREPARAMS', 'PASS')
    return false
  }
  const colon = password.indexOf(':')
  if (roster.accounts !== null && colon > 0 && password !== roster.options.password) {
    logIn(request, 'PASS', password.slice(0, colon), password.slice(colon + 1))
  } else {
    client.password = detach(password)
  }
  return true
}

export function nick<Id>({ client, params, roster, out }: Request<Id>): boolean {
  const [wanted] = params
  if (wanted === undefined || wanted === '') {
    out.numeric(client, 'ERR_NONICKNAMEGIVEN')
    return false
  }
  if (!isNick(wanted)) {
    out.numeric(client, 'ERR_ERRONEUSNICKNAME', wanted)
    return false
  }
  const holder = roster.holder(wanted)
  if (holder !== undefined && holder !== client) {
    out.numeric(client, 'ERR_NICKNAMEINUSE', wanted)
    return false
  }
  if (wanted === client.nick) return true
  if (client.registered) {
    // To itself and to everybody who can see it, each once, however many channels they share.
    out.relay(roster.peers(client).add(client.id), null, client, `NICK :${wanted}`)
  }
  roster.rename(client, detach(wanted))
  out.identify(client)
  return true
}

export function user<Id>({ client, params, out }: Request<Id>): boolean {
  const [name, , , realname] = params
  if (name === undefined || realname === undefined || realname === '') {
    out.numeric(client, 'ERR_NEEDMOREPARAMS', 'USER')
    return false
  }
  client.user = detach(asUser(name))
  client.realname = detach(cutBytes(realname, REALNAME_BYTES_MAX))
  client.source = `${client.nick}!${client.user}@${client.host}`
  return true
}

/**
 * Capability negotiation (IRCv3). A server with accounts offers `sasl`, any other nothing. A REQ that asks
 * for anything else is refused whole, as the specification wants it.
 */
export function cap<Id>({ client, params, roster, out }: Request<Id>): boolean {
  const [given = '', wanted = ''] = params
  const subcommand = asciiUpper(given)
  switch (subcommand) {
    case '':
      out.numeric(client, 'ERR_NEEDMOREPARAMS', 'CAP')
      return false
    case 'LS':
      // Since version 302 a capability may have a value.
      out.say(client, `CAP ${client.nickOrStar} LS :${offer(roster, Number(wanted) >= 302)}`)
      return true
    case 'LIST':
      out.say(client, `CAP ${client.nickOrStar} LIST :${client.hasSasl ? 'sasl' : ''}`)
      return false
    case 'REQ': {
      const asked = wanted.split(/\s+/).filter((word) => word !== '')
      const isOffered = asked.every((word) => roster.accounts !== null && /^-?sasl$/.test(word))
      if (isOffered && asked.length > 0) client.hasSasl = asked.at(-1) === 'sasl'
      out.say(client, `CAP ${client.nickOrStar} ${isOffered ? 'ACK' : 'NAK'} :${wanted}`)
      return true
    }
    case 'END':
      return true
    default:
      out.numeric(client, 'ERR_INVALIDCAPCMD', given)
      return false
  }
}

function offer<Id>({ accounts }: Roster<Id>, withValues: boolean): string {
  return accounts === null ? '' : withValues ? 'sasl=PLAIN' : 'sasl'
}

/** Registration is complete: welcome the client, or turn it away for its password. */
export function admit<Id>({ client, roster, out }: Request<Id>): void {
  const { options } = roster
  // Who has logged in to an account needs no password besides.
  const isLoggedIn = client.account !== null
  if (!isLoggedIn && options.password !== null && client.password !== options.password) {
    out.numeric(client, 'ERR_PASSWDMISMATCH')
    out.close(client, 'Closing link: (Bad password)')
    roster.remove(client)
    return
  }
  client.password = null
  if (client.saslMessage !== null) abort({ client, roster, out })
  out.identify(client)
  const { serverName, version } = options
  out.numeric(client, 'RPL_WELCOME', client.source)
  out.numeric(client, 'RPL_YOURHOST', serverName, version)
  out.numeric(client, 'RPL_CREATED', options.createdAt)
  out.numeric(client, 'RPL_MYINFO', serverName, version, 'i', 'knostv', 'kov')
  out.numeric(client, 'RPL_ISUPPORT', isupport(options))
  sendMotd({ client, roster, out })
}

export function sendMotd<Id>({
  client,
  roster,
  out,
}: Pick<Request<Id>, 'client' | 'roster' | 'out'>): void {
  const { motd, serverName } = roster.options
  if (motd === undefined || motd.length === 0) return out.numeric(client, 'ERR_NOMOTD')
  out.numeric(client, 'RPL_MOTDSTART', serverName)
  for (const line of motd) out.numeric(client, 'RPL_MOTD', line)
  out.numeric(client, 'RPL_ENDOFMOTD')
}

/** What 005 says: 13 tokens, which is as many as fit beside the nickname and the text (15). */
function isupport({ limits }: HubOptions): string {
  const { channelsPerClientMax, channelTargetsMax: channels, messageTargetsMax: messages } = limits
  const targets = [
    ...['JOIN', 'PART', 'NAMES', 'LIST'].map((command) => `${command}:${channels}`),
    ...['PRIVMSG', 'NOTICE'].map((command) => `${command}:${messages}`),
  ]
  return [
    'CASEMAPPING=ascii',
    `CHANLIMIT=#:${channelsPerClientMax}`,
    'CHANMODES=,k,,nst',
    `CHANNELLEN=${CHANNEL_BYTES_MAX}`,
    'CHANTYPES=#',
    `KEYLEN=${KEY_BYTES_MAX}`,
    `MODES=${MODES_MAX}`,
    'NETWORK=hubbub',
    `NICKLEN=${NICK_BYTES_MAX}`,
    'PREFIX=(ov)@+',
    `TARGMAX=${targets.join(',')}`,
    `TOPICLEN=${TOPIC_BYTES_MAX}`,
    'UTF8ONLY',
  ].join(' ')
}
