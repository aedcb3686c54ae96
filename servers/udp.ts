// Model            udp: one loop answers datagrams. There are no connections.
// Conversations run nowhere, because there are none: a datagram is answered by itself, whoever sent it, and
//                  forgotten. The loop blocks in recvfrom(2), and so it has a thread of its own, as that
//                  of sequential.ts.
// They reach the hub by nothing. Nobody is there, so nobody can be told anything but the answer.
// What blocks what A datagram waits until those before it are answered, which takes microseconds.
// Backpressure     None. The kernel holds what waits, and drops what there is no room for: Linux has room for
//                  166 datagrams of 512 bytes (net.core.rmem_default). No one is told.
// If its code dies An exception is caught and costs an answer. An endless loop ends the service.
// When to use it   One question, one short answer, and a client that can ask again: DNS, NTP, metrics.
//                  When not: where anything may not be lost, doubled or out of order, or is longer than a
//                  datagram: all that would have to be written again is TCP.
// Leaves out       Proof that the sender is who it says (restraint.ts); on a machine with several addresses
//                  that listens on all of them (0.0.0.0), answers from the one that was asked.
// Stands on        restraint.ts, who is answered; server-thread.ts and errands.ts, its thread.
// Read next        restraint.ts; then protocol/conversation.ts and protocol/hub.ts, which all others serve.

import { isMainThread, workerData } from 'node:worker_threads'
import { loadService, type Service } from '../protocol/index.ts'
import {
  AGAIN,
  IoBuffer,
  recvfrom,
  Sender,
  sendto,
  setReceiveTimeoutMs,
  setSendTimeoutMs,
} from '../posix/index.ts'
import type { Server, Setup } from './model.ts'
import { Restraint } from './restraint.ts'
import { READY, serveInThread, tellMainThread, type ThreadSetup, Wish } from './server-thread.ts'

export function serve(setup: Setup): Server {
  return serveInThread(setup, import.meta.url)
}

/** The longest request, and answer. As DNS had it (RFC 1035 section 4.2.1): no network cuts it in pieces. */
const DATAGRAM_BYTES_MAX = 512
/** How often the operator is told what was not answered. */
const TELL_INTERVAL_MS = 1_000
/** The kernel is short of memory, and will be for a moment. */
const REST_MS = 10

/** What was not answered, and why. */
interface Unanswered {
  /** Empty, too long, or from port 0, which nobody can have. */
  malformed: number
  /** The answer might have hit somebody who has not asked. */
  withheld: number
  /** The answer could not be made, or not be sent. */
  failed: number
}

class UdpServer {
  private readonly socket: number
  private readonly wish: Wish
  private readonly answerTo: NonNullable<Service['datagram']>
  private readonly restraint = new Restraint()
  private readonly unanswered: Unanswered = { malformed: 0, withheld: 0, failed: 0 }
  private readonly sender = new Sender()
  // One byte more than is allowed, so that more than is allowed can be seen.
  private readonly memory = new IoBuffer(DATAGRAM_BYTES_MAX + 1)
  private lastFailure = ''
  private told = ''
  private toldMs = -Infinity

  constructor({ listener, settings, wish }: ThreadSetup, answerTo: Service['datagram']) {
    this.socket = listener
    this.wish = new Wish(wish)
    this.answerTo = answerTo!
    // On Linux stopping the listener wakes the loop; elsewhere this does, and it is when there is time to tell.
    setReceiveTimeoutMs(listener, settings.server.tickMs)
    setSendTimeoutMs(listener, settings.server.tickMs)
  }

  /** Receives, answers; then the next. */
  run(): void {
    while (!this.wish.drains) this.receive()
    this.tell()
  }

  private receive(): void {
    let count: number
    try {
      count = recvfrom(this.socket, this.memory, 0, this.memory.length, this.sender)
    } catch (error) {
      return this.excuse(error)
    }
    if (this.wish.drains) return
    if (count === AGAIN) return this.tellAtTimes()
    try {
      this.converse(count)
    } catch (error) {
      this.unanswered.failed++
      this.lastFailure = String(error)
    }
    this.tellAtTimes()
  }

  /** The whole conversation: an answer, or none. */
  private converse(count: number): void {
    if (count === 0 || count > DATAGRAM_BYTES_MAX || this.sender.port === 0) {
      this.unanswered.malformed++
      return
    }
    const request = this.memory.read(0, count)
    const answer = this.answerTo(request, Date.now())
    const { sender } = this
    if (answer === '' || !this.restraint.mayAnswer(sender, request, answer, performance.now())) {
      this.unanswered.withheld++
      return
    }
    this.write(answer)
  }

  private write(answer: string): void {
    const length = Math.min(this.memory.write(answer, 0), DATAGRAM_BYTES_MAX)
    const sent = sendto(this.socket, this.memory, 0, length, this.sender)
    if (sent === AGAIN) throw new Error('there was no room for it')
  }

  /**
   * A failure to receive that belongs to a datagram sent before (ICMP has brought it back: "nobody listens
   * there"), or that will pass, is none of the server. Throws the others again.
   */
  private excuse(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (OF_PASSING_MEMORY.has(code)) this.wish.rest(REST_MS)
    else if (!OF_ONE_DATAGRAM.has(code)) throw error
    this.unanswered.failed++
    this.lastFailure = String(error)
  }

  private tellAtTimes(): void {
    const { malformed, withheld, failed } = this.unanswered
    if (malformed + withheld + failed === 0) return
    const nowMs = performance.now()
    if (nowMs - this.toldMs < TELL_INTERVAL_MS) return
    this.toldMs = nowMs
    this.tell()
  }

  private tell(): void {
    const { malformed, withheld, failed } = this.unanswered
    if (malformed + withheld + failed === 0) return
    const why = failed > 0 ? ` (${this.lastFailure})` : ''
    const sentence = `Datagrams without an answer so far: ${malformed} malformed, ${withheld} withheld, ${failed} failed${why}.`
    if (sentence === this.told) return
    this.told = sentence
    tellMainThread(sentence)
  }
}

const OF_ONE_DATAGRAM = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
])
const OF_PASSING_MEMORY = new Set(['ENOBUFS', 'ENOMEM'])

// The server's thread runs this same file.
if (!isMainThread) {
  const setup = workerData as ThreadSetup
  const { datagram } = await loadService(setup.settings.service)
  const server = new UdpServer(setup, datagram)
  tellMainThread(READY)
  server.run()
}
