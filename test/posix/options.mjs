// Sets the socket options, for strace(1) to read what reaches the kernel.

import {
  close,
  listenOn,
  setLinger,
  setNoDelay,
  setReceiveBufferBytes,
  setReuseAddress,
  setSendBufferBytes,
  socket,
  socketpair,
} from '../../dist/posix/index.js'

const fd = socket('ipv4')
const [one, other] = socketpair()
setNoDelay(fd, true)
setNoDelay(fd, false)
setNoDelay(one, true)
setReuseAddress(fd)
setSendBufferBytes(fd, 5000)
setReceiveBufferBytes(fd, 6000)
setLinger(fd, 7)
setLinger(fd, 0)
setLinger(fd, null)
for (const open of [fd, one, other]) close(open)
listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 }).close()
console.log('{}')
