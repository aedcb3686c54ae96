// A link as the hub's process holds it: one end is a node:net socket, the other end is a descriptor for
// whoever lives in another thread or process. The switchboard and the hub of `cluster` make theirs here.

import { type OnReadOpts, Socket, type SocketConstructorOpts } from 'node:net'
import { close, setSendBufferBytes, socketpair } from '../posix/index.ts'
import { LINK_BUFFER_BYTES } from './link.ts'

export interface SocketLink {
  readonly socket: Socket
  /** The socket's own descriptor, which it closes. */
  readonly ourEnd: number
  /** The other end, which is the caller's to hand over and to close. */
  readonly theirEnd: number
}

/**
 * Makes a link. All links may be read into the same `memory`: `hear` takes out each piece, latin1, before
 * the next is read. `lost` is called when the other end is closed or fails. When this throws, nothing is
 * left behind.
 */
export function openSocketLink(
  memory: Buffer,
  hear: (text: string) => void,
  lost: () => void,
): SocketLink {
  const [ourEnd, theirEnd] = socketpair()
  try {
    // Linux doubles it for its book-keeping, which makes it LINK_BUFFER_BYTES: whoever reads the other end
    // counts on it (hub-link.ts, rule 3).
    for (const end of [ourEnd, theirEnd]) setSendBufferBytes(end, LINK_BUFFER_BYTES / 2)
    const options: SocketConstructorOpts & { onread: OnReadOpts } = {
      fd: ourEnd,
      readable: true,
      writable: true,
      onread: {
        buffer: memory,
        callback: (count) => {
          hear(memory.toString('latin1', 0, count))
          return true // Goes on reading.
        },
      },
    }
    const socket = new Socket(options)
    socket.on('error', lost).on('end', lost).resume()
    return { socket, ourEnd, theirEnd }
  } catch (error) {
    close(ourEnd)
    close(theirEnd)
    throw error
  }
}
