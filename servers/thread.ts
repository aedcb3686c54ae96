// Model            thread: one worker thread for each client.
// Conversations run in worker threads, each in blocking calls (owner.ts).
// They reach the hub by a socketpair to the main thread (link.ts), where the hub lives.
// What blocks what A client that computes, waits or does not read blocks its own thread only.
// Backpressure     The thread blocks in send(2); behind it the link fills, then the switchboard's queue,
//                  and then the client is let go (SendQ exceeded).
// If its code dies The worker ends, by an exception or its memory limit; the main thread notices and
//                  the others go on. A crash of the process (a bug in native code) takes all with it.
// When to use it   Conversations that compute, up to some hundred of them; blocking libraries.
//                  When not: many idle clients. Each costs 11 MB of memory, and 60 ms of CPU to start.
// Leaves out       Threads started in advance: each client waits for its own.
// Read next        process.ts, which differs in how an owner is started and buried.

import { type ResourceLimits, Worker } from 'node:worker_threads'
import { close, shutdown } from '../posix/index.ts'
import { accepted, hostOf, refuse, sayLast } from './accepting.ts'
import type { Server, Settings, Setup } from './model.ts'
import type { HandOver } from './owner.ts'
import { type Link, Switchboard } from './switchboard.ts'

const OWNER = new URL('./owner.js', import.meta.url)

/** A conversation needs 2 MB of heap. One that needs this much has a leak, and ends alone. */
const MEMORY: ResourceLimits = { maxOldGenerationSizeMb: 64 }

export function serve(setup: Setup): Server {
  return new ThreadServer(setup)
}

/** One client: its descriptor, the link to the hub, and the thread that works on both. */
interface Client {
  readonly socket: number
  readonly link: Link
  readonly owner: Worker
}

class ThreadServer implements Server {
  readonly ready = Promise.resolve()
  private readonly setup: Setup
  private readonly switchboard: Switchboard
  private readonly clients = new Set<Client>()
  private readonly accepting: Promise<void>
  private emptied: () => void = () => {}

  constructor(setup: Setup) {
    this.setup = setup
    this.switchboard = new Switchboard(setup.settings, setup.service, setup.log)
    this.accepting = this.accept()
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
      await this.switchboard.settled()
    }
    listener.close()
  }

  private admit(socket: number): void {
    const { settings, service } = this.setup
    if (this.clients.size >= settings.server.clientsMax) {
      return refuse(socket, service.lastWords.serverFull)
    }
    const { link, owner } = this.switchboard.connect(
      hostOf(socket),
      (its) => startOwner(settings, socket, its),
      () => this.kill(client),
    )
    const client: Client = { socket, link, owner }
    this.clients.add(client)
    owner.once('error', (error) => this.fail(client, error))
    owner.once('exit', () => this.bury(client))
  }

  /** The thread could not start, or has used up its memory; 'exit' follows. */
  private fail(client: Client, error: Error): void {
    this.setup.log(`A thread failed: ${error.message}`)
    sayLast(client.socket, this.setup.service.lastWords.internalError)
  }

  /** Ends a thread wherever it is: JavaScript is terminated, a blocked system call is woken. */
  private kill(client: Client): void {
    shutdown(client.socket, 'both')
    shutdown(client.link.ownersEnd, 'both')
    void client.owner.terminate()
  }

  /** The thread has ended, in whatever way. Only now is it safe to give its descriptors back. */
  private bury(client: Client): void {
    this.switchboard.bury(client.link)
    close(client.socket)
    close(client.link.ownersEnd)
    this.clients.delete(client)
    if (this.clients.size === 0) this.emptied()
  }

  async drain(): Promise<void> {
    this.setup.listener.stop()
    this.switchboard.shutdown()
    const killing = setTimeout(() => {
      for (const client of this.clients) this.kill(client)
    }, this.setup.settings.server.drainMs)
    await new Promise<void>((resolve) => {
      this.emptied = resolve
      if (this.clients.size === 0) resolve()
    })
    await this.accepting
    clearTimeout(killing)
  }
}

/** A thread shares our descriptors: it is told their numbers. */
function startOwner(settings: Settings, socket: number, link: Link): Worker {
  const { ownersEnd, posted } = link
  const handOver: HandOver = { client: socket, link: ownersEnd, settings, posted }
  return new Worker(OWNER, { workerData: handOver, resourceLimits: MEMORY })
}
