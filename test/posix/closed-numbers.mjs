// Uses descriptors after they were closed. Only a process of its own may do that: in any other, the
// number may be somebody else's by then, which is the very danger.

import { close, IoBuffer, recv, send, socket, socketpair } from '../../dist/posix/index.js'

function failureOf(call) {
  try {
    call()
    return null
  } catch ({ code, syscall }) {
    return { code, syscall }
  }
}

const [one, other] = socketpair()
const buffer = new IoBuffer(1)
close(one)
const closedTwice = failureOf(() => close(one))
const received = failureOf(() => recv(one, buffer, 0, 1))
const sent = failureOf(() => send(one, buffer, 0, 1))
const next = socket('ipv4')
console.log(JSON.stringify({ closedTwice, received, sent, isReused: next === one }))
close(next)
close(other)
