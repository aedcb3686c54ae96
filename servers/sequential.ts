// Model            sequential: one client at a time.
// Conversations run one after another, in blocking calls, in one thread. It is not the main thread, because
//                  one that is blocked in accept(2) hears no signal: see server-thread.ts.
// They reach the hub by a call. There is never anyone else in it.
// What blocks what Everything. Whoever is not being served waits in the kernel's backlog.
// Backpressure     send(2) blocks until the client reads; the others wait meanwhile.
// If its code dies An exception is caught and ends that client. An endless loop ends the service.
// When to use it   Requests that are short, rare, or must not overlap; a first version.
//                  When not: a chat. Two people can never be in a room together.
// Leaves out       Concurrency.
// Stands on        blocking-client.ts, the client; server-thread.ts and errands.ts, the thread it blocks.
// Read next        async.ts, the same service for many clients at a time.

import { performance } from 'node:perf_hooks'
import { isMainThread, workerData } from 'node:worker_threads'
import {
  type Conversation,
  type ConversationEffect,
  type FileRequest,
  type Guess,
  type Hub,
  loadService,
  type Service,
} from '../protocol/index.ts'
import { accept, AGAIN, close, IoBuffer, recv } from '../posix/index.ts'
import { AcceptFailures, hostOf, sayLast } from './accepting.ts'
import { BlockingClient } from './blocking-client.ts'
import { busyFor } from './busy.ts'
import { FileSession } from './files.ts'
import { CONNECTION_CLOSED, isForClientOnly, reasonOf } from './last-words.ts'
import type { Server, Settings, Setup } from './model.ts'
import { verifyNow } from './passwords.ts'
import { type ClientPort, perform } from './performing.ts'
import { READY, serveInThread, tellMainThread, type ThreadSetup, Wish } from './server-thread.ts'

export function serve(setup: Setup): Server {
  return serveInThread(setup, import.meta.url)
}

/** The client that is being served. */
interface Client {
  readonly connection: BlockingClient
  readonly conversation: Conversation
  /** What it does with files, if its service has any. */
  files: FileSession | null
  over: boolean
}

class SequentialServer implements ClientPort<Client> {
  private readonly listener: number
  private readonly settings: Settings
  private readonly wish: Wish
  private readonly service: Service
  private readonly hub: Hub<Client>
  private readonly input = new IoBuffer(64 * 1024)

  constructor({ listener, settings, wish }: ThreadSetup, service: Service) {
    this.listener = listener
    this.settings = settings
    this.wish = new Wish(wish)
    this.service = service
    this.hub = service.hub(settings)
  }

  /** Accepts, serves, closes; then the next. */
  accept(): void {
    const failures = new AcceptFailures(tellMainThread)
    while (!this.wish.drains) {
      let socket: number
      try {
        socket = accept(this.listener)
      } catch (error) {
        if (this.wish.drains) return // The listener was shut down (EINVAL).
        this.wish.rest(failures.restMs(error))
        continue
      }
      try {
        this.admit(socket)
      } catch (error) {
        tellMainThread(`A client could not be taken: ${String(error)}`)
        sayLast(socket, this.service.lastWords.internalError)
      }
      close(socket)
    }
  }

  private admit(socket: number): void {
    const { stallMs, tickMs, lingerMs } = this.settings.server
    const client: Client = {
      connection: new BlockingClient(socket, {
        lookUpMs: tickMs,
        stallMs: stallMs,
        onStall: () => {
          if (this.wish.givesUp) throw new Error('Server shutting down')
        },
      }),
      conversation: this.service.conversation(this.settings, performance.now()),
      files: null,
      over: false,
    }
    try {
      perform(this.hub.connect(client, hostOf(socket), Date.now()), this)
      while (!client.over) this.receive(client)
    } catch (error) {
      tellMainThread(`A conversation failed: ${String(error)}`)
      sayLast(socket, this.service.lastWords.internalError)
      this.bury(client, 'Internal error')
    }
    client.files?.end()
    client.connection.linger(this.wish.givesUp ? 0 : lingerMs)
  }

  /** Waits for bytes, or the end of them, and has the conversation answer what it can. */
  private receive(client: Client): void {
    if (this.wish.drains) return perform(this.hub.shutdown('Server shutting down'), this)
    let count: number
    try {
      count = recv(client.connection.socket, this.input, 0, this.input.length)
    } catch (error) {
      return this.bury(client, reasonOf(error))
    }
    const nowMs = performance.now()
    if (count === 0) return this.bury(client, CONNECTION_CLOSED)
    if (count !== AGAIN) client.conversation.receive(this.input.bytes, nowMs, count)
    while (!client.over && !this.wish.givesUp) {
      const effect = client.conversation.nextEffect()
      if (effect === null) break
      if (client.connection.hungUp && isForClientOnly(effect)) continue
      this.converse(client, effect)
    }
    const due = nowMs >= client.conversation.nextTickMs() && client.conversation.tick(nowMs)
    if (due) this.converse(client, due)
  }

  private converse(client: Client, effect: ConversationEffect): void {
    switch (effect.kind) {
      case 'reply':
        this.write(client, effect.text)
        break
      case 'hub':
        perform(this.hub.receive(client, effect.line, Date.now()), this)
        break
      case 'compute':
        busyFor(effect.ms)
        break
      case 'wait':
        this.wish.rest(effect.ms)
        if (this.wish.drains) perform(this.hub.shutdown('Server shutting down'), this)
        break
      case 'file':
        this.file(client, effect.request)
        break
      case 'close':
        this.write(client, effect.text)
        this.bury(client, effect.reason)
        break
    }
  }

  /** The bytes of a file go from the disk to the client without passing through here: sendfile(2). */
  private file(client: Client, request: FileRequest): void {
    client.files ??= new FileSession(this.settings.files!)
    try {
      const answer = client.files.performNow(request, client.connection)
      client.conversation.answered!(answer, performance.now())
    } catch (error) {
      this.bury(client, reasonOf(error))
    }
    if (this.wish.drains) perform(this.hub.shutdown('Server shutting down'), this)
  }

  write(client: Client, text: string): void {
    if (client.over) return
    try {
      client.connection.write(text)
    } catch (error) {
      this.bury(client, reasonOf(error))
    }
  }

  identify(client: Client, nick: string, registered: boolean): void {
    client.conversation.identify(nick, registered)
  }

  verify(client: Client, guess: Guess): void {
    perform(this.hub.verified(client, verifyNow(guess), Date.now()), this)
  }

  end(client: Client, text: string): void {
    this.write(client, text)
    client.over = true
  }

  /** The connection is over, in whatever way. Nobody is left to be told. */
  private bury(client: Client, reason: string): void {
    client.over = true
    this.hub.disconnect(client, reason)
  }
}

// The server's thread runs this same file.
if (!isMainThread) {
  const setup = workerData as ThreadSetup
  const server = new SequentialServer(setup, await loadService(setup.settings.service))
  tellMainThread(READY)
  server.accept()
}
