// Each call with node:net on the other side.

import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Socket } from 'node:net'
import { join } from 'node:path'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  accept,
  AGAIN,
  close,
  connect,
  getpeername,
  getsockname,
  IoBuffer,
  listenOn,
  PollSet,
  recv,
  recvNow,
  send,
  sendAll,
  setLinger,
  setNonBlocking,
  setReceiveBufferBytes,
  setReceiveTimeoutMs,
  setSendBufferBytes,
  setSendTimeoutMs,
  shutdown,
  socket,
  socketError,
  socketpair,
  WRITABLE,
} from '../../posix/index.ts'
import { straced, straceMissing } from '../support/strace.ts'
import { resultOf } from './children.ts'
import {
  IPV6_MISSING,
  memoryOf,
  patternOf,
  received,
  untilReadable,
  untilWritable,
} from './conditions.ts'
import { netClient, netReceived, netServer, socketFolder, transportsIn } from './transports.ts'

const folder = socketFolder()

function say(fd: number, text: string): void {
  const bytes = memoryOf(text)
  sendAll(fd, bytes, 0, bytes.length)
}

describe.each(transportsIn(folder))('over $name', ({ isMissing, fresh }) => {
  test('posix listens and accepts a client of node:net', async (context) => {
    context.skip(isMissing, IPV6_MISSING)
    const listener = listenOn(fresh(), { backlog: 5 })
    const client = await netClient(listener.address)
    const fd = accept(listener.fd)

    expect(getsockname(fd)).toStrictEqual(listener.address)
    if (listener.address.family === 'unix') {
      expect(getpeername(fd)).toStrictEqual({ family: 'unix', path: '' })
    } else {
      const { family } = listener.address
      const { localAddress: host, localPort: port } = client
      expect(getpeername(fd)).toStrictEqual({ family, host, port })
    }

    client.write('from node:net')
    expect(await received(fd, 13)).toBe('from node:net')
    say(fd, 'from posix')
    expect(await netReceived(client, 10)).toBe('from posix')

    client.end()
    await untilReadable(fd)
    expect(recv(fd, new IoBuffer(1), 0, 1)).toBe(0)
    const closed = once(client, 'close')
    close(fd)
    client.resume()
    await closed
    listener.stop()
    listener.close()
  })

  test('posix connects to a server of node:net, and ends one direction after the other', async (context) => {
    context.skip(isMissing, IPV6_MISSING)
    const address = fresh()
    const server = await netServer(address)
    const fd = socket(address.family)
    expect(connect(fd, server.address)).toBe(true)
    const client = await server.nextClient()
    expect(getpeername(fd)).toStrictEqual(server.address)

    say(fd, 'a question')
    expect(await netReceived(client, 10)).toBe('a question')
    shutdown(fd, 'write')
    client.resume()
    await once(client, 'end')
    const closed = once(client, 'close')
    client.end('an answer')
    expect(await received(fd, 100)).toBe('an answer')
    close(fd)
    await closed
    await server.close()
  })

  test('a non-blocking connect is decided when the socket becomes writable', async (context) => {
    context.skip(isMissing, IPV6_MISSING)
    const address = fresh()
    const server = await netServer(address)
    const fd = socket(address.family)
    setNonBlocking(fd, true)
    const isConnected = connect(fd, server.address)
    await untilWritable(fd)
    expect(socketError(fd)).toBeNull()
    expect(getpeername(fd)).toStrictEqual(server.address)
    if (address.family === 'unix') expect(isConnected).toBe(true)
    close(fd)
    await server.close()
  })

  test('1 MiB goes through small buffers to a slow reader, part by part', async (context) => {
    context.skip(isMissing, IPV6_MISSING)
    const address = fresh()
    const server = await netServer(address)
    const fd = socket(address.family)
    setSendBufferBytes(fd, 4096)
    connect(fd, server.address)
    setNonBlocking(fd, true)
    const client = await server.nextClient()

    const bytes = patternOf(1 << 20)
    const buffer = new IoBuffer(bytes.length)
    bytes.copy(buffer.bytes)
    const sent = { bytes: 0, parts: 0, refusals: 0 }
    const writing = (async () => {
      while (sent.bytes < bytes.length) {
        const count = send(fd, buffer, sent.bytes, bytes.length - sent.bytes)
        if (count === AGAIN) {
          sent.refusals++
          await untilWritable(fd)
        } else {
          sent.parts++
          sent.bytes += count
        }
      }
      shutdown(fd, 'write')
    })()

    const chunks: Buffer[] = []
    for await (const chunk of client) {
      chunks.push(chunk as Buffer)
      await nextTurn()
    }
    await writing
    expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
    // One send could not take it all, and was told so: otherwise this would have tested nothing.
    expect(sent.parts).toBeGreaterThan(1)
    expect(sent.refusals).toBeGreaterThan(0)
    close(fd)
    await server.close()
  })
})

describe('socketpair', () => {
  test('is two connected ends without names', async () => {
    const [one, other] = socketpair()
    expect(getsockname(one)).toStrictEqual({ family: 'unix', path: '' })
    expect(getpeername(one)).toStrictEqual({ family: 'unix', path: '' })
    say(one, 'there')
    expect(await received(other, 5)).toBe('there')
    say(other, 'and back')
    expect(await received(one, 8)).toBe('and back')
    close(one)
    expect(recv(other, new IoBuffer(1), 0, 1)).toBe(0)
    close(other)
  })

  test('may have node:net at its other end', async () => {
    const [one, other] = socketpair()
    const theirs = new Socket({ fd: other, readable: true, writable: true })
    say(one, 'hello')
    expect(await netReceived(theirs, 5)).toBe('hello')
    theirs.end('goodbye')
    expect(await received(one, 100)).toBe('goodbye')
    close(one)
    theirs.resume()
    await once(theirs, 'close')
  })
})

describe('what does not wait', () => {
  test('recvNow never does, whatever the socket would do', () => {
    const [one, other] = socketpair()
    const buffer = new IoBuffer(10)
    expect(recvNow(one, buffer, 0, 10)).toBe(AGAIN)
    say(other, 'abc')
    expect(recvNow(one, buffer, 4, 6)).toBe(3)
    expect(buffer.bytes.toString('latin1', 4, 7)).toBe('abc')
    close(other)
    expect(recvNow(one, buffer, 0, 10)).toBe(0)
    close(one)
  })

  test('a non-blocking socket answers AGAIN to recv, send and accept', () => {
    const [one, other] = socketpair()
    setNonBlocking(one, true)
    const buffer = new IoBuffer(1 << 16)
    expect(recv(one, buffer, 0, 1)).toBe(AGAIN)
    let count = 0
    while (count !== AGAIN) count = send(one, buffer, 0, buffer.length)
    close(one)
    close(other)

    const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
    setNonBlocking(listener.fd, true)
    expect(accept(listener.fd)).toBe(AGAIN)
    listener.close()
  })

  test('setNonBlocking turns it on and off again, for all holders of the socket', (context) => {
    context.skip(process.platform !== 'linux', 'Only Linux shows the flags of a descriptor.')
    const O_NONBLOCK = 0o4000
    const isNonBlocking = (fd: number): boolean => {
      const flags = /flags:\s*(\d+)/.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))![1]!
      return (parseInt(flags, 8) & O_NONBLOCK) !== 0
    }
    const [one, other] = socketpair()
    expect(isNonBlocking(one)).toBe(false)
    setNonBlocking(one, true)
    expect(isNonBlocking(one)).toBe(true)
    expect(isNonBlocking(other)).toBe(false)
    setNonBlocking(one, false)
    expect(isNonBlocking(one)).toBe(false)
    close(one)
    close(other)
  })
})

describe('time-outs of a blocking socket', () => {
  // The kernel counts in ticks of up to 10 ms, and may round either way.
  const TIMEOUT_MS = 40
  const TICK_MS = 10

  test('recv and accept end with AGAIN', () => {
    const [one, other] = socketpair()
    setReceiveTimeoutMs(one, TIMEOUT_MS)
    const before = performance.now()
    expect(recv(one, new IoBuffer(1), 0, 1)).toBe(AGAIN)
    expect(performance.now() - before).toBeGreaterThan(TIMEOUT_MS - TICK_MS)
    close(one)
    close(other)

    const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
    setReceiveTimeoutMs(listener.fd, TIMEOUT_MS)
    expect(accept(listener.fd)).toBe(AGAIN)
    listener.close()
  })

  test('fractions of a microsecond are neither refused nor taken for "never"', () => {
    const [one, other] = socketpair()
    for (const ms of [1999.9996, 999.99999, 0.0004]) setReceiveTimeoutMs(one, ms)
    expect(recv(one, new IoBuffer(1), 0, 1)).toBe(AGAIN)
    close(one)
    close(other)
  })

  test('send ends with what the kernel took so far, then with AGAIN', () => {
    const [one, other] = socketpair()
    setSendBufferBytes(one, 4096)
    setSendTimeoutMs(one, TIMEOUT_MS)
    const buffer = new IoBuffer(1 << 20)
    const first = send(one, buffer, 0, buffer.length)
    expect(first).toBeGreaterThan(0)
    expect(first).toBeLessThan(buffer.length)
    expect(send(one, buffer, 0, buffer.length)).toBe(AGAIN)
    close(one)
    close(other)
  })

  test('sendAll asks after each of them whether to give up, and says how many bytes were taken', () => {
    const [one, other] = socketpair()
    setSendBufferBytes(one, 4096)
    setSendTimeoutMs(one, 10)
    const buffer = new IoBuffer(1 << 20)
    const taken: number[] = []
    const onStall = (bytes: number): void => {
      if (taken.push(bytes) === 3) throw new Error('enough')
    }
    expect(() => sendAll(one, buffer, 0, buffer.length, onStall)).toThrow('enough')
    expect(taken).toStrictEqual([expect.toSatisfy((bytes: number) => bytes > 0), 0, 0])
    close(one)
    close(other)
  })

  test('sendAll asks also when every one of them takes something', () => {
    const [one, other] = socketpair()
    setSendBufferBytes(one, 4096)
    setSendTimeoutMs(one, 10)
    const buffer = new IoBuffer(1 << 20)
    const taken: number[] = []
    // Whoever reads a little between any two of them keeps each from ending with nothing.
    const readSome = (bytes: number): void => {
      expect(recvNow(other, new IoBuffer(8192), 0, 8192)).toBeGreaterThan(0)
      if (taken.push(bytes) === 5) throw new Error('enough')
    }
    expect(() => sendAll(one, buffer, 0, buffer.length, readSome)).toThrow('enough')
    expect(taken.filter((bytes) => bytes > 0)).toHaveLength(5)
    close(one)
    close(other)
  })

  test('sendAll asks nobody when all is taken', () => {
    const [one, other] = socketpair()
    sendAll(one, new IoBuffer(100), 0, 100, () => {
      throw new Error('asked')
    })
    close(one)
    close(other)
  })

  test('sendAll goes on when the reader does', async () => {
    const [one, other] = socketpair()
    setSendBufferBytes(one, 4096)
    setSendTimeoutMs(one, 10)
    const bytes = patternOf(100_000)
    const buffer = new IoBuffer(bytes.length)
    bytes.copy(buffer.bytes)
    const arrived = new IoBuffer(bytes.length)
    let at = 0
    const readSome = (): void => {
      const count = recvNow(other, arrived, at, Math.min(8192, arrived.length - at))
      if (count !== AGAIN) at += count
    }
    sendAll(one, buffer, 0, buffer.length, readSome)
    while (at < arrived.length) readSome()
    expect(arrived.bytes.equals(bytes)).toBe(true)
    close(one)
    close(other)
  })
})

describe('shutdown', () => {
  test('of what was never connected is no failure', () => {
    const fd = socket('ipv4')
    shutdown(fd, 'both')
    close(fd)
  })

  test('leaves what had already arrived to be read', async () => {
    const [one, other] = socketpair()
    say(other, 'last words')
    shutdown(one, 'both')
    expect(await received(one, 100)).toBe('last words')
    expect(() => say(other, 'too late')).toThrow('send EPIPE')
    close(one)
    close(other)
  })

  test('"read" ends the reading only', async () => {
    const [one, other] = socketpair()
    shutdown(one, 'read')
    expect(recv(one, new IoBuffer(1), 0, 1)).toBe(0)
    say(one, 'still here')
    expect(await received(other, 10)).toBe('still here')
    close(one)
    close(other)
  })
})

/** How many bytes the kernel takes between two sockets with such buffers. */
function takenWith(bufferBytes: number): number {
  const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
  // Accepted sockets have the size of their listener: it must be known when a connection opens.
  setReceiveBufferBytes(listener.fd, bufferBytes)
  const sender = socket('ipv4')
  setSendBufferBytes(sender, bufferBytes)
  connect(sender, listener.address)
  const reader = accept(listener.fd)
  setNonBlocking(sender, true)
  const piece = new IoBuffer(1024)
  const writable = new PollSet(1)
  let takenBytes = 0
  // Full is when there has been no room for a while: bytes still move from one buffer to the other.
  do {
    const count = send(sender, piece, 0, piece.length)
    if (count !== AGAIN) takenBytes += count
    writable.set(0, sender, WRITABLE)
  } while (writable.poll(1, 50) > 0)
  close(sender)
  close(reader)
  listener.close()
  return takenBytes
}

describe('socket options', () => {
  test('setLinger 0 resets the connection at close', async () => {
    const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
    const client = await netClient(listener.address)
    const fd = accept(listener.fd)
    setLinger(fd, 0)
    const failed = once(client, 'error') as Promise<NodeJS.ErrnoException[]>
    client.resume()
    close(fd)
    expect((await failed)[0]).toMatchObject({ code: 'ECONNRESET', syscall: 'read' })
    listener.close()
  })

  test('setLinger null is the default: an orderly end', async () => {
    const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 1 })
    const client = await netClient(listener.address)
    const fd = accept(listener.fd)
    setLinger(fd, 0)
    setLinger(fd, null)
    client.resume()
    close(fd)
    await once(client, 'end')
    client.destroy()
    listener.close()
  })

  test('reach the kernel as they were meant', async (context) => {
    context.skip(straceMissing !== null, straceMissing ?? '')
    const log = join(folder, 'options')
    const script = new URL('options.mjs', import.meta.url)
    await resultOf(script, [], straced(log, 'trace=setsockopt'))
    // Structures that strace does not decode are left out: the time-outs, tested above.
    const calls = readFileSync(log, 'latin1').matchAll(
      /setsockopt\(\d+, \w+, (\w+), ([[{].*), \d+\) = (0|-1 \w+)/g,
    )
    expect(Array.from(calls, ([, ...call]) => call.join(' '))).toStrictEqual([
      'TCP_NODELAY [1] 0',
      'TCP_NODELAY [0] 0',
      // A Unix-domain socket knows nothing of it, and nobody minds.
      'TCP_NODELAY [1] -1 EOPNOTSUPP',
      'SO_REUSEADDR [1] 0',
      'SO_SNDBUF [5000] 0',
      'SO_RCVBUF [6000] 0',
      'SO_LINGER {l_onoff=1, l_linger=7} 0',
      'SO_LINGER {l_onoff=1, l_linger=0} 0',
      'SO_LINGER {l_onoff=0, l_linger=0} 0',
      // What listenOn does by itself, so that a restart finds its port free.
      'SO_REUSEADDR [1] 0',
    ])
  })

  test('the buffer sizes bound what the kernel takes for a reader that does not read', () => {
    const small = takenWith(4096)
    const large = takenWith(65_536)
    expect(small).toBeGreaterThan(0)
    expect(large).toBeGreaterThan(4 * small)
  })
})

describe('IoBuffer', () => {
  test('is the memory that calls read and write', async () => {
    const [one, other] = socketpair()
    const buffer = memoryOf('0123456789')
    expect(send(one, buffer, 3, 4)).toBe(4)
    expect(recv(other, buffer, 6, 4)).toBe(4)
    expect(buffer.bytes.toString('latin1')).toBe('0123453456')
    close(one)
    close(other)
  })

  test('may be empty', () => {
    const [one, other] = socketpair()
    expect(send(one, new IoBuffer(0), 0, 0)).toBe(0)
    close(one)
    close(other)
  })

  test('starts as zeros, each at an address of its own', () => {
    const [one, other] = [new IoBuffer(64), new IoBuffer(64)]
    expect(one.bytes.every((byte) => byte === 0)).toBe(true)
    expect(one.length).toBe(64)
    expect(Number.isSafeInteger(one.address)).toBe(true)
    expect(Math.abs(one.address - other.address)).toBeGreaterThanOrEqual(64)
  })

  test.each([
    [0, 11],
    [10, 1],
    [11, 0],
    [5, 6],
    [-1, 5],
    [0, -1],
    [5, -5],
    [NaN, 1],
    [0, NaN],
    [0, Infinity],
    [Infinity, 0],
    [Infinity, -Infinity],
  ])('of 10 bytes has no part that begins at %d with %d bytes', (offset, length) => {
    const [one, other] = socketpair()
    const buffer = new IoBuffer(10)
    say(other, 'something to read')
    expect(() => recv(one, buffer, offset, length)).toThrow(RangeError)
    expect(() => recvNow(one, buffer, offset, length)).toThrow(RangeError)
    expect(() => send(one, buffer, offset, length)).toThrow(RangeError)
    expect(buffer.bytes.every((byte) => byte === 0)).toBe(true)
    expect(recvNow(other, buffer, 0, 10)).toBe(AGAIN)
    close(one)
    close(other)
  })

  test.each([
    [0, 10],
    [9, 1],
    [10, 0],
    [0, 0],
  ])('of 10 bytes has a part that begins at %d with %d bytes', (offset, length) => {
    const [one, other] = socketpair()
    expect(send(one, new IoBuffer(10), offset, length)).toBe(length)
    close(one)
    close(other)
  })
})
