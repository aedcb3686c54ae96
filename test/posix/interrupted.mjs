// Waits in one blocking call on its main thread, where signals arrive, and says how it ended. Before it
// waits it says how to recognise the call: the position and the value of one of its arguments.

import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import {
  accept,
  connect,
  EpollSelector,
  getpeername,
  IoBuffer,
  listenOn,
  parseAddress,
  PollSelector,
  READABLE,
  recv,
  sendAll,
  setReceiveTimeoutMs,
  setSendBufferBytes,
  setSendTimeoutMs,
  shutdown,
  socket,
  socketpair,
} from '../../dist/posix/index.js'

const [scenario, addressText] = process.argv.slice(2)
const address = parseAddress(addressText)

let signals = 0
process.on('SIGUSR2', () => signals++)

/** Written at once: what goes through process.stdout may wait for the event loop, which waits for us. */
function say(what) {
  writeSync(1, JSON.stringify(what) + '\n')
}

/** It is the time-out, however long, that keeps the kernel from beginning the call again by itself. */
const TIMEOUT_MS = 60_000

function withTimeouts(fd) {
  setReceiveTimeoutMs(fd, TIMEOUT_MS)
  setSendTimeoutMs(fd, TIMEOUT_MS)
  return fd
}

function connected() {
  const fd = withTimeouts(socket(address.family))
  connect(fd, address)
  return fd
}

function waitOn(selector) {
  const [one] = socketpair()
  selector.register(one, READABLE)
  const timeoutMs = 30_011
  // poll(fds, nfds, timeout) and epoll_wait(epfd, events, maxevents, timeout)
  say({ waitsWith: [selector.name === 'poll' ? 2 : 3, timeoutMs] })
  return selector.wait(timeoutMs)
}

const scenarios = {
  recv() {
    const fd = connected()
    const buffer = new IoBuffer(100)
    say({ waitsWith: [0, fd] })
    const count = recv(fd, buffer, 0, 100)
    return buffer.bytes.toString('latin1', 0, count)
  },

  send() {
    const fd = connected()
    setSendBufferBytes(fd, 4096)
    const lengthBytes = 1 << 20
    const buffer = new IoBuffer(lengthBytes)
    for (let i = 0; i < lengthBytes; i++) buffer.bytes[i] = (i * 31 + (i >> 8) * 7) & 0xff
    const sha256 = createHash('sha256').update(buffer.bytes).digest('hex')
    say({ waitsWith: [0, fd] })
    sendAll(fd, buffer, 0, lengthBytes)
    shutdown(fd, 'write')
    return { lengthBytes, sha256 }
  },

  accept() {
    const listener = listenOn(address, { backlog: 1 })
    withTimeouts(listener.fd)
    say({ waitsWith: [0, listener.fd], address: listener.address })
    return getpeername(accept(listener.fd))
  },

  connect() {
    const fd = withTimeouts(socket(address.family))
    say({ waitsWith: [0, fd] })
    const isConnected = connect(fd, address)
    const buffer = new IoBuffer(9)
    buffer.bytes.write('connected')
    sendAll(fd, buffer, 0, 9)
    return isConnected
  },

  poll: () => waitOn(new PollSelector()),
  epoll: () => waitOn(new EpollSelector()),
}

const result = scenarios[scenario]()
// The handlers of the signals that came meanwhile run when the event loop turns; all of them have when it
// has turned twice, wherever in a turn this module was begun.
setImmediate(() => setImmediate(() => setImmediate(done)))

function done() {
  say({ result, signals })
  process.exit(0)
}
