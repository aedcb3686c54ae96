// The link: how a conversation that runs in another thread or process reaches the hub.
//
// It is a Unix socketpair, a stream of frames in both directions:
//
//     kind, 1 byte    length of the payload, 2 bytes, the lower first    payload
//
//   from the conversation's owner      LINE     a line for the hub; exactly one is under way at a time
//                                      GONE     the client is gone, and why
//                                      BEAT     the owner lives (any other frame says so too)
//                                      SYNC     nothing, but acknowledge it
//   from the hub                       DELIVER  bytes to write to the client
//                                      IDENTIFY who the client is now: registered ('1' or '0'), nickname
//                                      ACK      the line (or SYNC) was handled, and its effects are above
//                                      TICK     time has passed (heartbeatMs): look at the clock, say BEAT
//                                      CLOSE    last bytes to write; then end the connection
//
// The link of a spare, an owner that was started before its client came, begins with one byte that is no
// frame: it brings the client (hub-link.ts, awaitClient).
//
// The hub's end of a link is the class Link in switchboard.ts, the owner's is HubLink in hub-link.ts.
//
// Payloads are latin1 strings, one character for one byte, as everywhere in the protocol.
//
// Read next: hub-link.ts, the owner's end, then switchboard.ts, the other one.

/** Kinds of frames, by the byte they begin with. */
export const LINE = 0x4c
export const GONE = 0x47
export const BEAT = 0x42
export const SYNC = 0x53
export const DELIVER = 0x44
export const IDENTIFY = 0x49
export const ACK = 0x41
export const TICK = 0x54
export const CLOSE = 0x43

export const HEADER_BYTES = 3

/**
 * The longest payload. Longer deliveries are cut into several frames, so that a reader with a buffer of
 * twice this size always has room for a whole one.
 */
export const PAYLOAD_BYTES_MAX = 16 * 1024

// A thread and the hub share two words of memory besides.

/** How often the hub has written to the link. */
export const POSTED_WORD = 0
/** The number of the descriptor of a spare's client. */
export const CLIENT_WORD = 1

/** Room in the kernel for each direction. Linux's default for Unix sockets; macOS has 8 KiB otherwise. */
export const LINK_BUFFER_BYTES = 212_992

/** One frame, as a latin1 string. */
export function frame(kind: number, payload: string): string {
  const length = payload.length
  return String.fromCharCode(kind, length & 0xff, length >> 8) + payload
}

/** As many DELIVER frames as it takes. */
export function deliveryFrames(text: string): string {
  if (text.length <= PAYLOAD_BYTES_MAX) return frame(DELIVER, text)
  let frames = ''
  for (let at = 0; at < text.length; at += PAYLOAD_BYTES_MAX) {
    frames += frame(DELIVER, text.slice(at, at + PAYLOAD_BYTES_MAX))
  }
  return frames
}

/**
 * Reads frames from text that arrives in pieces: calls `onFrame` for each whole one, and returns what is
 * left of the last.
 */
export function readFrames(text: string, onFrame: (kind: number, payload: string) => void): string {
  let at = 0
  while (text.length - at >= HEADER_BYTES) {
    const start = at + HEADER_BYTES
    const end = start + text.charCodeAt(at + 1) + (text.charCodeAt(at + 2) << 8)
    if (end > text.length) break
    onFrame(text.charCodeAt(at), text.slice(start, end))
    at = end
  }
  return at === 0 ? text : text.slice(at)
}
