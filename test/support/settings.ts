// Settings for parts of servers that tests start without the program around them.

import { DEFAULT_PROTOCOL_LIMITS } from '../../protocol/index.ts'
import { DEFAULT_SERVER_LIMITS } from '../../servers/limits.ts'
import type { Settings } from '../../servers/model.ts'

export const SETTINGS: Settings = {
  service: 'irc',
  serverName: 'hubbub.local',
  version: '0',
  createdAt: '',
  password: null,
  lab: false,
  limits: DEFAULT_PROTOCOL_LIMITS,
  server: { ...DEFAULT_SERVER_LIMITS, clientsMax: 1_000 },
}
