import { isIPv4 } from 'node:net'
import { networkInterfaces } from 'node:os'
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeAddress, encodeAddress } from '../../posix/address.ts'
import { type Address, AddressError, formatAddress, parseAddress } from '../../posix/index.ts'

// fast-check's own units for Unicode strings take a second to set up.
const character = fc
  .oneof(fc.integer({ min: 1, max: 0xd7ff }), fc.integer({ min: 0xe000, max: 0x10ffff }))
  .map((code) => String.fromCodePoint(code))
const loneSurrogate = fc.constantFrom('\ud800', '\udfff')

const PATH_BYTES_MAX = process.platform === 'linux' ? 107 : 103

describe('parseAddress reads', () => {
  test.each<[string, Address]>([
    ['127.0.0.1:6667', { family: 'ipv4', host: '127.0.0.1', port: 6667 }],
    ['0.0.0.0:0', { family: 'ipv4', host: '0.0.0.0', port: 0 }],
    ['192.0.2.1:65535', { family: 'ipv4', host: '192.0.2.1', port: 65535 }],
    ['localhost:6667', { family: 'ipv4', host: '127.0.0.1', port: 6667 }],
    [':6667', { family: 'ipv4', host: '127.0.0.1', port: 6667 }],
    ['6667', { family: 'ipv4', host: '127.0.0.1', port: 6667 }],
    ['0', { family: 'ipv4', host: '127.0.0.1', port: 0 }],
    ['[::1]:6667', { family: 'ipv6', host: '::1', port: 6667 }],
    ['[::]:0', { family: 'ipv6', host: '::', port: 0 }],
    ['[2001:db8::ff]:1', { family: 'ipv6', host: '2001:db8::ff', port: 1 }],
    ['[::ffff:127.0.0.1]:9', { family: 'ipv6', host: '::ffff:127.0.0.1', port: 9 }],
    ['unix:/run/chat', { family: 'unix', path: '/run/chat' }],
    ['unix:relative', { family: 'unix', path: 'relative' }],
    ['unix:/a b:6667', { family: 'unix', path: '/a b:6667' }],
  ])('%s', (text, address) => {
    expect(parseAddress(text)).toStrictEqual(address)
  })
})

describe('parseAddress refuses', () => {
  test.each<[text: string, why: RegExp]>([
    ['', /"" is not an address/],
    ['127.0.0.1', /is not an address: write 127\.0\.0\.1:6667/],
    ['127.0.0.1:', /is not an address/],
    ['127.0.0.1:x', /is not an address/],
    ['127.0.0.1:-1', /is not an address/],
    ['127.0.0.1:6667 ', /is not an address/],
    ['127.0.0.1:6667\n', /is not an address/],
    ['127.0.0.1:65536', /ports go up to 65535/],
    ['127.0.0.1:99999', /ports go up to 65535/],
    ['127.0.0.1:123456', /is not an address/],
    ['127.0.0.256:1', /names are not looked up/],
    ['127.1:1', /names are not looked up/],
    ['010.0.0.1:1', /names are not looked up/],
    ['example.org:6667', /"example\.org" is not a numeric address, and names are not looked up/],
    ['LOCALHOST:6667', /names are not looked up/],
    ['::1:6667', /is not an address/],
    ['[::1]', /is not an address/],
    ['[::1]6667', /is not an address/],
    ['[]:6667', /"" is not an IPv6 address/],
    ['[127.0.0.1]:6667', /is not an IPv6 address/],
    ['[:::1]:6667', /is not an IPv6 address/],
    ['[fe80::1%eth0]:6667', /is not an IPv6 address/],
    ['unix:', /lacks a path/],
    ['unix:/a\0b', /NUL/],
    ['/run/chat', /is not an address/],
    ['tcp://127.0.0.1:1', /is not an address/],
  ])('%j', (text, why) => {
    expect(() => parseAddress(text)).toThrow(AddressError)
    expect(() => parseAddress(text)).toThrow(why)
  })

  test('whatever is no address with an AddressError of one sentence, and never anything else', () => {
    const almost = fc.string({
      unit: fc.constantFrom('0', '1', '.', ':', '[', ']', '%', '/', '\0'),
    })
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: fc.oneof(character, loneSurrogate) }),
          almost,
          almost.map((text) => `unix:${text}`),
        ),
        (text) => {
          try {
            parseAddress(text)
          } catch (error) {
            if (error instanceof AddressError && error.message.endsWith('.')) return
            throw error
          }
        },
      ),
    )
  })
})

/** A path of exactly that many bytes, as few characters as `filler` allows. */
function pathOf(filler: string, lengthBytes: number): string {
  const count = Math.floor((lengthBytes - 1) / Buffer.byteLength(filler))
  const path = '/' + filler.repeat(count)
  return path + 'a'.repeat(lengthBytes - Buffer.byteLength(path))
}

describe('the path of a Unix-domain socket', () => {
  const roots: [what: string, filler: string][] = [
    ['one byte a character', 'a'],
    ['two bytes a character', 'é'],
    ['four bytes a character', '😀'],
  ]
  test.each(roots)(`may have ${PATH_BYTES_MAX} bytes and not one more: %s`, (_, filler) => {
    const longest = pathOf(filler, PATH_BYTES_MAX)
    expect(parseAddress(`unix:${longest}`)).toStrictEqual({ family: 'unix', path: longest })
    const tooLong = pathOf(filler, PATH_BYTES_MAX + 1)
    expect(() => parseAddress(`unix:${tooLong}`)).toThrow(
      `has ${PATH_BYTES_MAX + 1} bytes, and ${process.platform} allows ${PATH_BYTES_MAX}`,
    )
  })

  test('is not cut where an address was not parsed but written as an object', () => {
    // The last character has two bytes, and the first of them is where the NUL must be.
    const path = '/' + 'a'.repeat(PATH_BYTES_MAX - 1) + 'é'
    expect(() => encodeAddress({ family: 'unix', path })).toThrow(AddressError)
    expect(() => encodeAddress({ family: 'unix', path: '' })).toThrow(AddressError)
  })
})

const port = fc.integer({ min: 0, max: 65535 })
const plain = { noNullPrototype: true }
const ipv4 = fc.record({ family: fc.constant('ipv4' as const), host: fc.ipV4(), port }, plain)
const ipv6 = fc.record({ family: fc.constant('ipv6' as const), host: fc.ipV6(), port }, plain)
const path = fc
  .string({ unit: character, minLength: 1, maxLength: PATH_BYTES_MAX })
  .filter((text) => Buffer.byteLength(text) <= PATH_BYTES_MAX)
const unix = fc.record({ family: fc.constant('unix' as const), path }, plain)

describe('round trips', () => {
  test('formatAddress, then parseAddress, is the same address', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, ipv6, unix), (address) => {
        expect(parseAddress(formatAddress(address))).toStrictEqual(address)
      }),
    )
  })

  test('encodeAddress, then decodeAddress, is the same IPv4 or Unix address', () => {
    fc.assert(
      fc.property(fc.oneof(ipv4, unix), (address) => {
        const { memory, lengthBytes } = encodeAddress(address)
        expect(decodeAddress(memory.bytes, lengthBytes)).toStrictEqual(address)
      }),
    )
  })

  test('an IPv6 address comes back in its canonical spelling (RFC 5952)', () => {
    fc.assert(
      fc.property(ipv6, (address) => {
        const { memory, lengthBytes } = encodeAddress(address)
        const once = decodeAddress(memory.bytes, lengthBytes)
        const again = encodeAddress(once)
        expect(again.memory.bytes).toStrictEqual(memory.bytes)
        expect(decodeAddress(again.memory.bytes, again.lengthBytes)).toStrictEqual(once)
      }),
    )
    const { memory, lengthBytes } = encodeAddress({
      family: 'ipv6',
      host: '2001:0DB8:0:0:0:0:0:1',
      port: 1,
    })
    expect(decodeAddress(memory.bytes, lengthBytes)).toMatchObject({ host: '2001:db8::1' })
  })
})

test('every address of this machine can be written and read', () => {
  const own = Object.values(networkInterfaces()).flatMap((of) => of ?? [])
  expect(own.length).toBeGreaterThan(0)
  for (const { address: host } of own) {
    const text = isIPv4(host) ? `${host}:1` : `[${host}]:1`
    expect(formatAddress(parseAddress(text))).toBe(text)
  }
})

test.each<Address>([
  { family: 'ipv4', host: 'example.org', port: 1 },
  { family: 'ipv4', host: '::1', port: 1 },
  { family: 'ipv6', host: '127.0.0.1', port: 1 },
])('encodeAddress refuses a host that is not of its family: %j', (address) => {
  expect(() => encodeAddress(address)).toThrow(AddressError)
})

test.each([-1, 65536])('encodeAddress refuses port %d', (wrong) => {
  expect(() => encodeAddress({ family: 'ipv4', host: '127.0.0.1', port: wrong })).toThrow(
    RangeError,
  )
})
