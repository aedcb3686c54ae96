// JOIN, PART, TOPIC, NAMES, LIST: channels and who is in them.
//
// A departure is sent to two receivers, the channel's members and the one who left, because an effect
// carries the live set of members and is performed when the client is no longer among them.

import { cutBytes, detach } from '../framing.ts'
import { LINE_BYTES_MAX, TOPIC_BYTES_MAX } from '../limits.ts'
import { isChannelName } from '../names.ts'
import type { Channel, Client } from '../roster.ts'
import type { Request } from './request.ts'
import { asSeconds, splitList } from './request.ts'

/** The comma list in the first parameter; none after an answer that there are too many. */
function requested<Id>({ client, command, params, roster, out }: Request<Id>): string[] {
  const wanted = splitList(params[0])
  if (wanted.length <= roster.options.limits.channelTargetsMax) return wanted
  out.numeric(client, 'ERR_TOOMANYTARGETS', command)
  return []
}

export function join<Id>(request: Request<Id>): void {
  const { client, params, roster, out } = request
  const [nameList = '', keyList = ''] = params
  if (nameList === '0') {
    for (const channel of client.channels) depart(request, channel, '')
    return
  }
  if (splitList(nameList).length === 0) return out.numeric(client, 'ERR_NEEDMOREPARAMS', 'JOIN')
  if (requested(request).length === 0) return
  // The keys stand in the order of the list as it was written, empty names and repetitions included.
  const keys = keyList.split(',')
  for (const [index, name] of nameList.split(',').entries()) {
    if (name === '' || roster.channel(name)?.members.has(client.id) === true) continue
    const refusal = joinRefusal(request, name, keys[index])
    if (refusal === null) arrive(request, detach(name))
    else out.numeric(client, refusal, name)
  }
}

function joinRefusal<Id>({ client, roster }: Request<Id>, name: string, key: string | undefined) {
  if (!isChannelName(name)) return 'ERR_NOSUCHCHANNEL'
  const { channelsPerClientMax } = roster.options.limits
  if (client.channels.size >= channelsPerClientMax) return 'ERR_TOOMANYCHANNELS'
  const wanted = roster.channel(name)?.key ?? null
  return wanted === null || wanted === key ? null : 'ERR_BADCHANNELKEY'
}

function arrive<Id>({ client, nowMs, roster, out }: Request<Id>, name: string): void {
  const channel = roster.enter(client, name, nowMs)
  out.relay(channel.members, null, client, `JOIN ${channel.name}`)
  if (channel.topic !== '') showTopic({ client, out }, channel)
  showNames({ client, roster, out }, channel)
}

export function part<Id>(request: Request<Id>): void {
  const { client, params, roster, out } = request
  for (const name of requested(request)) {
    const channel = roster.channel(name)
    if (channel === undefined) out.numeric(client, 'ERR_NOSUCHCHANNEL', name)
    else if (!channel.members.has(client.id)) out.numeric(client, 'ERR_NOTONCHANNEL', channel.name)
    else depart(request, channel, params[1] ?? '')
  }
}

function depart<Id>({ client, roster, out }: Request<Id>, channel: Channel<Id>, why: string): void {
  roster.leave(client, channel)
  const text = `PART ${channel.name}${why === '' ? '' : ` :${why}`}`
  out.relay(client.alone, null, client, text)
  if (channel.members.size > 0) out.relay(channel.members, null, client, text)
}

export function topic<Id>(request: Request<Id>): void {
  const { client, params, nowMs, roster, out } = request
  const [name = '', text] = params
  const channel = roster.channel(name)
  const isMember = channel?.members.has(client.id) === true
  if (channel === undefined || !channel.isVisibleTo(client)) {
    return out.numeric(client, 'ERR_NOSUCHCHANNEL', name)
  }
  if (text === undefined) return showTopic(request, channel)
  if (!isMember) return out.numeric(client, 'ERR_NOTONCHANNEL', channel.name)
  if (channel.topicLocked && !channel.operators.has(client.id)) {
    return out.numeric(client, 'ERR_CHANOPRIVSNEEDED', channel.name)
  }
  channel.topic = detach(cutBytes(text, TOPIC_BYTES_MAX))
  channel.topicBy = client.source
  channel.topicSetMs = nowMs
  out.relay(channel.members, null, client, `TOPIC ${channel.name} :${channel.topic}`)
}

function showTopic<Id>(
  { client, out }: Pick<Request<Id>, 'client' | 'out'>,
  { name, topic: text, topicBy, topicSetMs }: Channel<Id>,
): void {
  if (text === '') return out.numeric(client, 'RPL_NOTOPIC', name)
  out.numeric(client, 'RPL_TOPIC', name, text)
  out.numeric(client, 'RPL_TOPICWHOTIME', name, topicBy, asSeconds(topicSetMs))
}

export function names<Id>(request: Request<Id>): void {
  const { client, params, roster, out } = request
  // Without a channel RFC 2812 would list everybody; modern servers list nobody.
  if (params[0] === undefined) return out.numeric(client, 'RPL_ENDOFNAMES', '*')
  for (const name of requested(request)) {
    const channel = roster.channel(name)
    if (channel?.isVisibleTo(client) === true) showNames(request, channel)
    else out.numeric(client, 'RPL_ENDOFNAMES', name)
  }
}

/** 353 with as many nicknames as fit in each line, then 366. */
function showNames<Id>(
  { client, roster, out }: Pick<Request<Id>, 'client' | 'roster' | 'out'>,
  channel: Channel<Id>,
): void {
  const symbol = channel.secret ? '@' : '='
  const { serverName } = roster.options
  // `:server 353 nick = #channel :` and CR LF leave this much.
  const room = LINE_BYTES_MAX - (serverName.length + client.nick.length + channel.name.length + 14)
  let line = ''
  for (const id of channel.members) {
    const member = roster.clients.get(id) as Client<Id>
    const entry = channel.mark(id) + member.nick
    if (line !== '' && line.length + 1 + entry.length > room) {
      out.numeric(client, 'RPL_NAMREPLY', symbol, channel.name, line)
      line = ''
    }
    line += line === '' ? entry : ` ${entry}`
  }
  out.numeric(client, 'RPL_NAMREPLY', symbol, channel.name, line)
  out.numeric(client, 'RPL_ENDOFNAMES', channel.name)
}

export function list<Id>(request: Request<Id>): void {
  const { client, params, roster, out } = request
  const isNamed = params[0] !== undefined && params[0] !== ''
  const channels = isNamed
    ? requested(request).map((name) => roster.channel(name))
    : roster.channels
  let room = roster.options.limits.listedMax
  out.numeric(client, 'RPL_LISTSTART')
  for (const channel of channels) {
    if (channel?.isVisibleTo(client) !== true) continue
    if (room-- === 0) {
      out.numeric(client, 'ERR_TOOMANYMATCHES', 'LIST')
      break
    }
    out.numeric(client, 'RPL_LIST', channel.name, String(channel.members.size), channel.topic)
  }
  out.numeric(client, 'RPL_LISTEND')
}
