// Model            process: one operating-system process for each client.
// Conversations run in child processes, each in blocking calls (owner.ts).
// They reach the hub by a socketpair to the parent (link.ts), where the hub lives.
// What blocks what A client that computes, waits or does not read blocks its own process only.
// Backpressure     The process blocks in send(2); behind it the link fills, then the switchboard's queue,
//                  and then the client is let go (SendQ exceeded).
// If its code dies The process ends, by an exception, a signal or a bug in native code; the kernel
//                  closes its socket, the parent notices, and the others go on.
// When to use it   Conversations that must not be able to harm each other; few of them.
//                  When not: many clients. Each costs 11 MB of memory, not counting what all Nodes
//                  share, and 100 ms of CPU to start. Node cannot fork(2): V8 keeps its code out of
//                  the child. So each child is a new Node.
// Leaves out       Processes started in advance: each client waits for its own.
// Read next        owner.ts, what the process runs; link.ts, how it talks to the parent.

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { close } from '../posix/index.ts'
import { accepted, hostOf, refuse } from './accepting.ts'
import type { Server, Settings, Setup } from './model.ts'
import { type Link, Switchboard } from './switchboard.ts'

const OWNER = fileURLToPath(new URL('./owner.js', import.meta.url))

export function serve(setup: Setup): Server {
  return new ProcessServer(setup)
}

/** One client: the process that has its socket. The parent keeps no copy of it. */
interface Client {
  readonly link: Link
  readonly owner: ChildProcess
}

class ProcessServer implements Server {
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
    // Our copies go at once. While one is open here, the child's death would not end the connection.
    close(link.ownersEnd)
    if (owner.pid === undefined) {
      owner.once('error', (error) => this.fail(socket, error))
      return this.switchboard.bury(link)
    }
    close(socket)
    const client: Client = { link, owner }
    this.clients.add(client)
    owner.once('exit', () => this.bury(client))
  }

  /** The process could not start: out of memory, or of processes. */
  private fail(socket: number, error: Error): void {
    this.setup.log(`A process could not be started: ${error.message}`)
    refuse(socket, this.setup.service.lastWords.internalError)
  }

  /** Ends a process wherever it is, stopped ones included. */
  private kill(client: Client): void {
    client.owner.kill('SIGKILL')
  }

  /** The process has ended, in whatever way, and the kernel has closed its descriptors. */
  private bury(client: Client): void {
    this.switchboard.bury(client.link)
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

/**
 * A process inherits its descriptors: the client becomes its number 3, the link its number 4. Its command
 * line is for everybody to read, so it gets no secret; the password is the hub's business anyway.
 */
function startOwner(settings: Settings, socket: number, link: Link): ChildProcess {
  const withoutSecret: Settings = { ...settings, password: null }
  return spawn(process.execPath, [OWNER, JSON.stringify(withoutSecret)], {
    stdio: ['ignore', 'ignore', 'inherit', socket, link.ownersEnd],
  })
}
