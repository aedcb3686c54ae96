// Servers for the load generator to be tested against: a small honest one, on node:net, and all the ways
// in which it can be made dishonest. It keeps count of what it was asked, to compare with what the
// generator says it asked.

import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

function busyFor(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end);
}

/** One client as the server sees it. */
export interface Client {
  readonly socket: Socket
  readonly number: number
  nick: string
  inRoom: boolean
  /** With `torn`: the end of what was said, which is written a little later. */
  tail: string
  /** While something is waited for: the lines that came meanwhile. */
  held: string[] | null
}

export interface Faults {
  /** What is written instead of an answer (PONG) or a delivery. `count` goes from 1, over all of them. */
  readonly tamper?: (line: string, count: number, client: Client) => readonly string[]
  /** Called before a line is obeyed; true means that it is to be ignored. */
  readonly ignore?: (line: string, client: Client) => boolean
  /** Called with every new connection; true means that it is not to be served. */
  readonly refuse?: (client: Client) => boolean
  /** Connections that wait to be accepted; Node's own default is 511. */
  readonly backlog?: number
  /** Whether lines are written in pieces that end anywhere but at a line's end. */
  readonly torn?: boolean
  /** Whether a WORK is answered without being done. */
  readonly idles?: boolean
  /** Whether it waits for one client after the other. */
  readonly waitsInTurn?: boolean
  /** Whether those in the room are told nothing of one who leaves it. */
  readonly hidesQuits?: boolean
  /** Whose PINGs are answered late. */
  readonly slowDown?: (client: Client) => boolean
  readonly serverName?: string
  readonly terminator?: string
}

/** `slowDown`: how late. */
const SLOW_MS = 20

export class ChatServer {
  readonly #server: Server
  readonly #faults: Faults
  readonly clients = new Set<Client>()
  /** Connections so far. */
  accepted = 0
  pings = 0
  messages = 0
  works = 0
  waits = 0
  /** How long they were to take. */
  readonly workMs = new Set<string>()
  quits = 0
  /** Answers and deliveries written, before tampering. */
  answers = 0
  readonly nicks = new Set<string>()
  /** Those who have sent a PING, and how many. */
  readonly pingsBy = new Map<Client, number>()

  private constructor(faults: Faults) {
    this.#faults = faults
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#serve(socket),
    )
  }

  /** Listens on loopback, or on the Unix-domain socket `path`. */
  static async start(faults: Faults = {}, path?: string): Promise<ChatServer> {
    const server = new ChatServer(faults)
    const where = path === undefined ? { port: 0, host: '127.0.0.1' } : { path }
    server.#server.listen({ ...where, backlog: faults.backlog ?? 511 })
    await once(server.#server, 'listening')
    return server
  }

  get address(): string {
    const address = this.#server.address()!
    return typeof address === 'string' ? `unix:${address}` : `127.0.0.1:${address.port}`
  }

  async stop(): Promise<void> {
    for (const { socket } of this.clients) socket.destroy()
    this.#server.close()
    await once(this.#server, 'close')
  }

  #serve(socket: Socket): void {
    const client: Client = {
      socket,
      number: this.accepted++,
      nick: '',
      inRoom: false,
      tail: '',
      held: null,
    }
    this.clients.add(client)
    socket.on('close', () => this.#left(client))
    // A reset by the generator's closing is as good an end as any.
    socket.on('error', () => socket.destroy())
    socket.on('end', () => socket.end())
    if (this.#faults.refuse?.(client)) return
    let rest = ''
    socket.setEncoding('latin1').on('data', (text: string) => {
      const lines = (rest + text).split('\r\n')
      rest = lines.pop()!
      for (const line of lines) this.#take(client, line)
    })
  }

  #left(client: Client): void {
    this.clients.delete(client)
    if (!client.inRoom || this.#faults.hidesQuits) return
    for (const other of this.clients) {
      if (other.inRoom) this.say(other, `:${client.nick}!~bench@127.0.0.1 QUIT :Gone`)
    }
  }

  #take(client: Client, line: string): void {
    if (client.held === null) this.#obey(client, line)
    else client.held.push(line)
  }

  /** What the client says meanwhile waits. */
  #answerLater(client: Client, ms: number, answer: string): void {
    client.held = []
    setTimeout(() => {
      this.#answer(client, answer)
      const lines = client.held ?? []
      client.held = null
      for (const line of lines) this.#take(client, line)
    }, ms)
  }

  #wait(client: Client, ms: number, answer: string): void {
    this.waits++
    if (this.#faults.waitsInTurn) busyFor(ms)
    if (this.#faults.waitsInTurn || this.#faults.idles) this.#answer(client, answer)
    else this.#answerLater(client, ms, answer)
  }

  #obey(client: Client, line: string): void {
    if (this.#faults.ignore?.(line, client)) return
    const name = this.#faults.serverName ?? 'tests.local'
    const command = line.split(' ', 1)[0]
    const words = line.slice(command!.length + 1)
    if (command === 'NICK') client.nick = words
    else if (command === 'USER') {
      this.nicks.add(client.nick)
      this.say(client, `:${name} 001 ${client.nick} :Welcome`)
    } else if (command === 'JOIN') this.#join(client, name)
    else if (command === 'PING') {
      this.pings++
      this.pingsBy.set(client, (this.pingsBy.get(client) ?? 0) + 1)
      const answer = `:${name} PONG ${name} ${words}`
      if (this.#faults.slowDown?.(client)) this.#answerLater(client, SLOW_MS, answer)
      else this.#answer(client, answer)
    } else if (command === 'WORK') {
      this.works++
      if (!this.#faults.idles) busyFor(Number(words))
      this.workMs.add(words)
      this.#answer(client, `:${name} WORK ${words}`)
    } else if (command === 'WAIT') {
      this.#wait(client, Number(words), `:${name} WAIT ${words}`)
    } else if (command === 'PRIVMSG') {
      this.messages++
      for (const other of this.clients) {
        if (other === client || !other.inRoom) continue
        this.#answer(other, `:${client.nick}!~bench@127.0.0.1 PRIVMSG ${words}`)
      }
    } else if (command === 'QUIT') {
      this.quits++
      client.socket.end('ERROR :Closing Link\r\n')
    }
  }

  #join(client: Client, name: string): void {
    client.inRoom = true
    for (const other of this.clients) {
      if (other.inRoom) this.say(other, `:${client.nick}!~bench@127.0.0.1 JOIN #bench`)
    }
    this.say(client, `:${name} 353 ${client.nick} = #bench :${client.nick}`)
    this.say(client, `:${name} 366 ${client.nick} #bench :End of NAMES`)
  }

  #answer(client: Client, line: string): void {
    this.answers++
    const lines = this.#faults.tamper?.(line, this.answers, client) ?? [line]
    for (const one of lines) this.say(client, one)
  }

  say(client: Client, line: string): void {
    const text = line + (this.#faults.terminator ?? '\r\n')
    if (!this.#faults.torn) return this.#write(client, text)
    const whole = client.tail + text
    const cut = whole.length - 1 - (this.answers % (text.length - 1))
    this.#write(client, whole.slice(0, cut))
    client.tail = whole.slice(cut)
    setImmediate(() => {
      this.#write(client, client.tail)
      client.tail = ''
    })
  }

  #write({ socket }: Client, text: string): void {
    if (!socket.destroyed) socket.write(text, 'latin1')
  }
}
