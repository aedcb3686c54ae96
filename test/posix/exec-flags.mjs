// Says of each kind of descriptor whether it is marked close-on-exec, before anything is executed.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import {
  accept,
  connect,
  EpollSelector,
  listenOn,
  socket,
  socketpair,
} from '../../dist/posix/index.js'

const O_CLOEXEC = 0o2000000

function isMarked(fd) {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')
  return (parseInt(/flags:\s*(\d+)/.exec(info)[1], 8) & O_CLOEXEC) !== 0
}

const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
const client = socket('ipv4')
connect(client, listener.address)
const accepted = accept(listener.fd)
const pair = socketpair()

// A selector does not tell its descriptor: it is the one that was not there before. (libuv has others.)
function epollDescriptors() {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === 'anon_inode:[eventpoll]'
    } catch {
      return false
    }
  })
}

const before = new Set(epollDescriptors())
const selector = new EpollSelector()
const made = epollDescriptors().filter((fd) => !before.has(fd))

console.log(
  JSON.stringify({
    socket: isMarked(client),
    listener: isMarked(listener.fd),
    accepted: isMarked(accepted),
    socketpair: pair.every((fd) => isMarked(fd)),
    epoll: made.length === 1 && isMarked(made[0]),
  }),
)
selector.close()
