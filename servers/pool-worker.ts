// What the threads of `pool` are asked to do.

import type { Verdict } from '../protocol/index.ts'
import { busyFor } from './busy.ts'
import { verifyNow } from './passwords.ts'

export function work(ms: number): void {
  busyFor(ms)
}

export function verify({ password, hash }: { password: string; hash: string }): Verdict {
  return verifyNow(password, hash)
}
