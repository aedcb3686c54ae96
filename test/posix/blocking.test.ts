// The blocking calls, made where they may block: in a worker thread, or in a process that gets signals.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  accept,
  type Address,
  close,
  connect,
  formatAddress,
  listenOn,
  setNonBlocking,
  setReceiveBufferBytes,
  setSendBufferBytes,
  shutdown,
  socket,
  socketpair,
} from '../../posix/index.ts'
import { BlockingThread } from './blocking-thread.ts'
import { straced, straceMissing } from '../support/strace.ts'
import { Child, resultOf } from './children.ts'
import {
  hasPendingSignal,
  IPV6_MISSING,
  isBlockedWith,
  patternOf,
  received,
  seesSystemCalls,
  stateOf,
  SYSTEM_CALLS_UNSEEN,
  until,
} from './conditions.ts'
import { netClient, netServer, socketFolder, transportsIn } from './transports.ts'

vi.setConfig({ testTimeout: 20_000 })

const LOOPBACK = { family: 'ipv4', host: '127.0.0.1', port: 0 } as const
const folder = socketFolder()

describe.each(transportsIn(folder))('in a thread, over $name', ({ isMissing, fresh }) => {
  let thread: BlockingThread

  beforeEach(async (context) => {
    context.skip(isMissing, IPV6_MISSING)
    context.skip(!seesSystemCalls, SYSTEM_CALLS_UNSEEN)
    thread = await BlockingThread.start()
  })
  afterEach(async () => {
    if (!isMissing && seesSystemCalls) await thread.end()
  })

  test('accept waits for a client, recv for its bytes, and neither for the event loop', async () => {
    const listener = listenOn(fresh(), { backlog: 1 })
    const accepting = thread.call('accept', listener.fd)
    await thread.untilBlockedOn(listener.fd)
    const client = await netClient(listener.address)
    const fd = await accepting

    const receiving = thread.call('recv', fd, 100)
    await thread.untilBlockedOn(fd)
    client.write('at last')
    expect(await receiving).toStrictEqual({ count: 7, text: 'at last' })

    const ending = thread.call('recv', fd, 100)
    await thread.untilBlockedOn(fd)
    client.end()
    expect(await ending).toStrictEqual({ count: 0, text: '' })
    close(fd)
    client.destroy()
    listener.stop()
    listener.close()
  })

  test('shutdown wakes a recv: the stream has ended', async () => {
    const server = await netServer(fresh())
    const fd = socket(server.address.family)
    connect(fd, server.address)
    const client = await server.nextClient()
    const ended = once(client, 'end')
    client.resume()
    const receiving = thread.call('recv', fd, 100)
    await thread.untilBlockedOn(fd)
    shutdown(fd, 'both')
    expect(await receiving).toStrictEqual({ count: 0, text: '' })
    // Its peer has been told, too.
    await ended
    close(fd)
    await server.close()
  })

  test('shutdown wakes a send: the pipe is broken', async () => {
    const server = await netServer(fresh())
    const fd = socket(server.address.family)
    setSendBufferBytes(fd, 4096)
    connect(fd, server.address)
    const client = await server.nextClient()
    client.pause()
    const sending = thread.call('sendAll', fd, patternOf(8 << 20))
    await thread.untilBlockedOn(fd)
    shutdown(fd, 'both')
    await expect(sending).rejects.toMatchObject({ code: 'EPIPE', syscall: 'send' })
    close(fd)
    await server.close()
  })

  test('sendAll gives 1 MiB to a slow reader of node:net', async () => {
    const server = await netServer(fresh())
    const fd = socket(server.address.family)
    setSendBufferBytes(fd, 4096)
    connect(fd, server.address)
    const client = await server.nextClient()
    client.pause()
    const bytes = patternOf(1 << 20)
    const sending = thread.call('sendAll', fd, bytes).then(() => shutdown(fd, 'write'))
    // Everything is full, and the reader has not begun.
    await thread.untilBlockedOn(fd)
    const chunks: Buffer[] = []
    for await (const chunk of client) {
      chunks.push(chunk as Buffer)
      await nextTurn()
    }
    await sending
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
    close(fd)
    await server.close()
  })

  test('recv takes 2 MiB from node:net, a few bytes at a time', async () => {
    const asked = fresh()
    const listener = listenOn(asked, { backlog: 1 })
    setReceiveBufferBytes(listener.fd, 4096)
    const client = await netClient(listener.address)
    const fd = accept(listener.fd)
    const bytes = patternOf(2 << 20)
    const receiving = thread.call('recvToEnd', fd, 1500)
    client.end(bytes)
    expect(Buffer.from(await receiving).equals(bytes)).toBe(true)
    close(fd)
    client.destroy()
    listener.stop()
    listener.close()
  })
})

test('two threads that write and read 1 MiB through a socketpair meet in the middle', async () => {
  const [one, other] = socketpair()
  setSendBufferBytes(one, 4096)
  const [writer, reader] = [await BlockingThread.start(), await BlockingThread.start()]
  const bytes = patternOf(1 << 20)
  const sending = writer.call('sendAll', one, bytes).then(() => shutdown(one, 'write'))
  const arrived = await reader.call('recvToEnd', other, 777)
  await sending
  expect(Buffer.from(arrived).equals(bytes)).toBe(true)
  await writer.end()
  await reader.end()
  close(one)
  close(other)
})

/** Starts the scenario of interrupted.mjs and waits until it waits. */
async function waiting(
  scenario: string,
  address: Address,
): Promise<{ child: Child; said: Record<string, unknown> }> {
  const child = new Child(new URL('interrupted.mjs', import.meta.url), [
    scenario,
    formatAddress(address),
  ])
  const said = await child.says()
  const [position, value] = said['waitsWith'] as [number, number]
  const thread = { pid: child.pid, tid: child.pid }
  await until(`${scenario} waits`, () => isBlockedWith(thread, position, value))
  return { child, said }
}

const SIGNALS = 3

/** Sends signals, each after the one before was taken and the process has gone back to sleep. */
async function interrupt(child: Child): Promise<void> {
  for (let i = 0; i < SIGNALS; i++) {
    child.kill('SIGUSR2')
    await untilItSleeps(child)
  }
}

function untilItSleeps({ pid }: Child): Promise<void> {
  return until('it sleeps again', () => !hasPendingSignal(pid) && stateOf(pid) === 'S')
}

async function acceptedSoon(listener: number): Promise<number> {
  setNonBlocking(listener, true)
  let fd = -1
  await until('the next client comes', () => (fd = accept(listener)) >= 0)
  return fd
}

// What makes a call return EINTR is told in signal(7): a signal with a handler, taken by the very thread
// that waits. The kernel prefers the main thread for signals to a process, so that is the one that waits
// here. Node's handlers have SA_RESTART, which makes the kernel itself begin most calls again; but not
// on a socket with a time-out, and never poll(2) and epoll_wait(2). Being stopped and continued
// interrupts the same calls without any handler.
describe('a signal in the middle of', () => {
  beforeEach((context) => {
    context.skip(!seesSystemCalls, SYSTEM_CALLS_UNSEEN)
  })

  test('recv is nothing to its caller', async () => {
    const server = await netServer(LOOPBACK)
    const { child } = await waiting('recv', server.address)
    const client = await server.nextClient()
    await interrupt(child)
    client.write('after all')
    expect(await child.says()).toStrictEqual({ result: 'after all', signals: SIGNALS })
    await server.close()
  })

  test('recv is nothing to its caller: stopped and continued', async () => {
    const server = await netServer(LOOPBACK)
    const { child } = await waiting('recv', server.address)
    const client = await server.nextClient()
    for (let i = 0; i < SIGNALS; i++) {
      child.kill('SIGSTOP')
      await until('it is stopped', () => stateOf(child.pid) === 'T')
      child.kill('SIGCONT')
      await until('it goes on', () => stateOf(child.pid) !== 'T')
      await untilItSleeps(child)
    }
    client.write('after all')
    expect(await child.says()).toStrictEqual({ result: 'after all', signals: 0 })
    await server.close()
  })

  test('send loses no byte and repeats none', async () => {
    const server = await netServer(LOOPBACK)
    const { child } = await waiting('send', server.address)
    const client = await server.nextClient()
    client.pause()
    await interrupt(child)
    const digest = createHash('sha256')
    let lengthBytes = 0
    for await (const chunk of client) {
      digest.update(chunk as Buffer)
      lengthBytes += (chunk as Buffer).length
      if (lengthBytes < 1 << 18) child.kill('SIGUSR2')
    }
    const { result } = await child.says()
    expect(result).toStrictEqual({ lengthBytes, sha256: digest.digest('hex') })
    await server.close()
  })

  test('accept goes on waiting for a client', async () => {
    const { child, said } = await waiting('accept', LOOPBACK)
    await interrupt(child)
    const client = await netClient(said['address'] as Address)
    expect(await child.says()).toMatchObject({
      result: { port: client.localPort },
      signals: SIGNALS,
    })
    client.destroy()
  })

  test.for([
    { name: 'TCP', address: LOOPBACK },
    {
      name: 'a Unix-domain socket',
      address: { family: 'unix', path: join(folder, 'full') } as const,
    },
  ])('connect still ends connected, over $name', async ({ address }) => {
    const listener = listenOn(address, { backlog: 0 })
    // One waits in the backlog, and there is no room for a second.
    const first = socket(address.family)
    connect(first, listener.address)
    const { child } = await waiting('connect', listener.address)
    await interrupt(child)
    close(accept(listener.fd))
    const fd = await acceptedSoon(listener.fd)
    // It has sent this after connect, which it could not unless it was connected.
    expect(await received(fd, 9)).toBe('connected')
    expect(await child.says()).toStrictEqual({ result: true, signals: SIGNALS })
    for (const open of [first, fd]) close(open)
    listener.stop()
    listener.close()
  })

  test.for(['poll', 'epoll'])(
    '%s ends the wait early, with nothing ready',
    async (name, context) => {
      context.skip(
        name === 'epoll' && process.platform !== 'linux',
        'epoll(7) exists on Linux only.',
      )
      const { child } = await waiting(name, LOOPBACK)
      child.kill('SIGUSR2')
      expect(await child.says()).toStrictEqual({ result: 0, signals: 1 })
    },
  )
})

/** Runs every call once, while strace makes the first three of one kind fail. */
async function underFailure(
  call: string,
  error: string,
): Promise<{ failed: number; result: unknown }> {
  const log = join(folder, `strace-${call}-${error}`)
  const script = new URL('every-call.mjs', import.meta.url)
  const injection = `inject=${call}:error=${error}:when=1..3`
  const result = await resultOf(script, [], straced(log, `trace=${call}`, injection))
  const failed = readFileSync(log, 'latin1').split('(INJECTED)').length - 1
  return { failed, result }
}

describe('made to fail by strace(1):', () => {
  beforeEach((context) => {
    context.skip(straceMissing !== null, straceMissing ?? '')
  })

  const whole = { accepted: true, text: 'hello', echoed: 'hello', ready: 1 }

  test.each([
    ['recvfrom', 'EINTR'],
    ['sendto', 'EINTR'],
    ['accept4', 'EINTR'],
    ['accept4', 'ECONNABORTED'],
  ])('%s with %s three times is tried a fourth time', async (call, error) => {
    expect(await underFailure(call, error)).toStrictEqual({ failed: 3, result: whole })
  })

  test('a failure that is none of those is not retried', async () => {
    await expect(underFailure('recvfrom', 'ENOMEM')).rejects.toThrow(/recv ENOMEM/)
  })

  test('epoll_wait with EINTR is a wait that ended early', async () => {
    const { failed, result } = await underFailure('epoll_wait', 'EINTR')
    expect(failed).toBe(1)
    expect(result).toStrictEqual({ ...whole, ready: 0 })
  })
})
