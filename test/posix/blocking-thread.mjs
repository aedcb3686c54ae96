// Runs in a worker thread and makes the blocking calls that it is told, one at a time: where a test of
// posix/ wants a recv that really waits, it must not be the test's own thread that waits.
//
// oxlint-disable unicorn/require-post-message-target-origin -- That is for windows; these are threads.

import { readlinkSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import * as posix from '../../dist/posix/index.js'

const calls = {
  accept: (fd) => posix.accept(fd),
  /** Returns the count and the text. */
  recv(fd, length) {
    const buffer = new posix.IoBuffer(length)
    const count = posix.recv(fd, buffer, 0, length)
    return { count, text: buffer.bytes.toString('latin1', 0, Math.max(0, count)) }
  },
  recvfrom: (fd, length) =>
    posix.recvfrom(fd, new posix.IoBuffer(length), 0, length, new posix.Sender()),
  /** Everything until the end of the stream, in pieces of at most `length`. */
  recvToEnd(fd, length) {
    const buffer = new posix.IoBuffer(length)
    const parts = []
    for (;;) {
      const count = posix.recv(fd, buffer, 0, length)
      if (count <= 0) return Buffer.concat(parts)
      parts.push(Buffer.from(buffer.bytes.subarray(0, count)))
    }
  },
  sendAll(fd, bytes) {
    const buffer = new posix.IoBuffer(bytes.length)
    buffer.bytes.set(bytes)
    posix.sendAll(fd, buffer, 0, bytes.length)
  },
  poll(fd, timeoutMs) {
    const set = new posix.PollSet(1)
    set.set(0, fd, posix.READABLE)
    set.poll(1, timeoutMs)
    return set.events(0)
  },
}

parentPort.on('message', ({ name, args }) => {
  try {
    parentPort.postMessage({ value: calls[name](...args) })
  } catch (error) {
    // An error loses its own fields on the way to another thread; a plain object keeps them.
    const { code, errno, syscall, message } = error
    parentPort.postMessage({ failure: { code, errno, syscall, message } })
  }
})

// The kernel's number of this thread; /proc/thread-self is "PID/task/TID" (Linux).
let tid = 0
try {
  tid = Number(readlinkSync('/proc/thread-self').split('/').at(-1))
} catch {
  // Elsewhere nobody asks for it.
}
parentPort.postMessage({ value: tid })
