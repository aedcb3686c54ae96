// Conversation: what belongs to one client.
//
// It cuts the client's bytes into lines, answers by itself what needs nobody else (PING, VERSION, QUIT,
// the computing commands WORK and WAIT) and passes every other line to the hub. It also watches over the
// client's liveness, on a clock that its owner hands in.
//
//     receive(bytes) ... nextEffect(), nextEffect(), ... null ... receive(bytes) ...
//
// Like h11's `next_event`, `nextEffect` gives one effect at a time and null when more bytes are needed.
// The owner performs the effect before it asks again. That is the whole mechanism by which a client's
// answers come in the order of its requests: while the hub has a line, or a WORK is being done, nobody
// asks, and the client's later lines wait.
//
// One of these exists for every client, ten thousand at times: it is a few numbers and references, and
// has no buffer, timer or closure of its own.

import type { ConversationEffect } from './effects.ts'
import { FramingFault, LineReader, cutBytes, textOf, wireLine } from './framing.ts'
import type { ServerIdentity } from './identity.ts'
import { INPUT_BYTES_MAX, LINE_BYTES_MAX, MERGED_REPLY_BYTES_MAX } from './limits.ts'
import { commandOf, parseMessage } from './messages.ts'
import type { NumericName, NumericValues } from './numerics.ts'
import { formatNumeric } from './numerics.ts'
import { PongPrefix, pongsTo } from './pongs.ts'
import type { Conversation } from './service.ts'

/** The first byte of a TLS record of type handshake (RFC 8446 section 5.1): a ClientHello. */
const TLS_HANDSHAKE = 0x16

/** A browser, or a page that makes one send a forged request, must not be talked to. */
const HTTP_VERBS: ReadonlySet<string> = new Set(
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH PRI'.split(' '),
)

/** What a line comes to: text to write, possibly none, or an effect. */
type Answer = string | ConversationEffect

export class IrcConversation implements Conversation {
  private readonly server: ServerIdentity
  private readonly pongPrefix: PongPrefix
  private readonly reader = new LineReader()
  private nick = '*'
  private registered = false
  private closed = false
  /** Its first byte has been looked at. */
  private begun = false
  /** False once nextEffect() has said null, until there are new bytes. */
  private mayHaveLines = false
  /** An effect that has to wait until the replies before it are written. */
  private held: ConversationEffect | null = null
  /** The reply to a WORK or WAIT that is being performed, or to a chunk of PINGs. */
  private owed = ''
  /** When tick() has to act: end of registration, PING, or the end of patience. */
  private deadlineMs: number
  private awaitsPong = false

  /** `nowMs` here, in receive() and in tick() is any one monotonic clock, in milliseconds. */
  constructor(server: ServerIdentity, nowMs: number) {
    this.server = server
    this.pongPrefix = pongPrefix(server.serverName)
    this.deadlineMs = nowMs + server.limits.registrationTimeoutMs
  }

  /**
   * Takes in bytes (the first `count` of them), and does no more than that. They are copied: the caller
   * may reuse its buffer.
   */
  receive(bytes: Buffer, nowMs: number, count = bytes.length): void {
    if (this.closed || count === 0) return
    if (this.registered) {
      this.deadlineMs = nowMs + this.server.limits.pingIntervalMs
      this.awaitsPong = false
    }
    if (this.reader.length > INPUT_BYTES_MAX) return
    // Nothing is before it: then the answers may be made at once.
    if (this.begun && !this.pending && this.reader.isEmpty) {
      this.owed = pongsTo(bytes, count, this.pongPrefix) ?? ''
      if (this.owed !== '') return
    }
    this.reader.push(textOf(bytes, count))
    this.mayHaveLines = true
  }

  /** Whether lines may be waiting: true from receive() until nextEffect() returns null. */
  get pending(): boolean {
    return this.mayHaveLines || this.owed !== ''
  }

  /** The next thing to do for this client; null: nothing before more bytes come. */
  nextEffect(): ConversationEffect | null {
    const held = this.held
    if (held !== null) {
      this.held = null
      return held
    }
    let replies = this.owed
    this.owed = ''
    while (this.mayHaveLines && replies.length < MERGED_REPLY_BYTES_MAX) {
      const answer = this.nextAnswer()
      if (typeof answer === 'string') {
        replies += answer
      } else {
        if (replies === '') return answer
        this.held = answer // null when there are no more lines.
        break
      }
    }
    return replies === '' ? null : { kind: 'reply', text: replies }
  }

  /** The hub says who the client is now. */
  identify(nick: string, registered: boolean): void {
    this.nick = nick
    if (registered && !this.registered) {
      // From now on the deadline means silence; the time of connecting serves as the last sign of life.
      const { pingIntervalMs, registrationTimeoutMs } = this.server.limits
      this.deadlineMs += pingIntervalMs - registrationTimeoutMs
    }
    this.registered = registered
  }

  /** The WORK that was asked for is not done, because too much of it is: instead of its answer, a 400. */
  refused(): void {
    this.owed = this.numeric('ERR_UNKNOWNERROR', 'WORK', 'The server is busy, try again later')
  }

  /** The client could not be heard, by our own doing: its silence does not count. */
  excuse(nowMs: number): void {
    this.deadlineMs = Math.max(this.deadlineMs, nowMs + this.server.limits.pingTimeoutMs)
  }

  /** At the latest at this time tick() has to be called; Infinity when it has nothing more to say. */
  nextTickMs(): number {
    return this.closed ? Infinity : this.deadlineMs
  }

  /** What time alone brings about: a PING to a silent client, or the end of one that stays silent. */
  tick(nowMs: number): ConversationEffect | null {
    if (this.closed || nowMs < this.deadlineMs) return null
    if (!this.registered) return this.close('Registration timed out')
    if (this.awaitsPong) return this.close('Ping timeout')
    this.awaitsPong = true
    this.deadlineMs = nowMs + this.server.limits.pingTimeoutMs
    return { kind: 'reply', text: `PING :${this.server.serverName}\r\n` }
  }

  /** What the next line comes to; null when there is none. */
  private nextAnswer(): Answer | null {
    if (this.closed) return null
    if (this.reader.length > INPUT_BYTES_MAX) return this.close('RecvQ exceeded')
    if (!this.begun) {
      // A handshake is the first thing that is said. Later, the byte is as wrong as any other.
      this.begun = true
      if (this.reader.firstByte === TLS_HANDSHAKE) return this.close('This port does not speak TLS')
    }
    const line = this.reader.next()
    if (typeof line === 'string') return this.answer(line)
    if (line !== null) return this.refuse(line)
    this.mayHaveLines = false
    return null
  }

  private answer(line: string): Answer {
    const command = commandOf(line)
    switch (command) {
      case '':
      case 'PONG':
        return ''
      case 'PING':
        return this.ping(line)
      case 'QUIT':
        return this.quit(line)
      case 'VERSION':
        return this.registered ? this.version() : { kind: 'hub', line }
      case 'WORK':
      case 'WAIT':
        return this.server.lab && this.registered ? this.lab(command, line) : { kind: 'hub', line }
      default:
        return this.registered || !HTTP_VERBS.has(command)
          ? { kind: 'hub', line }
          : this.close('This port does not speak HTTP')
    }
  }

  private ping(line: string): string {
    const token = parseMessage(line).params[0] ?? ''
    return token === '' ? this.numeric('ERR_NOORIGIN') : wireLine(this.pongPrefix.text + token)
  }

  private quit(line: string): ConversationEffect {
    const said = parseMessage(line).params[0] ?? ''
    return this.close(said === '' ? 'Client quit' : `Quit: ${said}`)
  }

  private version(): string {
    const { version, serverName, lab } = this.server
    return this.numeric(
      'RPL_VERSION',
      version,
      serverName,
      `${lab ? 'with' : 'without'} WORK and WAIT`,
    )
  }

  private lab(command: 'WORK' | 'WAIT', line: string): Answer {
    const [duration] = parseMessage(line).params
    if (duration === undefined) return this.numeric('ERR_NEEDMOREPARAMS', command)
    const { limits, serverName } = this.server
    const msMax = command === 'WORK' ? limits.workMsMax : limits.waitMsMax
    if (!/^[0-9]{1,6}$/.test(duration) || Number(duration) > msMax) {
      const rule = `Milliseconds must be a whole number from 0 to ${msMax}`
      return this.numeric('ERR_UNKNOWNERROR', command, rule)
    }
    const ms = Number(duration)
    this.owed = `:${serverName} ${command} ${ms}\r\n`
    return { kind: command === 'WORK' ? 'compute' : 'wait', ms }
  }

  private refuse(fault: FramingFault): Answer {
    switch (fault.what) {
      case 'too long':
        return this.numeric('ERR_INPUTTOOLONG')
      case 'forbidden byte':
        return this.numeric('ERR_UNKNOWNERROR', '*', 'Line contains NUL or a lone CR')
      case 'not UTF-8':
        return `:${this.server.serverName} FAIL * INVALID_UTF8 :Line is not valid UTF-8\r\n`
      case 'endless':
        return this.close('Line without end')
      default:
        return fault.what satisfies never
    }
  }

  private close(reason: string): ConversationEffect {
    this.closed = true
    this.mayHaveLines = false
    this.held = null
    this.owed = ''
    this.reader.clear()
    const text = `${cutBytes(`ERROR :Closing link: (${reason}`, LINE_BYTES_MAX - 3)})\r\n`
    return { kind: 'close', text, reason }
  }

  private numeric<Name extends NumericName>(name: Name, ...values: NumericValues<Name>): string {
    return formatNumeric(this.server.serverName, this.nick, name, ...values)
  }
}

// Every conversation of a server has the same prefix: made once, and shared.
let lastServerName = ''
let lastPongPrefix = new PongPrefix('')

function pongPrefix(serverName: string): PongPrefix {
  if (serverName !== lastServerName) {
    lastServerName = serverName
    lastPongPrefix = new PongPrefix(serverName)
  }
  return lastPongPrefix
}
