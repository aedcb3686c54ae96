// Makes each call once, in a way that needs no second process and never waits, for strace(1) to disturb.

import {
  accept,
  close,
  connect,
  IoBuffer,
  listenOn,
  openSelector,
  READABLE,
  recv,
  sendAll,
  socket,
} from '../../dist/posix/index.js'

const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
const client = socket('ipv4')
connect(client, listener.address)
const server = accept(listener.fd)

const buffer = new IoBuffer(5)
buffer.bytes.write('hello')
sendAll(client, buffer, 0, 5)
buffer.bytes.fill(0)

const selector = openSelector()
selector.register(server, READABLE)
const ready = selector.wait(1000)

function receive(fd) {
  return buffer.bytes.toString('latin1', 0, recv(fd, buffer, 0, 5))
}

const text = receive(server)
sendAll(server, buffer, 0, 5)
const echoed = receive(client)

for (const fd of [client, server]) close(fd)
listener.close()
console.log(JSON.stringify({ accepted: server >= 0, text, echoed, ready }))
