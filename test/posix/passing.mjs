// Passes descriptors, and receives them: in the role that its first argument names. Number 3 is a socket
// to its parent where it is somebody's child.

import { spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  AGAIN,
  close,
  IoBuffer,
  openFilesMax,
  receiveDescriptor,
  recv,
  sendAll,
  sendDescriptor,
  setNonBlocking,
  socketpair,
} from '../../dist/posix/index.js'

const PARENT = 3
const PASSES = 1000
const O_CLOEXEC = 0o2000000

function openDescriptors() {
  const list = process.platform === 'linux' ? '/proc/self/fd' : '/dev/fd'
  return readdirSync(list)
    .map((fd) => {
      try {
        return `${fd} ${readlinkSync(`${list}/${fd}`)}`
      } catch (error) {
        return error.code === 'ENOENT' ? '' : fd // The one that lists the folder is gone.
      }
    })
    .filter((name) => name !== '')
    .toSorted()
}

function isMarked(fd) {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')
  return (parseInt(/flags:\s*(\d+)/.exec(info)[1], 8) & O_CLOEXEC) !== 0
}

function failureOf(call) {
  try {
    call()
    return null
  } catch ({ code, syscall }) {
    return { code, syscall }
  }
}

const roles = {
  /** Serves one client that its parent passes to it: says in capitals what the client says. */
  server() {
    const client = receiveDescriptor(PARENT)
    const buffer = new IoBuffer(100)
    const count = recv(client, buffer, 0, buffer.length)
    buffer.write(buffer.read(0, count).toUpperCase(), 0)
    sendAll(client, buffer, 0, count)
    close(client)
    const closesOnExec = process.platform === 'linux' ? isMarked(receiveDescriptor(PARENT)) : true
    return { closesOnExec, atTheEnd: receiveDescriptor(PARENT) }
  },

  /** Sends back whatever it gets, until there is no more. */
  mirror() {
    const before = openDescriptors()
    for (;;) {
      const descriptor = receiveDescriptor(PARENT)
      if (descriptor === null) break
      sendDescriptor(PARENT, descriptor)
      close(descriptor)
    }
    return { before, after: openDescriptors() }
  },

  async thousand() {
    const [ours, theirs] = socketpair()
    const child = spawn(process.execPath, [fileURLToPath(import.meta.url), 'mirror'], {
      stdio: ['ignore', 'pipe', 'inherit', theirs],
    })
    close(theirs)
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text) => (said += text))
    const ended = new Promise((resolve) => child.once('close', resolve))
    const [one, other] = socketpair()
    const before = openDescriptors()
    for (let i = 0; i < PASSES; i++) {
      sendDescriptor(ours, one)
      close(receiveDescriptor(ours))
    }
    const after = openDescriptors()
    for (const fd of [ours, one, other]) close(fd)
    await ended
    return { here: { before, after }, there: JSON.parse(said) }
  },

  /** Is passed one more than it may have. Started with a low `ulimit -n`. */
  full() {
    const [one, other] = socketpair()
    const fillers = []
    while (fillers.length < openFilesMax()) {
      try {
        fillers.push(openSync('/dev/null'))
      } catch {
        break
      }
    }
    closeSync(fillers.pop()) // One is left, for looking at the others.
    const before = openDescriptors().length
    fillers.push(openSync('/dev/null'))
    sendDescriptor(one, one)
    const failure = failureOf(() => receiveDescriptor(other))
    closeSync(fillers.pop())
    const after = openDescriptors().length
    for (const fd of fillers) closeSync(fd)
    sendDescriptor(one, one)
    return { failure, leaked: after - before, next: receiveDescriptor(other) > 0 }
  },

  /** Makes each call once, for strace(1) to disturb. */
  once() {
    const [one, other] = socketpair()
    const sent = sendDescriptor(one, one)
    const received = receiveDescriptor(other)
    setNonBlocking(other, true)
    return { sent, isOpen: received > other, next: receiveDescriptor(other) === AGAIN }
  },
}

console.log(JSON.stringify(await roles[process.argv[2]]()))
