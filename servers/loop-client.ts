// One client of a loop that serves many at a time: what net-loop.ts and ready-clients.ts know of theirs alike. The
// socket, and what waits to be written to it, are each loop's own.

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
