// Datagram sockets with node:dgram on the other side.

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { afterEach, describe, expect, test } from 'vitest'
import {
  AGAIN,
  close,
  connect,
  getpeername,
  getsockname,
  IoBuffer,
  type IpAddress,
  recv,
  recvNow,
  send,
  setNonBlocking,
  setReceiveTimeoutMs,
  socket,
  SystemError,
} from '../../posix/index.ts'
import { hasIpv6, IPV6_MISSING, memoryOf, patternOf, untilReadable } from './conditions.ts'

/** What a UDP header can say, less that header and the one of IPv4. */
const DATAGRAM_BYTES_MAX = 65_507

const FAMILIES = [
  { name: 'IPv4', family: 'ipv4', host: '127.0.0.1', type: 'udp4', isMissing: false },
  { name: 'IPv6', family: 'ipv6', host: '::1', type: 'udp6', isMissing: !hasIpv6 },
] as const
type Family = (typeof FAMILIES)[number]

const open: { close: () => void }[] = []
afterEach(() => {
  for (const one of open.splice(0)) one.close()
})

/** A datagram socket of ours, closed after the test. */
function ours({ family }: Family): number {
  const fd = socket(family, 'datagram')
  open.push({ close: () => close(fd) })
  return fd
}

/** One of node:dgram's, bound to a free port. */
async function theirs({ type, host }: Family): Promise<Socket> {
  const one = createSocket(type)
  one.bind(0, host)
  await once(one, 'listening')
  open.push(one)
  return one
}

function addressOf(one: Socket, { family }: Family): IpAddress {
  const { address: host, port } = one.address()
  return { family, host, port }
}

/** The next datagram that node:dgram receives. */
async function next(one: Socket): Promise<{ bytes: Buffer; from: RemoteInfo }> {
  const [bytes, from] = (await once(one, 'message')) as [Buffer, RemoteInfo]
  return { bytes, from }
}

function codeOf(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    if (error instanceof SystemError) return error.code
    throw error
  }
  return 'none'
}

describe.each(FAMILIES)('over $name', (family) => {
  test('connected, send and recv are one datagram each', async (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const peer = await theirs(family)
    const fd = ours(family)
    expect(connect(fd, addressOf(peer, family))).toBe(true)
    expect(getpeername(fd)).toEqual(addressOf(peer, family))

    for (const length of [0, 1, 512, DATAGRAM_BYTES_MAX]) {
      const bytes = patternOf(length)
      const buffer = new IoBuffer(length + 1)
      bytes.copy(buffer.bytes)
      const arriving = next(peer)
      expect(send(fd, buffer, 0, length)).toBe(length)
      const { bytes: arrived, from } = await arriving
      expect(arrived.equals(bytes), `${length} bytes there`).toBe(true)

      peer.send(arrived, from.port, from.address)
      await untilReadable(fd)
      buffer.bytes.fill(0)
      expect(recv(fd, buffer, 0, length + 1)).toBe(length)
      expect(buffer.bytes.subarray(0, length).equals(bytes), `${length} bytes back`).toBe(true)
    }
  })

  test('a stranger is not heard on a connected socket', async (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const [peer, stranger] = [await theirs(family), await theirs(family)]
    const fd = ours(family)
    connect(fd, addressOf(peer, family))
    const { port } = getsockname(fd) as IpAddress
    await new Promise((resolve) => stranger.send('psst', port, family.host, resolve))
    await new Promise((resolve) => peer.send('hello', port, family.host, resolve))
    await untilReadable(fd)
    const buffer = new IoBuffer(10)
    expect(recv(fd, buffer, 0, 10)).toBe(5)
    expect(buffer.read(0, 5)).toBe('hello')
    expect(recvNow(fd, buffer, 0, 10)).toBe(AGAIN)
  })

  test('what nobody listens to is refused: an error that can be caught, and the next call works', async (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const gone = await theirs(family)
    const fd = ours(family)
    connect(fd, addressOf(gone, family))
    const { port } = gone.address()
    gone.close()
    open.splice(open.indexOf(gone), 1)
    const hello = memoryOf('hello')
    send(fd, hello, 0, 5)
    await untilReadable(fd)
    expect(codeOf(() => recv(fd, hello, 0, 5))).toBe('ECONNREFUSED')

    const back = createSocket(family.type)
    back.bind(port, family.host)
    await once(back, 'listening')
    open.push(back)
    const arriving = next(back)
    expect(send(fd, hello, 0, 5)).toBe(5)
    expect((await arriving).bytes.toString()).toBe('hello')
  })

  test('more than a datagram holds is refused', (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const fd = ours(family)
    connect(fd, { family: family.family, host: family.host, port: 9 })
    const buffer = new IoBuffer(65_536)
    expect(codeOf(() => send(fd, buffer, 0, 65_536))).toBe('EMSGSIZE')
  })

  test('nothing to read is "not now": without blocking, and after a time-out', (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const fd = ours(family)
    const buffer = new IoBuffer(1)
    setReceiveTimeoutMs(fd, 1)
    expect(recv(fd, buffer, 0, 1)).toBe(AGAIN)
    setNonBlocking(fd, true)
    expect(recv(fd, buffer, 0, 1)).toBe(AGAIN)
  })
})
