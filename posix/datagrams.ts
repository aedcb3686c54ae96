// Datagrams from and to anybody, on a socket that is bound and not connected.

import { type Address, decodeAddress, encodeAddress, SOCKADDR_BYTES } from './address.ts'
import { IoBuffer } from './buffer.ts'
import { C } from './constants.ts'
import * as libc from './libc.ts'
import { checkRange, isNotNow } from './sockets.ts'

/** Where the length of the address is kept, behind the longest one, where a 32-bit word may be. */
const LENGTH_AT = Math.ceil(SOCKADDR_BYTES / 4) * 4

/**
 * Who sent a datagram, in the kernel's own form: `recvfrom` writes it and `sendto` reads it again, so that
 * an answer costs no object and no text of an address. One is enough for as many datagrams as come.
 */
export class Sender {
  readonly memory = new IoBuffer(LENGTH_AT + 4)
  private readonly lengths = new Uint32Array(this.memory.bytes.buffer, LENGTH_AT, 1)

  /** Where the kernel reads how much room there is, and writes how much of it was needed. */
  get lengthAddress(): number {
    return this.memory.address + LENGTH_AT
  }

  get lengthBytes(): number {
    return this.lengths[0]!
  }

  set lengthBytes(length: number) {
    this.lengths[0] = length
  }

  get port(): number {
    return this.memory.bytes.readUInt16BE(2)
  }

  /**
   * A number for the network that it is in: an IPv4 address, or the first half of an IPv6 address. The other half
   * is for everybody to choose who has one at all (RFC 4291 section 2.5.4). Different ones may share it.
   */
  get network(): number {
    const { bytes } = this.memory
    if (this.lengthBytes === IPV4_BYTES) return bytes.readInt32BE(4)
    return Math.imul(bytes.readInt32BE(8), 31) ^ bytes.readInt32BE(12)
  }

  address(): Address {
    return decodeAddress(this.memory.bytes, this.lengthBytes)
  }

  set(address: Address): void {
    const { memory, lengthBytes } = encodeAddress(address)
    memory.bytes.copy(this.memory.bytes)
    this.lengthBytes = lengthBytes
  }
}

/** struct sockaddr_in, everywhere. */
const IPV4_BYTES = 16

/**
 * Takes the next datagram: at most `length` bytes of it, to `buffer` at `offset`, and who sent it. Waits for
 * one if the socket blocks. recvfrom(2). Returns its length, 0 for an empty one; AGAIN is "not now".
 *
 * What does not fit is lost. On Linux the result is the whole length all the same, and more than `length`
 * (MSG_TRUNC); elsewhere it is `length`. So ask for one byte more than you are ready to take.
 */
export function recvfrom(
  fd: number,
  buffer: IoBuffer,
  offset: number,
  length: number,
  sender: Sender,
): number {
  checkRange(buffer, offset, length)
  const { address } = sender.memory
  for (;;) {
    sender.lengthBytes = SOCKADDR_BYTES
    const count = libc.recvfrom(
      fd,
      buffer.address + offset,
      length,
      C.MSG_TRUNC,
      address,
      sender.lengthAddress,
    )
    if (count >= 0 || isNotNow('recvfrom')) return count
  }
}

/**
 * Sends `length` bytes of `buffer` from `offset` on, as one datagram. sendto(2). Returns how many, which is
 * all of them, or AGAIN. That they were sent does not mean that anybody is there. Throws EMSGSIZE when they
 * are too many for a datagram, and what is known of the way there (ENETUNREACH, EPERM for a firewall).
 */
export function sendto(
  fd: number,
  buffer: IoBuffer,
  offset: number,
  length: number,
  to: Sender,
): number {
  checkRange(buffer, offset, length)
  for (;;) {
    const count = libc.sendto(
      fd,
      buffer.address + offset,
      length,
      C.MSG_NOSIGNAL,
      to.memory.address,
      to.lengthBytes,
    )
    if (count >= 0 || isNotNow('sendto')) return count
  }
}
