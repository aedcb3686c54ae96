// The hub of `cluster`, and its ends of the links to the workers, called trunks. It is what switchboard.ts is
// for `thread` and `process`; but at the other end of a link there are many clients, and that is the point:
// what is said to a room is written to each link once.
//
// It never blocks on a link. What a link does not take waits here; a worker that lets too much wait, or says
// nothing for too long, is killed.
//
// Read next: udp.ts, where there is nothing to link.

import type { Socket } from 'node:net'
import type { Guess, Hub, HubEffect, Service } from '../protocol/index.ts'
import {
  ACCEPT,
  ACK,
  AHEAD,
  CLOSE,
  CONNECT,
  DELIVER,
  DRAIN,
  EVICT,
  frame,
  GONE,
  IDENTIFY,
  LINE,
  LIST,
  MESSAGE,
  NOBODY,
  NUMBER_BYTES,
  numberAt,
  readFrames,
  spellNumber,
  SYNC,
  TICK,
} from './cluster-link.ts'
import type { Settings } from './model.ts'
import { verify } from './passwords.ts'
import { type ClientPort, perform } from './performing.ts'
import { openSocketLink } from './socket-link.ts'
import { Turn } from './turn.ts'

/** A worker has this long to start, and then hungMs. It takes some 100 ms of CPU time. */
const START_MS_MAX = 10_000

/**
 * What may wait for one worker. A room that is told 10 MB in a second, while a client of the worker computes
 * for two, comes to 20 MB.
 */
const TRUNK_QUEUE_BYTES_MAX = 32 * 1024 * 1024

/** A client as the hub knows it. */
class Client {
  readonly trunk: Trunk
  /** Its number at its worker, as it is written in frames. */
  readonly key: string
  /** A password is being verified: the line that asked for it is acknowledged when that is done. */
  verifying = false

  constructor(trunk: Trunk, key: string) {
    this.trunk = trunk
    this.key = key
  }
}

/** How the process at the other end of a link is ended at once, and who is told that it runs. */
export interface WorkerControl {
  readonly kill: () => void
  readonly started: () => void
}

/** The hub's end of the link to one worker. */
export class Trunk {
  readonly socket: Socket
  /** The worker's end, which is the caller's. */
  readonly workersEnd: number
  readonly worker: WorkerControl
  readonly clients = new Map<number, Client>()
  /** Frames of this turn, without the acknowledgements. */
  frames = ''
  /** Numbers of those whose lines were handled in this turn. */
  acks = ''
  /** The list that the worker has. */
  listed = ''
  /** The next list, while it is made. */
  list = ''
  /** A frame that has arrived in part. */
  incoming = ''
  heardMs = performance.now() + START_MS_MAX
  started = false
  ahead = false
  closing = false

  constructor(socket: Socket, workersEnd: number, worker: WorkerControl) {
    this.socket = socket
    this.workersEnd = workersEnd
    this.worker = worker
  }
}

export class ClusterHub implements ClientPort<Client> {
  private readonly settings: Settings
  private readonly service: Service
  private readonly log: (sentence: string) => void
  private readonly hub: Hub<Client>
  private readonly trunks = new Set<Trunk>()
  private readonly turn = new Turn<Trunk>((trunks) => this.flushAll(trunks))
  /** All links are read into the same memory: each piece is taken out before the next is read. */
  private readonly memory = Buffer.allocUnsafeSlow(64 * 1024)
  private readonly watching: NodeJS.Timeout
  private watchedMs = performance.now()
  private clients = 0
  private accepting = false
  private draining = false

  constructor(settings: Settings, service: Service, log: (sentence: string) => void) {
    this.settings = settings
    this.service = service
    this.log = log
    this.hub = service.hub(settings)
    this.watching = setInterval(() => this.watch(), settings.server.heartbeatMs)
  }

  /** Makes a link for a new worker. */
  open(worker: WorkerControl): Trunk {
    const { socket, theirEnd } = openSocketLink(
      this.memory,
      (text) => this.receive(trunk, text),
      () => this.bury(trunk),
    )
    const trunk = new Trunk(socket, theirEnd, worker)
    this.trunks.add(trunk)
    return trunk
  }

  private receive(trunk: Trunk, text: string): void {
    trunk.heardMs = performance.now()
    if (!trunk.started) this.welcome(trunk)
    trunk.incoming = readFrames(trunk.incoming + text, (kind, payload) => {
      if (kind === SYNC) this.acknowledge(trunk, NOBODY)
      if (payload === '' || trunk.closing) return
      const number = numberAt(payload, 0)
      const words = payload.slice(NUMBER_BYTES)
      if (kind === CONNECT) return this.admit(trunk, number, words)
      const client = trunk.clients.get(number)
      if (client === undefined) return // It has been closed, and its worker does not know yet.
      if (kind === LINE) this.take(client, words)
      if (kind === EVICT) this.perform(this.hub.evict(client, words))
      if (kind === GONE) this.disconnect(client, words)
    })
  }

  /** Has all workers accept, those that come later included. */
  accept(): void {
    this.accepting = true
    for (const trunk of this.trunks) if (trunk.started) this.queue(trunk, frame(ACCEPT, ''))
  }

  /** The worker has said something: it runs. */
  private welcome(trunk: Trunk): void {
    trunk.started = true
    if (this.accepting) this.queue(trunk, frame(ACCEPT, ''))
    trunk.worker.started()
    this.balance() // It has no clients yet, and the others let it go first.
  }

  private admit(trunk: Trunk, number: number, host: string): void {
    const key = spellNumber(number)
    if (this.draining || this.clients >= this.settings.server.clientsMax) {
      const words = this.draining ? '' : this.service.lastWords.serverFull
      return this.queue(trunk, frame(CLOSE, key + words))
    }
    const client = new Client(trunk, key)
    trunk.clients.set(number, client)
    this.clients++
    this.balance()
    this.ask(client, () => this.hub.connect(client, host, Date.now()))
    this.acknowledge(trunk, key)
  }

  private take(client: Client, line: string): void {
    this.ask(client, () => this.hub.receive(client, line, Date.now()))
    if (!client.verifying) this.acknowledge(client.trunk, client.key)
  }

  /**
   * Has the hub do something for a client, and performs what comes of it. A fault in that costs its own
   * client: it must not get out of here, where everybody is served.
   */
  private ask(client: Client, what: () => readonly HubEffect<Client>[]): void {
    try {
      this.perform(what())
    } catch (error) {
      this.log(`A conversation failed: ${String(error)}`)
      this.perform(this.hub.disconnect(client, 'Internal error'))
      this.end(client, this.service.lastWords.internalError)
    }
  }

  private perform(effects: readonly HubEffect<Client>[]): void {
    for (const effect of effects) {
      if (effect.kind !== 'send') perform([effect], this)
      else if (Array.isArray(effect.to))
        perform([effect], this) // One client, or very few.
      else this.relay(effect.to, effect.except, effect.text)
    }
  }

  /** One message to many: to each worker once. */
  private relay(to: Iterable<Client>, except: Client | null, text: string): void {
    for (const trunk of this.trunks) trunk.list = ''
    for (const client of to) client.trunk.list += client.key
    const key = except === null ? NOBODY : except.key
    for (const trunk of this.trunks) {
      const isExcepted = except?.trunk === trunk
      if (trunk.list === '' || (isExcepted && trunk.list === key)) continue
      if (trunk.list !== trunk.listed) {
        trunk.listed = trunk.list
        this.queue(trunk, frame(LIST, trunk.list))
      }
      this.queue(trunk, frame(MESSAGE, (isExcepted ? key : NOBODY) + text))
    }
  }

  write(client: Client, text: string): void {
    this.queue(client.trunk, frame(DELIVER, client.key + text))
  }

  identify(client: Client, nick: string, registered: boolean): void {
    this.queue(client.trunk, frame(IDENTIFY, client.key + (registered ? '1' : '0') + nick))
  }

  verify(client: Client, guess: Guess): void {
    client.verifying = true
    const finish = async (): Promise<void> => {
      const verdict = await verify(guess)
      client.verifying = false
      this.ask(client, () => this.hub.verified(client, verdict, Date.now()))
      this.acknowledge(client.trunk, client.key)
    }
    void finish()
  }

  /** The worker writes the last words and ends the connection. The hub has forgotten the client already. */
  end(client: Client, text: string): void {
    this.queue(client.trunk, frame(CLOSE, client.key + text))
    this.forget(client)
  }

  private disconnect(client: Client, reason: string): void {
    this.forget(client)
    this.perform(this.hub.disconnect(client, reason))
  }

  private forget(client: Client): void {
    if (!client.trunk.clients.delete(numberAt(client.key, 0))) return
    this.clients--
    this.balance()
  }

  /**
   * The kernel gives a connection to whichever worker is the first to accept it, and that may be the same one
   * again and again. Those that have more clients than others are told to let the others go first.
   */
  private balance(): void {
    const started = [...this.trunks].filter((trunk) => trunk.started)
    const fewest = Math.min(...started.map((trunk) => trunk.clients.size))
    for (const trunk of started) {
      const ahead = trunk.clients.size > fewest + 1 + fewest / 8
      if (ahead !== trunk.ahead) this.queue(trunk, frame(AHEAD, ahead ? '1' : '0'))
      trunk.ahead = ahead
    }
  }

  private acknowledge(trunk: Trunk, key: string): void {
    if (trunk.closing) return
    this.touch(trunk)
    trunk.acks += key
  }

  private queue(trunk: Trunk, text: string): void {
    if (trunk.closing) return
    this.touch(trunk)
    trunk.frames += text
  }

  private touch(trunk: Trunk): void {
    if (trunk.frames === '' && trunk.acks === '') this.turn.add(trunk)
  }

  /**
   * The end of a turn. First everything that is to be heard is written, to all workers, and only then do the
   * senders learn that their lines were handled: when one of them tells so to somebody elsewhere, the message
   * is there before. What is written last may have both in one.
   */
  private flushAll(trunks: readonly Trunk[]): void {
    const acknowledging = trunks.filter((trunk) => trunk.acks !== '')
    const last = acknowledging.pop()
    for (const trunk of trunks) if (trunk !== last) this.flush(trunk, false)
    if (last !== undefined) this.flush(last, true)
    for (const trunk of acknowledging) this.flush(trunk, true)
  }

  private flush(trunk: Trunk, withAcks: boolean): void {
    let { frames } = trunk
    trunk.frames = ''
    if (withAcks && trunk.acks !== '') {
      frames += frame(ACK, trunk.acks)
      trunk.acks = ''
    }
    if (trunk.closing || frames === '') return
    trunk.socket.write(frames, 'latin1')
    if (trunk.socket.writableLength > TRUNK_QUEUE_BYTES_MAX) this.giveUp(trunk, 'does not listen')
  }

  /** As Switchboard.watch: who has said nothing for too long is stopped, or in an endless loop. */
  private watch(): void {
    const nowMs = performance.now()
    const { heartbeatMs, hungMs } = this.settings.server
    const wasAway = nowMs - this.watchedMs > 2 * heartbeatMs
    this.watchedMs = nowMs
    for (const trunk of this.trunks) {
      if (wasAway) trunk.heardMs = Math.max(trunk.heardMs, nowMs)
      if (nowMs - trunk.heardMs < hungMs) this.queue(trunk, frame(TICK, ''))
      else this.giveUp(trunk, 'has stopped answering')
    }
  }

  private giveUp(trunk: Trunk, why: string): void {
    this.log(`A worker ${why}, and is ended with its ${trunk.clients.size} clients.`)
    trunk.worker.kill()
    this.bury(trunk)
  }

  /** The worker is gone, in whatever way, and all its clients are. */
  bury(trunk: Trunk): void {
    if (!this.trunks.delete(trunk)) return
    trunk.closing = true
    trunk.socket.destroy()
    for (const client of trunk.clients.values()) this.disconnect(client, 'Connection lost')
  }

  /** Tells every client that the server shuts down, and the workers to end with the last of them. */
  shutdown(): void {
    clearInterval(this.watching)
    this.draining = true
    this.perform(this.hub.shutdown('Server shutting down'))
    for (const trunk of this.trunks) this.queue(trunk, frame(DRAIN, ''))
    this.turn.end()
  }
}
