// A connection to a file server (protocol/services/file.ts): lines, and then so many bytes that are none.

import { once } from 'node:events'
import { connect, type NetConnectOpts, type Socket } from 'node:net'
import { type Address, formatAddress } from '../../posix/index.ts'
import { FILE_LINE_BYTES_MAX } from '../../protocol/limits.ts'
import { NameError, TransferFailure } from './failure.ts'

export interface ConnectionOptions {
  readonly address: Address
  /** The server may say and take nothing for so long. */
  readonly timeoutMs: number
  /** Aborts it all. */
  readonly signal: AbortSignal
}

/** The server hashes, and is `at` this byte of so many. Whoever says so is not silent. */
type OnChecking = (at: number, bytes: number) => void

export class Connection {
  private readonly socket: Socket
  private readonly onChecking: OnChecking
  private readonly chunks: AsyncIterator<Buffer>
  /** What was received and is not taken yet. */
  private rest: Buffer = Buffer.alloc(0)

  private constructor(socket: Socket, onChecking: OnChecking) {
    this.socket = socket
    this.onChecking = onChecking
    this.chunks = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>
  }

  static async open(
    { address, timeoutMs, signal }: ConnectionOptions,
    onChecking: OnChecking,
  ): Promise<Connection> {
    const where = formatAddress(address)
    const socket = connect({ ...connectOptions(address), signal })
    socket.on('error', () => {}) // Whoever reads or waits next is told.
    socket.setTimeout(timeoutMs, () => {
      socket.destroy(new TransferFailure(`${where} does not answer.`))
    })
    try {
      await once(socket, 'connect')
    } catch (error) {
      if (error instanceof TransferFailure || signal.aborted) throw error
      const code = codeOf(error)
      if (code === undefined) throw error
      throw new TransferFailure(`Cannot connect to ${where} (${code}): is a server running there?`)
    }
    return new Connection(socket, onChecking)
  }

  /** Says a line, and returns the first that is said next. */
  ask(line: string): Promise<string> {
    this.say(line)
    return this.line()
  }

  say(line: string): void {
    this.socket.write(`${line}\r\n`)
  }

  /** Writes bytes, and waits until there is room for more, or nobody to take them. */
  async write(bytes: Buffer): Promise<void> {
    const { socket } = this
    if (socket.destroyed || socket.write(bytes)) return
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        socket.off('drain', goOn).off('close', goOn)
        resolve()
      }
      socket.on('drain', goOn).on('close', goOn)
    })
  }

  /** The next line that is an answer. A line `ERROR <words>` is thrown. */
  async line(): Promise<string> {
    for (;;) {
      const line = await this.anyLine()
      const [, at, bytes] = /^CHECKING (\d{1,15}) (\d{1,15})$/.exec(line) ?? []
      if (at === undefined) return line
      this.onChecking(Number(at), Number(bytes))
    }
  }

  private async anyLine(): Promise<string> {
    let end: number
    while ((end = this.rest.indexOf('\n')) === -1) {
      if (this.rest.length > FILE_LINE_BYTES_MAX) {
        throw new TransferFailure('The server does not speak this protocol.')
      }
      this.rest = Buffer.concat([this.rest, await this.chunk()])
    }
    const line = this.rest.toString('utf8', 0, end).replace(/\r$/, '')
    this.rest = this.rest.subarray(end + 1)
    const [, words] = /^ERROR (.*)$/.exec(line) ?? []
    if (words !== undefined) throw new TransferFailure(`The server says: ${printable(words)}.`)
    return line
  }

  /** The next `count` bytes, as they come. */
  async *bytes(count: number): AsyncGenerator<Buffer, void, void> {
    for (let left = count; left > 0;) {
      const chunk = this.rest.length > 0 ? this.rest : await this.chunk()
      const taken = chunk.subarray(0, left)
      this.rest = chunk.subarray(taken.length)
      left -= taken.length
      yield taken
    }
  }

  private async chunk(): Promise<Buffer> {
    const { done, value } = await this.chunks.next().catch((error: unknown) => {
      throw asFailure(error)
    })
    if (done === true) throw new TransferFailure('The server has ended the connection.')
    return value
  }

  /** Says goodbye. */
  close(): void {
    this.socket.end('QUIT\r\n')
    this.socket.destroySoon()
  }

  /** Ends it as it is. */
  abandon(): void {
    this.socket.destroy()
  }
}

/** Throws NameError for what would not be one line. */
export function requireName(name: string): void {
  if (name === '') throw new NameError('The name of the file is empty.')
  if (/\p{Cc}/u.test(name))
    throw new NameError('The name of a file cannot have control characters.')
  if (Buffer.byteLength(name) > FILE_LINE_BYTES_MAX - 128) {
    throw new NameError('The name of the file is too long.')
  }
}

/** Why it failed, in a sentence. */
export function reasonOf(error: unknown): string {
  if (error instanceof TransferFailure) return error.message
  const code = codeOf(error)
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'The server has broken the connection.'
  if (code === 'ENOENT') return 'There is no such file.'
  if (code === 'ENOSPC') return 'The disk is full.'
  if (code === 'EACCES' || code === 'EPERM') return 'This user may not.'
  if (code === undefined) throw error
  return `It failed (${code}).`
}

/** What the world has done is a failure; anything else is a mistake of ours, and stays what it is. */
export function asFailure(error: unknown): unknown {
  return codeOf(error) === undefined ? error : new TransferFailure(reasonOf(error))
}

export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined
}

function connectOptions(address: Address): NetConnectOpts {
  return address.family === 'unix'
    ? { path: address.path }
    : { host: address.host, port: address.port }
}

/** What a stranger says is shown on a terminal: without what a terminal would obey. */
function printable(words: string): string {
  return words.replace(/\p{Cc}/gu, '?').slice(0, 200)
}
