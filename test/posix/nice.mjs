// A thread that lowers its priority, in a program whose main thread does not. Says the niceness of both.

import { getPriority } from 'node:os'
import { isMainThread, Worker, workerData } from 'node:worker_threads'
import { lowerPriority } from '../../dist/posix/index.js'

if (isMainThread) {
  const shared = new Int32Array(new SharedArrayBuffer(4))
  new Worker(new URL(import.meta.url), { workerData: shared }).once('exit', () => {
    process.stdout.write(`${JSON.stringify({ main: getPriority(), thread: shared[0] })}\n`)
  })
} else {
  lowerPriority(7)
  workerData[0] = getPriority()
}
