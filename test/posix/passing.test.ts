// Descriptors that are passed over a Unix-domain socket: what arrives works, and nothing is left open.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  accept,
  AGAIN,
  close,
  connect,
  IoBuffer,
  listenOn,
  receiveDescriptor,
  recv,
  sendAll,
  sendDescriptor,
  setNonBlocking,
  socket,
  socketpair,
} from '../../posix/index.ts'
import { C } from '../../posix/constants.ts'
import * as libc from '../../posix/libc.ts'
import { straced, straceMissing } from '../support/strace.ts'
import { resultOf } from './children.ts'
import { requireCompiledPosix } from './compiled.ts'
import { memoryOf, received } from './conditions.ts'
import { socketFolder } from './transports.ts'

vi.setConfig({ testTimeout: 20_000 })

const SCRIPT = new URL('passing.mjs', import.meta.url)
const folder = socketFolder()

const open: number[] = []
afterEach(() => {
  for (const fd of open.splice(0)) close(fd)
})

function pair(): [number, number] {
  const ends = socketpair()
  open.push(...ends)
  return ends
}

test('a TCP connection is served by a child that got it after it had started', async () => {
  requireCompiledPosix()
  const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
  const client = socket('ipv4')
  connect(client, listener.address)
  const accepted = accept(listener.fd)
  listener.close()
  open.push(client)

  const [ours, theirs] = socketpair()
  const child = spawn(process.execPath, [fileURLToPath(SCRIPT), 'server'], {
    stdio: ['ignore', 'pipe', 'inherit', theirs],
    timeout: 15_000,
    killSignal: 'SIGKILL',
  })
  close(theirs)
  let said = ''
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (said += text))
  const ended = once(child, 'close')

  expect(sendDescriptor(ours, accepted)).toBe(1)
  close(accepted) // It is on its way, and needs us no more.
  sendAll(client, memoryOf('hello'), 0, 5)
  expect(await received(client, 100)).toBe('HELLO') // And the end: the child's was the last copy.
  expect(sendDescriptor(ours, client)).toBe(1)
  close(ours)
  await ended
  expect(JSON.parse(said)).toStrictEqual({ closesOnExec: true, atTheEnd: null })
})

test('a thousand of them there and back: both processes have open what they had before', async () => {
  const { here, there } = (await resultOf(SCRIPT, ['thousand'])) as Record<
    'here' | 'there',
    { before: string[]; after: string[] }
  >
  expect(here.after).toStrictEqual(here.before)
  expect(there.after).toStrictEqual(there.before)
})

test('the bytes behind it stay for the next read', () => {
  const [one, other] = pair()
  sendDescriptor(one, one)
  sendAll(one, memoryOf('frames'), 0, 6)
  open.push(receiveDescriptor(other)!)
  const buffer = new IoBuffer(100)
  expect(buffer.read(0, recv(other, buffer, 0, 100))).toBe('frames')
})

test('nothing has come yet: AGAIN', () => {
  const [one] = pair()
  setNonBlocking(one, true)
  expect(receiveDescriptor(one)).toBe(AGAIN)
})

test('no room to send: AGAIN, and what was sent before arrives', () => {
  const [one, other] = pair()
  setNonBlocking(one, true)
  const filler = new IoBuffer(1 << 16)
  while (libc.send(one, filler.address, filler.length, C.MSG_NOSIGNAL) > 0);
  expect(sendDescriptor(one, one)).toBe(AGAIN)
  expect(() => receiveDescriptor(other)).toThrow('recvmsg EPROTO')
})

test('bytes without a descriptor are an error', () => {
  const [one, other] = pair()
  sendAll(one, memoryOf('x'), 0, 1)
  expect(failureOf(() => receiveDescriptor(other))).toMatchObject({
    code: 'EPROTO',
    syscall: 'recvmsg',
  })
})

test('whoever should receive it is gone: EPIPE', () => {
  const [one, other] = socketpair()
  open.push(one)
  close(other)
  expect(failureOf(() => sendDescriptor(one, one))).toMatchObject({
    code: 'EPIPE',
    syscall: 'sendmsg',
  })
})

test('what is not open cannot be passed: EBADF', () => {
  const [one] = pair()
  const [closed, other] = socketpair()
  close(other)
  close(closed)
  expect(failureOf(() => sendDescriptor(one, closed))).toMatchObject({ code: 'EBADF' })
})

test('the end of the stream is null', () => {
  const [one, other] = socketpair()
  open.push(one)
  close(other)
  expect(receiveDescriptor(one)).toBe(null)
})

test('a process that may open no more: EMSGSIZE, nothing leaks, and the next one arrives', async () => {
  const limited = ['sh', '-c', 'ulimit -n 64; exec "$@"', 'sh']
  expect(await resultOf(SCRIPT, ['full'], limited)).toStrictEqual({
    failure: { code: 'EMSGSIZE', syscall: 'recvmsg' },
    leaked: 0,
    next: true,
  })
})

test.skipIf(process.platform !== 'linux')('two in one message: EMSGSIZE, and neither leaks', () => {
  const [one, other] = pair()
  const [kept, passed] = socketpair()
  open.push(kept)
  sendTwo(one, passed)
  close(passed)
  const before = sockets()
  expect(failureOf(() => receiveDescriptor(other))).toMatchObject({ code: 'EMSGSIZE' })
  expect(sockets()).toStrictEqual(before)
  const buffer = new IoBuffer(1)
  expect(recv(kept, buffer, 0, 1)).toBe(0) // No copy of its other end is open any more.
})

describe('made to fail by strace(1):', () => {
  beforeEach((context) => {
    context.skip(straceMissing !== null, straceMissing ?? '')
  })

  test.each(['sendmsg', 'recvmsg'])('%s with EINTR is tried again', async (call) => {
    const log = join(folder, call)
    const injection = `inject=${call}:error=EINTR:when=1..3`
    expect(
      await resultOf(SCRIPT, ['once'], straced(log, `trace=${call}`, injection)),
    ).toStrictEqual({ sent: 1, isOpen: true, next: true })
    expect(readFileSync(log, 'latin1').split('(INJECTED)')).toHaveLength(4)
  })
})

function failureOf(call: () => unknown): unknown {
  try {
    return call()
  } catch (error) {
    return error
  }
}

/** The same descriptor twice, in Linux's layout. */
function sendTwo(fd: number, descriptor: number): void {
  const memory = new IoBuffer(120)
  const { bytes } = memory
  const [iovec, control, byte] = [56, 72, 112]
  bytes.writeBigUInt64LE(BigInt(memory.address + iovec), 16)
  bytes.writeInt32LE(1, 24)
  bytes.writeBigUInt64LE(BigInt(memory.address + control), 32)
  bytes.writeInt32LE(24, 40)
  bytes.writeBigUInt64LE(BigInt(memory.address + byte), iovec)
  bytes.writeInt32LE(1, iovec + 8)
  bytes.writeInt32LE(24, control)
  bytes.writeInt32LE(C.SOL_SOCKET, control + 8)
  bytes.writeInt32LE(C.SCM_RIGHTS, control + 12)
  bytes.writeInt32LE(descriptor, control + 16)
  bytes.writeInt32LE(descriptor, control + 20)
  expect(libc.sendmsg(fd, memory.address, C.MSG_NOSIGNAL)).toBe(1)
}

/** Those of this process; other descriptors come and go with the test runner. */
function sockets(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const name = readlinkSync(`/proc/self/fd/${fd}`)
      return name.startsWith('socket:') ? [`${fd} ${name}`] : []
    } catch {
      return []
    }
  })
}
