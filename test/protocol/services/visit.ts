// One client of any service, in memory: performs the effects of its conversation and of a hub that it may
// share with others, in the shortest way there is.

import type {
  ConversationEffect,
  Hub,
  HubEffect,
  HubOptions,
  Service,
  Verdict,
} from '../../../protocol/index.ts'
import { OPTIONS } from '../loopback.ts'

export interface World {
  readonly service: Service
  readonly options: HubOptions
  readonly hub: Hub<Visit>
  /** Both of its clocks; tests move it. */
  nowMs: number
  /** What a `verify` comes to. */
  verify: (password: string, hash: string) => Verdict
  /** Every `verify` that was performed. */
  readonly verified: string[]
}

export function worldOf(service: Service, options: Partial<HubOptions> = {}): World {
  const all = { ...OPTIONS, ...options }
  return {
    service,
    options: all,
    hub: service.hub<Visit>(all),
    nowMs: 1_700_000_000_000,
    verify: (password, hash) => (password === hash ? 'right' : 'wrong'),
    verified: [],
  }
}

export class Visit {
  readonly conversation
  private readonly world: World
  /** Everything received, latin1. */
  received = ''
  ended = false
  /** The reason that the conversation gave when it ended. */
  reason = ''
  /** Milliseconds of `compute` effects. */
  readonly worked: number[] = []

  constructor(world: World, host = '127.0.0.1') {
    this.world = world
    this.conversation = world.service.conversation(world.options, world.nowMs)
    this.performAll(world.hub.connect(this, host, world.nowMs))
  }

  /** Sends latin1 text. */
  send(text: string): void {
    if (!this.ended) this.conversation.receive(Buffer.from(text, 'latin1'), this.world.nowMs)
    this.pump()
  }

  /** Sends, and gives what came back since the last time. */
  say(text: string): string {
    this.send(text)
    return this.take()
  }

  take(): string {
    const { received } = this
    this.received = ''
    return received
  }

  /** Lets time pass, and gives what came of it. */
  pass(ms: number): string {
    this.world.nowMs += ms
    if (!this.ended && this.conversation.nextTickMs() <= this.world.nowMs) {
      const effect = this.conversation.tick(this.world.nowMs)
      if (effect !== null) this.performOne(effect)
    }
    return this.take()
  }

  leave(): void {
    this.ended = true
    this.performAll(this.world.hub.disconnect(this, 'Connection closed'))
  }

  private pump(): void {
    while (!this.ended) {
      const effect = this.conversation.nextEffect()
      if (effect === null) return
      this.performOne(effect)
    }
  }

  private performOne(effect: ConversationEffect): void {
    switch (effect.kind) {
      case 'reply':
        this.received += effect.text
        break
      case 'hub':
        this.performAll(this.world.hub.receive(this, effect.line, this.world.nowMs))
        break
      case 'compute':
      case 'wait':
        this.worked.push(effect.ms)
        break
      case 'close':
        this.received += effect.text
        this.reason = effect.reason
        this.leave()
        break
      case 'file':
        throw new Error('Files have a test of their own')
    }
  }

  private performAll(effects: readonly HubEffect<Visit>[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          for (const to of effect.to) if (to !== effect.except) to.received += effect.text
          break
        case 'identify':
          effect.to.conversation.identify(effect.nick, effect.registered)
          break
        case 'verify': {
          const { world } = this
          world.verified.push(effect.guess.password)
          const verdict = world.verify(effect.guess.password, effect.guess.hash)
          this.performAll(world.hub.verified(effect.to, verdict, world.nowMs))
          break
        }
        case 'close':
          effect.to.received += effect.text
          effect.to.ended = true
          break
      }
    }
  }
}

/** All that a client of a world of its own is told, in one string, and whether it was let go. */
export function told(world: World, chunks: readonly string[]): { text: string; ended: boolean } {
  const visit = new Visit(world)
  const text = chunks.map((chunk) => visit.say(chunk)).join('')
  return { text, ended: visit.ended }
}
