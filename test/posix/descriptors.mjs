// Accepts and closes a thousand clients, and fails in every way that listening and connecting can fail.
// Says which descriptors were open before and which are afterwards.

import { readdirSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  bind,
  close,
  connect,
  getsockname,
  IoBuffer,
  listenOn,
  openSelector,
  READABLE,
  recvNow,
  sendAll,
  socket,
  socketpair,
} from '../../dist/posix/index.js'

const folder = process.argv[2]
const LOOPBACK = { family: 'ipv4', host: '127.0.0.1', port: 0 }
const CLIENTS = 1000
const ROUNDS = 100

/** What every open descriptor is. The one that lists the folder is gone when it is asked for. */
function openDescriptors() {
  const list = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd'
  const named = readdirSync(list).map((fd) => {
    try {
      return `${fd} ${readlinkSync(`${list}/${fd}`)}`
    } catch (error) {
      return error.code === 'ENOENT' ? '' : fd
    }
  })
  return named.filter((name) => name !== '').toSorted()
}

const byte = new IoBuffer(1)

async function serve() {
  const listener = listenOn(LOOPBACK, { backlog: 10 })
  let served = 0
  // Each next client comes when the iteration waits already, or in every third case before.
  const come = () => {
    const fd = socket('ipv4')
    connect(fd, listener.address)
    sendAll(fd, byte, 0, 1)
    close(fd)
  }
  come()
  for await (const client of listener) {
    recvNow(client, byte, 0, 1)
    close(client)
    if (++served === CLIENTS) listener.stop()
    else if (served % 3 === 0) come()
    else setImmediate(come)
  }
  listener.stop()
  listener.close()
  return served
}

function connectAndClose(address) {
  const fd = socket(address.family)
  try {
    connect(fd, address)
  } finally {
    close(fd)
  }
}

function fail(failures) {
  const attempt = (call) => {
    try {
      call()
    } catch (error) {
      failures.push(error.code ?? error.name)
    }
  }
  const silent = socket('ipv4')
  bind(silent, LOOPBACK)
  const file = join(folder, `plain-${process.pid}`)
  writeFileSync(file, '')
  attempt(() => listenOn(getsockname(silent), { backlog: 1 }))
  attempt(() => listenOn({ family: 'ipv4', host: '192.0.2.1', port: 1 }, { backlog: 1 }))
  attempt(() => listenOn({ family: 'ipv4', host: 'not an address', port: 1 }, { backlog: 1 }))
  attempt(() => listenOn({ family: 'unix', path: join(folder, 'no', 'such') }, { backlog: 1 }))
  attempt(() => listenOn({ family: 'unix', path: file }, { backlog: 1 }))
  attempt(() => connectAndClose(getsockname(silent)))
  attempt(() => connectAndClose({ family: 'unix', path: join(folder, 'nothing') }))
  // A live server's file, and then a dead one's: the probe is a descriptor, too.
  const path = join(folder, `probed-${process.pid}`)
  const live = listenOn({ family: 'unix', path }, { backlog: 1 })
  attempt(() => listenOn({ family: 'unix', path }, { backlog: 1 }))
  close(live.fd)
  const second = listenOn({ family: 'unix', path }, { backlog: 1 })
  second.stop()
  second.close()
  close(silent)
}

function pairUp() {
  const [one, other] = socketpair()
  const selector = openSelector()
  selector.register(one, READABLE)
  selector.close()
  close(one)
  close(other)
}

// Once beforehand, for what Node itself opens when it is first needed (libuv's threads, epoll).
await serve()
fail([])

const before = openDescriptors()
const clients = await serve()
const failures = []
for (let i = 0; i < ROUNDS; i++) {
  fail(failures)
  pairUp()
}
const after = openDescriptors()
console.log(JSON.stringify({ before, after, clients, failures: [...new Set(failures)] }))
