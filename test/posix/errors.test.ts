// A failure here looks like the same failure of Node's own net and fs: provoked once with each, and
// compared field by field. `syscall` differs where Node names another call than the one that failed
// (it says `listen` for bind(2), `read` for recv(2), `write` for send(2)); ours is the real one.

import { once } from 'node:events'
import { closeSync, fstatSync, openSync } from 'node:fs'
import { connect as netConnect, createServer } from 'node:net'
import { constants } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { declareIfThere } from '../../posix/libc.ts'
import {
  accept,
  type Address,
  bind,
  close,
  connect,
  getpeername,
  getsockname,
  IoBuffer,
  listen,
  listenOn,
  recv,
  send,
  setLinger,
  setNonBlocking,
  setReuseAddress,
  shutdown,
  socket,
  socketError,
  SystemError,
  UnsupportedError,
} from '../../posix/index.ts'
import { resultOf } from './children.ts'
import { IPV6_MISSING, memoryOf, untilReadable, untilWritable } from './conditions.ts'
import { netClient, netOptions, netServer, socketFolder, transportsIn } from './transports.ts'

vi.setConfig({ testTimeout: 20_000 })

const folder = socketFolder()

interface Fields {
  code: unknown
  errno: unknown
  syscall: unknown
  address: unknown
  port: unknown
}

/** The fields of a Node-style error, and nothing else of it. */
function fieldsOf(error: unknown): Fields {
  const { code, errno, syscall, address, port } = error as NodeJS.ErrnoException &
    Record<'address' | 'port', unknown>
  return { code, errno, syscall, address, port }
}

/** What the call throws. */
function errorOf(call: () => unknown): unknown {
  try {
    call()
  } catch (error) {
    return error
  }
  throw new Error('Nothing was thrown')
}

/** What the call throws, which is one of ours. */
function thrownBy(call: () => unknown): SystemError {
  const error = errorOf(call)
  expect(error).toBeInstanceOf(SystemError)
  return error as SystemError
}

async function netConnectError(address: Address): Promise<Error> {
  const [error] = (await once(netConnect(netOptions(address)), 'error')) as [Error]
  return error
}

async function netListenError(address: Address): Promise<Error> {
  const [error] = (await once(createServer().listen(netOptions(address)), 'error')) as [Error]
  return error
}

/** An address that refuses connections for as long as the returned socket is open: bound, no listen. */
function refusing(family: 'ipv4' | 'ipv6'): { fd: number; address: Address } {
  const fd = socket(family)
  bind(fd, { family, host: family === 'ipv6' ? '::1' : '127.0.0.1', port: 0 })
  return { fd, address: getsockname(fd) }
}

describe('connect fails as net.connect does:', () => {
  test.for(transportsIn(folder).slice(0, 2))(
    'ECONNREFUSED over $name',
    async ({ isMissing, fresh }, context) => {
      context.skip(isMissing, IPV6_MISSING)
      const { fd: silent, address } = refusing(fresh().family === 'ipv6' ? 'ipv6' : 'ipv4')
      const fd = socket(address.family)
      const ours = thrownBy(() => connect(fd, address))
      const theirs = await netConnectError(address)
      expect(fieldsOf(ours)).toStrictEqual(fieldsOf(theirs))
      expect(ours.code).toBe('ECONNREFUSED')
      expect(ours.message).toBe(theirs.message)
      close(fd)
      close(silent)
    },
  )

  test('ECONNREFUSED at a socket file whose server is dead', async () => {
    const path = join(folder, 'dead')
    const dead = socket('unix')
    bind(dead, { family: 'unix', path })
    close(dead)
    const fd = socket('unix')
    const ours = thrownBy(() => connect(fd, { family: 'unix', path }))
    const theirs = await netConnectError({ family: 'unix', path })
    expect(fieldsOf(ours)).toStrictEqual(fieldsOf(theirs))
    expect(ours.message).toBe(theirs.message)
    close(fd)
  })

  test('ENOENT at a path where nothing is', async () => {
    const address = { family: 'unix', path: join(folder, 'nothing') } as const
    const fd = socket('unix')
    const ours = thrownBy(() => connect(fd, address))
    const theirs = await netConnectError(address)
    expect(fieldsOf(ours)).toStrictEqual(fieldsOf(theirs))
    expect(ours.message).toBe(theirs.message)
    close(fd)
  })

  test('ECONNREFUSED of a connect that was in progress comes from socketError', async () => {
    const { fd: silent, address } = refusing('ipv4')
    const fd = socket('ipv4')
    setNonBlocking(fd, true)
    expect(connect(fd, address)).toBe(false)
    await untilWritable(fd)
    const theirs = fieldsOf(await netConnectError(address))
    expect(fieldsOf(socketError(fd))).toStrictEqual({
      ...theirs,
      address: undefined,
      port: undefined,
    })
    close(fd)
    close(silent)
  })
})

describe('listenOn fails as server.listen does:', () => {
  test.for(transportsIn(folder))('EADDRINUSE over $name', async (transport, context) => {
    context.skip(transport.isMissing, IPV6_MISSING)
    const server = await netServer(transport.fresh())
    const ours = thrownBy(() => listenOn(server.address, { backlog: 1 }))
    const theirs = fieldsOf(await netListenError(server.address))
    expect(theirs).toMatchObject({ code: 'EADDRINUSE', syscall: 'listen' })
    // A path has no port. Node's listeners call that port -1.
    if (server.address.family === 'unix') theirs.port = undefined
    expect(fieldsOf(ours)).toStrictEqual({ ...theirs, syscall: 'bind' })
    // The one who has the address is unharmed.
    ;(await netClient(server.address)).destroy()
    await server.close()
  })

  test('EADDRNOTAVAIL at an address that is not ours', async () => {
    // TEST-NET-1 of RFC 5737: nobody has it.
    const address = { family: 'ipv4', host: '192.0.2.1', port: 6667 } as const
    const ours = thrownBy(() => listenOn(address, { backlog: 1 }))
    const theirs = await netListenError(address)
    expect(ours.code).toBe('EADDRNOTAVAIL')
    expect(fieldsOf(ours)).toStrictEqual({ ...fieldsOf(theirs), syscall: 'bind' })
    expect(ours.message).toBe('bind EADDRNOTAVAIL 192.0.2.1:6667')
  })

  test('EACCES at a port and in a folder that are not for everybody', async (context) => {
    const { missing, port, file } = (await resultOf(new URL('unprivileged.mjs', import.meta.url), [
      folder,
    ])) as {
      missing?: string
      port: { ours: Fields; theirs: Fields }
      file: { ours: Fields; theirs: Fields }
    }
    context.skip(missing !== undefined, missing)
    expect(port.ours.code).toBe('EACCES')
    expect(port.ours).toStrictEqual({ ...port.theirs, syscall: 'bind' })
    expect(file.ours.code).toBe('EACCES')
    expect(file.ours.address).toBe(file.theirs.address)
    expect(file.ours.errno).toBe(file.theirs.errno)
  })

  test('ENOENT in a folder that does not exist', () => {
    const path = join(folder, 'no', 'such')
    expect(fieldsOf(thrownBy(() => listenOn({ family: 'unix', path }, { backlog: 1 })))).toEqual({
      code: 'ENOENT',
      errno: -constants.errno.ENOENT,
      syscall: 'bind',
      address: path,
    })
  })
})

describe('a connection fails as a net.Socket does:', () => {
  test('ECONNRESET when it was reset', async () => {
    const listener = listenOn({ family: 'ipv4', host: '127.0.0.1', port: 0 }, { backlog: 2 })
    const theirs = await netClient(listener.address)
    const atTheirs = accept(listener.fd)
    const failed = once(theirs, 'error') as Promise<[Error]>
    theirs.resume()
    setLinger(atTheirs, 0)
    close(atTheirs)

    const ours = socket('ipv4')
    connect(ours, listener.address)
    const atOurs = accept(listener.fd)
    setLinger(atOurs, 0)
    close(atOurs)
    await untilReadable(ours)
    const error = thrownBy(() => recv(ours, new IoBuffer(1), 0, 1))
    expect(error.code).toBe('ECONNRESET')
    expect(error.message).toBe('recv ECONNRESET')
    expect(fieldsOf(error)).toStrictEqual({ ...fieldsOf((await failed)[0]), syscall: 'recv' })
    close(ours)
    listener.close()
  })

  test('EPIPE when it is over', async () => {
    const address = { family: 'unix', path: join(folder, 'over') } as const
    const listener = listenOn(address, { backlog: 2 })
    const theirs = await netClient(address)
    close(accept(listener.fd))
    // Before the event loop has turned, node:net does not know that the other side is gone.
    theirs.write('too late')
    const [theirError] = (await once(theirs, 'error')) as [Error]

    const ours = socket('unix')
    connect(ours, address)
    close(accept(listener.fd))
    const error = thrownBy(() => send(ours, memoryOf('too late'), 0, 8))
    expect(error.code).toBe('EPIPE')
    expect(fieldsOf(error)).toStrictEqual({ ...fieldsOf(theirError), syscall: 'send' })
    close(ours)
    listener.stop()
    listener.close()
  })

  test('a descriptor that is not open is EBADF, as for fs', () => {
    // More than any process has, so nobody else in this one can have opened it meanwhile.
    const notOpen = 0x3fff_ffff
    const theirs = errorOf(() => fstatSync(notOpen))
    expect(fieldsOf(thrownBy(() => close(notOpen)))).toStrictEqual({
      ...fieldsOf(theirs),
      syscall: 'close',
    })

    const buffer = new IoBuffer(1)
    const calls: Record<string, () => unknown> = {
      accept: () => accept(notOpen),
      bind: () => bind(notOpen, { family: 'ipv4', host: '127.0.0.1', port: 0 }),
      connect: () => connect(notOpen, { family: 'ipv4', host: '127.0.0.1', port: 1 }),
      fcntl: () => setNonBlocking(notOpen, true),
      getpeername: () => getpeername(notOpen),
      getsockname: () => getsockname(notOpen),
      listen: () => listen(notOpen, 1),
      recv: () => recv(notOpen, buffer, 0, 1),
      send: () => send(notOpen, buffer, 0, 1),
      setsockopt: () => setReuseAddress(notOpen),
      shutdown: () => shutdown(notOpen, 'both'),
    }
    for (const [syscall, call] of Object.entries(calls)) {
      expect(thrownBy(call)).toMatchObject({ code: 'EBADF', syscall })
    }
    expect(socketError(notOpen)).toMatchObject({ code: 'EBADF', syscall: 'getsockopt' })
  })

  test('what is no socket is ENOTSOCK, and what is not connected ENOTCONN', () => {
    const file = openSync(join(folder, 'file'), 'w')
    const buffer = new IoBuffer(1)
    expect(thrownBy(() => recv(file, buffer, 0, 1))).toMatchObject({ code: 'ENOTSOCK' })
    expect(thrownBy(() => shutdown(file, 'both'))).toMatchObject({ code: 'ENOTSOCK' })
    closeSync(file)

    const fd = socket('ipv4')
    expect(thrownBy(() => getpeername(fd))).toMatchObject({ code: 'ENOTCONN' })
    expect(thrownBy(() => recv(fd, buffer, 0, 1))).toMatchObject({ code: 'ENOTCONN' })
    expect(thrownBy(() => accept(fd))).toMatchObject({ code: 'EINVAL', syscall: 'accept' })
    close(fd)
  })
})

describe('SystemError', () => {
  test('is an Error with the shape of Node own errors', () => {
    const error = new SystemError(constants.errno.EADDRINUSE, 'bind', {
      address: '127.0.0.1',
      port: 6667,
    })
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe('SystemError')
    expect(error.message).toBe('bind EADDRINUSE 127.0.0.1:6667')
    expect(fieldsOf(error)).toStrictEqual({
      code: 'EADDRINUSE',
      errno: -constants.errno.EADDRINUSE,
      syscall: 'bind',
      address: '127.0.0.1',
      port: 6667,
    })
  })

  test('has no subject where there is none, and keeps port 0', () => {
    expect(new SystemError(constants.errno.EINVAL, 'accept').message).toBe('accept EINVAL')
    const unix = new SystemError(constants.errno.EACCES, 'bind', { address: '/run/chat' })
    expect(unix.message).toBe('bind EACCES /run/chat')
    const zero = new SystemError(constants.errno.EACCES, 'bind', { address: '::1', port: 0 })
    expect(zero.message).toBe('bind EACCES ::1:0')
  })

  test('says so when Node has no name for the number', () => {
    expect(new SystemError(9999, 'socket').message).toContain('9999')
  })
})

describe('a call that the platform does not have', () => {
  test('is declared without complaint, and throws one sentence when it is called', () => {
    const missing = declareIfThere('epoll_of_another_system', 'int', ['int'])
    const error = errorOf(() => missing(0))
    expect(error).toBeInstanceOf(UnsupportedError)
    expect(error).toMatchObject({
      name: 'UnsupportedError',
      code: 'ENOSYS',
      message: `epoll_of_another_system does not exist on ${process.platform}.`,
    })
  })

  test('is no reason to report one that is there', () => {
    const there = declareIfThere('getpid', 'int', [])
    expect(there()).toBe(process.pid)
  })

  test('is what a selector reports that needs it', async () => {
    // The C library of this process without its epoll calls: what loading posix/ on macOS looks like.
    vi.resetModules()
    vi.doMock('koffi', async (original) => {
      const { default: koffi } = await original<{ default: typeof import('koffi').default }>()
      const load = (path: string | null): unknown => {
        const library = koffi.load(path)
        const func = (name: string, ...rest: unknown[]): unknown =>
          (library.func as (...args: unknown[]) => unknown)(
            name.replace(/^epoll_/, 'not_there_'),
            ...rest,
          )
        return { func }
      }
      return { default: { ...koffi, load } }
    })
    const without = await import('../../posix/index.ts')
    expect(() => new without.EpollSelector()).toThrow(
      `epoll_create1 does not exist on ${process.platform}.`,
    )
    const selector = new without.PollSelector()
    expect(selector.wait(0)).toBe(0)
    vi.doUnmock('koffi')
    vi.resetModules()
  })
})
