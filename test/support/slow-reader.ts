// A client that does not read. The kernel takes megabytes on behalf of such a client before a server
// notices (Linux: 4 MB and more on the loopback interface), unless its receive buffer was made small
// before it connected, which node:net cannot do. So this one is a raw socket.

import {
  AGAIN,
  close,
  connect,
  IoBuffer,
  parseAddress,
  recv,
  send,
  sendAll,
  setNonBlocking,
  setReceiveBufferBytes,
  socket,
} from '../../posix/index.ts'
import { setTimeout as sleep } from 'node:timers/promises'
import { until } from './conditions.ts'

/** The kernel doubles it, and keeps to some minimum of its own. */
const RECEIVE_BUFFER_BYTES = 4096

export class SlowReader {
  readonly #fd: number
  readonly #memory = new IoBuffer(64 * 1024)
  #received = ''
  #ended = false

  constructor(address: string) {
    const parsed = parseAddress(address)
    this.#fd = socket(parsed.family)
    setReceiveBufferBytes(this.#fd, RECEIVE_BUFFER_BYTES)
    connect(this.#fd, parsed) // The backlog answers: this does not wait for the server.
    setNonBlocking(this.#fd, true)
  }

  say(...lines: string[]): void {
    const text = lines.map((line) => `${line}\r\n`).join('')
    const memory = new IoBuffer(text.length)
    memory.bytes.write(text, 'latin1')
    sendAll(this.#fd, memory, 0, text.length)
  }

  /**
   * Says the same line again and again, until nothing more is taken for half a second or the connection
   * has ended. Returns how many bytes were taken; gives up at `bytesMax`.
   */
  async sayUntilRefused(line: string, bytesMax: number): Promise<number> {
    const memory = new IoBuffer(line.length * 1000)
    memory.bytes.fill(line, 'latin1')
    let takenBytes = 0
    // Always from where the last piece ended, so that lines stay whole.
    for (let idleSinceMs = performance.now(); performance.now() - idleSinceMs < 500;) {
      const at = takenBytes % line.length
      let count: number
      try {
        count = send(this.#fd, memory, at, memory.length - at)
      } catch {
        break // Let go.
      }
      if (count === AGAIN) {
        await sleep(5)
        continue
      }
      idleSinceMs = performance.now()
      takenBytes += count
      if (takenBytes >= bytesMax) break
    }
    return takenBytes
  }

  /** Reads what there is, once. */
  read(): void {
    const count = recv(this.#fd, this.#memory, 0, this.#memory.length)
    if (count === 0) this.#ended = true
    else if (count !== AGAIN) this.#received += this.#memory.bytes.toString('latin1', 0, count)
  }

  /** Reads until there is a line like this. */
  async lineLike(pattern: RegExp): Promise<void> {
    await until(`the slow reader should receive ${pattern}`, () => {
      this.read()
      return this.#received.split('\r\n').some((line) => pattern.test(line))
    })
  }

  /** Reads until there are so many lines like this; returns all that was ever received. */
  async linesLike(pattern: RegExp, count: number): Promise<string> {
    await until(`the slow reader should receive ${count} times ${pattern}`, () => {
      for (let i = 0; i < 64; i++) this.read()
      return this.#received.split('\r\n').filter((line) => pattern.test(line)).length >= count
    })
    return this.#received
  }

  /** Reads on, to the end of the connection; returns everything that was ever received. */
  async readToEnd(): Promise<string> {
    await until('the slow reader should come to the end', () => {
      for (let i = 0; i < 16 && !this.#ended; i++) this.read()
      return this.#ended
    })
    return this.#received
  }

  close(): void {
    close(this.#fd)
  }
}
