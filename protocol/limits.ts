// Limits: every bound of the protocol, with its unit, its reason, and what other servers use.
//
// Two kinds. The constants are what the wire allows: clients learn them from 005 (ISUPPORT), and they
// are the same on every hubbub server. `ProtocolLimits` are policy: a server, and above all a test, may
// choose other values. What happens at each bound is in PROTOCOL.md, and is tested.
//
// Bounds of the transport (clients, output that waits for a slow reader) are not here: the protocol
// never sees a socket.

/**
 * A line with its terminator. RFC 2812 section 2.3, and so every server. One longer gets 417, and the
 * rest of it is discarded.
 */
export const LINE_BYTES_MAX = 512

/**
 * An over-long line is thrown away as it arrives, so it costs no memory; but somebody who sends this
 * much without a line end does not speak IRC, and is disconnected. InspIRCd's recvq is 10 KiB, ngIRCd
 * gives up after 2 KiB, Redis allows 64 KiB for an inline command.
 */
export const ENDLESS_LINE_BYTES_MAX = 8 * 1024

/**
 * Input that waits while a conversation computes or waits for something. A model should stop reading
 * before it comes to this (one read is at most 64 KiB); the bound protects the server from one that
 * does not. At the bound: `RecvQ exceeded`.
 */
export const INPUT_BYTES_MAX = 256 * 1024

/**
 * Replies to one chunk are merged into one write, up to about this size: 64 KiB of the shortest PINGs
 * would otherwise become one string of 400 KiB, more than a slow client may have waiting.
 */
export const MERGED_REPLY_BYTES_MAX = 16 * 1024

/**
 * A line of the file service with its terminator: a command, a number, a hash and a name. A path in Linux
 * has at most 4096 bytes (PATH_MAX).
 */
export const FILE_LINE_BYTES_MAX = 4096

/** RFC 2812 section 2.3: 14 middle parameters and one trailing. */
export const PARAMS_MAX = 15

/** RFC 2812 says 9, which nobody likes; ngIRCd 9, InspIRCd 30, Ergo 32. */
export const NICK_BYTES_MAX = 30

/** The `user` in `nick!user@host`. Longer ones are cut, as InspIRCd does (11). */
export const USER_BYTES_MAX = 16

/** What WHOIS shows after the colon. Longer ones are cut. InspIRCd 128. */
export const REALNAME_BYTES_MAX = 128

/** A host name or address: long enough for any IPv6 address; RFC 1035 allows a label of 63. */
export const HOST_BYTES_MAX = 63

/** RFC 2812 section 1.3. InspIRCd and Ergo 64. */
export const CHANNEL_BYTES_MAX = 50

/** A 332 with the longest names has to fit in a line. InspIRCd 307, Ergo 390. Longer ones are cut. */
export const TOPIC_BYTES_MAX = 330

/** A channel's key (+k). RFC 2812 says 23, which is short for a password. */
export const KEY_BYTES_MAX = 32

/** Mode changes with a parameter in one MODE line. RFC 2812 says 3, InspIRCd 20. */
export const MODES_MAX = 4

/** The name of an account. RFC 4616 (SASL PLAIN) says 255; no one has such a name. */
export const ACCOUNT_BYTES_MAX = 32

/** A password, in UTF-8. NIST SP 800-63B asks for at least 64 characters; bcrypt cuts at 72 bytes. */
export const PASSWORD_BYTES_MAX = 128

/** Base64 in one AUTHENTICATE line; one of exactly this length goes on in the next (IRCv3 SASL 3.1). */
export const SASL_PIECE_BYTES = 400

/** ... and in all of them: PLAIN with two names and a password of the greatest length needs 260. */
export const SASL_BYTES_MAX = 1_024

/** Failures of one connection to log in, and then it ends. Solanum 3. */
export const LOGIN_FAILURES_MAX = 3

export interface ProtocolLimits {
  /** From connecting to the end of registration. InspIRCd's examples have 10 s. */
  readonly registrationTimeoutMs: number
  /** A registered client that was silent for this long is sent a PING. ngIRCd and InspIRCd 120 s. */
  readonly pingIntervalMs: number
  /** ... and this is how long it has for any sign of life. ngIRCd 20 s. */
  readonly pingTimeoutMs: number
  /** 405 beyond. ngIRCd 10, InspIRCd 20, Ergo 100. It bounds all channels together, too. */
  readonly channelsPerClientMax: number
  /** Names in one comma list of JOIN, PART, NAMES, LIST. 407 beyond. */
  readonly channelTargetsMax: number
  /** Receivers in one PRIVMSG or NOTICE: a line must not become a broadcast. InspIRCd 20. */
  readonly messageTargetsMax: number
  /** Entries in one answer to WHO or LIST, then 416: one line must not cost a megabyte of output. */
  readonly listedMax: number
  /** The longest WORK. It keeps a CPU busy, and on one loop everybody waits for it. */
  readonly workMsMax: number
  /** The longest WAIT. */
  readonly waitMsMax: number
}

export const DEFAULT_PROTOCOL_LIMITS: ProtocolLimits = {
  registrationTimeoutMs: 10_000,
  pingIntervalMs: 30_000,
  pingTimeoutMs: 10_000,
  channelsPerClientMax: 20,
  channelTargetsMax: 10,
  messageTargetsMax: 4,
  listedMax: 500,
  workMsMax: 2_000,
  waitMsMax: 10_000,
}
