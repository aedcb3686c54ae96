// WHO, WHOIS, MOTD, TIME: questions about people and about the server.

import { foldName, matchesMask } from '../names.ts'
import type { Channel, Client } from '../roster.ts'
import { sendMotd } from './registration.ts'
import type { Request } from './request.ts'
import { asSeconds } from './request.ts'

export function who<Id>(request: Request<Id>): void {
  const { client, params, roster, out } = request
  const mask = params[0] ?? '*'
  const channel = mask.startsWith('#') ? roster.channel(mask) : undefined
  let room = roster.options.limits.listedMax
  for (const found of candidates(request, mask, channel)) {
    if (room-- === 0) {
      out.numeric(client, 'ERR_TOOMANYMATCHES', 'WHO')
      break
    }
    showWho(request, found, channel)
  }
  out.numeric(client, 'RPL_ENDOFWHO', mask)
}

function* candidates<Id>(
  { client, roster }: Request<Id>,
  mask: string,
  channel: Channel<Id> | undefined,
): Generator<Client<Id>> {
  if (mask.startsWith('#')) {
    if (channel?.isVisibleTo(client) !== true) return
    const isInside = channel.members.has(client.id)
    for (const id of channel.members) {
      const member = roster.clients.get(id) as Client<Id>
      if (isInside || !member.invisible) yield member
    }
    return
  }
  const exact = roster.find(mask)
  if (exact !== undefined) {
    yield exact
    return
  }
  // `WHO` and `WHO 0` ask for everybody.
  const folded = mask === '0' ? '*' : foldName(mask)
  for (const other of roster.clients.values()) {
    const isSeen = other.registered && (!other.invisible || sharesChannel(client, other))
    if (isSeen && matchesMask(folded, foldName(other.nick))) yield other
  }
}

function sharesChannel<Id>(client: Client<Id>, other: Client<Id>): boolean {
  if (client === other) return true
  for (const channel of client.channels) if (channel.members.has(other.id)) return true
  return false
}

function showWho<Id>(
  { client, roster, out }: Request<Id>,
  { id, user, host, nick, realname }: Client<Id>,
  channel: Channel<Id> | undefined,
): void {
  const { serverName } = roster.options
  const flags = `H${channel === undefined ? '' : channel.mark(id)}`
  const where = channel === undefined ? '*' : channel.name
  out.numeric(client, 'RPL_WHOREPLY', where, user, host, serverName, nick, flags, realname)
}

export function whois<Id>(request: Request<Id>): void {
  const { client, params, nowMs, roster, out } = request
  // `WHOIS server nick` asks a certain server; there is only this one.
  const nick = params[1] ?? params[0] ?? ''
  if (nick === '') return out.numeric(client, 'ERR_NONICKNAMEGIVEN')
  const found = roster.find(nick)
  if (found === undefined) {
    out.numeric(client, 'ERR_NOSUCHNICK', nick)
    return out.numeric(client, 'RPL_ENDOFWHOIS', nick)
  }
  const { serverName, version } = roster.options
  out.numeric(client, 'RPL_WHOISUSER', found.nick, found.user, found.host, found.realname)
  const channels = visibleChannels(client, found)
  if (channels !== '') out.numeric(client, 'RPL_WHOISCHANNELS', found.nick, channels)
  out.numeric(client, 'RPL_WHOISSERVER', found.nick, serverName, version)
  if (found.account !== null) {
    out.numeric(client, 'RPL_WHOISACCOUNT', found.nick, found.account)
  }
  const idle = asSeconds(Math.max(0, nowMs - found.spokeMs))
  out.numeric(client, 'RPL_WHOISIDLE', found.nick, idle, asSeconds(found.connectedMs))
  out.numeric(client, 'RPL_ENDOFWHOIS', found.nick)
}

/** As many as fit in one line: with 20 channels of 50 bytes not all do. */
function visibleChannels<Id>(client: Client<Id>, found: Client<Id>): string {
  let text = ''
  for (const channel of found.channels) {
    if (!channel.isVisibleTo(client)) continue
    const entry = channel.mark(found.id) + channel.name
    if (text.length + entry.length > 360) break
    text += text === '' ? entry : ` ${entry}`
  }
  return text
}

export function motd<Id>(request: Request<Id>): void {
  sendMotd(request)
}

export function time<Id>({ client, nowMs, roster, out }: Request<Id>): void {
  out.numeric(client, 'RPL_TIME', roster.options.serverName, new Date(nowMs).toISOString())
}
