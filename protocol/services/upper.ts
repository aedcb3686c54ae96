// upper: every byte from a to z comes back as a capital, and all others unchanged, so that UTF-8 passes
// whole: its bytes beyond ASCII are none of these.

import { asciiUpper } from '../names.ts'
import type { Service } from '../service.ts'
import { ByteConversation } from './echo.ts'
import { Guests, NO_WORDS } from './guests.ts'

export const service: Service = {
  lastWords: NO_WORDS,
  conversation: (server, nowMs) => new ByteConversation(server, nowMs, asciiUpper),
  hub: () => new Guests(),
  datagram: asciiUpper,
}
