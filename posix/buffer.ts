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

  /** Writes latin1 text at `offset`, as far as there is room. Returns how many bytes that was. */
  write(text: string, offset: number): number {
    return latin1.latin1Write.call(this.bytes, text, offset)
  }

  /** The bytes from `start` to `end`, `end` excluded, as latin1 text. */
  read(start: number, end: number): string {
    return latin1.latin1Slice.call(this.bytes, start, end)
  }
}

// What Buffer.prototype.write and toString come to in the end. Node has had these two methods since its
// beginnings, and packages rely on them, but its documentation leaves them out. The way round through
// the documented ones is three functions longer, and a thread that serves one client has to compile
// each of them before it is fast.
const latin1 = Buffer.prototype as unknown as {
  latin1Write(this: Buffer, text: string, offset: number): number
  latin1Slice(this: Buffer, start: number, end: number): string
}
