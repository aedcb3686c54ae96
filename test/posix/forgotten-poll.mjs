// A poll that waits on a thread of libuv's pool writes its answer to memory that JavaScript may have
// forgotten by then. Measures whether the garbage collector takes that memory away meanwhile.

import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import {
  AGAIN,
  close,
  PollSet,
  READABLE,
  recvNow,
  IoBuffer,
  shutdown,
  socketpair,
} from '../../dist/posix/index.js'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')

const SLOTS = 1 << 20
const setBytes = SLOTS * 8
const [one, other] = socketpair()

async function settle() {
  // Freed memory is given back in the background.
  for (let turn = 0; turn < 20; turn++) {
    collect()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return process.memoryUsage().arrayBuffers
}

function waitAndForget() {
  const set = new PollSet(SLOTS)
  set.set(0, one, READABLE)
  return set.pollAsync(1, -1)
}

const before = await settle()
const waiting = waitAndForget()
const whileWaiting = await settle()
shutdown(other, 'both')
await waiting
if (recvNow(one, new IoBuffer(1), 0, 1) === AGAIN) throw new Error('The poll ended too early')
const afterwards = await settle()
close(one)
close(other)
console.log(
  JSON.stringify({
    setBytes,
    whileWaitingBytes: whileWaiting - before,
    afterwardsBytes: afterwards - before,
  }),
)
