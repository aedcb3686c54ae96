// posix/: the BSD socket calls that Node does not offer. Nothing in here knows about chat.

export {
  type Address,
  AddressError,
  formatAddress,
  type IpAddress,
  parseAddress,
  type UnixAddress,
} from './address.ts'
export { coresOf, runOnCores } from './affinity.ts'
export { IoBuffer } from './buffer.ts'
export { recvfrom, Sender, sendto } from './datagrams.ts'
export { SystemError, UnsupportedError } from './errors.ts'
export { hasSendFile, openAt, renameAt, sendFile, unlinkAt } from './files.ts'
export { Listener, listenOn, receiveOn } from './listener.ts'
export { receiveDescriptor, sendDescriptor } from './passing.ts'
export {
  dieWithParent,
  exitNow,
  lockFile,
  lowerPriority,
  openFilesMax,
  sharpenTimers,
} from './process.ts'
export {
  EpollSelector,
  HANGUP,
  openSelector,
  PollSelector,
  PollSet,
  READABLE,
  type Selector,
  WRITABLE,
} from './selector.ts'
export {
  accept,
  AGAIN,
  bind,
  close,
  connect,
  getpeername,
  getsockname,
  listen,
  recv,
  recvNow,
  send,
  sendAll,
  sendNow,
  setLinger,
  setNoDelay,
  setNonBlocking,
  setReceiveBufferBytes,
  setReceiveTimeoutMs,
  setReuseAddress,
  setSendBufferBytes,
  setSendTimeoutMs,
  shutdown,
  socket,
  socketError,
  socketpair,
} from './sockets.ts'
