// One suite over both selectors: whatever a model does with one of them it may do with the other.

import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  accept,
  AGAIN,
  close,
  connect,
  EpollSelector,
  getsockname,
  HANGUP,
  IoBuffer,
  listenOn,
  openFilesMax,
  openSelector,
  PollSelector,
  PollSet,
  READABLE,
  recvNow,
  type Selector,
  send,
  sendAll,
  setLinger,
  setNonBlocking,
  shutdown,
  socket,
  socketError,
  socketpair,
  bind,
  WRITABLE,
} from '../../posix/index.ts'
import { BlockingThread } from './blocking-thread.ts'
import { resultOf } from './children.ts'
import { memoryOf, received, seesSystemCalls, SYSTEM_CALLS_UNSEEN } from './conditions.ts'
import { netClient } from './transports.ts'

const LOOPBACK = { family: 'ipv4', host: '127.0.0.1', port: 0 } as const
const EPOLL_MISSING = 'epoll(7) exists on Linux only.'
const hasEpoll = process.platform === 'linux'

const selectors = [
  { name: 'PollSelector', open: (): Selector => new PollSelector(), isMissing: false },
  { name: 'EpollSelector', open: (): Selector => new EpollSelector(), isMissing: !hasEpoll },
]

function say(fd: number, text: string): void {
  const bytes = memoryOf(text)
  sendAll(fd, bytes, 0, bytes.length)
}

/** Descriptors and their events, as `ready` below reports them. */
function entries(...of: [number, number][]): Map<number, number> {
  return new Map(of)
}

describe.each(selectors)('$name', ({ open, isMissing }) => {
  let selector: Selector
  let opened: number[] = []

  beforeEach((context) => {
    context.skip(isMissing, EPOLL_MISSING)
    selector = open()
  })
  afterEach(() => {
    if (isMissing) return
    selector.close()
    opened.forEach((fd) => close(fd))
    opened = []
  })

  /** Two connected sockets that are closed after the test. */
  const pair = (): [number, number] => {
    const ends = socketpair()
    opened.push(...ends)
    return ends
  }
  const own = (fd: number): number => {
    opened.push(fd)
    return fd
  }
  /** Closes one before its time. */
  const closeNow = (fd: number): void => {
    opened = opened.filter((other) => other !== fd)
    close(fd)
  }
  /** What one wait reports: descriptor to events. */
  const ready = (timeoutMs = 0): Map<number, number> => {
    const count = selector.wait(timeoutMs)
    const found = new Map<number, number>()
    for (let i = 0; i < count; i++) found.set(selector.fd(i), selector.events(i))
    expect(found.size).toBe(count)
    return found
  }
  test('reports what can be read, for as long as it can', () => {
    const [one, other] = pair()
    selector.register(one, READABLE)
    expect(ready()).toStrictEqual(entries())
    say(other, 'ab')
    expect(ready()).toStrictEqual(entries([one, READABLE]))
    recvNow(one, new IoBuffer(1), 0, 1)
    expect(ready()).toStrictEqual(entries([one, READABLE]))
    recvNow(one, new IoBuffer(1), 0, 1)
    expect(ready()).toStrictEqual(entries())
  })

  test('reports what was there before it was registered', () => {
    const [one, other] = pair()
    say(other, 'a')
    selector.register(one, READABLE | WRITABLE)
    expect(ready()).toStrictEqual(entries([one, READABLE | WRITABLE]))
  })

  test('reports room to write only while there is some', async () => {
    const [one, other] = pair()
    setNonBlocking(one, true)
    selector.register(one, WRITABLE)
    expect(ready()).toStrictEqual(entries([one, WRITABLE]))
    const piece = new IoBuffer(4096)
    let sentBytes = 0
    for (let count = 0; count !== AGAIN; count = send(one, piece, 0, piece.length)) {
      sentBytes += count
    }
    expect(ready()).toStrictEqual(entries())
    await received(other, sentBytes)
    expect(ready()).toStrictEqual(entries([one, WRITABLE]))
  })

  test('reports only what was asked for', () => {
    const [one, other] = pair()
    say(other, 'a')
    selector.register(one, WRITABLE)
    expect(ready()).toStrictEqual(entries([one, WRITABLE]))
    selector.modify(one, READABLE)
    expect(ready()).toStrictEqual(entries([one, READABLE]))
    selector.modify(one, 0)
    expect(ready()).toStrictEqual(entries())
    selector.modify(one, READABLE | WRITABLE)
    expect(ready()).toStrictEqual(entries([one, READABLE | WRITABLE]))
  })

  test('refuses a descriptor that is registered already', () => {
    const [one] = pair()
    selector.register(one, READABLE)
    const again = (): void => selector.register(one, WRITABLE)
    expect(again).toThrow(expect.objectContaining({ code: 'EEXIST' }))
    expect(ready()).toStrictEqual(entries())
  })

  test('knows nothing of a descriptor that is not registered, or not any more', () => {
    const [one] = pair()
    const unknown = expect.objectContaining({ code: 'ENOENT' })
    expect(() => selector.modify(one, READABLE)).toThrow(unknown)
    expect(() => selector.unregister(one)).toThrow(unknown)
    selector.register(one, READABLE)
    selector.unregister(one)
    expect(() => selector.modify(one, READABLE)).toThrow(unknown)
    expect(() => selector.unregister(one)).toThrow(unknown)
    selector.register(one, WRITABLE)
    expect(ready()).toStrictEqual(entries([one, WRITABLE]))
  })

  test('forgets what is unregistered, and nothing else', () => {
    const pairs = Array.from({ length: 5 }, pair)
    for (const [one, other] of pairs) {
      say(other, 'a')
      selector.register(one, READABLE)
    }
    const left = new Set(pairs.map(([one]) => one))
    for (const i of [2, 0, 4, 1, 3]) {
      const [one] = pairs[i]!
      selector.unregister(one)
      left.delete(one)
      expect(new Set(ready().keys())).toStrictEqual(left)
    }
  })

  test('reports the end of the stream as something to read', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    const client = await netClient(listener.address)
    const fd = own(accept(listener.fd))
    selector.register(fd, READABLE)
    client.end()
    expect(await turnsUntilReady()).toStrictEqual(entries([fd, READABLE]))
    expect(recvNow(fd, new IoBuffer(1), 0, 1)).toBe(0)
    // The other direction is still open. When it is ended too, the connection is over: a hangup.
    shutdown(fd, 'write')
    expect(ready()).toStrictEqual(entries([fd, READABLE | HANGUP]))
    client.destroy()
    listener.close()
  })

  test('reports a hangup when the peer is gone, even to those who ask for nothing', () => {
    const [one, other] = pair()
    selector.register(one, 0)
    expect(ready()).toStrictEqual(entries())
    closeNow(other)
    expect(ready()).toStrictEqual(entries([one, READABLE | HANGUP]))
    expect(recvNow(one, new IoBuffer(1), 0, 1)).toBe(0)
  })

  test('reports a reset, which the next recv throws', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    const fd = own(socket('ipv4'))
    connect(fd, listener.address)
    const peer = accept(listener.fd)
    selector.register(fd, READABLE)
    setLinger(peer, 0)
    close(peer)
    const found = await turnsUntilReady()
    expect(found).toStrictEqual(entries([fd, READABLE | HANGUP]))
    expect(() => recvNow(fd, new IoBuffer(1), 0, 1)).toThrow('recv ECONNRESET')
    listener.close()
  })

  test('reports a connection to accept', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    selector.register(listener.fd, READABLE)
    expect(ready()).toStrictEqual(entries())
    const client = await netClient(listener.address)
    expect(ready()).toStrictEqual(entries([listener.fd, READABLE]))
    own(accept(listener.fd))
    expect(ready()).toStrictEqual(entries())
    client.destroy()
    selector.unregister(listener.fd)
    listener.close()
  })

  test('reports how a connect was decided', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    const fd = own(socket('ipv4'))
    setNonBlocking(fd, true)
    connect(fd, listener.address)
    selector.register(fd, WRITABLE)
    expect(await turnsUntilReady()).toStrictEqual(entries([fd, WRITABLE]))
    expect(socketError(fd)).toBeNull()
    selector.unregister(fd)

    // Bound, but nobody listens: the port is taken, and refuses.
    const silent = own(socket('ipv4'))
    bind(silent, LOOPBACK)
    const refused = own(socket('ipv4'))
    setNonBlocking(refused, true)
    connect(refused, getsockname(silent))
    selector.register(refused, WRITABLE)
    const found = await turnsUntilReady()
    expect(found.get(refused)! & (WRITABLE | HANGUP)).toBe(WRITABLE | HANGUP)
    expect(socketError(refused)).toMatchObject({ code: 'ECONNREFUSED', syscall: 'connect' })
    expect(socketError(refused)).toBeNull()
    listener.close()
  })

  test('waits not at all, or until the time-out ends', () => {
    const [one] = pair()
    selector.register(one, READABLE)
    expect(selector.wait(0)).toBe(0)
    const before = performance.now()
    expect(selector.wait(50)).toBe(0)
    // The kernel's milliseconds and ours are not cut at the same places.
    expect(performance.now() - before).toBeGreaterThan(48)
  })

  // None of them says how late it may be: that is the machine's affair.
  test.each([0, 50, 100, 250, 500, 900, 1500])('waits %i µs, and no less', (us) => {
    const [one] = pair()
    selector.register(one, READABLE)
    for (let i = 0; i < 20; i++) {
      const beforeMs = performance.now()
      expect(selector.waitNs(us * 1000)).toBe(0)
      expect(performance.now() - beforeMs).toBeGreaterThanOrEqual(us / 1000)
    }
  })

  test('waits for nanoseconds no longer than until something is ready', () => {
    const [one, other] = pair()
    selector.register(one, READABLE)
    say(other, 'a')
    expect(selector.waitNs(60e9)).toBe(1)
    expect([selector.fd(0), selector.events(0)]).toStrictEqual([one, READABLE])
    expect(selector.waitNs(0)).toBe(1)
  })

  test('waits no longer than until something is ready', () => {
    const [one, other] = pair()
    selector.register(one, READABLE)
    say(other, 'a')
    expect(selector.wait(60_000)).toBe(1)
    expect(selector.wait(-1)).toBe(1)
  })

  test('waits with nothing registered', () => {
    expect(selector.wait(0)).toBe(0)
    expect(selector.wait(1)).toBe(0)
  })

  test('keeps its list for the turn, whatever is unregistered during it', () => {
    const pairs = Array.from({ length: 6 }, pair)
    for (const [one, other] of pairs) {
      say(other, 'a')
      selector.register(one, READABLE)
    }
    const seen: number[] = []
    const count = selector.wait(0)
    for (let i = 0; i < count; i++) {
      const fd = selector.fd(i)
      expect(selector.events(i)).toBe(READABLE)
      seen.push(fd)
      selector.unregister(fd)
      closeNow(fd)
    }
    expect(seen.toSorted((a, b) => a - b)).toStrictEqual(
      pairs.map(([one]) => one).toSorted((a, b) => a - b),
    )
    expect(ready()).toStrictEqual(entries())
  })

  test('keeps its list for the turn, whatever is registered during it', () => {
    const first = Array.from({ length: 3 }, pair)
    for (const [one, other] of first) {
      say(other, 'a')
      selector.register(one, READABLE)
    }
    const count = selector.wait(0)
    const late: number[] = []
    for (let i = 0; i < count; i++) {
      // Many enough to make a list grow.
      for (let k = 0; k < 30; k++) {
        const [one] = pair()
        selector.register(one, WRITABLE)
        late.push(one)
      }
      expect(first.map(([one]) => one)).toContain(selector.fd(i))
      expect(selector.events(i)).toBe(READABLE)
    }
    expect(count).toBe(3)
    expect(new Set(ready().keys())).toStrictEqual(new Set([...first.map(([one]) => one), ...late]))
  })

  test('does not confuse a descriptor with the one that had its number before', () => {
    const [one, other] = pair()
    say(other, 'a')
    selector.register(one, READABLE)
    selector.unregister(one)
    closeNow(one)
    const [again] = pair()
    selector.register(again, READABLE)
    expect(ready()).toStrictEqual(entries())
  })

  test('finds the few that are ready among 2,000 descriptors, and all of them when all are', (context) => {
    context.skip(
      openFilesMax() < 4200,
      `Needs 4,000 open files, and this process may have ${openFilesMax()}.`,
    )
    const pairs = Array.from({ length: 2000 }, pair)
    for (const [one] of pairs) selector.register(one, READABLE)
    expect(ready()).toStrictEqual(entries())

    const few = [0, 1, 63, 64, 65, 1023, 1024, 1500, 1999].map((i) => pairs[i]!)
    for (const [, other] of few) say(other, 'a')
    expect(ready()).toStrictEqual(new Map(few.map(([one]) => [one, READABLE])))
    for (const [one] of few) recvNow(one, new IoBuffer(1), 0, 1)

    for (const [, other] of pairs) say(other, 'a')
    const buffer = new IoBuffer(1)
    const seen = new Set<number>()
    let waits = 0
    for (let found = ready(); found.size > 0 && waits < 10; found = ready()) {
      waits++
      for (const fd of found.keys()) {
        expect(recvNow(fd, buffer, 0, 1)).toBe(1)
        seen.add(fd)
      }
    }
    expect(seen).toStrictEqual(new Set(pairs.map(([one]) => one)))
    expect(waits).toBeLessThan(10)

    for (const [i, [one]] of pairs.entries()) if (i % 2) selector.unregister(one)
    for (const [, other] of pairs) say(other, 'b')
    const even = new Set<number>()
    for (let turn = 0; turn < 10; turn++) {
      for (const fd of ready().keys()) if (recvNow(fd, buffer, 0, 1) === 1) even.add(fd)
    }
    expect(even).toStrictEqual(new Set(pairs.filter((_, i) => i % 2 === 0).map(([one]) => one)))
  })

  test('serves no one too late: more than one call returns are all reported in turn', (context) => {
    context.skip(
      openFilesMax() < 4200,
      `Needs 4,000 open files, and this process may have ${openFilesMax()}.`,
    )
    const pairs = Array.from({ length: 2000 }, pair)
    for (const [one, other] of pairs) {
      selector.register(one, READABLE)
      say(other, 'a')
    }
    // Nobody reads, so all of them stay ready. Still the same ones must not come first for ever.
    const seen = new Set<number>()
    for (let turn = 0; turn < 4; turn++) for (const fd of ready().keys()) seen.add(fd)
    expect(seen.size).toBe(2000)
  })

  /** Turns the event loop, for node:net's or the kernel's sake, until something is ready. */
  async function turnsUntilReady(): Promise<Map<number, number>> {
    for (let turn = 0; turn < 1000; turn++) {
      const found = ready(5)
      if (found.size > 0) return found
      await new Promise((resolve) => setImmediate(resolve))
    }
    throw new Error('Nothing became ready')
  }
})

test('openSelector opens the better one that there is', () => {
  const selector = openSelector()
  expect(selector.name).toBe(hasEpoll ? 'epoll' : 'poll')
  selector.close()
})

// More than any process has, so nobody else in this one can have opened it meanwhile.
const NOT_OPEN = 0x3fff_ffff

describe('a descriptor that is not open', () => {
  test('is reported by poll as broken, not passed over in a loop that never waits', () => {
    const selector = new PollSelector()
    selector.register(NOT_OPEN, READABLE)
    expect(selector.wait(-1)).toBe(1)
    expect(selector.fd(0)).toBe(NOT_OPEN)
    expect(selector.events(0)).toBe(READABLE | HANGUP)
    expect(() => recvNow(NOT_OPEN, new IoBuffer(1), 0, 1)).toThrow('recv EBADF')
    selector.close()
  })

  test('is refused by epoll', (context) => {
    context.skip(!hasEpoll, EPOLL_MISSING)
    const selector = new EpollSelector()
    expect(() => selector.register(NOT_OPEN, READABLE)).toThrow('epoll_ctl EBADF')
    selector.close()
  })
})

describe('PollSet', () => {
  test('has slots in the order of its owner, and passes over -1', () => {
    const [one, other] = socketpair()
    const set = new PollSet(3)
    expect(set.capacity).toBe(3)
    set.set(0, -1, READABLE)
    set.set(1, one, READABLE)
    set.set(2, other, READABLE | WRITABLE)
    expect(set.poll(3, 0)).toBe(1)
    expect([0, 1, 2].map((i) => set.events(i))).toStrictEqual([0, 0, WRITABLE])
    const bytes = memoryOf('a')
    send(other, bytes, 0, 1)
    expect(set.poll(3, 0)).toBe(2)
    expect([0, 1, 2].map((i) => set.events(i))).toStrictEqual([0, READABLE, WRITABLE])
    expect(set.poll(2, 0)).toBe(1)
    expect([0, 1, 2].map((i) => set.fd(i))).toStrictEqual([-1, one, other])
    expect(set.interest(2)).toBe(READABLE | WRITABLE)
    close(one)
    close(other)
  })

  test('pollAsync leaves the event loop turning, and ends when something is ready', async () => {
    const [one, other] = socketpair()
    const set = new PollSet(1)
    set.set(0, one, READABLE)
    expect(await set.pollAsync(1, 10)).toBe(0)

    const waiting = set.pollAsync(1, -1)
    const turns = await new Promise((resolve) => {
      let count = 0
      const turn = setInterval(() => {
        if (++count < 3) return
        clearInterval(turn)
        resolve(count)
      })
    })
    expect(turns).toBe(3)
    const bytes = memoryOf('a')
    send(other, bytes, 0, 1)
    expect(await waiting).toBe(1)
    expect(set.events(0)).toBe(READABLE)
    close(one)
    close(other)
  })

  test('keeps the memory of a pollAsync that nobody else keeps, and gives it up afterwards', async () => {
    const { setBytes, whileWaitingBytes, afterwardsBytes } = (await resultOf(
      new URL('forgotten-poll.mjs', import.meta.url),
    )) as Record<string, number>
    expect(whileWaitingBytes).toBeGreaterThanOrEqual(setBytes!)
    expect(afterwardsBytes).toBeLessThan(setBytes!)
  })

  test('wakes a thread that waits in poll when the socket is shut down', async (context) => {
    context.skip(!seesSystemCalls, SYSTEM_CALLS_UNSEEN)
    const [one, other] = socketpair()
    const thread = await BlockingThread.start()
    const events = thread.call('poll', one, 30_011)
    await thread.untilBlockedWith(2, 30_011)
    shutdown(one, 'both')
    expect(await events).toBe(READABLE | HANGUP)
    await thread.end()
    close(one)
    close(other)
  })
})

test('node:net is told of the end when the selector is done with its client', async (context) => {
  context.skip(!hasEpoll, EPOLL_MISSING)
  // An epoll set does not own its descriptors, and must not keep one of them open.
  const listener = listenOn(LOOPBACK, { backlog: 1 })
  const client = await netClient(listener.address)
  const fd = accept(listener.fd)
  const selector = new EpollSelector()
  selector.register(fd, READABLE)
  const ended = once(client, 'end')
  client.resume()
  close(fd)
  await ended
  client.destroy()
  selector.close()
  listener.close()
})
