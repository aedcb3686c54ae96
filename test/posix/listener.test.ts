import { once } from 'node:events'
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import {
  accept,
  type Address,
  bind,
  close,
  connect,
  formatAddress,
  getpeername,
  IoBuffer,
  type Listener,
  listenOn,
  openSelector,
  READABLE,
  recv,
  sendAll,
  setLinger,
  setNonBlocking,
  shutdown,
  socket,
  type UnixAddress,
} from '../../posix/index.ts'
import { straced, straceMissing } from '../support/strace.ts'
import { BlockingThread } from './blocking-thread.ts'
import { resultOf } from './children.ts'
import {
  IPV6_MISSING,
  memoryOf,
  received,
  seesSystemCalls,
  SYSTEM_CALLS_UNSEEN,
  until,
  untilReadable,
} from './conditions.ts'
import { netClient, netReceived, netServer, socketFolder, transportsIn } from './transports.ts'

vi.setConfig({ testTimeout: 20_000 })

const LOOPBACK = { family: 'ipv4', host: '127.0.0.1', port: 0 } as const
const folder = socketFolder()

/** A connection that is made without the event loop, for what waits in the backlog. */
function connected(address: Address): number {
  const fd = socket(address.family)
  connect(fd, address)
  return fd
}

describe.each(transportsIn(folder))('iterating over a listener, $name', ({ isMissing, fresh }) => {
  test('yields clients that block, and ends when it is stopped', async (context) => {
    context.skip(isMissing, IPV6_MISSING)
    const listener = listenOn(fresh(), { backlog: 5 })
    const served: string[] = []
    const serving = (async () => {
      for await (const client of listener) {
        served.push(await received(client, 5))
        const bytes = memoryOf('hello')
        sendAll(client, bytes, 0, 5)
        close(client)
      }
    })()
    for (const name of ['one  ', 'two  ', 'three']) {
      const client = await netClient(listener.address)
      client.write(name)
      expect(await netReceived(client, 5)).toBe('hello')
      client.destroy()
    }
    listener.stop()
    await serving
    expect(served).toStrictEqual(['one  ', 'two  ', 'three'])
    const late = socket(listener.address.family)
    expect(() => connect(late, listener.address)).toThrow(/ECONNREFUSED|ENOENT/)
    close(late)
    listener.close()
  })

  test('yields who was waiting already', async (context) => {
    context.skip(isMissing, IPV6_MISSING)
    const listener = listenOn(fresh(), { backlog: 5 })
    const waiting = [connected(listener.address), connected(listener.address)]
    const clients: number[] = []
    for await (const client of listener) {
      clients.push(client)
      if (clients.length === 2) listener.stop()
    }
    expect(clients).toHaveLength(2)
    for (const fd of [...waiting, ...clients]) close(fd)
    listener.close()
  })
})

function isNonBlocking(fd: number): boolean {
  const info = readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')
  return (parseInt(/flags:\s*(\d+)/.exec(info)?.[1] ?? '', 8) & 0o4000) !== 0
}

describe('iterating over a listener', () => {
  test('yields blocking sockets, though the listener itself does not block', async (context) => {
    context.skip(process.platform !== 'linux', 'Only Linux shows the flags of a descriptor.')
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    const peer = connected(listener.address)
    for await (const client of listener) {
      expect(isNonBlocking(client)).toBe(false)
      expect(isNonBlocking(listener.fd)).toBe(true)
      close(client)
      listener.stop()
    }
    close(peer)
    listener.close()
  })

  test('ends at once when it was stopped before', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    listener.stop()
    listener.stop()
    expect(await clientsOf(listener)).toStrictEqual([])
    listener.close()
  })

  test('may be left, and begun again', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 5 })
    const peers = [connected(listener.address), connected(listener.address)]
    const clients: number[] = []
    for (let round = 0; round < 2; round++) {
      for await (const client of listener) {
        clients.push(client)
        break
      }
    }
    expect(clients).toHaveLength(2)
    for (const fd of [...peers, ...clients]) close(fd)
    listener.stop()
    listener.close()
  })

  test('lets the event loop turn while nobody comes', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    const serving = clientsOf(listener)
    let turns = 0
    const turning = setInterval(() => turns++)
    await until('the event loop turns', () => turns >= 10)
    clearInterval(turning)
    listener.stop()
    expect(await serving).toStrictEqual([])
    listener.close()
  })

  test('survives clients that connect and reset at once', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 300 })
    let failures = 0
    const answer = memoryOf('served')
    const serving = (async () => {
      for await (const client of listener) {
        await untilReadable(client)
        try {
          if (recv(client, new IoBuffer(5), 0, 5) > 0) sendAll(client, answer, 0, answer.length)
        } catch {
          failures++
        }
        close(client)
      }
    })()
    const RESETS = 200
    for (let i = 0; i < RESETS; i++) {
      const fd = connected(listener.address)
      setLinger(fd, 0)
      close(fd)
    }
    const client = await netClient(listener.address)
    client.write('alive')
    expect(await netReceived(client, 6)).toBe('served')
    expect(failures).toBe(RESETS)
    client.destroy()
    listener.stop()
    await serving
    listener.close()
  })

  test('throws what accept throws', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    // Stopped by somebody else: not the end that was asked for.
    shutdown(listener.fd, 'both')
    await expect(clientsOf(listener)).rejects.toMatchObject({ code: 'EINVAL', syscall: 'accept' })
    listener.close()
  })
})

async function clientsOf(listener: Listener): Promise<number[]> {
  const clients: number[] = []
  for await (const client of listener) clients.push(client)
  return clients
}

describe('stop', () => {
  test.for(transportsIn(folder))(
    'wakes a thread that is blocked in accept on it, over $name',
    async ({ isMissing, fresh }, context) => {
      context.skip(isMissing, IPV6_MISSING)
      context.skip(!seesSystemCalls, SYSTEM_CALLS_UNSEEN)
      const listener = listenOn(fresh(), { backlog: 1 })
      const thread = await BlockingThread.start()
      const accepting = thread.call('accept', listener.fd)
      await thread.untilBlockedOn(listener.fd)
      listener.stop()
      await expect(accepting).rejects.toMatchObject({ code: 'EINVAL', syscall: 'accept' })
      await thread.end()
      listener.close()
    },
  )

  test('resets those who wait in the backlog of a TCP listener', async (context) => {
    context.skip(process.platform !== 'linux', 'Other systems reset them at close.')
    const listener = listenOn(LOOPBACK, { backlog: 5 })
    const fd = connected(listener.address)
    listener.stop()
    expect(() => recv(fd, new IoBuffer(1), 0, 1)).toThrow('recv ECONNRESET')
    close(fd)
    listener.close()
  })

  test('leaves the clients that were accepted alone', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 5 })
    const client = await netClient(listener.address)
    const fd = accept(listener.fd)
    listener.stop()
    listener.close()
    client.write('still')
    expect(await received(fd, 5)).toBe('still')
    close(fd)
    client.destroy()
  })
})

describe('listening on TCP', () => {
  test('chooses a port for port 0, and says which', () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    expect(listener.address).toMatchObject({ family: 'ipv4', host: '127.0.0.1' })
    expect(listener.address).toHaveProperty(
      'port',
      expect.toSatisfy((port: number) => port > 0),
    )
    const fd = connected(listener.address)
    expect(getpeername(fd)).toStrictEqual(listener.address)
    close(fd)
    listener.close()
  })

  test('keeps a port for itself: node:net gets EADDRINUSE', async () => {
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    await expect(netServer(listener.address)).rejects.toMatchObject({ code: 'EADDRINUSE' })
    listener.close()
  })

  test('takes a port again whose old connections are not quite over', async () => {
    const first = listenOn(LOOPBACK, { backlog: 1 })
    const client = await netClient(first.address)
    const fd = accept(first.fd)
    // Who ends a connection first keeps its port in TIME_WAIT for a minute.
    close(fd)
    client.resume()
    client.end()
    await once(client, 'close')
    first.stop()
    first.close()
    const second = listenOn(first.address, { backlog: 1 })
    expect(second.address).toStrictEqual(first.address)
    second.close()
  })

  test('takes IPv6 only: an IPv4 address in disguise is refused', (context) => {
    context.skip(transportsIn(folder)[1]!.isMissing, IPV6_MISSING)
    const mapped = { family: 'ipv6', host: '::ffff:127.0.0.1', port: 0 } as const
    expect(() => listenOn(mapped, { backlog: 1 })).toThrow('bind EINVAL ::ffff:127.0.0.1:0')
  })
})

/** The error that says so. */
function taken({ path }: UnixAddress): unknown {
  return expect.objectContaining({ code: 'EADDRINUSE', syscall: 'bind', address: path })
}

/** A path of exactly that many bytes in the folder. */
function pathOf(lengthBytes: number, end = ''): string {
  const others = Buffer.byteLength(`${folder}/${end}`)
  return `${folder}/${'a'.repeat(lengthBytes - others)}${end}`
}

describe('listening on a Unix-domain socket', () => {
  let files = 0
  const fresh = (): UnixAddress => ({ family: 'unix', path: join(folder, `u${files++}`) })

  test('makes a file for its owner only, and removes it when it stops', async () => {
    const address = fresh()
    const listener = listenOn(address, { backlog: 1 })
    expect(listener.address).toStrictEqual(address)
    const file = statSync(address.path)
    expect(file.isSocket()).toBe(true)
    expect(file.mode & 0o777).toBe(0o600)
    ;(await netClient(address)).destroy()
    listener.stop()
    expect(existsSync(address.path)).toBe(false)
    listener.close()
  })

  test('does not mind when somebody else has removed the file', () => {
    const listener = listenOn(fresh(), { backlog: 1 })
    rmSync((listener.address as UnixAddress).path)
    listener.stop()
    listener.close()
  })

  test('stops all the same when the file cannot be removed, and says why', async () => {
    const address = fresh()
    const listener = listenOn(address, { backlog: 1 })
    expect(listener.fileLeft).toBeNull()
    rmSync(address.path)
    mkdirSync(address.path) // A folder: unlink(2) refuses it, whoever asks.
    listener.stop()
    expect(await clientsOf(listener)).toStrictEqual([])
    expect(listener.fileLeft).toMatchObject({
      code: expect.stringMatching(/EISDIR|EPERM/) as string,
      syscall: 'unlink',
    })
    listener.close()
  })

  test.for([
    ['fchmodat,chmod', 'EPERM', 'chmod'],
    ['listen', 'EADDRINUSE', 'listen'],
  ] as const)('removes its file when %s fails with %s', async ([calls, code, syscall], context) => {
    context.skip(straceMissing !== null, straceMissing ?? '')
    const address = fresh()
    const script = new URL('listen.mjs', import.meta.url)
    const injection = `inject=${calls}:error=${code}`
    const before = straced(join(folder, 'strace'), `trace=${calls}`, injection)
    expect(await resultOf(script, [formatAddress(address)], before)).toMatchObject({
      code,
      syscall,
    })
    expect(existsSync(address.path)).toBe(false)
  })

  test('removes its file once, not the file of its successor', async () => {
    const address = fresh()
    const first = listenOn(address, { backlog: 1 })
    first.stop()
    const second = listenOn(address, { backlog: 1 })
    first.stop()
    ;(await netClient(address)).destroy()
    first.close()
    second.stop()
    second.close()
  })

  test('replaces the file of a server that is dead', async () => {
    const address = fresh()
    const dead = socket('unix')
    bind(dead, address)
    close(dead)
    expect(lstatSync(address.path).isSocket()).toBe(true)
    const listener = listenOn(address, { backlog: 1 })
    const client = await netClient(address)
    client.write('hello')
    const fd = accept(listener.fd)
    expect(await received(fd, 5)).toBe('hello')
    client.destroy()
    close(fd)
    listener.stop()
    listener.close()
  })

  test('refuses the file of a server that lives, which goes on answering', async () => {
    const address = fresh()
    const server = await netServer(address)
    expect(() => listenOn(address, { backlog: 1 })).toThrow(taken(address))
    const client = await netClient(address)
    client.write('alive?')
    // The first connection was our own look whether somebody answers.
    await server.nextClient()
    expect(await netReceived(await server.nextClient(), 6)).toBe('alive?')
    client.destroy()
    await server.close()
  })

  test('refuses the file of a server that lives and is too busy to accept', async () => {
    const address = fresh()
    const busy = listenOn(address, { backlog: 1 })
    const waiting = filledBacklog(address)
    // To ask whether somebody answers must not mean to wait until somebody has time.
    expect(
      await resultOf(new URL('listen.mjs', import.meta.url), [formatAddress(address)]),
    ).toStrictEqual({
      code: 'EADDRINUSE',
      syscall: 'bind',
      address: address.path,
    })
    expect(lstatSync(address.path).isSocket()).toBe(true)
    for (const fd of waiting) close(fd)
    busy.stop()
    busy.close()
  })

  test('refuses what is not a socket, and leaves it as it is', () => {
    const file = fresh()
    writeFileSync(file.path, 'precious')
    const before = statSync(file.path)
    expect(() => listenOn(file, { backlog: 1 })).toThrow(taken(file))
    expect(() => listenOn(file, { backlog: 1 })).toThrow(
      `unix:${file.path} is a file that is not a socket; it was left as it is.`,
    )
    expect(readFileSync(file.path, 'utf8')).toBe('precious')
    expect(statSync(file.path)).toMatchObject({ ino: before.ino, mode: before.mode })

    const directory = fresh()
    mkdirSync(directory.path)
    expect(() => listenOn(directory, { backlog: 1 })).toThrow(taken(directory))
    expect(statSync(directory.path).isDirectory()).toBe(true)

    const link = fresh()
    symlinkSync(file.path, link.path)
    expect(() => listenOn(link, { backlog: 1 })).toThrow(taken(link))
    const dangling = fresh()
    symlinkSync(join(folder, 'nowhere'), dangling.path)
    expect(() => listenOn(dangling, { backlog: 1 })).toThrow(taken(dangling))
    expect(lstatSync(dangling.path).isSymbolicLink()).toBe(true)
  })

  test.each([
    ['', 'one byte a character'],
    ['é', 'the last character has two bytes'],
    ['😀', 'the last character has four bytes'],
  ])('takes a path of 107 bytes (%s) where it says: %s', async (end) => {
    const longest = process.platform === 'linux' ? 107 : 103
    const address = { family: 'unix', path: pathOf(longest, end) } as const
    const listener = listenOn(address, { backlog: 1 })
    expect(listener.address).toStrictEqual(address)
    expect(lstatSync(address.path).isSocket()).toBe(true)
    ;(await netClient(address)).destroy()
    listener.stop()
    expect(existsSync(address.path)).toBe(false)
    listener.close()

    const tooLong = { family: 'unix', path: pathOf(longest + 1, end) } as const
    expect(() => listenOn(tooLong, { backlog: 1 })).toThrow(`has ${longest + 1} bytes`)
    expect(existsSync(tooLong.path)).toBe(false)
  })

  test('may be one of several sockets that one selector waits on', async () => {
    const selector = openSelector()
    const listeners = [listenOn(fresh(), { backlog: 1 }), listenOn(LOOPBACK, { backlog: 1 })]
    for (const { fd } of listeners) selector.register(fd, READABLE)
    for (const listener of listeners) {
      const client = await netClient(listener.address)
      expect(selector.wait(1000)).toBe(1)
      expect(selector.fd(0)).toBe(listener.fd)
      close(accept(listener.fd))
      client.destroy()
    }
    selector.close()
    for (const listener of listeners) {
      listener.stop()
      listener.close()
    }
  })
})

/** Connects until there is no room any more, and returns those who wait. */
function filledBacklog(address: UnixAddress): number[] {
  const waiting: number[] = []
  for (let i = 0; i < 100; i++) {
    const fd = socket('unix')
    waiting.push(fd)
    setNonBlocking(fd, true)
    try {
      connect(fd, address)
    } catch (error) {
      expect(error).toMatchObject({ code: 'EAGAIN', syscall: 'connect', address: address.path })
      return waiting
    }
  }
  throw new Error('The backlog has no end')
}
