// What the threads of `pool` are asked to do.
// Read next: poll.ts, a loop that is all our own.

import { busyFor } from './busy.ts'

export { verifyNow as verify } from './passwords.ts'

export function work(ms: number): void {
  busyFor(ms)
}
