// The chat. Everything about it is in conversation.ts and hub.ts, and in what they use.

import { IrcConversation } from '../conversation.ts'
import { IrcHub } from '../hub.ts'
import type { Service } from '../service.ts'

export const service: Service = {
  lastWords: {
    serverFull: 'ERROR :Server full\r\n',
    internalError: 'ERROR :Internal error\r\n',
  },
  conversation: (server, nowMs) => new IrcConversation(server, nowMs),
  hub: (options) => new IrcHub(options),
}
