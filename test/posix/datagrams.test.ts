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
  receiveOn,
  recv,
  recvfrom,
  recvNow,
  send,
  Sender,
  sendto,
  setNonBlocking,
  setReceiveTimeoutMs,
  socket,
  SystemError,
} from '../../posix/index.ts'
import { BlockingThread } from './blocking-thread.ts'
import {
  hasIpv6,
  IPV6_MISSING,
  memoryOf,
  patternOf,
  seesSystemCalls,
  SYSTEM_CALLS_UNSEEN,
  untilReadable,
} from './conditions.ts'

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

/** A bound one: its descriptor and its port. */
function bound({ family, host }: Family): { fd: number; port: number } {
  const server = receiveOn({ family, host, port: 0 })
  open.push(server)
  return { fd: server.fd, port: (server.address as IpAddress).port }
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

function networkOf(host: string): number {
  const address = { family: host.includes(':') ? 'ipv6' : 'ipv4', host, port: 1 } as const
  const sender = new Sender()
  sender.set(address)
  expect(sender.address()).toStrictEqual(address)
  return sender.network
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

  test('recvfrom says who sent it, and sendto answers them', async (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const { fd, port } = bound(family)
    const sender = new Sender()
    const buffer = new IoBuffer(DATAGRAM_BYTES_MAX)
    const clients = [await theirs(family), await theirs(family)]
    for (const length of [1, 0, 512, DATAGRAM_BYTES_MAX]) {
      for (const client of clients) {
        const bytes = patternOf(length)
        client.send(bytes, port, family.host)
        await untilReadable(fd)
        expect(recvfrom(fd, buffer, 0, buffer.length, sender)).toBe(length)
        expect(sender.address()).toStrictEqual(addressOf(client, family))
        expect(sender.port).toBe(client.address().port)

        const arriving = next(client)
        expect(sendto(fd, buffer, 0, length, sender)).toBe(length)
        const { bytes: arrived, from } = await arriving
        expect(arrived.equals(bytes), `${length} bytes back`).toBe(true)
        expect(from.port).toBe(port)
      }
    }
  })

  test('of a datagram that does not fit the rest is lost, and its length says so', async (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const { fd, port } = bound(family)
    const client = await theirs(family)
    const buffer = new IoBuffer(8)
    buffer.bytes.fill('.')
    client.send('a long story', port, family.host)
    await new Promise((resolve) => client.send('next', port, family.host, resolve))
    await untilReadable(fd)
    // Elsewhere it says no more than that there was no room left.
    const told = process.platform === 'linux' ? 12 : 6
    expect(recvfrom(fd, buffer, 1, 6, new Sender())).toBe(told)
    expect(buffer.read(0, 8)).toBe('.a long.')
    await untilReadable(fd)
    expect(recvfrom(fd, buffer, 0, 8, new Sender())).toBe(4)
  })

  test('two ports of one host are in one network', async (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const { fd, port } = bound(family)
    const [one, other] = [new Sender(), new Sender()]
    const buffer = new IoBuffer(1)
    for (const sender of [one, other]) {
      const client = await theirs(family)
      client.send('x', port, family.host)
      await untilReadable(fd)
      recvfrom(fd, buffer, 0, 1, sender)
    }
    expect(one.port).not.toBe(other.port)
    expect(one.network).toBe(other.network)
  })

  test('"not now", from recvfrom and after a time-out', (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const { fd } = bound(family)
    const buffer = new IoBuffer(1)
    setReceiveTimeoutMs(fd, 1)
    expect(recvfrom(fd, buffer, 0, 1, new Sender())).toBe(AGAIN)
    setNonBlocking(fd, true)
    expect(recvfrom(fd, buffer, 0, 1, new Sender())).toBe(AGAIN)
  })

  test('an answer that is too long, or to nobody, throws, and harms nothing', async (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const { fd, port } = bound(family)
    const sender = new Sender()
    const buffer = new IoBuffer(65_536)
    expect(
      codeOf(() => sendto(fd, buffer, 0, 1, sender)),
      'nobody',
    ).not.toBe('none')
    const gone = await theirs(family)
    gone.send('x', port, family.host)
    await untilReadable(fd)
    recvfrom(fd, buffer, 0, 1, sender)
    expect(codeOf(() => sendto(fd, buffer, 0, 65_536, sender))).toBe('EMSGSIZE')

    gone.close()
    open.splice(open.indexOf(gone), 1)
    // Its port is closed now. A socket without a connection is not told so.
    expect(sendto(fd, buffer, 0, 1, sender)).toBe(1)
    setNonBlocking(fd, true)
    expect(recvfrom(fd, buffer, 0, 1, sender)).toBe(AGAIN)
  })

  test('memory outside of the buffer is never touched', (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const { fd } = bound(family)
    const [buffer, sender] = [new IoBuffer(4), new Sender()]
    expect(() => recvfrom(fd, buffer, 0, 5, sender)).toThrow(RangeError)
    expect(() => sendto(fd, buffer, 1, 4, sender)).toThrow(RangeError)
  })

  test('an address is taken once', (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    const { port } = bound(family)
    const again = () => receiveOn({ family: family.family, host: family.host, port }).close()
    expect(codeOf(again)).toBe('EADDRINUSE')
  })

  test('to stop wakes a thread that waits for datagrams', async (context) => {
    context.skip(family.isMissing, IPV6_MISSING)
    context.skip(!seesSystemCalls, SYSTEM_CALLS_UNSEEN)
    const server = receiveOn({ family: family.family, host: family.host, port: 0 })
    const thread = await BlockingThread.start()
    const receiving = thread.call('recvfrom', server.fd, 10)
    await thread.untilBlockedOn(server.fd)
    server.stop()
    expect(await receiving).toBe(0)
    await thread.end()
    server.close()
  })
})

test('networks are told apart by the whole of an IPv4 address, and half of an IPv6 one', () => {
  expect(networkOf('192.0.2.1')).not.toBe(networkOf('192.0.2.2'))
  expect(networkOf('192.0.2.1')).not.toBe(networkOf('198.0.2.1'))
  expect(networkOf('2001:db8:1:2::3')).toBe(networkOf('2001:db8:1:2:4::'))
  expect(networkOf('2001:db8:1:2::3')).not.toBe(networkOf('2001:db8:1:3::3'))
  expect(networkOf('2001:db8:1:2::3')).not.toBe(networkOf('2001:db9:1:2::3'))
})
