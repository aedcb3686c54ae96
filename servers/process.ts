// Model            process: one operating-system process for each client.
// Conversations run in child processes, each in blocking calls (owner.ts).
// They reach the hub by a socketpair to the parent (link.ts), where the hub lives.
// What blocks what A client that computes, waits or does not read blocks its own process only.
// Backpressure     The process blocks in send(2); behind it the link fills, then the switchboard's queue,
//                  and then the client is let go (SendQ exceeded).
// If its code dies The process ends, by an exception, a signal or a bug in native code; the kernel
//                  closes its socket, the parent notices, and the others go on.
// When to use it   Conversations that must not be able to harm each other; few of them.
//                  When not: many clients. Each costs some 15 MiB of memory, and 130 ms of CPU for its
//                  start and a short session (README's tables; memory is PSS).
//                  Node cannot fork(2), because V8 keeps its code out of the child: each is a new Node.
//                  Spares (spares.ts) are started in advance, and save a client the wait, not the machine
//                  the work.
// Leaves out       A process that serves one client after the other: that would be a pool.
// Stands on        owner.ts, what a process runs, with blocking-client.ts and hub-link.ts, its end of
//                  link.ts; switchboard.ts, socket-link.ts and turn.ts, the hub's side; spares.ts;
//                  back-off.ts, for owners that die at once.
// Read next        owner.ts, what the process runs.

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { AGAIN, close, sendDescriptor } from '../posix/index.ts'
import { accepted, hostOf, refuse } from './accepting.ts'
import { environmentForOwners, forOwners, type Server, type Settings, type Setup } from './model.ts'
import type { HandOver } from './owner.ts'
import { Spares } from './spares.ts'
import { type Link, Switchboard } from './switchboard.ts'

const OWNER = fileURLToPath(new URL('./owner.js', import.meta.url))

export function serve(setup: Setup): Server {
  return new ProcessServer(setup)
}

/** A process, and its link to the hub. Its client's socket is its own: the parent keeps no copy of it. */
interface Owner {
  readonly link: Link
  readonly child: ChildProcess
}

class ProcessServer implements Server {
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
    if (owner === null) return refuse(socket, service.lastWords.internalError)
    this.switchboard.connect(owner.link, hostOf(socket))
    // Our copy goes at once. While one is open here, the child's death would not end the connection.
    close(socket)
  }

  /** Gives the client to a spare, if there is one. */
  private handOver(socket: number): Owner | null {
    for (let owner = this.spares.take(); owner !== null; owner = this.spares.take()) {
      try {
        if (sendDescriptor(owner.link.hubsEnd, socket) !== AGAIN) return owner
      } catch {
        // It has just ended (EPIPE).
      }
      this.kill(owner)
    }
    return null
  }

  /** Starts a process, for a client or in advance. Null when that is not possible. */
  private start(socket: number | null): Owner | null {
    const { link, owner: child } = this.switchboard.start(
      (its) => startOwner(this.setup.settings, socket, its),
      () => this.kill(owner),
    )
    const owner: Owner = { link, child }
    close(link.ownersEnd) // As for the client's.
    if (child.pid === undefined) {
      child.once('error', (error) => this.fail(error))
      this.switchboard.bury(link)
      return null
    }
    this.owners.add(owner)
    child.once('exit', () => this.bury(owner))
    return owner
  }

  /** The process could not start: out of memory, or of processes. */
  private fail(error: Error): void {
    this.setup.log(`A process could not be started: ${error.message}`)
  }

  /** Ends a process wherever it is, stopped ones included. */
  private kill(owner: Owner): void {
    owner.child.kill('SIGKILL')
  }

  /** The process has ended, in whatever way, and the kernel has closed its descriptors. */
  private bury(owner: Owner): void {
    this.switchboard.bury(owner.link)
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

/** A process inherits its descriptors: the link becomes its number 3, the client its number 4. */
function startOwner(settings: Settings, socket: number | null, { ownersEnd }: Link): ChildProcess {
  const client = socket === null ? null : 4
  const handOver: HandOver = { client, link: 3, settings: forOwners(settings) }
  return spawn(process.execPath, [OWNER, JSON.stringify(handOver)], {
    stdio: ['ignore', 'ignore', 'inherit', ownersEnd, ...(socket === null ? [] : [socket])],
    env: environmentForOwners(),
  })
}
