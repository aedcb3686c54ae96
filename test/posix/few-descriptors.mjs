// Runs out of descriptors, and says what each call says then. Started with a low `ulimit -n`.

import { closeSync, openSync } from 'node:fs'
import {
  accept,
  close,
  connect,
  EpollSelector,
  IoBuffer,
  listenOn,
  openFilesMax,
  recv,
  sendAll,
  socket,
  socketpair,
} from '../../dist/posix/index.js'

function failureOf(call) {
  try {
    call()
    return null
  } catch ({ code, errno, syscall }) {
    return { code, errno, syscall }
  }
}

const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
const client = socket('ipv4')
connect(client, listener.address)
const hello = new IoBuffer(5)
hello.bytes.write('hello')
sendAll(client, hello, 0, 5)

const fillers = []
const max = openFilesMax()
while (fillers.length < max) {
  try {
    fillers.push(openSync('/dev/null'))
  } catch {
    break
  }
}
const result = {
  openFilesMax: max,
  theirs: failureOf(() => openSync('/dev/null')),
  socket: failureOf(() => socket('ipv4')),
  socketpair: failureOf(() => socketpair()),
  accept: failureOf(() => accept(listener.fd)),
}
if (process.platform === 'linux') result.epoll = failureOf(() => new EpollSelector())

try {
  for await (const tooMany of listener) close(tooMany)
} catch ({ code, errno, syscall }) {
  result.iteration = { code, errno, syscall }
}

// The client waits in the backlog all the while, and is served when there is room.
for (const fd of fillers) closeSync(fd)
for await (const accepted of listener) {
  const buffer = new IoBuffer(5)
  recv(accepted, buffer, 0, 5)
  result.acceptedAfterwards = buffer.bytes.toString()
  close(accepted)
  listener.stop()
}
result.isOver = true
listener.close()
close(client)
console.log(JSON.stringify(result))
