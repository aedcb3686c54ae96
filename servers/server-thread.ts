// A server that blocks in a system call hears no signal. So it runs in a thread of its own, and the main
// thread stays free to take signals and to tell it what is wished, in a word of memory that they share.

import { Worker } from 'node:worker_threads'
import type { Server, Settings, Setup } from './model.ts'

/** What the server's thread is handed. */
export interface ThreadSetup {
  /** The descriptor of the listener. It blocks. */
  readonly listener: number
  readonly settings: Settings
  readonly wish: Int32Array
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

/** Runs a server's file in a thread: the file finds a ThreadSetup in its `workerData`. */
export function serveInThread({ listener, settings, log }: Setup, file: string): Server {
  const wish = new Int32Array(new SharedArrayBuffer(4))
  const threadSetup: ThreadSetup = { listener: listener.fd, settings, wish }
  const worker = new Worker(new URL(file), { workerData: threadSetup })
  const ended = new Promise<void>((resolve) => {
    worker.once('error', (error) => log(`The server's thread failed: ${error.message}`))
    worker.once('exit', () => resolve())
  })
  return {
    ready: new Promise((resolve) => {
      worker.once('online', resolve)
    }),
    async drain() {
      Atomics.store(wish, 0, DRAIN)
      Atomics.notify(wish, 0)
      listener.stop() // Wakes it, if it waits for a client.
      const givingUp = setTimeout(() => Atomics.store(wish, 0, GIVE_UP), settings.server.drainMs)
      await ended
      clearTimeout(givingUp)
      listener.close()
    },
  }
}
