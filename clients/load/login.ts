// Workload `login`: a few of the clients log in again and again, each to an account of its own, with the right
// password. All others ask for something that costs the server nothing: they send a line that is no login,
// and are told so, by the hub as the others are. What they feel is counted and timed beside.

import { Beside } from './beside.ts'
import type { Connection } from './connection.ts'
import { loginOf } from './contract.ts'
import type { Task } from './drive.ts'
import { InOrderDriver, type InOrderReader, type Question } from './in-order.ts'
import { type Inbox, LINE_BYTES_MAX } from './lines.ts'
import type { TimeHistogram } from './times.ts'

const SUCCESS = 'success'
const NO_LOGIN = 'hello'
const NOT_A_LOGIN = 'error: a line is user|password'
const LF = 10

export class LoginDriver extends InOrderDriver {
  protected override readonly beside = new Beside()
  /** Of those who log in, by client. */
  readonly #logins: readonly Question[]
  readonly #other: Question = questionOf(NO_LOGIN, new LineReader(NOT_A_LOGIN))

  constructor(task: Task) {
    super(task)
    const success = new LineReader(SUCCESS)
    this.#logins = Array.from({ length: this.spec.senders }, (_, client) => {
      const { user, password } = loginOf(client)
      return questionOf(`${user}|${password}`, success)
    })
  }

  protected override questionOf({ client }: Connection): Question {
    return this.#logins[client] ?? this.#other
  }

  #logsIn({ client }: Connection): boolean {
    return client < this.spec.senders
  }

  protected override takesArrivals(connection: Connection): boolean {
    return this.#logsIn(connection)
  }

  protected override answered(connection: Connection, serviceNs: number, responseNs: number): void {
    if (this.#logsIn(connection)) super.answered(connection, serviceNs, responseNs)
    else this.beside.enter(serviceNs)
  }

  protected override answersOf(connection: Connection): number | null {
    return this.#logsIn(connection) ? super.answersOf(connection) : null
  }

  protected override timesOf(connection: Connection): TimeHistogram {
    return this.#logsIn(connection) ? super.timesOf(connection) : this.beside.times
  }
}

function questionOf(line: string, reader: InOrderReader): Question {
  return { request: Buffer.from(`${line}\r\n`, 'latin1'), reader }
}

/** Expects one line, always the same. */
class LineReader implements InOrderReader {
  isRight = false
  words = ''
  readonly #expected: string

  constructor(expected: string) {
    this.#expected = `${expected}\r\n`
  }

  read({ bytes, at, end }: Inbox): number {
    let lineEnd = at
    while (lineEnd < end && bytes[lineEnd] !== LF) lineEnd++
    if (lineEnd === end) {
      this.words = 'endless line'
      return end - at > LINE_BYTES_MAX ? -1 : 0
    }
    const line = bytes.toString('latin1', at, lineEnd + 1)
    this.words = line.trimEnd()
    this.isRight = line === this.#expected
    return line.length
  }
}
