// What the threads of `pool` are asked to do.

import { busyFor } from './busy.ts'

export { verifyNow as verify } from './passwords.ts'

export function work(ms: number): void {
  busyFor(ms)
}
