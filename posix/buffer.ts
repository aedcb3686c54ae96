// Memory that system calls may read from and write to.

import { addressOf } from './libc.ts'

/**
 * A piece of memory that never moves. Small Buffers live in V8's heap or share a pool, and the garbage
 * collector may move them; an ArrayBuffer made on its own is allocated outside of that heap and stays
 * where it is until it is collected. So keep the IoBuffer reachable for as long as a call uses it.
 */
export class IoBuffer {
  readonly length: number
  /** The memory itself. */
  readonly bytes: Buffer
  /** Where it begins. Exact: user-space addresses fit a JavaScript number. */
  readonly address: number

  constructor(lengthBytes: number) {
    this.length = lengthBytes
    this.bytes = Buffer.from(new ArrayBuffer(lengthBytes))
    this.address = addressOf(this.bytes)
  }
}
