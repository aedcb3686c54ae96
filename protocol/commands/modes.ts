// MODE, of channels (+n +t +s +k +o +v) and of oneself (+i).

import { detach } from '../framing.ts'
import { MODES_MAX } from '../limits.ts'
import { isKey } from '../names.ts'
import type { Channel, Client } from '../roster.ts'
import type { Request } from './request.ts'
import { asSeconds } from './request.ts'

/** The flags of a channel: each a letter and the field that it sets. In the order that 324 has. */
const FLAGS: ReadonlyMap<string, 'noExternal' | 'secret' | 'topicLocked'> = new Map([
  ['n', 'noExternal'],
  ['s', 'secret'],
  ['t', 'topicLocked'],
])

/** The ranks of a member: each a letter and the set that it is in. */
const RANKS: ReadonlyMap<string, 'operators' | 'voices'> = new Map([
  ['o', 'operators'],
  ['v', 'voices'],
])

export function mode<Id>(request: Request<Id>): void {
  const { client, params, roster, out } = request
  const [target = '', changes] = params
  if (!target.startsWith('#')) return userMode(request, target, changes)
  const channel = roster.channel(target)
  if (channel === undefined || !channel.isVisibleTo(client)) {
    return out.numeric(client, 'ERR_NOSUCHCHANNEL', target)
  }
  if (changes === undefined) return showModes(request, channel)
  // Clients ask for the ban list when they join. There are no bans here, and that is the answer.
  if (/^\+?b$/.test(changes) && params.length === 2) {
    return out.numeric(client, 'RPL_ENDOFBANLIST', channel.name)
  }
  if (!channel.operators.has(client.id)) {
    return out.numeric(client, 'ERR_CHANOPRIVSNEEDED', channel.name)
  }
  const applied = new Changes()
  change(request, channel, changes, applied)
  if (!applied.isEmpty) {
    out.relay(channel.members, null, client, `MODE ${channel.name} ${applied.text}`)
  }
}

/** What was changed, in the shortest notation: `+ns-t+o alice`. */
class Changes {
  private letters = ''
  private params = ''
  private sign = ''

  get isEmpty(): boolean {
    return this.letters === ''
  }

  get text(): string {
    return this.letters + this.params
  }

  add(isOn: boolean, letter: string, param?: string): void {
    const sign = isOn ? '+' : '-'
    if (sign !== this.sign) this.letters += sign
    this.sign = sign
    this.letters += letter
    if (param !== undefined) this.params += ` ${param}`
  }
}

function change<Id>(
  request: Request<Id>,
  channel: Channel<Id>,
  letters: string,
  applied: Changes,
): void {
  const { client, out } = request
  const params = request.params.slice(2, 2 + MODES_MAX)
  const unknown = new Set<string>()
  let isOn = true
  for (const letter of letters) {
    const flag = FLAGS.get(letter)
    const rank = RANKS.get(letter)
    if (letter === '+' || letter === '-') isOn = letter === '+'
    else if (flag !== undefined) {
      if (channel[flag] !== isOn) applied.add(isOn, letter)
      channel[flag] = isOn
    } else if (rank !== undefined) {
      changeRank(request, channel, { letter, rank, isOn, nick: params.shift() }, applied)
    } else if (letter === 'k') changeKey(request, channel, isOn, params.shift(), applied)
    // Said once for each letter: a line of 500 unknown ones must not be answered with 25 KiB.
    // A letter is one byte: of a UTF-8 sequence only the whole could be shown.
    else unknown.add(letter < '\x7f' ? letter : '?')
  }
  for (const letter of [...unknown].slice(0, MODES_MAX)) {
    out.numeric(client, 'ERR_UNKNOWNMODE', letter)
  }
}

interface RankChange {
  readonly letter: string
  readonly rank: 'operators' | 'voices'
  readonly isOn: boolean
  readonly nick: string | undefined
}

function changeRank<Id>(
  { client, roster, out }: Request<Id>,
  channel: Channel<Id>,
  { letter, rank, isOn, nick }: RankChange,
  applied: Changes,
): void {
  // Without a parameter there is nobody to change; like the servers that people know, no answer.
  if (nick === undefined) return
  const member = roster.find(nick)
  if (member === undefined) return out.numeric(client, 'ERR_NOSUCHNICK', nick)
  if (!channel.members.has(member.id)) {
    return out.numeric(client, 'ERR_USERNOTINCHANNEL', member.nick, channel.name)
  }
  if (channel[rank].has(member.id) === isOn) return
  if (isOn) channel[rank].add(member.id)
  else channel[rank].delete(member.id)
  applied.add(isOn, letter, member.nick)
}

function changeKey<Id>(
  { client, out }: Request<Id>,
  channel: Channel<Id>,
  isOn: boolean,
  key: string | undefined,
  applied: Changes,
): void {
  if (isOn) {
    if (key === undefined) return
    if (!isKey(key)) {
      return out.numeric(client, 'ERR_INVALIDMODEPARAM', channel.name, 'k', key)
    }
    if (channel.key === key) return
    channel.key = detach(key)
    applied.add(true, 'k', key)
  } else if (channel.key !== null) {
    // Nobody has to know the key to take it away: the operator could have set another one.
    channel.key = null
    applied.add(false, 'k', '*')
  }
}

function showModes<Id>({ client, out }: Request<Id>, channel: Channel<Id>): void {
  let letters = '+'
  for (const [letter, flag] of FLAGS) if (channel[flag]) letters += letter
  if (channel.key !== null) {
    letters += channel.members.has(client.id) ? `k ${channel.key}` : 'k'
  }
  out.numeric(client, 'RPL_CHANNELMODEIS', channel.name, letters)
  out.numeric(client, 'RPL_CREATIONTIME', channel.name, asSeconds(channel.createdMs))
}

function userMode<Id>(
  { client, roster, out }: Request<Id>,
  target: string,
  changes: string | undefined,
): void {
  const holder = roster.find(target)
  if (holder === undefined) return out.numeric(client, 'ERR_NOSUCHNICK', target)
  if (holder !== client) return out.numeric(client, 'ERR_USERSDONTMATCH')
  if (changes === undefined) return out.numeric(client, 'RPL_UMODEIS', showUserModes(client))
  let isOn = true
  let isUnknown = false
  const before = client.invisible
  for (const letter of changes) {
    if (letter === '+' || letter === '-') isOn = letter === '+'
    else if (letter === 'i') client.invisible = isOn
    else isUnknown = true
  }
  if (client.invisible !== before) {
    out.relay(client.alone, null, client, `MODE ${client.nick} :${before ? '-' : '+'}i`)
  }
  if (isUnknown) out.numeric(client, 'ERR_UMODEUNKNOWNFLAG')
}

function showUserModes<Id>(client: Client<Id>): string {
  return client.invisible ? '+i' : '+'
}
