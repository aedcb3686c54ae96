// A readiness loop: one thread asks the kernel which of many descriptors are ready, and touches only those.
// It is what every event loop is inside, that of Node too. `poll` and `epoll` are this loop over two system
// calls (posix/selector.ts), and differ in nothing else.
//
// Nothing blocks in it but the selector, and that for `tickMs` at most, so the loop keeps its own clock: it
// has no timers, only times that it looks at once a turn. While it is in the kernel it would hear no
// signal, so it runs in a thread of its own (server-thread.ts).
//
// One turn:
//
//     wait for readiness     hear and answer who is ready     accept     look at the clock     write
//
// Read next: ready-clients.ts, what is done for those who are ready.

import { performance } from 'node:perf_hooks'
import { workerData } from 'node:worker_threads'
import { loadService, type Service } from '../protocol/index.ts'
import { accept, AGAIN, close, READABLE, type Selector, setNonBlocking } from '../posix/index.ts'
import { AcceptFailures } from './accepting.ts'
import { Errands } from './errands.ts'
import { ReadyClients } from './ready-clients.ts'
import { READY, tellMainThread, type ThreadSetup, Wish } from './server-thread.ts'

/** Connections accepted in one turn. The backlog keeps the others until the next. */
const ACCEPTS_MAX = 64

class ReadinessLoop {
  private readonly listener: number
  private readonly tickMs: number
  private readonly wish: Wish
  private readonly errands: Errands
  private readonly selector: Selector
  private readonly clients: ReadyClients
  private readonly failures = new AcceptFailures(tellMainThread)
  private tickAtMs = 0
  /** When to accept again after a failure; 0: now. */
  private acceptAtMs = 0
  private accepting = true

  constructor(setup: ThreadSetup, service: Service, selector: Selector) {
    this.listener = setup.listener
    this.tickMs = setup.settings.server.tickMs
    this.wish = new Wish(setup.wish)
    this.errands = new Errands(setup.bell!)
    this.selector = selector
    this.clients = new ReadyClients(setup.settings, service, selector, this.errands)
    setNonBlocking(this.listener, true)
    selector.register(this.listener, READABLE)
    selector.register(this.errands.bell, READABLE)
  }

  /** Turns until it is told to end and everybody has gone, or the time for that is over. */
  run(): void {
    const { clients, selector } = this
    while ((this.accepting || clients.size > 0) && !this.wish.givesUp) {
      const ready = selector.wait(this.waitMs())
      clients.nowMs = performance.now()
      let mayAccept = false
      for (let i = 0; i < ready; i++) {
        const socket = selector.fd(i)
        if (socket === this.listener) mayAccept = true
        else if (socket === this.errands.bell) this.errands.collect()
        else clients.handle(socket, selector.events(i))
      }
      // After all others: a new client may get the number of one who was closed in this turn.
      if (mayAccept && this.accepting) this.accept()
      clients.resumeDue()
      if (clients.nowMs >= this.tickAtMs) this.tick()
      if (this.accepting && this.wish.drains) this.drain()
      clients.flushAll()
    }
    clients.closeAll()
    selector.close()
  }

  /** How long there is nothing to do unless somebody sends something. */
  private waitMs(): number {
    const untilMs = Math.min(this.tickAtMs, this.clients.resumeAtMs)
    return Math.max(0, Math.ceil(untilMs - performance.now()))
  }

  /** Takes from the backlog. */
  private accept(): void {
    try {
      for (let i = 0; i < ACCEPTS_MAX; i++) {
        const socket = accept(this.listener)
        if (socket === AGAIN) return
        this.admit(socket)
      }
    } catch (error) {
      if (this.wish.drains) return // It was shut down (EINVAL).
      // Out of descriptors, for example: the listener stays readable, and is not asked for a while.
      this.acceptAtMs = this.clients.nowMs + this.failures.restMs(error)
      this.selector.modify(this.listener, 0)
    }
  }

  private admit(socket: number): void {
    try {
      this.clients.admit(socket)
    } catch (error) {
      tellMainThread(`A client could not be taken: ${String(error)}`)
      close(socket)
    }
  }

  /** What time alone brings about. */
  private tick(): void {
    this.tickAtMs = this.clients.nowMs + this.tickMs
    if (this.acceptAtMs > 0 && this.clients.nowMs >= this.acceptAtMs) {
      this.acceptAtMs = 0
      this.selector.modify(this.listener, READABLE)
    }
    this.clients.tick()
  }

  /** Accepts nobody any more, and tells everybody to go. */
  private drain(): void {
    this.accepting = false
    this.selector.unregister(this.listener)
    this.clients.shutdown()
  }
}

/** What the thread of a model does that is this loop over one selector or the other. */
export async function runLoop(selector: Selector): Promise<void> {
  const setup = workerData as ThreadSetup
  const loop = new ReadinessLoop(setup, await loadService(setup.settings.service), selector)
  tellMainThread(READY)
  loop.run()
}
