// A thread that lowers its priority, in a program whose main thread does not. Says the niceness of both.

import { getPriority } from 'node:os'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { lowerPriority } from '../../dist/posix/index.js'

if (isMainThread) {
  new Worker(new URL(import.meta.url)).once('message', (thread) => {
    process.stdout.write(`${JSON.stringify({ main: getPriority(), thread })}\n`)
  })
} else {
  lowerPriority(7)
  parentPort.postMessage(getPriority())
}
