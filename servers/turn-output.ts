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
  /** Its piece of this turn's memory; the last one, if there are several. It comes before `rest`. */
  start = 0
  end = 0
  /** Start and end of the pieces before it, in order: nearly always none. */
  readonly earlier: number[] = []
  /** Bytes in all pieces. */
  pieceBytes = 0
  /** Latin1: what the kernel has not taken in earlier turns, and whatever has to come after that. */
  rest = ''

  get bytes(): number {
    return this.pieceBytes + this.rest.length
  }

  /** Forgets all of it: nobody is there to read it. */
  clear(): void {
    this.earlier.length = 0
    this.pieceBytes = 0
    this.rest = ''
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
    if (to.pieceBytes === 0) {
      to.start = start
    } else if (to.end !== start) {
      to.earlier.push(to.start, to.end)
      to.start = start
    }
    to.end = end
    to.pieceBytes += end - start
  }

  /** Writes what the kernel takes; the remainder is in `rest` then. Throws what send(2) throws. */
  send(to: Output, socket: number): void {
    const { pieceBytes } = to
    to.pieceBytes = 0
    if (to.earlier.length > 0) {
      this.sendPieces(to, socket)
    } else if (pieceBytes > 0) {
      const sent = sendNow(socket, this.memory, to.start, pieceBytes)
      if (sent < pieceBytes) to.rest = this.read(to.start + taken(sent), to.end) + to.rest
      else if (to.rest !== '') this.sendRest(to, socket)
    } else if (to.rest !== '') {
      this.sendRest(to, socket)
    }
  }

  /** Puts pieces together, as much as fits, and writes that. */
  private sendPieces(to: Output, socket: number): void {
    const pieces = [...to.earlier, to.start, to.end]
    to.earlier.length = 0
    let i = 0
    let at = pieces[0]!
    while (i < pieces.length) {
      let bytes = 0
      while (i < pieces.length && bytes < GATHERED_BYTES_MAX) {
        const end = Math.min(pieces[i + 1]!, at + GATHERED_BYTES_MAX - bytes)
        bytes += this.memory.bytes.copy(this.gathered.bytes, bytes, at, end)
        at = end
        if (end < pieces[i + 1]!) break
        i += 2
        at = pieces[i] ?? 0
      }
      const sent = sendNow(socket, this.gathered, 0, bytes)
      if (sent === bytes) continue
      let unsent = this.gathered.read(taken(sent), bytes)
      for (; i < pieces.length; i += 2, at = pieces[i] ?? 0) unsent += this.read(at, pieces[i + 1]!)
      to.rest = unsent + to.rest
      return
    }
    if (to.rest !== '') this.sendRest(to, socket)
  }

  private read(start: number, end: number): string {
    return this.memory.read(start, end)
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

/** How many bytes that is: AGAIN, nothing at all for now, is negative. */
function taken(sent: number): number {
  return Math.max(0, sent)
}
