// Bytes to a server, and all that comes back until it ends its side: for services that know no lines.

import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { parseAddress } from '../../posix/index.ts'
import { PATIENCE_MS, within } from './conditions.ts'

/** How node:net calls an address as `startServer` and --listen write it. */
export function connectOptions(address: string): NetConnectOpts {
  const parsed = parseAddress(address)
  return parsed.family === 'unix' ? { path: parsed.path } : { host: parsed.host, port: parsed.port }
}

/** Sends bytes and the end of the stream; resolves with everything until the server's end. */
export async function exchange(address: string, bytes: Buffer | string): Promise<Buffer> {
  const socket = connect({ ...connectOptions(address), allowHalfOpen: true })
  try {
    socket.end(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
    return await within(PATIENCE_MS, 'the server should end its side', readAll(socket))
  } finally {
    socket.destroy()
  }
}

async function readAll(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}
