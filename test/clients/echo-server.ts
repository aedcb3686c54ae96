// Echo servers for the load generator to be tested against: over streams and over datagrams, honest, or
// made to lose, double, damage or hold back what they should send back.

import { createSocket, type Socket as DatagramSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** What is sent instead of an echo; `count` goes from 1, over all clients. */
export type Tamper = (message: string, count: number) => readonly string[]

const honest: Tamper = (message) => [message]

/** Over a stream. A tampered echo is that of a whole message, CR LF included. */
export class EchoServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Whole messages so far. */
  messages = 0

  private constructor(tamper: Tamper) {
    this.#server = createServer({ noDelay: true }, (socket) => {
      this.#sockets.add(socket)
      socket.on('close', () => this.#sockets.delete(socket))
      socket.on('error', () => socket.destroy())
      let rest = ''
      socket.setEncoding('latin1').on('data', (text: string) => {
        const messages = (rest + text).split(/(?<=\n)/)
        rest = messages.at(-1)!.endsWith('\n') ? '' : messages.pop()!
        const echoes = messages.flatMap((message) => tamper(message, ++this.messages))
        // In two pieces, which end anywhere: a stream has no messages.
        const whole = echoes.join('')
        const cut = this.messages % (whole.length + 1)
        socket.write(whole.slice(0, cut), 'latin1')
        setImmediate(() => socket.write(whole.slice(cut), 'latin1'))
      })
    })
  }

  static async start(tamper: Tamper = honest, path?: string): Promise<EchoServer> {
    const server = new EchoServer(tamper)
    server.#server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path })
    await once(server.#server, 'listening')
    return server
  }

  get address(): string {
    const address = this.#server.address()!
    return typeof address === 'string' ? `unix:${address}` : `127.0.0.1:${address.port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** Over datagrams: one in, those that `tamper` says out. */
export class DatagramEchoServer {
  readonly #socket: DatagramSocket
  messages = 0

  private constructor(tamper: Tamper, family: 'udp4' | 'udp6') {
    this.#socket = createSocket(family)
    this.#socket.on('message', (bytes, from) => {
      for (const echo of tamper(bytes.toString('latin1'), ++this.messages)) {
        this.#socket.send(Buffer.from(echo, 'latin1'), from.port, from.address)
      }
    })
  }

  static async start(tamper: Tamper = honest, host = '127.0.0.1'): Promise<DatagramEchoServer> {
    const server = new DatagramEchoServer(tamper, host.includes(':') ? 'udp6' : 'udp4')
    server.#socket.bind(0, host)
    await once(server.#socket, 'listening')
    return server
  }

  get address(): string {
    const { address, port } = this.#socket.address()
    return `udp:${address.includes(':') ? `[${address}]` : address}:${port}`
  }

  async stop(): Promise<void> {
    this.#socket.close()
    await once(this.#socket, 'close')
  }
}
