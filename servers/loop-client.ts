// One client of a loop that serves many at a time: what net-loop.ts and ready-clients.ts know of theirs
// alike. The socket, and what waits to be written to it, are each loop's own.
//
// The states of a client. The first two come and go, alone or together. Of the others each is for good, and
// not everybody goes through all of them.
//
//     state     what has happened                           what is done for it from then on
//     waiting   something is being done for it (a file, a   It hears the others. Its own lines stay where
//               hash, WAIT), or it has had its turn         they are until that is done
//     stalled   it does not read, and answers pile up       The same, until there is room again
//     ended     it has ended its half (FIN)                 What it had said is answered; then we end ours
//     hungUp    it is gone (RST, EPIPE)                     What it had said is performed, and not answered
//     closing   we have ended our half, or are about to     Its last words are written. What it says is
//                                                           thrown away, for `lingerMs` at most
//     gone      the connection is closed: it is buried      Nothing
//
// `gone` is a flag in ready-clients.ts alone: in net-loop.ts such a client is on no list any more.
//
// Read next: pool.ts, the loop of async with threads beside it.

import type { Conversation } from '../protocol/index.ts'
import type { FileSession } from './files.ts'

export abstract class LoopClient {
  readonly conversation: Conversation
  /** What it does with files, if its service has any. */
  files: FileSession | null = null
  /** Something is done for it, or it is not its turn: its later lines stay where they are. */
  waiting = false
  /** There is no room for its answers, or for more of a file: its later lines stay where they are, too. */
  stalled = false
  /** The other side has ended its half. */
  ended = false
  /** The other side is gone. What it had said is performed yet (last-words.ts). */
  hungUp = false
  /** We have ended our half, or are about to: nothing more is performed or written. */
  abstract readonly closing: boolean

  constructor(conversation: Conversation) {
    this.conversation = conversation
  }

  /** Whether its conversation may go on. */
  get goesOn(): boolean {
    return !(this.closing || this.waiting || this.stalled)
  }
}
