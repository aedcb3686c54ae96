// The sockets of one thread: readiness, reading into the inbox, sending what the kernel takes and
// keeping what it does not take yet. What the bytes mean is not known here.

import {
  AGAIN,
  close,
  connect,
  IoBuffer,
  openSelector,
  READABLE,
  recv,
  send,
  setNoDelay,
  setNonBlocking,
  socket,
  socketError,
  SystemError,
  WRITABLE,
} from '../../posix/index.ts'
import type { Connection } from './connection.ts'
import { Inbox } from './lines.ts'
import type { Target } from './target.ts'

/** What a client says beside its requests, registration above all, is shorter. */
const WORDS_BYTES = 64 * 1024

export class Wire {
  /** What the last `receive` has brought. */
  readonly inbox = new Inbox()
  /** Each read is a datagram, whole, and so must each send be. */
  readonly isOfDatagrams: boolean
  readonly #target: Target
  readonly #selector = openSelector()
  readonly #byFd: (Connection | undefined)[] = []
  readonly #words = new IoBuffer(WORDS_BYTES)

  constructor(target: Target) {
    this.#target = target
    this.isOfDatagrams = target.transport === 'udp'
  }

  /** Waits for readiness. Returns how many connections are ready. */
  wait(timeoutMs: number): number {
    return this.#selector.wait(timeoutMs)
  }

  /** The same for nanoseconds. */
  waitNs(timeoutNs: number): number {
    return this.#selector.waitNs(timeoutNs)
  }

  /** The i-th ready connection; undefined when it was closed meanwhile. */
  connection(i: number): Connection | undefined {
    return this.#byFd[this.#selector.fd(i)]
  }

  /** What the i-th ready connection is ready for. */
  events(i: number): number {
    return this.#selector.events(i)
  }

  /**
   * Begins to connect. True: it is connected. False: it becomes writable when that is decided. Throws
   * SystemError; EAGAIN when a Unix-domain socket's backlog is full, which unlike TCP's makes nobody
   * wait.
   */
  open(connection: Connection): boolean {
    const { address } = this.#target
    const fd = socket(address.family, this.isOfDatagrams ? 'datagram' : 'stream')
    connection.fd = fd
    this.#byFd[fd] = connection
    setNonBlocking(fd, true)
    setNoDelay(fd, true)
    const connected = connect(fd, address)
    this.#selector.register(fd, connected ? READABLE : READABLE | WRITABLE)
    return connected
  }

  /** How a connect has ended: null is well. */
  decided(connection: Connection): SystemError | null {
    const error = socketError(connection.fd)
    if (error === null) this.#selector.modify(connection.fd, READABLE)
    return error
  }

  /** Whether what comes on this connection is read. If not, it stays with the kernel. */
  listen(connection: Connection, isListening: boolean): void {
    const reading = isListening ? READABLE : 0
    this.#selector.modify(connection.fd, reading | (connection.unsent === null ? 0 : WRITABLE))
  }

  /** Closes the connection, if it is open. */
  release(connection: Connection): void {
    const { fd } = connection
    if (fd === -1) return
    try {
      this.#selector.unregister(fd)
    } catch (error) {
      // A socket whose connect has failed at once was never registered.
      if (codeOf(error) !== 'ENOENT') throw error
    }
    this.#byFd[fd] = undefined
    connection.fd = -1
    connection.rest = connection.unsent = null
    close(fd)
  }

  /** Reads what has come, behind what was left over. Returns how much; 0 is the end; or AGAIN. Throws. */
  receive(connection: Connection): number {
    const { inbox } = this
    inbox.begin(connection.rest)
    const count = recv(connection.fd, inbox.memory, inbox.end, inbox.room)
    if (count !== AGAIN) inbox.end += count
    return count
  }

  /** Leaves what was not taken out of the inbox for the next time. */
  keepRest(connection: Connection): void {
    connection.rest = this.inbox.rest()
  }

  /** Sends a few words: for what is rare. */
  sendWords(connection: Connection, text: string): void {
    this.send(connection, this.#words, this.#words.bytes.write(text, 'latin1'))
  }

  /** Sends the beginning of `memory`, now or later. */
  send(connection: Connection, memory: IoBuffer, length: number): void {
    if (connection.unsent !== null) {
      connection.unsent = Buffer.concat([connection.unsent, memory.bytes.subarray(0, length)])
      return
    }
    const count = trySend(connection, memory, length)
    if (count === length) return
    connection.unsent = Buffer.from(memory.bytes.subarray(count, length))
    this.#selector.modify(connection.fd, READABLE | WRITABLE)
  }

  /**
   * Sends a datagram, or loses it where the kernel has no room, as it might get lost anywhere. Throws
   * SystemError: ECONNREFUSED when an earlier one met nobody.
   */
  sendDatagram(connection: Connection, memory: IoBuffer, offset: number, length: number): void {
    send(connection.fd, memory, offset, length)
  }

  /** There is room again: sends what was kept. */
  sendUnsent(connection: Connection): void {
    const { unsent } = connection
    if (unsent === null) return
    const length = unsent.copy(this.#words.bytes)
    const count = trySend(connection, this.#words, length)
    connection.unsent = count === unsent.length ? null : unsent.subarray(count)
    if (connection.unsent === null) this.#selector.modify(connection.fd, READABLE)
  }

  close(): void {
    this.#selector.close()
  }
}

/**
 * How much the kernel took. A connection that is broken takes everything, so to speak: there may still
 * be something to read on it, such as the reason, and so the failure is left to the reading side.
 */
function trySend(connection: Connection, memory: IoBuffer, length: number): number {
  try {
    return Math.max(0, send(connection.fd, memory, 0, length))
  } catch (error) {
    connection.brokenBy = codeOf(error)
    return length
  }
}

/** The code of a failed system call. Whatever else is thrown is a mistake of ours. */
export function codeOf(error: unknown): string {
  if (error instanceof SystemError) return error.code
  throw error
}
