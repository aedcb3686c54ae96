// What a readiness loop writes in one turn: each text is put into memory once, however many it is for, and
// each receiver keeps only where its own part begins and ends.
//
//     memory     a's line | b's line | c's line          a, who hears the others, not itself: one piece
//                                                        b: two pieces, before and behind its own line
//                                                        d, who only listens: one piece, all of it
//
// With a hundred people talking in a room of a hundred, the ten thousand deliveries of a turn are a hundred
// texts and two hundred pieces, and most of them are handed to the kernel where they are.

import { IoBuffer, sendNow } from '../posix/index.ts'

/** Room for the texts of one turn, of each of the two kinds. What does not fit waits with its receiver. */
const TEXT_BYTES_MAX = 1 << 20
/** Several pieces are put together for one write, up to this much. */
const GATHERED_BYTES_MAX = 64 * 1024

/** What one client has to be written. */
export class Output {
  /** Start and end of each piece in this turn's memory, in order. They come before `rest`. */
  readonly pieces: number[] = []
  /** Bytes in all pieces. */
  pieceBytes = 0
  /** Latin1: what the kernel has not taken in earlier turns, and whatever has to come after that. */
  rest = ''

  get bytes(): number {
    return this.pieceBytes + this.rest.length
  }
}

export class TurnOutput {
  /** Deliveries in the lower half, where they lie side by side; answers, which are for one, in the upper. */
  private readonly memory = new IoBuffer(2 * TEXT_BYTES_MAX)
  private readonly gathered = new IoBuffer(GATHERED_BYTES_MAX)
  /** The last delivery: while the same text is for many, it is not written again. */
  private delivery = ''
  private deliveryAt = 0
  private deliveriesEnd = 0
  private answersEnd = TEXT_BYTES_MAX

  /** A text that may be for others, too. They follow one after the other. */
  deliver(to: Output, text: string): void {
    if (to.rest !== '' || (text !== this.delivery && !this.place(text))) to.rest += text
    else this.append(to, this.deliveryAt, this.deliveriesEnd)
  }

  private place(text: string): boolean {
    if (this.deliveriesEnd + text.length > TEXT_BYTES_MAX) return false
    this.delivery = text
    this.deliveryAt = this.deliveriesEnd
    this.deliveriesEnd += this.memory.write(text, this.deliveryAt)
    return true
  }

  /** A text for this one only. */
  answer(to: Output, text: string): void {
    const start = this.answersEnd
    if (to.rest !== '' || start + text.length > this.memory.length) {
      to.rest += text
    } else {
      this.answersEnd += this.memory.write(text, start)
      this.append(to, start, this.answersEnd)
    }
  }

  private append(to: Output, start: number, end: number): void {
    const { pieces } = to
    if (pieces.length > 0 && pieces[pieces.length - 1] === start) pieces[pieces.length - 1] = end
    else pieces.push(start, end)
    to.pieceBytes += end - start
  }

  /** Writes what the kernel takes; the remainder is in `rest` then. Throws what send(2) throws. */
  send(to: Output, socket: number): void {
    if (to.pieceBytes > 0) this.sendPieces(to, socket)
    else if (to.rest !== '') this.sendRest(to, socket)
  }

  private sendPieces(to: Output, socket: number): void {
    const { pieces } = to
    for (let i = 0; i < pieces.length;) {
      const start = pieces[i]!
      let bytes = pieces[i + 1]! - start
      let next = i + 2
      for (; next < pieces.length; next += 2) {
        const more = pieces[next + 1]! - pieces[next]!
        if (bytes + more > GATHERED_BYTES_MAX) break
        bytes += more
      }
      const isOne = next === i + 2
      const from = isOne ? this.memory : this.gather(pieces, i, next)
      const sent = sendNow(socket, from, isOne ? start : 0, bytes)
      if (sent < bytes) return this.keep(to, i, Math.max(0, sent)) // AGAIN is negative.
      i = next
    }
    this.drop(to)
    if (to.rest !== '') this.sendRest(to, socket)
  }

  /** Puts pieces together. */
  private gather(pieces: readonly number[], i: number, end: number): IoBuffer {
    let at = 0
    for (; i < end; i += 2) {
      at += this.memory.bytes.copy(this.gathered.bytes, at, pieces[i], pieces[i + 1])
    }
    return this.gathered
  }

  /** The kernel has taken `sent` bytes of the pieces from `i` on, and no more: the others must be kept. */
  private keep(to: Output, i: number, sent: number): void {
    let kept = ''
    for (; i < to.pieces.length; i += 2) {
      kept += this.memory.read(to.pieces[i]!, to.pieces[i + 1]!)
    }
    to.rest = kept.slice(sent) + to.rest
    this.drop(to)
  }

  private drop(to: Output): void {
    to.pieces.length = 0
    to.pieceBytes = 0
  }

  private sendRest(to: Output, socket: number): void {
    while (to.rest !== '') {
      const length = this.gathered.write(to.rest, 0)
      const sent = sendNow(socket, this.gathered, 0, length)
      if (sent > 0) to.rest = sent === to.rest.length ? '' : to.rest.slice(sent)
      if (sent < length) return
    }
  }

  /** Everybody's pieces are sent, or kept: the memory is free for the next turn. */
  endTurn(): void {
    this.delivery = ''
    this.deliveriesEnd = 0
    this.answersEnd = TEXT_BYTES_MAX
  }
}
