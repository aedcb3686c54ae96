// The test's end of blocking-thread.mjs.
//
// oxlint-disable unicorn/require-post-message-target-origin -- That is for windows; these are threads.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { requireCompiledPosix } from './compiled.ts'
import { isBlockedWith, until } from './conditions.ts'

interface Calls {
  accept: (fd: number) => number
  recv: (fd: number, length: number) => { count: number; text: string }
  recvfrom: (fd: number, length: number) => number
  recvToEnd: (fd: number, length: number) => Uint8Array
  sendAll: (fd: number, bytes: Uint8Array) => undefined
  poll: (fd: number, timeoutMs: number) => number
}

interface Reply {
  readonly value?: unknown
  readonly failure?: { code: string; errno: number; syscall: string; message: string }
}

/** A worker thread that makes one blocking call after the other, and may wait in them for ever. */
export class BlockingThread {
  readonly #worker: Worker
  #tid = 0

  private constructor(worker: Worker) {
    this.#worker = worker
  }

  static async start(): Promise<BlockingThread> {
    requireCompiledPosix()
    const thread = new BlockingThread(new Worker(new URL('blocking-thread.mjs', import.meta.url)))
    thread.#tid = Number(await thread.#reply())
    return thread
  }

  /** Settles when the call has returned. A failed one rejects with an Error that has its fields. */
  async call<Name extends keyof Calls>(
    name: Name,
    ...args: Parameters<Calls[Name]>
  ): Promise<ReturnType<Calls[Name]>> {
    const reply = this.#reply()
    this.#worker.postMessage({ name, args })
    return (await reply) as ReturnType<Calls[Name]>
  }

  /** Waits until the thread waits in a system call whose first argument is `fd`. */
  untilBlockedOn(fd: number): Promise<void> {
    return this.untilBlockedWith(0, fd)
  }

  /** Waits until the thread waits in a system call with this argument. */
  untilBlockedWith(position: number, value: number): Promise<void> {
    const thread = { pid: process.pid, tid: this.#tid }
    return until(`the thread waits in a call with argument ${value}`, () =>
      isBlockedWith(thread, position, value),
    )
  }

  /** Ends the thread. Returns only when it waits in no call any more. */
  async end(): Promise<void> {
    await this.#worker.terminate()
  }

  async #reply(): Promise<unknown> {
    const [reply] = (await once(this.#worker, 'message')) as [Reply]
    if (reply.failure) throw Object.assign(new Error(reply.failure.message), reply.failure)
    return reply.value
  }
}
