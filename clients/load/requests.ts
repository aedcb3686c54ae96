// Requests ready to be sent: memory in which everything stands already but the messages.

import { IoBuffer } from '../../posix/index.ts'
import { type MessageCodec, viewOf } from './message.ts'

/** Up to `count` requests in a row, `PREFIX message CR LF` each, that one system call sends. */
export class RequestBatch {
  readonly memory: IoBuffer
  readonly count: number
  /** Bytes of one request. */
  readonly requestBytes: number
  readonly view: DataView
  readonly #codec: MessageCodec
  readonly #prefixBytes: number

  /** `extraBytes`: room behind the last request, for what the caller wants to send along. */
  constructor(codec: MessageCodec, prefix: string, count: number, extraBytes = 0) {
    const request = Buffer.from(`${prefix}${' '.repeat(codec.messageBytes)}\r\n`, 'latin1')
    this.#codec = codec
    this.count = count
    this.#prefixBytes = prefix.length
    this.requestBytes = request.length
    this.memory = new IoBuffer(count * request.length + extraBytes)
    this.memory.bytes.fill(request, 0, count * request.length)
    this.view = viewOf(this.memory.bytes)
  }

  /** Makes the `index`-th request the one with this sender, number and time. */
  write(index: number, sender: number, number: number, timeNs: number): void {
    const at = index * this.requestBytes + this.#prefixBytes
    this.#codec.write(this.view, at, sender, number, timeNs)
  }
}
