// PRIVMSG and NOTICE: what it is all for.
//
// They differ in one thing: a NOTICE is never answered, not even with an error (RFC 2812 section 3.3.2),
// lest two programs answer each other for ever.

import type { Request } from './request.ts'
import { splitList } from './request.ts'

export function privmsg<Id>(request: Request<Id>): void {
  const { client, command, params, nowMs, roster, out } = request
  const [list = '', text = ''] = params
  const isAnswered = command === 'PRIVMSG'
  const targets = splitList(list)
  client.spokeMs = nowMs
  if (targets.length === 0) {
    if (isAnswered) out.numeric(client, 'ERR_NORECIPIENT', command)
  } else if (text === '') {
    if (isAnswered) out.numeric(client, 'ERR_NOTEXTTOSEND')
  } else if (targets.length > roster.options.limits.messageTargetsMax) {
    if (isAnswered) out.numeric(client, 'ERR_TOOMANYTARGETS', command)
  } else {
    for (const target of targets) {
      const refusal = deliver(request, target, text)
      if (refusal !== null && isAnswered) out.numeric(client, refusal, target)
    }
  }
}

type Refusal = 'ERR_NOSUCHNICK' | 'ERR_NOSUCHCHANNEL' | 'ERR_CANNOTSENDTOCHAN'

function deliver<Id>(request: Request<Id>, target: string, text: string): Refusal | null {
  const { client, command, roster, out } = request
  if (!target.startsWith('#')) {
    const receiver = roster.find(target)
    if (receiver === undefined) return 'ERR_NOSUCHNICK'
    out.relay(receiver.alone, null, client, `${command} ${receiver.nick} :${text}`)
    return null
  }
  const channel = roster.channel(target)
  if (channel === undefined) return 'ERR_NOSUCHCHANNEL'
  if (channel.noExternal && !channel.members.has(client.id)) return 'ERR_CANNOTSENDTOCHAN'
  out.relay(channel.members, client.id, client, `${command} ${channel.name} :${text}`)
  return null
}
