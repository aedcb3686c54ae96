// The link of `cluster`: how the clients of a worker process reach the hub, all of them over one.
//
// It is a Unix socketpair, a stream of frames in both directions:
//
//     kind, 1 byte    length of the payload, 3 bytes, the lowest first    payload
//
// A client goes by a number, 4 bytes, that its worker has given it; most payloads begin with it:
//
//   from the worker    CONNECT  number, where it comes from. It is acknowledged, or closed
//                      LINE     number, a line for the hub. At most one of each client is under way
//                      GONE     number, why
//                      EVICT    number, why: more waits for it than may
//                      SYNC     nothing, but acknowledge it, as number 0
//                      BEAT     the worker lives (any other frame says so too)
//   from the hub       ACCEPT   the server is ready: accept clients
//                      LIST     numbers: whom the next messages are for, until the next list
//                      MESSAGE  number or 0, text: for all of the list but that one
//                      DELIVER  number, text: for one client
//                      IDENTIFY number, registered ('1' or '0'), nickname
//                      CLOSE    number, last words
//                      ACK      numbers: their line (or CONNECT) was handled, and its effects are above
//                      AHEAD    '1': others have fewer clients, let them go first. '0': not any more
//                      TICK     time has passed (heartbeatMs): say BEAT
//                      DRAIN    accept nobody any more, and end with the last client
//
// So a message crosses to each process once, however many of its clients hear it. A room that goes on talking
// is not even listed again: LIST is sent when it has changed, or another room speaks.
//
// Payloads are latin1 strings, one character for one byte, as everywhere in the protocol.
//
// Read next: far-hub.ts, the worker's end, then cluster-hub.ts, the other one.

/** Kinds of frames, by the byte they begin with. */
export const CONNECT = 0x43
export const LINE = 0x4c
export const GONE = 0x47
export const EVICT = 0x45
export const SYNC = 0x53
export const BEAT = 0x42
export const ACCEPT = 0x4f
export const LIST = 0x54
export const MESSAGE = 0x4d
export const DELIVER = 0x44
export const IDENTIFY = 0x49
export const CLOSE = 0x58
export const ACK = 0x41
export const AHEAD = 0x48
export const TICK = 0x4b
export const DRAIN = 0x51

const HEADER_BYTES = 4
export const NUMBER_BYTES = 4

/** No client has this number. */
export const NOBODY = '\0\0\0\0'

/** One frame, as a latin1 string. 16 MiB is more than any text, and a list of 4 million clients. */
export function frame(kind: number, payload: string): string {
  const { length } = payload
  return (
    String.fromCharCode(kind, length & 0xff, (length >> 8) & 0xff, (length >> 16) & 0xff) + payload
  )
}

/** A client's number as it is written in frames. */
export function spellNumber(number: number): string {
  return String.fromCharCode(
    number & 0xff,
    (number >>> 8) & 0xff,
    (number >>> 16) & 0xff,
    number >>> 24,
  )
}

export function numberAt(text: string, at: number): number {
  const low = text.charCodeAt(at) | (text.charCodeAt(at + 1) << 8)
  return (low | (text.charCodeAt(at + 2) << 16) | (text.charCodeAt(at + 3) << 24)) >>> 0
}

/**
 * Reads frames from text that arrives in pieces: calls `onFrame` for each whole one, and returns what is
 * left of the last.
 */
export function readFrames(text: string, onFrame: (kind: number, payload: string) => void): string {
  let at = 0
  while (text.length - at >= HEADER_BYTES) {
    const start = at + HEADER_BYTES
    // The number of four bytes that begins with the kind, without the kind.
    const end = start + (numberAt(text, at) >>> 8)
    if (end > text.length) break
    onFrame(text.charCodeAt(at), text.slice(start, end))
    at = end
  }
  return at === 0 ? text : text.slice(at)
}
