// From bytes to a request of HTTP/1.1 (RFC 9112), as strictly as the RFC lets a server be. Two programs that
// read the same bytes as different requests are a hole in whatever stands between them ("request
// smuggling"), so what could be read in two ways is refused, and the connection with it.
//
// Of the header only what changes the course of things is looked at. One regular expression has seen all
// of it by then: every line is a field, no line is folded, no CR, LF or NUL is left over. It never goes
// back by more than one field, so that no head makes it slow.

/** The request line and the fields with the blank line. Node 16 KiB, nginx 8 KiB a line, Apache 8 KiB. */
export const HEAD_BYTES_MAX = 8 * 1024
/** Nothing here reads a body; so much of it is read to the end for the sake of the next request. */
export const BODY_BYTES_MAX = 64 * 1024

export interface Request {
  readonly method: string
  /** As it came, without the query: `%2F` stays `%2F`. */
  readonly path: string
  /** Behind the question mark; '' without one. */
  readonly query: string
  /** What the answer says about the connection: it ends, or HTTP/1.0 is told that it does not. */
  readonly connection: '' | 'close' | 'keep-alive'
  readonly headBytes: number
  readonly bodyBytes: number
}

/** A request that gets this answer and the end of the connection. */
export class Fault {
  readonly status: 400 | 413 | 414 | 431 | 501 | 505
  readonly why: string

  constructor(status: Fault['status'], why: string) {
    this.status = status
    this.why = why
  }
}

const MALFORMED = new Fault(400, 'This is not a request of HTTP/1.1')
const NO_HOST = new Fault(400, 'A request has one field Host')
const BAD_LENGTH = new Fault(400, 'Content-Length is one number, alone')
const BODY_TOO_LONG = new Fault(413, `A body has at most ${BODY_BYTES_MAX} bytes`)
const TARGET_TOO_LONG = new Fault(414, `A head has at most ${HEAD_BYTES_MAX} bytes`)
const HEAD_TOO_LONG = new Fault(431, `A head has at most ${HEAD_BYTES_MAX} bytes`)
const NO_CODINGS = new Fault(501, 'No transfer coding is known here')
const WRONG_VERSION = new Fault(505, 'Only HTTP/1.0 and HTTP/1.1 are spoken here')

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+"
const HEAD = new RegExp(
  `^(${TOKEN}) ([!-~]+) HTTP/(\\d)\\.(\\d)\\r\\n((?:${TOKEN}:[^\\0\\r\\n]*\\r\\n)*)$`,
)
/** The fields that matter here. */
const FIELD = /^(host|connection|content-length|transfer-encoding|expect):[ \t]*(.*)$/gim
/** Letters enough for a name, an address or [an IPv6 address], and a port. May be empty. */
const HOST = /^[\w\-.~%!$&'()*+;=:[\]]*[ \t]*$/
const LENGTH = /^(\d{1,15})[ \t]*$/
const CLOSE = /(?:^|,)[ \t]*close[ \t]*(?:,|$)/i
const KEEP_ALIVE = /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/i
/** `http://host/path`, which a proxy would be sent, has to be understood (RFC 9112 section 3.2.2). */
const AUTHORITY = /^https?:\/\/[^/?#]*/i
/** Seen before the head is whole: no method begins so, or a line ends with LF alone. */
const HOPELESS = /^(?:\r[^\n]|[^\r!#$%&'*+\-.^_`|~0-9A-Za-z])|[^\r]\n/

/** The request whose head begins at `at`; null: more bytes are needed. */
export function readRequest(text: string, at: number): Request | Fault | null {
  const end = text.indexOf('\r\n\r\n', at)
  if (end === -1 || end + 4 - at > HEAD_BYTES_MAX) return judge(text.slice(at, at + HEAD_BYTES_MAX))
  const [, method = '', target = '', major, minor, fields = ''] =
    HEAD.exec(text.slice(at, end + 2)) ?? []
  if (method === '') return MALFORMED
  if (major !== '1') return WRONG_VERSION
  const framing = readFields(fields, minor === '0')
  if (framing instanceof Fault) return framing
  const wanted = target.startsWith('/') ? target : target.replace(AUTHORITY, '')
  const mark = wanted.indexOf('?')
  return {
    method,
    path: (mark === -1 ? wanted : wanted.slice(0, mark)) || '/',
    query: mark === -1 ? '' : wanted.slice(mark + 1),
    connection: framing.connection,
    headBytes: end + 4 - at,
    bodyBytes: framing.bodyBytes,
  }
}

/** What to say to the beginning of a head, however short. */
function judge(begun: string): Fault | null {
  if (HOPELESS.test(begun)) return MALFORMED
  if (begun.length < HEAD_BYTES_MAX) return null
  return begun.includes('\n') ? HEAD_TOO_LONG : TARGET_TOO_LONG
}

function readFields(
  fields: string,
  isOld: boolean,
): Pick<Request, 'connection' | 'bodyBytes'> | Fault {
  let hosts = 0
  let lengths = 0
  let length = 0
  let isCoded = false
  let expects = false
  let options = ''
  FIELD.lastIndex = 0
  for (let field = FIELD.exec(fields); field !== null; field = FIELD.exec(fields)) {
    const value = field[2]!
    switch (field[1]!.toLowerCase()) {
      case 'host':
        if (++hosts > 1 || !HOST.test(value)) return NO_HOST
        break
      case 'connection':
        options += `,${value}`
        break
      case 'content-length':
        if (++lengths > 1 || !LENGTH.test(value)) return BAD_LENGTH
        length = Number(value)
        break
      case 'transfer-encoding':
        isCoded = true
        break
      case 'expect':
        expects = true
        break
    }
  }
  // HTTP/1.0 has no codings: whoever sends one is misread by somebody on the way (RFC 9112 section 6.1).
  if (isCoded) return lengths > 0 || isOld ? BAD_LENGTH : NO_CODINGS
  if (hosts === 0 && !isOld) return NO_HOST
  if (length > BODY_BYTES_MAX) return BODY_TOO_LONG
  // A client that waits for 100 (Continue) gets its answer instead. Whether it sends the body all the same
  // cannot be known, and so not where the next request would begin.
  const stays = (isOld ? KEEP_ALIVE.test(options) : true) && !CLOSE.test(options)
  if (!stays || (expects && length > 0)) return { connection: 'close', bodyBytes: length }
  return { connection: isOld ? 'keep-alive' : '', bodyBytes: length }
}
