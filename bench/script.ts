// The fixed script that every model replays before anything is timed. Models may differ in concurrency
// only, so they must answer it with the same bytes.
//
// A step is what one client sends, in one write. The next step begins when that client has the answer to
// a PING sent after it, which is the barrier of this protocol, and when everybody who should hear of the
// step has heard. What each client receives is then in an order that no scheduler can change.

export interface Step {
  /** Which client: the script's name for it, not its nickname. It connects when it is first named. */
  readonly who: string
  /** Lines, without their CR LF. */
  readonly sends: readonly string[]
  /** Which others must have received a line with this in it before the next step. */
  readonly heardBy?: Readonly<Record<string, string>>
  /** The server ends the connection after this step; there is no barrier then. */
  readonly ends?: true
}

const LONG_WORD = 'x'.repeat(600)

/** One client alone: models that talk to one client at a time can do this part. */
export const ONE_CLIENT_SCRIPT: readonly Step[] = [
  { who: 'a', sends: ['JOIN :', 'PRIVMSG #early :hello', 'NICK 1nvalid', 'NICK', 'USER'] },
  { who: 'a', sends: ['CAP LS 302', 'NICK alice', 'USER alice 0 * :Alice', 'CAP END'] },
  { who: 'a', sends: ['USER alice 0 * :Again', 'PASS late', 'NICK alice', 'MODE alice', 'MOTD'] },
  { who: 'a', sends: ['PING', 'PING :', 'PING one', 'PING :two words', 'VERSION', 'TIME'] },
  { who: 'a', sends: ['FOO', 'foo bar :baz', 'KICK', LONG_WORD, `PING :${'y'.repeat(500)}`] },
  { who: 'a', sends: ['JOIN #one,#two', 'JOIN bad', 'NAMES #one', 'MODE #one', 'TOPIC #one'] },
  {
    who: 'a',
    sends: ['TOPIC #one :caf\xc3\xa9 \xf0\x9f\x8c\x8d', 'TOPIC #one', 'LIST', 'WHO #one'],
  },
  { who: 'a', sends: ['MODE #one +k key', 'MODE #one +tsn-k', 'MODE #one', 'MODE #one +Z'] },
  { who: 'a', sends: ['PRIVMSG', 'PRIVMSG #one', 'PRIVMSG nobody :hi', 'PRIVMSG #nowhere :hi'] },
  {
    who: 'a',
    sends: ['PRIVMSG alice :to myself', 'NOTICE nobody :no answer to this', 'NICK Alicia'],
  },
  {
    who: 'a',
    sends: ['WHOIS Alicia', 'WHOIS nobody', 'PART #two :bye', 'PART #two', 'PART #nowhere'],
  },
  { who: 'a', sends: Array.from({ length: 200 }, (_, i) => `PING :${i}`) },
  { who: 'a', sends: ['QUIT :done', 'PING :after the end'], ends: true },
]

/** Three clients who share nicknames and channels. */
export const MANY_CLIENTS_SCRIPT: readonly Step[] = [
  { who: 'a', sends: ['NICK anna', 'USER anna 0 * :Anna'] },
  { who: 'b', sends: ['NICK anna', 'NICK bert', 'USER bert 0 * :Bert', 'NICK ANNA'] },
  { who: 'c', sends: ['NICK carl', 'USER carl 0 * :Carl'] },
  { who: 'a', sends: ['JOIN #room', 'TOPIC #room :of three', 'MODE #room +t'] },
  { who: 'b', sends: ['JOIN #room', 'TOPIC #room :not mine'], heardBy: { a: 'JOIN #room' } },
  { who: 'c', sends: ['JOIN #ROOM'], heardBy: { a: 'JOIN #room', b: 'JOIN #room' } },
  {
    who: 'a',
    sends: Array.from({ length: 50 }, (_, i) => `PRIVMSG #room :message ${i} of 50`),
    heardBy: { b: 'message 49', c: 'message 49' },
  },
  { who: 'b', sends: ['PRIVMSG carl :psst', 'NOTICE anna :hm'], heardBy: { c: 'psst', a: 'hm' } },
  {
    who: 'a',
    sends: ['MODE #room +o bert', 'MODE #room +v carl', 'NAMES #room', 'WHO #room', 'LIST'],
    heardBy: { b: '+v carl', c: '+v carl' },
  },
  { who: 'b', sends: ['TOPIC #room :ours now'], heardBy: { a: 'ours now', c: 'ours now' } },
  { who: 'c', sends: ['NICK carla'], heardBy: { a: 'NICK', b: 'NICK' } },
  { who: 'c', sends: ['PART #room :enough'], heardBy: { a: 'PART', b: 'PART' } },
  {
    who: 'c',
    sends: ['PRIVMSG #room :outside', 'NICK carl', 'JOIN #room'],
    heardBy: { a: 'JOIN' },
  },
  { who: 'b', sends: ['WHOIS carl', 'PRIVMSG #room,carl :two targets'], heardBy: { a: 'two tar' } },
  { who: 'c', sends: ['QUIT :gone'], ends: true, heardBy: { a: 'QUIT', b: 'QUIT' } },
  { who: 'b', sends: ['NICK carl'], heardBy: { a: 'NICK' } },
  { who: 'b', sends: ['QUIT'], ends: true, heardBy: { a: 'QUIT' } },
  { who: 'a', sends: ['NAMES #room', 'NICK bert', 'QUIT'], ends: true },
]
