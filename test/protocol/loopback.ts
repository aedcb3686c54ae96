// A whole server in memory: one hub, a conversation for each client, and no transport at all. It does
// what a concurrency model does, performs effects, in the shortest way there is.

import type { HubEffect, HubOptions, ProtocolLimits } from '../../protocol/index.ts'
import { IrcConversation, DEFAULT_PROTOCOL_LIMITS, IrcHub } from '../../protocol/index.ts'

export const OPTIONS: HubOptions = {
  serverName: 'hubbub.local',
  version: 'hubbub-test',
  lab: false,
  createdAt: '2024-01-01',
  password: null,
  limits: DEFAULT_PROTOCOL_LIMITS,
}

/** One client, seen from its own side. */
export class LoopbackClient {
  readonly conversation: IrcConversation
  readonly host: string
  private readonly server: Loopback
  /** Everything received and not yet taken: latin1. */
  received = ''
  ended = false
  /** Effects `compute` and `wait` that were performed, in milliseconds. */
  readonly worked: number[] = []

  constructor(server: Loopback, host: string) {
    this.server = server
    this.host = host
    this.conversation = new IrcConversation(server.options, server.nowMs)
  }

  /** Sends bytes, latin1, as they are. */
  write(bytes: string | Buffer): void {
    if (this.ended) return
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes
    this.conversation.receive(buffer, this.server.nowMs)
    this.server.pump(this)
  }

  /** Sends lines and gives what came back since the last time. */
  say(...lines: string[]): string[] {
    for (const line of lines) this.write(`${line}\r\n`)
    return this.take()
  }

  /** The lines received and not yet taken. */
  take(): string[] {
    const lines = this.received.split('\r\n')
    const rest = lines.pop()
    if (rest !== '') throw new Error(`half a line was received: ${rest}`)
    this.received = ''
    return lines
  }

  /** The connection breaks. */
  drop(reason = 'Connection lost'): void {
    if (this.ended) return
    this.ended = true
    this.server.perform(this.server.hub.disconnect(this, reason))
  }
}

export class Loopback {
  readonly options: HubOptions
  readonly hub: IrcHub<LoopbackClient>
  readonly all = new Set<LoopbackClient>()
  /** One clock for both purposes; tests move it. */
  nowMs = 1_700_000_000_000

  constructor(options: Partial<HubOptions> = {}, limits: Partial<ProtocolLimits> = {}) {
    this.options = { ...OPTIONS, ...options, limits: { ...DEFAULT_PROTOCOL_LIMITS, ...limits } }
    this.hub = new IrcHub(this.options)
  }

  connect(host = '127.0.0.1'): LoopbackClient {
    const client = new LoopbackClient(this, host)
    this.all.add(client)
    this.perform(this.hub.connect(client, host, this.nowMs))
    return client
  }

  /** A registered client whose welcome has been read. */
  register(nick: string, host?: string): LoopbackClient {
    const client = this.connect(host)
    const welcome = client.say(`NICK ${nick}`, `USER ${nick} 0 * :${nick} the tester`)
    if (!welcome.some((line) => line.includes(' 001 '))) throw new Error(welcome.join('\n'))
    return client
  }

  /** Moves the clock, and calls whoever asked to be called by then. */
  pass(ms: number): void {
    this.nowMs += ms
    for (const client of this.all) {
      if (client.ended || client.conversation.nextTickMs() > this.nowMs) continue
      const effect = client.conversation.tick(this.nowMs)
      if (effect !== null) this.performOne(client, effect)
    }
  }

  pump(client: LoopbackClient): void {
    while (!client.ended) {
      const effect = client.conversation.nextEffect()
      if (effect === null) return
      this.performOne(client, effect)
    }
  }

  perform(effects: readonly HubEffect<LoopbackClient>[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          for (const receiver of effect.to) {
            if (receiver !== effect.except && !receiver.ended) receiver.received += effect.text
          }
          break
        case 'identify':
          effect.to.conversation.identify(effect.nick, effect.registered)
          break
        case 'verify': {
          const verdict = effect.guess.password === effect.guess.hash ? 'right' : 'wrong'
          this.perform(this.hub.verified(effect.to, verdict, this.nowMs))
          break
        }
        case 'close':
          effect.to.received += effect.text
          effect.to.ended = true
          break
      }
    }
  }

  private performOne(
    client: LoopbackClient,
    effect: NonNullable<ReturnType<IrcConversation['nextEffect']>>,
  ): void {
    switch (effect.kind) {
      case 'reply':
        client.received += effect.text
        break
      case 'hub':
        this.perform(this.hub.receive(client, effect.line, this.nowMs))
        break
      case 'compute':
      case 'wait':
        client.worked.push(effect.ms)
        break
      case 'close':
        client.received += effect.text
        client.drop(effect.reason)
        break
      case 'file':
        throw new Error('The chat asks for no files')
    }
  }
}
