// Model            sequential: one client at a time.
// Conversations run one after another, in blocking calls, in one thread.
// They reach the hub by a call. There is never anyone else in it.
// What blocks what Everything. Whoever is not being served waits in the kernel's backlog.
// Backpressure     send(2) blocks until the client reads; the others wait meanwhile.
// If a client's code dies An exception is caught and ends that client. An endless loop ends the service.
// When to use it   Requests that are short, rare, or must not overlap; a first version.
//                  When not: a chat. Two people can never be in a room together.
// Leaves out       Concurrency.
// Read next        thread.ts, which starts a thread for each client instead of serving it here.

import { constants } from 'node:os'
import { performance } from 'node:perf_hooks'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { Conversation, type ConversationEffect, Hub, type HubEffect } from '../protocol/index.ts'
import {
  accept,
  AGAIN,
  close,
  IoBuffer,
  recv,
  sendAll,
  setNoDelay,
  setReceiveTimeoutMs,
  setSendTimeoutMs,
  SystemError,
} from '../posix/index.ts'
import { EXHAUSTED_REST_MS, hostOf, sayLast } from './accepting.ts'
import { busyFor } from './busy.ts'
import { CONNECTION_CLOSED, INTERNAL_ERROR, reasonOf } from './last-words.ts'
import { lingeringClose } from './linger.ts'
import type { Server, Settings, Setup } from './model.ts'

export function serve(setup: Setup): Server {
  return new SequentialServer(setup)
}

/** The client that is being served. */
interface Client {
  readonly socket: number
  readonly conversation: Conversation
  over: boolean
}

/** What the main thread wants of the server's thread, in a word that they share. */
const SERVE = 0
const DRAIN = 1
const GIVE_UP = 2

/** What the server's thread is handed. */
interface HandOver {
  readonly listener: number
  readonly wish: Int32Array
  readonly settings: Settings
}

/**
 * The main thread's part. A thread that is blocked in a system call hears no signal, so the server is a
 * thread of its own, and the main thread stays free to tell it that it should stop.
 */
class SequentialServer implements Server {
  readonly ready: Promise<void>
  readonly #setup: Setup
  readonly #wish = new Int32Array(new SharedArrayBuffer(4))
  readonly #ended: Promise<void>

  constructor(setup: Setup) {
    this.#setup = setup
    const { listener, settings } = setup
    const handOver: HandOver = { listener: listener.fd, wish: this.#wish, settings }
    const worker = new Worker(new URL(import.meta.url), { workerData: handOver })
    this.ready = new Promise((resolve) => worker.once('online', resolve))
    this.#ended = new Promise((resolve, reject) => {
      worker.once('error', reject)
      worker.once('exit', () => resolve())
    })
    this.#ended.catch((error: unknown) => setup.log(`The server has failed: ${String(error)}`))
  }

  async drain(): Promise<void> {
    const { listener, settings } = this.#setup
    Atomics.store(this.#wish, 0, DRAIN)
    Atomics.notify(this.#wish, 0) // It may be in a WAIT.
    listener.stop()
    const givingUp = setTimeout(
      () => Atomics.store(this.#wish, 0, GIVE_UP),
      settings.server.drainMs,
    )
    await this.#ended
    clearTimeout(givingUp)
    listener.close()
  }
}

/** The server itself: all of it runs in its thread. */
class SequentialLoop {
  readonly #handOver: HandOver
  readonly #settings: Settings
  readonly #hub: Hub<Client>
  readonly #memory = new IoBuffer(64 * 1024)

  constructor(handOver: HandOver) {
    this.#handOver = handOver
    this.#settings = handOver.settings
    this.#hub = new Hub(handOver.settings)
  }

  /** Accepts, serves, closes; then the next. Ends when the listener is shut down. */
  accept(): void {
    while (this.#wish() === SERVE) {
      let socket: number
      try {
        socket = accept(this.#handOver.listener)
      } catch (error) {
        if (error instanceof SystemError && error.code === 'EINVAL') return
        console.error(`hubbub: Cannot accept for now: ${String(error)}`)
        this.#rest(EXHAUSTED_REST_MS)
        continue
      }
      this.#admit(socket)
      close(socket)
    }
  }

  #wish(): number {
    return Atomics.load(this.#handOver.wish, 0)
  }

  #admit(socket: number): void {
    const { server } = this.#settings
    // No call lasts longer than this, so that time-outs and the main thread's wish are looked at.
    setReceiveTimeoutMs(socket, server.tickMs)
    setSendTimeoutMs(socket, server.tickMs)
    setNoDelay(socket, true)
    const conversation = new Conversation(this.#settings, performance.now())
    const client: Client = { socket, conversation, over: false }
    this.#hub.connect(client, hostOf(socket), Date.now())
    try {
      while (!client.over) this.#receive(client)
    } catch (error) {
      console.error(`hubbub: A conversation failed: ${String(error)}`)
      sayLast(socket, INTERNAL_ERROR)
      this.#bury(client, 'Internal error')
    }
    lingeringClose(socket, this.#memory, this.#wish() === GIVE_UP ? 0 : server.lingerMs)
  }

  /** Lets time pass without using the CPU; less of it when the main thread has a wish. */
  #rest(ms: number): void {
    Atomics.wait(this.#handOver.wish, 0, SERVE, ms)
  }

  /** Waits for bytes, or the end of them, and has the conversation answer what it can. */
  #receive(client: Client): void {
    if (this.#wish() !== SERVE) return this.#perform(this.#hub.shutdown('Server shutting down'))
    let count: number
    try {
      count = recv(client.socket, this.#memory, 0, this.#memory.length)
    } catch (error) {
      return this.#bury(client, reasonOf(error))
    }
    if (count === 0) return this.#bury(client, CONNECTION_CLOSED)
    const nowMs = performance.now()
    if (count !== AGAIN) client.conversation.receive(this.#memory.bytes, nowMs, count)
    this.#converse(client)
    if (nowMs >= client.conversation.nextTickMs()) {
      this.#performOne(client, client.conversation.tick(nowMs))
    }
  }

  /** Performs the conversation's effects until it needs more bytes. */
  #converse(client: Client): void {
    while (!client.over) {
      const effect = client.conversation.nextEffect()
      if (effect === null) return
      this.#performOne(client, effect)
    }
  }

  #performOne(client: Client, effect: ConversationEffect | null): void {
    switch (effect?.kind) {
      case 'reply':
        this.#write(client, effect.text)
        break
      case 'hub':
        this.#perform(this.#hub.receive(client, effect.line, Date.now()))
        break
      case 'compute':
        busyFor(effect.ms)
        break
      case 'wait':
        this.#rest(effect.ms)
        break
      case 'close':
        this.#write(client, effect.text)
        this.#bury(client, effect.reason)
        break
      case undefined:
    }
  }

  /** Performs what the hub asks for. The only receiver there can be is the client being served. */
  #perform(effects: readonly HubEffect<Client>[]): void {
    for (const effect of effects) {
      switch (effect.kind) {
        case 'send':
          for (const client of effect.to) {
            if (client !== effect.except) this.#write(client, effect.text)
          }
          break
        case 'identify':
          effect.to.conversation.identify(effect.nick, effect.registered)
          break
        case 'close':
          this.#write(effect.to, effect.text)
          effect.to.over = true
          break
      }
    }
  }

  /** Blocks until the client has taken it all; but a client that takes nothing for long is let go. */
  #write(client: Client, text: string): void {
    const memory = this.#memory
    for (let at = 0; at < text.length && !client.over; at += memory.length) {
      const count = memory.write(at === 0 ? text : text.slice(at), 0)
      let stalledMs = 0
      try {
        sendAll(client.socket, memory, 0, count, () => {
          stalledMs += this.#settings.server.tickMs
          if (stalledMs >= this.#settings.server.stallMs || this.#wish() === GIVE_UP) {
            throw new SystemError(constants.errno.ETIMEDOUT, 'send')
          }
        })
      } catch (error) {
        this.#bury(client, reasonOf(error))
      }
    }
  }

  /** The connection is over, in whatever way. */
  #bury(client: Client, reason: string): void {
    client.over = true
    this.#hub.disconnect(client, reason)
  }
}

// The worker thread runs this same file.
if (!isMainThread) new SequentialLoop(workerData as HandOver).accept()
