// Workload `http`: connections that stay (keep-alive), each with `window` requests for the same page in
// flight (pipelining). Each answer must be the page, whole: status 200, as long as it says, and with the body
// that the first one had.
//
// Nearly all answers of a server are the same bytes, head and all. So the last good one is remembered, and
// compared with in place; one that differs (a Date in its head) is read header by header.

import { InOrderDriver, type InOrderReader, type Question } from './in-order.ts'
import { type Inbox, LINE_BYTES_MAX } from './lines.ts'
import { sameBytes, viewOf } from './message.ts'

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nHost: hubbub.local\r\n\r\n', 'latin1')
const HEAD_END = '\r\n\r\n'

export class HttpDriver extends InOrderDriver {
  readonly #question: Question = { request: REQUEST, reader: new PageReader() }

  protected override questionOf(): Question {
    return this.#question
  }
}

class PageReader implements InOrderReader {
  isRight = false
  /** `404 Not Found`. */
  words = ''
  #body: Buffer | null = null
  /** The last good answer. */
  #answer = viewOf(Buffer.alloc(0))

  read(inbox: Inbox): number {
    const bytes = this.#answer.byteLength
    if (bytes > 0 && inbox.at + bytes <= inbox.end) {
      this.isRight = sameBytes(this.#answer, 0, inbox.view, inbox.at, bytes)
      if (this.isRight) return bytes
    }
    return inbox.at === inbox.end ? 0 : this.#careful(inbox)
  }

  #careful({ bytes, at, end }: Inbox): number {
    this.words = 'not HTTP'
    const headEnd = bytes.indexOf(HEAD_END, at, 'latin1')
    if (headEnd === -1 || headEnd + HEAD_END.length > end) {
      return end - at > LINE_BYTES_MAX || !startsAsHttp(bytes, at, end) ? -1 : 0
    }
    const head = bytes.toString('latin1', at, headEnd)
    const status = /^HTTP\/1\.1 (\d{3}[^\r]*)/.exec(head)?.[1]
    const length = /^content-length: *(\d{1,6}) *$/im.exec(head)?.[1]
    if (status === undefined || length === undefined) return -1
    const bodyAt = headEnd + HEAD_END.length
    const answerEnd = bodyAt + Number(length)
    if (answerEnd - at > LINE_BYTES_MAX) return -1
    if (answerEnd > end) return 0
    this.words = status
    this.isRight = status.startsWith('200') && this.#isBody(bytes.subarray(bodyAt, answerEnd))
    if (this.isRight) this.#answer = viewOf(Uint8Array.from(bytes.subarray(at, answerEnd)))
    return answerEnd - at
  }

  #isBody(body: Buffer): boolean {
    this.#body ??= Buffer.from(body)
    return this.#body.equals(body)
  }
}

/** As far as it goes: who speaks another protocol may never send the end of a head. */
function startsAsHttp(bytes: Buffer, at: number, end: number): boolean {
  const start = 'HTTP/1.1 '
  return start.startsWith(bytes.toString('latin1', at, Math.min(end, at + start.length)))
}
