// Roster: the state that all clients share. Who is there, under which nickname, in which channel.
//
// Everything is keyed in Maps and Sets, never in objects: `__proto__` and `constructor` are names like
// any other. What is stored here outlives the chunk it came in, so it is detached from it first.

import { Authenticator } from './accounts.ts'
import type { HubOptions } from './identity.ts'
import { foldName } from './names.ts'
import type { RegistrationState } from './registration.ts'

/** One client as the hub knows it. */
export class Client<Id> {
  readonly id: Id
  /** The client alone, as receivers of an effect. */
  readonly alone: readonly Id[]
  readonly host: string
  state: RegistrationState = 'new'
  /** '' until NICK was accepted. */
  nick = ''
  user = ''
  realname = ''
  /** What PASS gave. */
  password: string | null = null
  /** The account that it has logged in to. */
  account: string | null = null
  /** How it has asked to log in last. */
  logsInBy: 'PASS' | 'SASL' = 'PASS'
  loginFailures = 0
  /** It has asked for the capability `sasl`. */
  hasSasl = false
  /** What it has sent of a SASL message; null: it has not chosen a mechanism. */
  saslMessage: string | null = null
  /** User mode +i: those who share no channel do not find it with WHO. */
  invisible = false
  /** `nick!user@host`: whom others see as the source of what this client does. */
  source = ''
  readonly channels = new Set<Channel<Id>>()
  readonly connectedMs: number
  /** When it last said something to somebody: for the idle time in WHOIS. */
  spokeMs: number

  constructor(id: Id, host: string, nowMs: number) {
    this.id = id
    this.alone = [id]
    this.host = host
    this.connectedMs = nowMs
    this.spokeMs = nowMs
  }

  get registered(): boolean {
    return this.state === 'registered'
  }

  /** How numerics address it. */
  get nickOrStar(): string {
    return this.nick === '' ? '*' : this.nick
  }
}

export class Channel<Id> {
  /** As its creator wrote it; it is found under any case. */
  readonly name: string
  readonly createdMs: number
  /** The set that effects carry as their receivers: it has to be exactly the members, always. */
  readonly members = new Set<Id>()
  readonly operators = new Set<Id>()
  readonly voices = new Set<Id>()
  topic = ''
  topicBy = ''
  topicSetMs = 0
  key: string | null = null
  /** +n: only members may send to it. */
  noExternal = true
  /** +t: only operators may set the topic. */
  topicLocked = true
  /** +s: for outsiders it is not there. */
  secret = false

  constructor(name: string, createdMs: number) {
    this.name = name
    this.createdMs = createdMs
  }

  /** The mark before a member's nickname: operator, voice or none. */
  mark(id: Id): string {
    return this.operators.has(id) ? '@' : this.voices.has(id) ? '+' : ''
  }

  /** Whether `client` may know that the channel exists. */
  isVisibleTo(client: Client<Id>): boolean {
    return !this.secret || this.members.has(client.id)
  }
}

export class Roster<Id> {
  readonly options: HubOptions
  /** Null: nobody can log in. */
  readonly accounts: Authenticator<Id> | null
  readonly clients = new Map<Id, Client<Id>>()
  private readonly byNick = new Map<string, Client<Id>>()
  private readonly byChannelName = new Map<string, Channel<Id>>()

  constructor(options: HubOptions) {
    this.options = options
    this.accounts = options.accounts ? new Authenticator(options.accounts) : null
  }

  /** Whoever holds the nickname, registered or not. */
  holder(nick: string): Client<Id> | undefined {
    return this.byNick.get(foldName(nick))
  }

  /** The registered client of that nickname: the only kind that others can see. */
  find(nick: string): Client<Id> | undefined {
    const client = this.holder(nick)
    return client?.registered === true ? client : undefined
  }

  channel(name: string): Channel<Id> | undefined {
    return this.byChannelName.get(foldName(name))
  }

  get channels(): Iterable<Channel<Id>> {
    return this.byChannelName.values()
  }

  rename(client: Client<Id>, nick: string): void {
    if (client.nick !== '') this.byNick.delete(foldName(client.nick))
    client.nick = nick
    client.source = `${nick}!${client.user}@${client.host}`
    this.byNick.set(foldName(nick), client)
  }

  /** Adds the client to a channel, which is made, with the client as operator, if there is none. */
  enter(client: Client<Id>, name: string, nowMs: number): Channel<Id> {
    let channel = this.channel(name)
    if (channel === undefined) {
      channel = new Channel<Id>(name, nowMs)
      channel.operators.add(client.id)
      this.byChannelName.set(foldName(name), channel)
    }
    channel.members.add(client.id)
    client.channels.add(channel)
    return channel
  }

  /** Takes the client out of a channel; the last one out ends it. */
  leave(client: Client<Id>, channel: Channel<Id>): void {
    client.channels.delete(channel)
    channel.members.delete(client.id)
    channel.operators.delete(client.id)
    channel.voices.delete(client.id)
    if (channel.members.size === 0) this.byChannelName.delete(foldName(channel.name))
  }

  /** Everybody who shares a channel with the client, each once, and not the client. */
  peers(client: Client<Id>): Set<Id> {
    const peers = new Set<Id>()
    for (const channel of client.channels) {
      for (const member of channel.members) peers.add(member)
    }
    peers.delete(client.id)
    return peers
  }

  remove(client: Client<Id>): void {
    for (const channel of client.channels) this.leave(client, channel)
    if (client.nick !== '') this.byNick.delete(foldName(client.nick))
    this.clients.delete(client.id)
  }

  clear(): void {
    this.clients.clear()
    this.byNick.clear()
    this.byChannelName.clear()
  }
}
