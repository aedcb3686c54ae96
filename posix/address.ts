// Socket addresses: as people write them, as the kernel wants them.
//
//   127.0.0.1:6667   IPv4        localhost:6667, :6667 and 6667 mean the same
//   [::1]:6667       IPv6
//   unix:/run/chat   a Unix-domain socket in the file system
//
// Host names are not looked up: a name may stand for several addresses, and a benchmark that picks one
// of them silently measures something else on the next machine.

import { isIPv4, isIPv6 } from 'node:net'
import { C } from './constants.ts'
import { IoBuffer } from './buffer.ts'
import { bytesOfIp, textOfIp } from './libc.ts'

export type IpAddress = {
  readonly family: 'ipv4' | 'ipv6'
  readonly host: string
  readonly port: number
}
export type UnixAddress = { readonly family: 'unix'; readonly path: string }
export type Address = IpAddress | UnixAddress

/** The text is no address. The message is one sentence that says what one looks like. */
export class AddressError extends Error {
  override readonly name = 'AddressError'
}

const FORMS = 'write 127.0.0.1:6667, [::1]:6667 or unix:/path'

/** Reads an address. Throws AddressError. */
export function parseAddress(text: string): Address {
  if (text.startsWith('unix:')) return unixAddress(text.slice('unix:'.length))
  const match = /^(?:\[([^\]]*)\]:|([^:[\]]*):|)(\d{1,5})$/.exec(text)
  if (!match) throw new AddressError(`"${text}" is not an address: ${FORMS}.`)
  const [, ipv6, host, digits] = match
  const port = Number(digits)
  if (port > 65535) throw new AddressError(`"${text}" has no port: ports go up to 65535.`)
  if (ipv6 !== undefined) {
    // A scope (fe80::1%eth0) would need the interface's index, and loopback has none.
    if (isIPv6(ipv6) && !ipv6.includes('%')) return { family: 'ipv6', host: ipv6, port }
    throw new AddressError(`"${ipv6}" is not an IPv6 address: ${FORMS}.`)
  }
  const ipv4 = host === undefined || host === '' || host === 'localhost' ? '127.0.0.1' : host
  if (isIPv4(ipv4)) return { family: 'ipv4', host: ipv4, port }
  throw new AddressError(
    `"${ipv4}" is not a numeric address, and names are not looked up: ${FORMS}.`,
  )
}

function unixAddress(path: string): UnixAddress {
  if (path === '') throw new AddressError('"unix:" lacks a path: write unix:/path.')
  if (path.includes('\0')) throw new AddressError('A socket path cannot contain a NUL byte.')
  // libuv of Node 20 cuts a longer path silently, listens on another file, and reports success.
  const pathBytesMax = C.UNIX_PATH_BYTES - 1
  const pathBytes = Buffer.byteLength(path)
  if (pathBytes > pathBytesMax) {
    throw new AddressError(
      `The socket path ${path} has ${pathBytes} bytes, and ${process.platform} allows ${pathBytesMax}: use a shorter one.`,
    )
  }
  return { family: 'unix', path }
}

/** The inverse of parseAddress. */
export function formatAddress(address: Address): string {
  if (address.family === 'unix') return `unix:${address.path}`
  return address.family === 'ipv6'
    ? `[${address.host}]:${address.port}`
    : `${address.host}:${address.port}`
}

/** What an error says about an address: `address` and `port` as Node's own errors have them. */
export function subjectOf(address: Address): { address: string; port?: number } {
  return address.family === 'unix'
    ? { address: address.path }
    : { address: address.host, port: address.port }
}

export function familyNumber(family: Address['family']): number {
  if (family === 'unix') return C.AF_UNIX
  return family === 'ipv6' ? C.AF_INET6 : C.AF_INET
}

/** The largest socket address of any family here: sockaddr_un. */
export const SOCKADDR_BYTES = 2 + C.UNIX_PATH_BYTES

/**
 * Lays an address out as struct sockaddr_in, sockaddr_in6 or sockaddr_un. Throws AddressError when it
 * does not fit: a path written where it is too long would be cut, and name another file.
 */
export function encodeAddress(address: Address): { memory: IoBuffer; lengthBytes: number } {
  const memory = new IoBuffer(SOCKADDR_BYTES)
  const { bytes } = memory
  const family = familyNumber(address.family)
  let lengthBytes: number
  if (address.family === 'unix') {
    lengthBytes = 2 + bytes.write(unixAddress(address.path).path, 2) + 1
  } else {
    bytes.writeUInt16BE(address.port, 2)
    const ip = bytesOfIp(family, address.host)
    if (!ip) throw new AddressError(`"${address.host}" is not an IP address.`)
    lengthBytes = address.family === 'ipv6' ? 28 : 16
    ip.copy(bytes, address.family === 'ipv6' ? 8 : 4, 0, address.family === 'ipv6' ? 16 : 4)
  }
  if (C.SOCKADDR_HAS_LENGTH) {
    bytes[0] = lengthBytes
    bytes[1] = family
  } else {
    bytes.writeUInt16LE(family, 0)
  }
  return { memory, lengthBytes }
}

/** Reads what getsockname and getpeername have written. An unnamed Unix socket has the path ''. */
export function decodeAddress(bytes: Buffer, lengthBytes: number): Address {
  const family = C.SOCKADDR_HAS_LENGTH ? bytes[1] : bytes.readUInt16LE(0)
  if (family === C.AF_UNIX) {
    const path = bytes.toString('utf8', 2, Math.max(2, lengthBytes))
    const end = path.indexOf('\0')
    return { family: 'unix', path: end === -1 ? path : path.slice(0, end) }
  }
  const port = bytes.readUInt16BE(2)
  return family === C.AF_INET6
    ? { family: 'ipv6', host: textOfIp(C.AF_INET6, bytes.subarray(8, 24)), port }
    : { family: 'ipv4', host: textOfIp(C.AF_INET, bytes.subarray(4, 8)), port }
}
