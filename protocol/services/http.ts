// http: enough of HTTP/1.1 for curl, wrk and autocannon. Connections stay (keep-alive), requests may come
// many at a time (pipelining) and are answered in their order.
//
//     GET /              a fixed small body
//     GET /work?ms=5     keeps a CPU busy for so long, on a server with --lab
//     GET /metrics       counts, in OpenMetrics text
//
// Left out: Date, because a conversation has no clock that people read, and a server without one must not
// send it (RFC 9110 section 6.6.1); caching, ranges, encodings, cookies, TLS. No body is looked at.

import type { ConversationEffect, HubEffect } from '../effects.ts'
import { detach, textOf } from '../framing.ts'
import type { HubOptions, ServerIdentity } from '../identity.ts'
import { INPUT_BYTES_MAX, MERGED_REPLY_BYTES_MAX } from '../limits.ts'
import type { Conversation, Service } from '../service.ts'
import { Guests } from './guests.ts'
import { Fault, readRequest, type Request } from './http-request.ts'
import { silenceMsMax } from './silence.ts'

const REASONS = {
  200: 'OK',
  400: 'Bad Request',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
} as const

type Status = keyof typeof REASONS

/** Those of RFC 9110 and PATCH: known, and refused with 405. Any other is not implemented. */
const METHODS = /^(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH)$/

interface Manner {
  readonly connection?: Request['connection']
  /** HEAD: as GET, without the body. */
  readonly method?: string
  readonly type?: string
}

function response(status: Status, body: string, manner: Manner = {}): string {
  const { connection = '', method = 'GET', type = 'text/plain; charset=utf-8' } = manner
  return (
    `HTTP/1.1 ${status} ${REASONS[status]}\r\nContent-Type: ${type}\r\n` +
    `Content-Length: ${body.length}\r\n` +
    (status === 405 ? 'Allow: GET, HEAD\r\n' : '') +
    (connection === '' ? '\r\n' : `Connection: ${connection}\r\n\r\n`) +
    (method === 'HEAD' ? '' : body)
  )
}

/** An answer that says what it is about, in a sentence. */
function refusal(status: Status, why: string, manner: Manner = {}): string {
  return response(status, `${REASONS[status]}: ${why}.\n`, manner)
}

const LAST: Manner = { connection: 'close' }
const HELLO = 'hubbub\n'
const HELLO_ANSWER = response(200, HELLO)

/** What comes next: text to write, or an effect; null: nothing before more bytes come. */
type Answer = string | ConversationEffect | null

class HttpConversation implements Conversation {
  private readonly server: ServerIdentity
  private readonly silenceMs: number
  private text = ''
  /** Where in `text` the next request begins. */
  private at = 0
  /** Bytes of a body that are still to come, and to be thrown away. */
  private bodyBytes = 0
  /** What follows the effect that was given last. */
  private readonly due: NonNullable<Answer>[] = []
  /** The last /work: what its answer needs to know. */
  private working: Request | null = null
  private closed = false
  private receivedMs: number
  /** A request, head and body, has to be here by then; between requests, the next one has to begin. */
  private deadlineMs: number
  /** Something of a request has come, but not all of it. */
  private begun = false

  constructor(server: ServerIdentity, nowMs: number) {
    this.server = server
    this.silenceMs = silenceMsMax(server)
    this.receivedMs = nowMs
    this.deadlineMs = nowMs + server.limits.registrationTimeoutMs
  }

  receive(bytes: Buffer, nowMs: number, count = bytes.length): void {
    if (this.closed || count === 0 || this.heldBytes > INPUT_BYTES_MAX) return
    this.receivedMs = nowMs
    const chunk = textOf(bytes, count)
    this.text = this.heldBytes === 0 ? chunk : this.text.slice(this.at) + chunk
    this.at = 0
  }

  nextEffect(): ConversationEffect | null {
    let replies = ''
    while (replies.length < MERGED_REPLY_BYTES_MAX) {
      const answer = this.due.shift() ?? this.nextAnswer()
      if (answer === null) break
      if (typeof answer === 'string') replies += answer
      else if (replies === '') return answer
      else {
        this.due.unshift(answer)
        break
      }
    }
    return replies === '' ? null : { kind: 'reply', text: replies }
  }

  /** There are no names here. */
  identify(): void {}

  /** Of the /work that was asked for, 503 is the answer. */
  refused(): void {
    const request = this.working!
    this.due[0] = this.finish(refusal(503, 'The server is busy, try again later', request), request)
  }

  excuse(nowMs: number): void {
    const leastMs = nowMs + this.server.limits.registrationTimeoutMs
    this.deadlineMs = Math.max(this.deadlineMs, leastMs)
  }

  nextTickMs(): number {
    return this.closed ? Infinity : this.deadlineMs
  }

  /** 408 to a request that does not come to its end; nothing to one that has not begun. */
  tick(nowMs: number): ConversationEffect | null {
    if (this.closed || nowMs < this.deadlineMs) return null
    if (!this.begun) return this.close('', 'Idle for too long')
    const text = this.bodyBytes > 0 ? '' : refusal(408, 'The request took too long', LAST)
    return this.close(text, 'Request timed out')
  }

  private get heldBytes(): number {
    return this.text.length - this.at
  }

  private nextAnswer(): Answer {
    if (this.closed) return null
    if (this.heldBytes > INPUT_BYTES_MAX) return this.close('', 'RecvQ exceeded')
    this.skip()
    const request = this.bodyBytes > 0 ? null : readRequest(this.text, this.at)
    if (request === null) return this.waitForMore()
    if (request instanceof Fault) {
      return this.close(refusal(request.status, request.why, LAST), 'Bad request')
    }
    this.begun = false
    this.deadlineMs = this.receivedMs + this.silenceMs
    this.at += request.headBytes
    this.bodyBytes = request.bodyBytes // The answer does not wait for it: nobody reads it.
    return this.answer(request)
  }

  /** Over the body of the last request, and over blank lines, which some old clients send after it. */
  private skip(): void {
    const skipped = Math.min(this.bodyBytes, this.heldBytes)
    this.bodyBytes -= skipped
    this.at += skipped
    while (this.bodyBytes === 0 && this.text.startsWith('\r\n', this.at)) this.at += 2
  }

  private waitForMore(): null {
    this.text = detach(this.text.slice(this.at))
    this.at = 0
    if (!this.begun && (this.text !== '' || this.bodyBytes > 0)) {
      this.begun = true
      this.deadlineMs = this.receivedMs + this.server.limits.registrationTimeoutMs
    }
    return null
  }

  private answer(request: Request): Answer {
    const { method, path, query, connection } = request
    if (method === 'GET' && path === '/' && connection === '') return HELLO_ANSWER
    if (!METHODS.test(method)) {
      return this.finish(refusal(501, 'This method is unknown here', request), request)
    }
    const isPage = path === '/' || path === '/metrics' || (path === '/work' && this.server.lab)
    if (!isPage) return this.finish(refusal(404, 'There is no such page', request), request)
    if (method !== 'GET' && method !== 'HEAD') {
      return this.finish(refusal(405, 'This page is only read', request), request)
    }
    if (path === '/metrics') {
      if (connection === 'close') this.due.push(this.close('', 'Connection: close'))
      return { kind: 'hub', line: `${method} ${connection}` }
    }
    if (path === '/work') return this.work(query, request)
    return this.finish(response(200, HELLO, request), request)
  }

  private work(query: string, request: Request): Answer {
    const { workMsMax } = this.server.limits
    const [, ms] = /^ms=([0-9]{1,6})$/.exec(query) ?? []
    if (ms === undefined || Number(ms) > workMsMax) {
      const why = `ms has to be a whole number from 0 to ${workMsMax}`
      return this.finish(refusal(400, why, request), request)
    }
    this.working = request
    this.due.push(this.finish(response(200, `${Number(ms)} ms\n`, request), request))
    return { kind: 'compute', ms: Number(ms) }
  }

  /** The answer, and the end of the connection if the request is the last one. */
  private finish(text: string, { connection }: Request): string | ConversationEffect {
    return connection === 'close' ? this.close(text, 'Connection: close') : text
  }

  private close(text: string, reason: string): ConversationEffect {
    this.closed = true
    this.text = ''
    this.at = 0
    return { kind: 'close', text, reason }
  }
}

const OPEN_METRICS = 'application/openmetrics-text; version=1.0.0; charset=utf-8'

/**
 * Answers /metrics, because it is the one who knows how many clients there are. It knows of no other
 * request: conversations answer those where they run, in other threads and processes at times, and a
 * count would cost each of them a message. Memory and CPU time are for whoever watches the process.
 */
class HttpHub<Id> extends Guests<Id> {
  private readonly options: HubOptions
  private connections = 0

  constructor(options: HubOptions) {
    super()
    this.options = options
  }

  override connect(id: Id, host: string, nowMs: number): readonly HubEffect<Id>[] {
    this.connections++
    return super.connect(id, host, nowMs)
  }

  /** A line is the method of the request, and what its answer says about the connection. */
  override receive(id: Id, line: string): readonly HubEffect<Id>[] {
    const [method, connection] = line.split(' ') as [string, Request['connection']]
    const text = response(200, this.metrics(), { method, connection, type: OPEN_METRICS })
    return [{ kind: 'send', to: [id], except: null, text }]
  }

  private metrics(): string {
    return [
      ...family('hubbub_build', 'info', 'What runs here.'),
      `hubbub_build_info{version="${this.options.version}"} 1`,
      ...family('hubbub_clients', 'gauge', 'Clients that are connected.'),
      `hubbub_clients ${this.clients}`,
      ...family('hubbub_connections', 'counter', 'Clients that have ever connected.'),
      `hubbub_connections_total ${this.connections}`,
      ...family('hubbub_start_time_seconds', 'gauge', 'When the server started, since 1970.'),
      '# UNIT hubbub_start_time_seconds seconds',
      `hubbub_start_time_seconds ${Date.parse(this.options.createdAt) / 1000}`,
      '# EOF\n',
    ].join('\n')
  }
}

function family(name: string, type: string, help: string): string[] {
  return [`# TYPE ${name} ${type}`, `# HELP ${name} ${help}`]
}

export const service: Service = {
  lastWords: {
    serverFull: refusal(503, 'Server full', LAST),
    internalError: refusal(500, 'Internal error', LAST),
  },
  conversation: (server, nowMs) => new HttpConversation(server, nowMs),
  hub: (options) => new HttpHub(options),
}
