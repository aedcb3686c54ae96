// A server that blocks in a system call hears no signal. So it runs in a thread of its own, and the main
// thread stays free to take signals and to tell it what is wished, in a word of memory that they share.

import { parentPort, type ResourceLimits, Worker } from 'node:worker_threads'
import { close, socketpair } from '../posix/index.ts'
import { type Errand, runErrand } from './errands.ts'
import type { Server, Settings, Setup } from './model.ts'

/** What the server's thread is handed. */
export interface ThreadSetup {
  /** The descriptor of the listener. It blocks. */
  readonly listener: number
  readonly settings: Settings
  readonly wish: Int32Array
  /** Its end of the bell for errands (errands.ts); null when it has none to be done. */
  readonly bell: number | null
}

const SERVE = 0
const DRAIN = 1
const GIVE_UP = 2

/** The thread's view of what the main thread wishes. */
export class Wish {
  private readonly word: Int32Array

  constructor(word: Int32Array) {
    this.word = word
  }

  /** Come to an end: accept nobody any more, tell the client, and return. */
  get drains(): boolean {
    return Atomics.load(this.word, 0) !== SERVE
  }

  /** Too late for that: return. */
  get givesUp(): boolean {
    return Atomics.load(this.word, 0) === GIVE_UP
  }

  /** Lets time pass without using the CPU, and less of it when the wish changes. */
  rest(ms: number): void {
    Atomics.wait(this.word, 0, SERVE, ms)
  }
}

/** The thread's words to the main thread: READY when it is about to accept, or a sentence for the operator. */
export function tellMainThread(message: string): void {
  // Not standard error: what a thread writes there waits until its event loop turns, and this one's never does.
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- That is for windows.
  parentPort!.postMessage(message)
}
export const READY = ''

/**
 * After `drainMs` the thread is told to give up, and does so at its next look at the clock. A computation
 * that does not look is ended this much later.
 */
const TERMINATE_GRACE_MS = 500

/**
 * Where new objects are made, a part of the heap that grows to 48 MB otherwise. V8 cleans it up when it is
 * full or the event loop idle, and in this thread the event loop never comes to its turn: so ten thousand
 * clients that have come and are silent would go on holding 4 KiB of garbage each.
 */
const MEMORY: ResourceLimits = { maxYoungGenerationSizeMb: 8 }

/**
 * Runs a server's file in a thread: the file finds a ThreadSetup in its `workerData`. `errands`: whether it
 * has any.
 */
export function serveInThread(
  { listener, settings, log }: Setup,
  file: string,
  { errands = false } = {},
): Server {
  const wish = new Int32Array(new SharedArrayBuffer(4))
  const [ourBell, bell] = errands ? socketpair() : [null, null]
  const threadSetup: ThreadSetup = { listener: listener.fd, settings, wish, bell }
  const worker = new Worker(new URL(file), { workerData: threadSetup, resourceLimits: MEMORY })
  let isReady = false
  let why = 'it has returned'
  const ready = new Promise<void>((resolve, reject) => {
    worker.on('message', (message: string | Errand) => {
      if (typeof message === 'object') return void runErrand(message, worker, ourBell!)
      if (message !== READY) return log(message)
      isReady = true
      resolve()
    })
    worker.once('error', (error) => (why = error.message))
    worker.once('exit', () => {
      if (Atomics.load(wish, 0) !== SERVE) return // It was asked to.
      const failure = new Error(`The server's thread has ended: ${why}`)
      if (isReady) throw failure // Nothing catches it: the shell ends the program.
      reject(failure)
    })
  })
  const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()))
  return {
    ready,
    async drain() {
      Atomics.store(wish, 0, DRAIN)
      Atomics.notify(wish, 0)
      listener.stop() // Wakes it, if it waits for a client.
      const { drainMs } = settings.server
      const givingUp = setTimeout(() => Atomics.store(wish, 0, GIVE_UP), drainMs)
      const ending = setTimeout(() => void worker.terminate(), drainMs + TERMINATE_GRACE_MS)
      await ended
      clearTimeout(givingUp)
      clearTimeout(ending)
      listener.close()
      for (const end of [ourBell, bell]) if (end !== null) close(end)
    },
  }
}
