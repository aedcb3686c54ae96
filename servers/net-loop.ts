// One event loop over node:net, for all clients: conversations run in its thread, a piece at a time, in the
// callbacks of their sockets. It is the whole of the models `async` and `pool`, but for one thing, in which
// they differ: where it has done what takes a CPU (Computing).
//
// Read next: loop-client.ts, what it knows of each client.

import { once } from 'node:events'
import { createServer, type Server as NetServer, type Socket } from 'node:net'
import { performance } from 'node:perf_hooks'
import type { Conversation, FileRequest, Guess, Hub, Service, Verdict } from '../protocol/index.ts'
import { REFUSED_MAX } from './accepting.ts'
import { FileSession } from './files.ts'
import { CONNECTION_CLOSED, isForClientOnly, reasonOf } from './last-words.ts'
import { LoopClient } from './loop-client.ts'
import type { Server, Settings, Setup } from './model.ts'
import { type ClientPort, perform } from './performing.ts'
import { Turn } from './turn.ts'

/** Where the loop has done what takes a CPU. In this the models differ that it serves. */
export interface Computing {
  /** Settles when it can; nobody is accepted before that. */
  readonly ready: Promise<void>
  /**
   * Keeps a CPU busy for `ms` milliseconds. Null: done, and everybody has waited. Or a promise of having
   * done it; false: nobody will, because too much waits already.
   */
  work(ms: number): Promise<boolean> | null
  /** Whether a guess is right. */
  verify(guess: Guess): Promise<Verdict>
  /** Everything is over. */
  end(): Promise<void>
}

const NO_BYTES = Buffer.alloc(0)

/**
 * A client that has sent very much keeps the loop this long, and then it is the others' turn. One line
 * may take longer (WORK): a callback cannot be interrupted.
 */
const TURN_MS_MAX = 5

/**
 * Who is in a WAIT is read from, because Node tells of a hang-up only behind everything that was said before.
 * What is read waits in the conversation: when it comes to so much, no more is read until it is answered. With
 * two reads of 64 KiB on top it is still less than INPUT_BYTES_MAX.
 */
const READ_AHEAD_BYTES_MAX = 16 * 1024

/** One client: its socket, its conversation, and what waits to be written at the end of this turn. */
export class Client extends LoopClient {
  readonly socket: Socket
  /** Collected output, latin1. Empty: not on the list of those to flush. */
  output = ''
  /** What others are told when it ends without a QUIT. */
  endReason = CONNECTION_CLOSED
  /** Ends the WAIT that it is in. */
  timer: NodeJS.Timeout | null = null
  /** Read during WAITs, since everything was answered. */
  aheadBytes = 0
  closing = false

  constructor(socket: Socket, conversation: Conversation) {
    super(conversation)
    this.socket = socket
  }
}

export class NetLoop implements Server {
  readonly ready: Promise<void>
  private readonly setup: Setup
  private readonly computing: Computing
  private readonly clients: NetClients
  private readonly net: NetServer

  constructor(setup: Setup, computing: Computing) {
    this.setup = setup
    this.computing = computing
    this.clients = new NetClients(setup, computing, setup.service.hub(setup.settings))
    // allowHalfOpen: a client may end its half right after its last request (`printf ... | nc -N`), and
    // still gets its answer. Without it, Node would end ours before the answer is written.
    this.net = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.clients.admit(socket),
    )
    this.ready = this.listen()
  }

  private async listen(): Promise<void> {
    await this.computing.ready
    this.net.listen({ fd: this.setup.listener.fd })
    await once(this.net, 'listening')
  }

  drain(): Promise<void> {
    this.setup.listener.stop()
    return new Promise((resolve) => {
      // When the last client is gone.
      this.net.close(() => {
        void this.computing.end().then(resolve)
      })
      this.clients.shutdown()
    })
  }
}

/** Takes note that a client was heard: so many bytes of it. Somebody answers it, sooner or later. */
export type Hear = (client: Client, bytes: number) => void

/**
 * The clients of one loop, however they came in, and wherever their hub is. Who has been heard is answered at
 * once, unless there is a `hear` to say when.
 */
export class NetClients implements ClientPort<Client> {
  private readonly settings: Settings
  private readonly service: Service
  private readonly log: (sentence: string) => void
  private readonly computing: Computing
  private readonly hub: Hub<Client>
  private readonly hear: Hear
  /** So much of its answers may be queued, and so much collected: together no reason to let it go. */
  private readonly replyBytesMax: number
  private readonly clients = new Set<Client>()
  private refused = 0
  private readonly turn = new Turn<Client>((clients) => {
    for (const client of clients) this.flush(client)
  })
  private readonly ticking: NodeJS.Timeout

  constructor(
    { settings, service, log }: Pick<Setup, 'settings' | 'service' | 'log'>,
    computing: Computing,
    hub: Hub<Client>,
    hear: Hear = (client) => this.answer(client),
  ) {
    this.settings = settings
    this.service = service
    this.log = log
    this.computing = computing
    this.hub = hub
    this.hear = hear
    const { replyQueueBytesMax, sendQueueBytesMax } = settings.server
    this.replyBytesMax = Math.min(replyQueueBytesMax, sendQueueBytesMax / 3)
    this.ticking = setInterval(() => this.tick(), settings.server.tickMs)
  }

  /** Connections that are not over, those included that have been told of their end. */
  get size(): number {
    return this.clients.size
  }

  admit(socket: Socket): void {
    if (this.clients.size >= this.settings.server.clientsMax) {
      socket.on('error', () => {}) // It may be gone already; then nobody is refused.
      socket.end(this.service.lastWords.serverFull, 'latin1')
      socket.resume()
      // Each that is refused keeps its descriptor for a while, but not more than so many do.
      if (this.refused >= REFUSED_MAX) return void socket.destroy()
      this.refused++
      socket.once('close', () => this.refused--)
      // Not socket.setTimeout: that one begins again with every byte that comes.
      setTimeout(() => socket.destroy(), this.settings.server.lingerMs).unref()
      return
    }
    const { service } = this
    const client = new Client(socket, service.conversation(this.settings, performance.now()))
    this.clients.add(client)
    socket.on('data', (bytes) => this.receive(client, bytes))
    socket.on('drain', () => {
      client.stalled = false
      this.resume(client)
    })
    socket.on('end', () => this.receive(client, null))
    socket.on('error', (error) => this.hangUp(client, reasonOf(error)))
    socket.on('close', () => this.hangUp(client, CONNECTION_CLOSED))
    perform(this.hub.connect(client, socket.remoteAddress ?? 'localhost', Date.now()), this)
  }

  /**
   * Takes bytes in, or (null) the end of them, and has the client answered. A fault in its conversation
   * costs this client: an exception that got out of here would end the process, and everyone.
   */
  private receive(client: Client, bytes: Buffer | null): void {
    if (client.closing) return
    try {
      if (bytes === null) client.ended = true
      else client.conversation.receive(bytes, performance.now())
      if (client.timer !== null) return this.keep(client, bytes)
      this.hear(client, bytes?.length ?? 0)
    } catch (error) {
      this.fail(client, error)
    }
  }

  /** Something has come from a client that is in a WAIT. */
  private keep(client: Client, bytes: Buffer | null): void {
    if (bytes === null) return this.probe(client)
    client.aheadBytes += bytes.length
    if (client.aheadBytes >= READ_AHEAD_BYTES_MAX) client.socket.pause()
  }

  /**
   * Who has ended its half may still listen, or be gone. Node does not look any more, but a write fails, even
   * an empty one; then Node closes the socket.
   */
  private probe(client: Client): void {
    if (!client.hungUp && client.socket.writableLength === 0) client.socket.write('')
  }

  /** Has the conversation answer what it can; then there is room for more. */
  answer(client: Client): void {
    try {
      this.converse(client)
    } catch (error) {
      this.fail(client, error)
    }
    if (!client.waiting && !client.stalled && client.socket.isPaused()) client.socket.resume()
  }

  /** Performs the conversation's effects until it needs more bytes, or its turn is over. */
  private converse(client: Client): void {
    const endMs = performance.now() + TURN_MS_MAX
    while (client.goesOn) {
      if (performance.now() > endMs) {
        // Twice: what began with a read would go on before anybody else is read, or a signal is seen.
        const goOn = this.holdUp(client)
        setImmediate(() => setImmediate(goOn))
        break
      }
      const effect = client.conversation.nextEffect()
      if (effect === null) {
        client.aheadBytes = 0
        break
      }
      if (client.hungUp && isForClientOnly(effect)) continue
      switch (effect.kind) {
        case 'reply':
          this.write(client, effect.text)
          this.holdBack(client)
          break
        case 'hub':
          perform(this.hub.receive(client, effect.line, Date.now()), this)
          this.holdBack(client)
          break
        case 'compute':
          this.compute(client, effect.ms)
          break
        case 'wait':
          this.wait(client, effect.ms)
          break
        case 'file':
          this.file(client, effect.request)
          break
        case 'close':
          this.close(client, effect.text, effect.reason)
          break
      }
    }
    if (client.ended && client.goesOn) this.close(client, '', client.endReason)
  }

  private wait(client: Client, ms: number): void {
    client.waiting = true
    client.timer = setTimeout(() => this.endWait(client), ms).unref()
    const { socket } = client
    if (socket.isPaused() && client.aheadBytes < READ_AHEAD_BYTES_MAX) socket.resume()
  }

  /** Its time is over, or nobody is there to see that. */
  private endWait(client: Client): void {
    clearTimeout(client.timer!)
    client.timer = null
    client.conversation.excuse(performance.now())
    this.goOn(client)
  }

  private compute(client: Client, ms: number): void {
    const working = this.computing.work(ms)
    if (working === null) return
    const goOn = this.holdUp(client)
    const finish = async (): Promise<void> => {
      try {
        if (!(await working)) client.conversation.refused()
        goOn()
      } catch (error) {
        this.fail(client, error)
      }
    }
    void finish()
  }

  /** Has libuv's threads read and write: a disk that is slow stops nobody but this client. */
  private file(client: Client, request: FileRequest): void {
    if (client.hungUp) return this.close(client, '', client.endReason) // Nobody is there to be told.
    client.files ??= new FileSession(this.settings.files!)
    const answering = client.files.perform(request)
    const goOn = this.holdUp(client)
    const finish = async (): Promise<void> => {
      try {
        client.conversation.answered!(await answering, performance.now())
        goOn()
      } catch (error) {
        this.fail(client, error)
      }
    }
    void finish()
  }

  /** Leaves its later lines where they are. Returns what makes it go on. */
  private holdUp(client: Client): () => void {
    this.suspend(client)
    return () => {
      client.conversation.excuse(performance.now())
      this.goOn(client)
    }
  }

  suspend(client: Client): void {
    client.waiting = true
    client.socket.pause()
  }

  goOn(client: Client): void {
    client.waiting = false
    this.resume(client)
  }

  /** A client that asks faster than it reads is answered, and read from, when it has read. */
  private holdBack(client: Client): void {
    if (client.output.length > this.replyBytesMax) this.flush(client)
  }

  /** What it waited for is done, its turn has come, or what was queued is written. */
  private resume(client: Client): void {
    if (!client.waiting && !client.stalled) this.receive(client, NO_BYTES)
  }

  private fail(client: Client, error: unknown): void {
    this.log(`A conversation failed: ${String(error)}`)
    this.close(client, this.service.lastWords.internalError, 'Internal error')
  }

  /** Collects output, for the end of this turn. */
  write(client: Client, text: string): void {
    if (client.closing || client.hungUp) return
    if (client.output === '') this.turn.add(client)
    client.output += text
  }

  identify(client: Client, nick: string, registered: boolean): void {
    client.conversation.identify(nick, registered)
  }

  verify(client: Client, guess: Guess): void {
    const goOn = this.holdUp(client)
    const finish = async (): Promise<void> => {
      try {
        const verdict = await this.computing.verify(guess)
        perform(this.hub.verified(client, verdict, Date.now()), this)
        goOn()
      } catch (error) {
        this.fail(client, error)
      }
    }
    void finish()
  }

  /** Ends our half after everything that was written. Theirs may take `lingerMs`. */
  end(client: Client, text: string): void {
    if (client.closing) return
    if (client.hungUp) return this.bury(client, CONNECTION_CLOSED)
    this.flush(client)
    client.closing = true
    client.socket.end(text, 'latin1')
    client.socket.resume() // To the end of their half, which is thrown away.
    setTimeout(() => client.socket.destroy(), this.settings.server.lingerMs).unref()
  }

  /** Ends this turn of the loop early. */
  flushAll(): void {
    this.turn.end()
  }

  private flush(client: Client): void {
    const { socket, output } = client
    if (output === '') return
    client.output = ''
    socket.write(output, 'latin1')
    const queuedBytes = socket.writableLength // 0, nearly always: the kernel has taken it all.
    if (queuedBytes > this.settings.server.sendQueueBytesMax) {
      perform(this.hub.evict(client, 'SendQ exceeded'), this)
    } else if (queuedBytes > this.replyBytesMax && socket.writableNeedDrain) {
      client.stalled = true // Until it has drained.
      socket.pause()
    }
  }

  /** The conversation is over: the hub tells the others, and the client its last words. */
  private close(client: Client, text: string, reason: string): void {
    perform(this.hub.disconnect(client, reason), this)
    this.end(client, text)
  }

  /**
   * The socket is gone, which Node closes when a write fails. What it had read by then is performed; it has
   * read all there was, unless it was told to pause.
   */
  private hangUp(client: Client, reason: string): void {
    if (client.closing) return this.bury(client, reason)
    if (client.hungUp) return
    client.hungUp = true
    client.endReason = reason
    client.ended = true
    client.stalled = false
    client.output = ''
    if (client.timer !== null) this.endWait(client)
    else this.resume(client)
  }

  /** The connection is over, in whatever way. */
  private bury(client: Client, reason: string): void {
    if (!this.clients.delete(client)) return
    client.closing = true
    client.output = ''
    client.files?.end()
    perform(this.hub.disconnect(client, reason), this)
    client.socket.destroy()
  }

  private tick(): void {
    const nowMs = performance.now()
    for (const client of this.clients) {
      if (client.closing) continue
      if (client.ended) this.probe(client)
      if (client.waiting || client.conversation.nextTickMs() > nowMs) continue
      try {
        const effect = client.conversation.tick(nowMs)
        if (effect?.kind === 'reply') this.write(client, effect.text)
        if (effect?.kind === 'close') this.close(client, effect.text, effect.reason)
      } catch (error) {
        this.fail(client, error)
      }
    }
  }

  /** Tells every client that the server shuts down, and ends those that take too long over it. */
  shutdown(): void {
    perform(this.hub.shutdown('Server shutting down'), this)
    clearInterval(this.ticking)
    setTimeout(() => {
      for (const client of this.clients) client.socket.destroy()
    }, this.settings.server.drainMs).unref()
  }
}
