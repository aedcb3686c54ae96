// A chat client for tests. It shows what is on the wire: bytes out, whole lines in, and how the connection
// ended. Text is latin1, one character for one byte. Every wait is bounded and says what did not come.

import { connect, type Socket } from 'node:net'
import { parseAddress } from '../../posix/index.ts'
import { PATIENCE_MS, until } from './conditions.ts'

/** How the server's side of a connection ended. */
export type Ending = 'end' | 'reset'

/** Clients that are connected: `closeClients` finds them also after a failure. */
const open = new Set<Client>()

let tokens = 0

/**
 * A nickname is free this soon after its owner has gone, whichever way it went. Where clients are served by
 * several processes, the news of a departure may come after the next client.
 */
export const NICK_FREE_MS_MAX = 250

export class Client {
  readonly #socket: Socket
  /** Lines that have arrived and were not taken yet. */
  readonly #lines: string[] = []
  #partial = ''
  #ending: Ending | null = null
  #wake: () => void = () => {}
  /** Called for each line instead of keeping it, for those who look at very many. */
  #onLine: ((line: string) => void) | null = null

  constructor(socket: Socket) {
    this.#socket = socket
    open.add(this)
    socket.setNoDelay(true)
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => this.#take(text))
    socket.on('end', () => this.#end('end'))
    socket.on('error', () => this.#end('reset'))
    socket.on('close', () => {
      this.#end('reset') // Unless it had ended before.
      open.delete(this)
    })
  }

  #take(text: string): void {
    const lines = (this.#partial + text).split('\r\n')
    this.#partial = lines.pop() as string
    if (this.#onLine === null) this.#lines.push(...lines)
    else for (const line of lines) this.#onLine(line)
    this.#wake()
  }

  #end(ending: Ending): void {
    this.#ending ??= ending
    this.#wake()
  }

  /** The number of its own port, over TCP. */
  get port(): number {
    return this.#socket.localPort!
  }

  /** Sends bytes, as they are. */
  send(text: string): void {
    this.#socket.write(text, 'latin1')
  }

  /** Sends lines. */
  say(...lines: string[]): void {
    this.send(lines.map((line) => `${line}\r\n`).join(''))
  }

  /** Resolves when the kernel has taken all that was sent. */
  async flushed(): Promise<void> {
    await until('the server should read', () => this.#socket.writableLength === 0)
  }

  /** How the server ended its side; null while it has not. Lines may be left to take. */
  get ending(): Ending | null {
    return this.#ending
  }

  /** The connection is gone in both directions: closed here, or found to be closed there by sending. */
  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  /** Bytes after the last line end. */
  get partial(): string {
    return this.#partial
  }

  /** The next line; rejects when none comes, or the connection ends first. */
  async nextLine(boundMs = PATIENCE_MS): Promise<string> {
    const endMs = performance.now() + boundMs
    while (this.#lines.length === 0) {
      if (this.#ending !== null) throw new Error(`Instead of a line came the ${this.#ending}`)
      await this.#change(endMs, 'a line')
    }
    return this.#lines.shift() as string
  }

  /** Takes lines up to one that matches, and returns all of them, that one included. */
  async linesTo(pattern: RegExp, boundMs = PATIENCE_MS): Promise<string[]> {
    const endMs = performance.now() + boundMs
    const taken: string[] = []
    for (;;) {
      let line: string
      try {
        line = await this.nextLine(endMs - performance.now())
      } catch (error) {
        throw new Error(
          `Missing a line like ${pattern}; received: ${taken.slice(-5).join(' | ')}`,
          {
            cause: error,
          },
        )
      }
      taken.push(line)
      if (pattern.test(line)) return taken
    }
  }

  /** The first line that matches; those before it are dropped. */
  async lineLike(pattern: RegExp, boundMs = PATIENCE_MS): Promise<string> {
    return (await this.linesTo(pattern, boundMs)).at(-1) as string
  }

  /** Sends a PING and returns what came before its answer: everything that had been said before. */
  async barrier(boundMs = PATIENCE_MS): Promise<string[]> {
    const token = `barrier-${tokens++}`
    this.say(`PING :${token}`)
    const lines = await this.linesTo(new RegExp(` PONG \\S+ :${token}$`), boundMs)
    return lines.slice(0, -1)
  }

  /** Resolves with the way the connection ended, and every line that came before. */
  async toEnd(boundMs = PATIENCE_MS): Promise<{ ending: Ending; lines: string[] }> {
    const endMs = performance.now() + boundMs
    while (this.#ending === null) await this.#change(endMs, 'the end of the connection')
    return { ending: this.#ending, lines: this.#lines.splice(0) }
  }

  /** From now on each line is handed to `onLine`; those that have arrived are, too. */
  watch(onLine: (line: string) => void): void {
    this.#onLine = onLine
    for (const line of this.#lines.splice(0)) onLine(line)
  }

  /** Registers under a nickname, and takes the welcome. Who had it before may be gone only just now. */
  async register(nick: string, password?: string): Promise<this> {
    if (password !== undefined) this.say(`PASS ${password}`)
    this.say(`USER ${nick} 0 * :${nick}`)
    const untilMs = performance.now() + NICK_FREE_MS_MAX
    let last: string
    do {
      this.say(`NICK ${nick}`)
      last = await this.lineLike(/^(?:\S+ (?:422|376|43\d|464) |ERROR)/)
    } while (/^\S+ 433 /.test(last) && performance.now() < untilMs)
    if (!/^\S+ (?:422|376) /.test(last)) throw new Error(`${nick} could not register: ${last}`)
    return this
  }

  /** Joins a channel, and takes the answer. */
  async join(channel: string): Promise<this> {
    this.say(`JOIN ${channel}`)
    await this.lineLike(/^\S+ 366 /)
    return this
  }

  /** Stops reading, so that the kernel's buffers fill; or goes on. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Ends our half of the connection. */
  halfClose(): void {
    this.#socket.end()
  }

  /** Resets the connection: RST instead of FIN. */
  reset(): void {
    this.#socket.resetAndDestroy()
  }

  /** Says QUIT, and waits until the server has ended the connection. */
  async quit(): Promise<void> {
    this.say('QUIT')
    await this.toEnd()
    this.close()
  }

  close(): void {
    this.#socket.destroy()
    open.delete(this)
  }

  /** Waits until something has changed. */
  async #change(endMs: number, what: string): Promise<void> {
    const leftMs = endMs - performance.now()
    if (leftMs <= 0) throw new Error(`Waited in vain for ${what}`)
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, leftMs)
      this.#wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

/**
 * Connects to a server's address: `127.0.0.1:41234` or `unix:/path`. Somebody may accept it later. `from` is
 * another address of this machine to come from; on Linux, all of 127.0.0.0/8 are.
 */
export async function connectTo(address: string, from?: string): Promise<Client> {
  const parsed = parseAddress(address)
  const where =
    parsed.family === 'unix'
      ? { path: parsed.path }
      : { host: parsed.host, port: parsed.port, ...(from && { localAddress: from }) }
  const socket = connect({ ...where, allowHalfOpen: true })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve)
    socket.once('error', reject)
  })
  return new Client(socket)
}

/** A registered client. */
export async function registered(address: string, nick: string): Promise<Client> {
  return (await connectTo(address)).register(nick)
}

/** Registered clients, each in the channel; the nicknames are `nick0`, `nick1` and so on. */
export async function members(
  address: string,
  count: number,
  channel: string,
  nick = 'member',
): Promise<Client[]> {
  const clients = await Promise.all(
    Array.from({ length: count }, (_, i) => registered(address, `${nick}${i}`)),
  )
  for (const client of clients) await client.join(channel)
  for (const client of clients) await client.barrier() // They have seen each other come.
  return clients
}

/** Closes every client that is still connected. */
export function closeClients(): void {
  for (const client of open) client.close()
}
