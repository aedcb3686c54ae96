// daytime: the date and time, in one line, and the end of the connection (RFC 867). Nobody is asked for
// anything, so the hub, which has the wall clock, says it all.

import type { HubEffect } from '../effects.ts'
import type { Service } from '../service.ts'
import { ByteConversation } from './echo.ts'
import { Guests, NO_WORDS } from './guests.ts'

class DaytimeHub<Id> extends Guests<Id> {
  override connect(id: Id, _host: string, nowMs: number): readonly HubEffect<Id>[] {
    return [{ kind: 'close', to: id, text: daytime(nowMs) }]
  }
}

/** RFC 867 leaves the format open; this one is that of RFC 3339, with a space and in UTC. */
function daytime(nowMs: number): string {
  return `${new Date(nowMs).toISOString().replace('T', ' ')}\r\n`
}

/**
 * RFC 867 has any datagram answered. But one that is as long as an answer may be one, of another server in
 * whose name somebody has sent us a request, and then the two would tell each other the time for ever.
 */
function daytimeDatagram(request: string, nowMs: number): string {
  const answer = daytime(nowMs)
  return request.length < answer.length ? answer : ''
}

export const service: Service = {
  lastWords: NO_WORDS,
  conversation: (server, nowMs) => new ByteConversation(server, nowMs, () => ''),
  hub: () => new DaytimeHub(),
  datagram: daytimeDatagram,
}
