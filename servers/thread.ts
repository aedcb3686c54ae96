// Model            thread: one worker thread for each client.
// Conversations run in worker threads, each in blocking calls (owner.ts).
// They reach the hub by a socketpair to the main thread (link.ts), where the hub lives.
// What blocks what A client that computes, waits or does not read blocks its own thread only.
// Backpressure     The thread blocks in send(2); behind it the link fills, then the switchboard's queue,
//                  and then the client is let go (SendQ exceeded).
// If its code dies The worker ends, by an exception or its memory limit; the main thread notices and
//                  the others go on. A crash of the process (a bug in native code) takes all with it.
// When to use it   Conversations that compute, up to some hundred of them; blocking libraries.
//                  When not: many clients. Each costs some 13 MiB of memory, and 100 ms of CPU for its
//                  start and a short session (README's tables; memory is PSS).
//                  Spares (spares.ts) are started in advance, and save a client the wait, not the machine
//                  the work.
// Leaves out       A thread that serves one client after the other: that would be a pool.
// Stands on        owner.ts, what a thread runs, with blocking-client.ts and hub-link.ts, its end of
//                  link.ts; switchboard.ts, socket-link.ts and turn.ts, the hub's side; spares.ts;
//                  back-off.ts, for owners that die at once.
// Read next        process.ts, which differs in how an owner is started and buried.

import { type ResourceLimits, Worker } from 'node:worker_threads'
import { close, shutdown } from '../posix/index.ts'
import { accepted, hostOf, refuse, sayLast } from './accepting.ts'
import { forOwners, type Server, type Settings, type Setup } from './model.ts'
import type { HandOver } from './owner.ts'
import { Spares } from './spares.ts'
import { type Link, Switchboard } from './switchboard.ts'

const OWNER = new URL('./owner.js', import.meta.url)

/** A conversation needs 2 MB of heap. One that needs this much has a leak, and ends alone. */
const MEMORY: ResourceLimits = { maxOldGenerationSizeMb: 64 }

export function serve(setup: Setup): Server {
  return new ThreadServer(setup)
}

/** A thread, its link to the hub, and its client's descriptor, which is closed when the thread has ended. */
interface Owner {
  readonly link: Link
  readonly worker: Worker
  /** Null in a spare. */
  socket: number | null
}

class ThreadServer implements Server {
  readonly ready: Promise<void>
  private readonly setup: Setup
  private readonly switchboard: Switchboard
  private readonly owners = new Set<Owner>()
  /** Those of them that wait for a client. */
  private readonly spares: Spares<Owner>
  private readonly accepting: Promise<void>
  private emptied: () => void = () => {}

  constructor(setup: Setup) {
    this.setup = setup
    const { settings, service, log } = setup
    this.switchboard = new Switchboard(settings, service, log)
    this.spares = new Spares(settings.server.spares, this.switchboard, () => this.start(null), log)
    this.ready = this.spares.ready
    // Not before: who is served knows that there is a server, which may then be told to end.
    this.accepting = this.ready.then(() => this.accept())
  }

  private async accept(): Promise<void> {
    const { listener, service, log } = this.setup
    for await (const socket of accepted(listener, log)) {
      try {
        this.admit(socket)
      } catch (error) {
        log(`A client could not be taken: ${String(error)}`)
        refuse(socket, service.lastWords.internalError)
      }
      if (this.spares.size === 0) await this.switchboard.settled()
    }
    listener.close()
  }

  private admit(socket: number): void {
    const { settings, service } = this.setup
    if (this.owners.size - this.spares.size >= settings.server.clientsMax) {
      return refuse(socket, service.lastWords.serverFull)
    }
    const owner = this.handOver(socket) ?? this.start(socket)
    this.switchboard.connect(owner.link, hostOf(socket))
  }

  /** Gives the client to a spare, if there is one. */
  private handOver(socket: number): Owner | null {
    const owner = this.spares.take()
    if (owner === null) return null
    owner.socket = socket
    owner.link.bring(socket)
    return owner
  }

  /** Starts a thread, for a client or in advance. */
  private start(socket: number | null): Owner {
    const { link, owner: worker } = this.switchboard.start(
      (its) => startOwner(this.setup.settings, socket, its),
      () => this.kill(owner),
    )
    const owner: Owner = { link, worker, socket }
    this.owners.add(owner)
    worker.once('error', (error) => this.fail(owner, error))
    worker.once('exit', () => this.bury(owner))
    return owner
  }

  /** The thread could not start, or has used up its memory; 'exit' follows. */
  private fail({ socket }: Owner, error: Error): void {
    this.setup.log(`A thread failed: ${error.message}`)
    if (socket !== null) sayLast(socket, this.setup.service.lastWords.internalError)
  }

  /** Ends a thread wherever it is: JavaScript is terminated, a blocked system call is woken. */
  private kill(owner: Owner): void {
    if (owner.socket !== null) shutdown(owner.socket, 'both')
    shutdown(owner.link.ownersEnd, 'both')
    void owner.worker.terminate()
  }

  /** The thread has ended, in whatever way. Only now is it safe to give its descriptors back. */
  private bury(owner: Owner): void {
    this.switchboard.bury(owner.link)
    if (owner.socket !== null) close(owner.socket)
    close(owner.link.ownersEnd)
    this.spares.bury(owner)
    this.owners.delete(owner)
    if (this.owners.size === 0) this.emptied()
  }

  async drain(): Promise<void> {
    this.setup.listener.stop()
    this.spares.stop()
    this.switchboard.shutdown()
    const killing = setTimeout(() => {
      for (const owner of this.owners) this.kill(owner)
    }, this.setup.settings.server.drainMs)
    await new Promise<void>((resolve) => {
      this.emptied = resolve
      if (this.owners.size === 0) resolve()
    })
    await this.accepting
    clearTimeout(killing)
  }
}

/** A thread shares our descriptors: it is told their numbers. */
function startOwner(settings: Settings, client: number | null, { ownersEnd, words }: Link): Worker {
  const handOver: HandOver = { client, link: ownersEnd, settings: forOwners(settings), words }
  return new Worker(OWNER, { workerData: handOver, resourceLimits: MEMORY })
}
