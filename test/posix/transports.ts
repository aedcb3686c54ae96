// The three kinds of address that every socket test runs over, and node:net's words for them.

import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket, connect as netConnect } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'
import type { Address } from '../../posix/index.ts'
import { hasIpv6 } from './conditions.ts'

/** A folder for socket files that is removed after the file's tests. */
export function socketFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'posix-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export interface Transport {
  readonly name: string
  readonly isMissing: boolean
  /** An address to listen on: port 0, or a file that is not there yet. */
  readonly fresh: () => Address
}

export function transportsIn(folder: string): Transport[] {
  let files = 0
  const unix = (): Address => ({ family: 'unix', path: join(folder, `s${files++}`) })
  return [
    {
      name: 'TCP over IPv4',
      isMissing: false,
      fresh: () => ({ family: 'ipv4', host: '127.0.0.1', port: 0 }),
    },
    {
      name: 'TCP over IPv6',
      isMissing: !hasIpv6,
      fresh: () => ({ family: 'ipv6', host: '::1', port: 0 }),
    },
    { name: 'a Unix-domain socket', isMissing: false, fresh: unix },
  ]
}

/** What net.connect and server.listen call this address. */
export function netOptions(address: Address): { path: string } | { host: string; port: number } {
  return address.family === 'unix'
    ? { path: address.path }
    : { host: address.host, port: address.port }
}

/** Where a node:net server listens, in our words. */
function addressOf(server: Server): Address {
  const own = server.address()
  if (typeof own === 'string') return { family: 'unix', path: own }
  const family = own!.family === 'IPv6' ? 'ipv6' : 'ipv4'
  return { family, host: own!.address, port: own!.port }
}

/** A node:net server that hands out its connections one by one, half-open allowed. */
export interface NetServer {
  readonly address: Address
  readonly nextClient: () => Promise<Socket>
  /** Ends it and all of its connections. */
  readonly close: () => Promise<void>
}

export async function netServer(address: Address): Promise<NetServer> {
  const accepted: Socket[] = []
  let handedOut = 0
  const server = createServer({ allowHalfOpen: true })
  server.on('connection', (client) => accepted.push(client))
  server.listen(netOptions(address))
  await once(server, 'listening')
  return {
    address: addressOf(server),
    nextClient: async () => {
      if (accepted.length === handedOut) await once(server, 'connection')
      return accepted[handedOut++]!
    },
    close: async () => {
      accepted.forEach((client) => client.destroy())
      server.close()
      await once(server, 'close')
    },
  }
}

/** A connected node:net client. */
export async function netClient(address: Address): Promise<Socket> {
  const client = netConnect({ ...netOptions(address), allowHalfOpen: true })
  await once(client, 'connect')
  return client
}

/** The next `length` bytes that a node:net socket receives, as text. */
export async function netReceived(from: Socket, length: number): Promise<string> {
  for (;;) {
    const chunk = from.read(length) as Buffer | null
    if (chunk) return chunk.toString('latin1')
    if (from.readableEnded) throw new Error(`The stream ended before ${length} bytes`)
    await once(from, 'readable')
  }
}
