// The protocol: what is said between a client and a server, and nothing about how it travels.
// Sans-I/O: no sockets, no clock, no timers; text and time come in, effects go out.

export { type Accounts, asPassword, isAccountName } from './accounts.ts'
export { IrcConversation } from './conversation.ts'
export type { ConversationEffect, Guess, HubEffect } from './effects.ts'
export type { FileAnswer, FileRequest } from './files.ts'
export { FramingFault, LineReader, cutBytes, isUtf8, wireLine } from './framing.ts'
export { IrcHub } from './hub.ts'
export type { HubOptions, ServerIdentity } from './identity.ts'
export * from './limits.ts'
export { commandOf, parseMessage } from './messages.ts'
export type { Message } from './messages.ts'
export { foldName, isChannelName, isNick } from './names.ts'
export { NUMERICS, formatNumeric } from './numerics.ts'
export type { NumericName, NumericValues } from './numerics.ts'
export {
  REGISTRATION,
  REGISTRATION_EVENTS,
  REGISTRATION_STATES,
  registrationDiagram,
  registrationTable,
} from './registration.ts'
export type { Conversation, Hub, Service, Verdict } from './service.ts'
export { loadService, type ServiceInfo, type ServiceName, SERVICES } from './services.ts'
export type { RegistrationEvent, RegistrationState } from './registration.ts'
