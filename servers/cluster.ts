// Model            cluster: one event loop for each core, in processes that share the listener.
// Conversations run in worker processes that are started in advance, many in each (cluster-worker.ts).
// They reach the hub by a socketpair to the primary process (cluster-link.ts), where it lives: one for each
//                  worker, with all its clients. A message crosses it once, however many hear it.
// What blocks what A client that computes (WORK) blocks those of its own process, and no others.
// Backpressure     As under async, in each worker. What waits in the primary for a worker is bounded; one
//                  that is over it, or says nothing for too long, is killed.
// If its code dies An exception is caught and ends that client. A process that dies costs its own clients; it
//                  is replaced at once, and the rooms forget who was there. Who dies as soon as it is there
//                  is replaced after a rest, which is longer each time.
// When to use it   More clients, or more to compute, than one core has time for.
//                  When not: little load. A line for the hub costs a way to the primary and back, which has
//                  one loop itself: a chat in which everybody talks to everybody is bound by that.
// Leaves out       node:cluster. It shares a listener in the same way (SCHED_NONE); its other way, to accept
//                  in the primary and hand sockets over, loses clients when a worker dies with one in the
//                  post.
// Stands on        cluster-worker.ts, what a worker runs: net-loop.ts, loop-client.ts and turn.ts;
//                  cluster-link.ts over link.ts and socket-link.ts, with its ends, far-hub.ts and
//                  cluster-hub.ts; back-off.ts, for workers that die at once.
// Read next        cluster-worker.ts.

import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { close, setNonBlocking } from '../posix/index.ts'
import { BackOff } from './back-off.ts'
import { ClusterHub, type Trunk } from './cluster-hub.ts'
import { environmentForOwners, forOwners, type Server, type Setup } from './model.ts'

const WORKER = fileURLToPath(new URL('./cluster-worker.js', import.meta.url))

/** Who dies sooner after its first word would do so again: that counts as a start that has failed. */
const LIFE_MS_MIN = 1_000

export function serve(setup: Setup): Server {
  return new ClusterServer(setup)
}

/** One worker: its process, and our end of the link to it. */
interface Worker {
  readonly trunk: Trunk
  readonly child: ChildProcess
  /** When it said its first word. */
  startedMs: number
}

class ClusterServer implements Server {
  readonly ready: Promise<void>
  private readonly setup: Setup
  private readonly hub: ClusterHub
  private readonly workers = new Set<Worker>()
  private readonly backOff = new BackOff()
  /** Workers that have yet to say their first word before there is a server. */
  private starting: number
  private draining = false
  private started: () => void = () => {}
  private refused: (error: Error) => void = () => {}
  private emptied: () => void = () => {}

  constructor(setup: Setup) {
    this.setup = setup
    this.hub = new ClusterHub(setup.settings, setup.service, setup.log)
    // For all workers: of those that a connection wakes, all but one find that it is taken.
    setNonBlocking(setup.listener.fd, true)
    const { workers } = setup.settings.server
    this.starting = workers
    this.ready = new Promise((resolve, reject) => {
      this.started = () => {
        if (--this.starting !== 0) return
        // Not before all can: who is served knows that there is a server, which may then be told to end.
        this.hub.accept()
        resolve()
      }
      this.refused = reject
    })
    for (let i = 0; i < workers; i++) this.start()
  }

  private start(): void {
    if (this.draining) return
    try {
      const trunk = this.hub.open({
        kill: () => this.kill(worker),
        started: () => {
          worker.startedMs = performance.now()
          this.started()
        },
      })
      const child = this.spawn(trunk)
      const worker: Worker = { trunk, child, startedMs: Infinity }
      this.workers.add(worker)
      child.once('error', (error) => this.fail(worker, error))
      child.once('exit', (code, signal) => {
        this.bury(worker, `A worker has ended (${signal ?? code})`)
      })
    } catch (error) {
      this.retry(`A worker could not be started: ${String(error)}`)
    }
  }

  /** A process inherits its descriptors: the listener becomes its number 3, the link its number 4. */
  private spawn(trunk: Trunk): ChildProcess {
    const { listener, settings } = this.setup
    // Its command line is for everybody to read, and passwords are the hub's business anyway.
    try {
      return spawn(process.execPath, [WORKER, JSON.stringify(forOwners(settings))], {
        stdio: ['ignore', 'ignore', 'inherit', listener.fd, trunk.workersEnd],
        env: environmentForOwners(),
      })
    } finally {
      // Our copy goes at once. While one is open here, the worker's death would not end the link.
      close(trunk.workersEnd)
    }
  }

  /** The process could not start: out of memory, or of processes. */
  private fail(worker: Worker, error: Error): void {
    if (worker.child.pid === undefined) this.bury(worker, `A worker failed: ${error.message}`)
  }

  /** Ends a process wherever it is, stopped ones included. */
  private kill(worker: Worker): void {
    worker.child.kill('SIGKILL')
  }

  /** The process has ended, in whatever way; the kernel has closed its connections. */
  private bury(worker: Worker, how: string): void {
    this.hub.bury(worker.trunk)
    this.workers.delete(worker)
    if (this.draining && this.workers.size === 0) this.emptied()
    if (this.draining) return
    if (performance.now() - worker.startedMs < LIFE_MS_MIN) return this.retry(how)
    this.setup.log(`${how}; another one takes its place.`)
    this.start()
  }

  /** It may well fail again at once. Before there is a server at all, that is the end of it. */
  private retry(why: string): void {
    if (this.starting > 0) return this.refused(new Error(why))
    this.backOff.fail()
    const restMs = Math.ceil(this.backOff.leftMs)
    this.setup.log(`${why}; another one takes its place in ${restMs} ms.`)
    setTimeout(() => this.start(), restMs).unref()
  }

  async drain(): Promise<void> {
    this.draining = true
    this.setup.listener.stop()
    this.hub.shutdown()
    const killing = setTimeout(() => {
      for (const worker of this.workers) this.kill(worker)
    }, this.setup.settings.server.drainMs)
    await new Promise<void>((resolve) => {
      this.emptied = resolve
      if (this.workers.size === 0) resolve()
    })
    clearTimeout(killing)
    this.setup.listener.close()
  }
}
