// A listening socket, and `await accept` as an async iteration.

import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { type Address, formatAddress, type IpAddress, type UnixAddress } from './address.ts'
import { SystemError } from './errors.ts'
import { E } from './constants.ts'
import {
  accept,
  AGAIN,
  bind,
  close,
  connect,
  getsockname,
  listen,
  setIpv6Only,
  setNonBlocking,
  setReuseAddress,
  shutdown,
  socket,
} from './sockets.ts'
import { PollSet, READABLE } from './selector.ts'

/**
 * How long one wait for a connection lasts. On Linux a shutdown ends it, so it may last for ever; other
 * systems refuse to shut a listener down, and there the iteration looks again five times a second.
 */
const ACCEPT_WAIT_MS = process.platform === 'linux' ? -1 : 200

/** A listening socket. Iterating over it accepts: `for await (const client of listener)`. */
export class Listener implements AsyncIterable<number> {
  readonly fd: number
  /** Where it listens; after port 0, with the port that the kernel chose. */
  readonly address: Address
  /** Why the file of a Unix-domain socket could not be removed when it stopped; null otherwise. */
  fileLeft: Error | null = null
  private stopped = false

  constructor(fd: number, address: Address) {
    this.fd = fd
    this.address = address
  }

  /**
   * Accepts for ever: yields the descriptor of each client, blocking, close-on-exec, to be closed by
   * whoever takes it. Ends when `stop` is called. Waiting happens on a thread of libuv's pool (one, for
   * as long as the iteration lasts), so the event loop goes on, and stays alive.
   *
   * Throws what accept(2) throws; EMFILE among them. The iteration may be begun again after that.
   */
  async *[Symbol.asyncIterator](): AsyncGenerator<number, void, void> {
    setNonBlocking(this.fd, true)
    const waiting = new PollSet(1)
    while (!this.stopped) {
      const client = accept(this.fd)
      if (client !== AGAIN) {
        yield client
        continue
      }
      waiting.set(0, this.fd, READABLE)
      await waiting.pollAsync(1, ACCEPT_WAIT_MS)
    }
  }

  /**
   * Takes no more connections: wakes whoever waits for one, here or blocked in accept on another
   * thread, and removes the file of a Unix-domain socket. If that is refused, it stops all the same, and
   * `fileLeft` says why. May be called more than once.
   */
  stop(): void {
    if (this.stopped) return
    this.stopped = true
    if (this.address.family === 'unix') this.fileLeft = remove(this.address)
    try {
      shutdown(this.fd, 'both')
    } catch (error) {
      // Refused outside Linux; ACCEPT_WAIT_MS is what ends the iteration there.
      if (process.platform === 'linux') throw error
    }
  }

  /** Gives the descriptor back; after `stop`, and when nobody waits on it any more. */
  close(): void {
    close(this.fd)
  }
}

/**
 * Makes a socket that listens on `address`. Throws EADDRINUSE, EADDRNOTAVAIL (not an address of this
 * machine) and EACCES as Node's own listeners do.
 *
 * A Unix-domain address that exists already as a file: if a server answers there, EADDRINUSE. If nobody
 * does, a dead server left it, and it is replaced. If it is not a socket at all, EADDRINUSE, and it is not
 * touched. The new file is readable and writable by its owner only.
 */
export function listenOn(address: Address, options: { backlog: number }): Listener {
  if (address.family === 'unix') removeStale(address)
  const fd = socket(address.family)
  let file: UnixAddress | null = null
  try {
    if (address.family !== 'unix') setReuseAddress(fd)
    if (address.family === 'ipv6') setIpv6Only(fd)
    bind(fd, address)
    if (address.family === 'unix') {
      file = address // From now on there is one, and it is ours.
      chmodSync(file.path, 0o600)
    }
    listen(fd, options.backlog)
    return new Listener(fd, getsockname(fd))
  } catch (error) {
    if (file) remove(file)
    close(fd)
    throw error
  }
}

/**
 * Makes a socket that the datagrams for `address` arrive at. There are no connections to be accepted: what a
 * Listener has otherwise (its address, `stop`, `close`) is the same here. Throws as `listenOn` does.
 *
 * Without SO_REUSEADDR: a datagram socket has no old connections that an address could be busy with, and
 * Linux would let two servers have the same one, and only the later would hear anything.
 */
export function receiveOn(address: IpAddress): Listener {
  const fd = socket(address.family, 'datagram')
  try {
    if (address.family === 'ipv6') setIpv6Only(fd)
    bind(fd, address)
    return new Listener(fd, getsockname(fd))
  } catch (error) {
    close(fd)
    throw error
  }
}

function removeStale(address: UnixAddress): void {
  const file = lstatSync(address.path, { throwIfNoEntry: false })
  if (!file) return
  const taken = new SystemError(E.EADDRINUSE, 'bind', { address: address.path })
  if (!file.isSocket()) {
    taken.message = `${formatAddress(address)} is a file that is not a socket; it was left as it is.`
    throw taken
  }
  if (isAnswered(address)) throw taken
  unlinkSync(address.path)
}

/** Whether somebody listens there. Only "nobody does" makes the file ours to remove. */
function isAnswered(address: UnixAddress): boolean {
  const probe = socket('unix')
  try {
    // A busy server with a full backlog would keep a blocking connect waiting; like this it is EAGAIN.
    setNonBlocking(probe, true)
    connect(probe, address)
    return true
  } catch (error) {
    const code = error instanceof SystemError ? error.code : ''
    if (code === 'EAGAIN') return true
    if (code === 'ECONNREFUSED') return false
    throw error
  } finally {
    close(probe)
  }
}

/** Removes the file, if it is there. Returns why it could not, or null. */
function remove({ path }: UnixAddress): Error | null {
  try {
    unlinkSync(path)
    return null
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? null : (error as Error)
  }
}
