// The null server: speaks as much IRC as the load generator needs, and does nothing else. No nickname is
// looked up, no limit is kept, no line is understood beyond its first letters. So what the generator gets out of it
// is what the generator can offer at all; and whatever it does wrong on purpose (broken-servers.ts) is the only
// thing that it does wrong.
//
// One loop over the selector of posix/, raw sockets, and one send for all that a client is told in a turn. A line
// that is to be said is composed in one piece of memory (`line`) and copied from there to each who is to hear it.

import {
  accept,
  AGAIN,
  close,
  IoBuffer,
  type Listener,
  openSelector,
  READABLE,
  recv,
  send,
  setNoDelay,
  setNonBlocking,
  SystemError,
  WRITABLE,
} from '../../posix/index.ts'

const LF = 0x0a
const INBOX_BYTES = 64 * 1024
const OUTBOX_BYTES = 64 * 1024
/** Longer than any line of the generator (spec.ts). */
const LINE_BYTES_MAX = 1024
const PONG = Buffer.from(':null.server PONG null.server ', 'latin1')
/** `PING :token CR LF`: where the answer's own words end, the token is copied from here on. */
const TOKEN_AT = 'PING '.length

/** One client. */
export class Peer {
  readonly fd: number
  isOpen = true
  isInRoom = false
  nick = ''
  /** Stands before what it says in the room. */
  prefix = Buffer.alloc(0)
  /** The beginning of a line whose end has not come. */
  rest: Buffer | null = null
  out = new IoBuffer(OUTBOX_BYTES)
  outBytes = 0
  /** The kernel has no room: wait for writability. */
  isBlocked = false

  constructor(fd: number) {
    this.fd = fd
  }
}

export class NullServer {
  /** The line that is about to be said, with its CR LF. */
  protected readonly line = Buffer.alloc(LINE_BYTES_MAX)
  protected lineBytes = 0
  /** All clients, in the order in which they came. */
  protected peers: Peer[] = []
  private readonly listener: Listener
  private readonly selector = openSelector()
  private readonly inbox = new IoBuffer(INBOX_BYTES)
  private readonly byFd: (Peer | undefined)[] = []
  /** Who has something to be sent. */
  private readonly due: Peer[] = []

  constructor(listener: Listener) {
    this.listener = listener
    setNonBlocking(listener.fd, true)
    this.selector.register(listener.fd, READABLE)
  }

  /** Waits at most so long for somebody to be ready, and serves all who are. */
  turn(waitMs: number): void {
    const ready = this.selector.wait(waitMs)
    for (let i = 0; i < ready; i++) {
      const fd = this.selector.fd(i)
      if (fd === this.listener.fd) this.acceptAll()
      else this.serve(this.byFd[fd], this.selector.events(i))
    }
    for (const peer of this.due.splice(0)) this.flush(peer)
  }

  // What a broken server does otherwise.

  /** A PING was read; its answer is the line. */
  protected answer(peer: Peer): void {
    this.put(peer)
  }

  /** Somebody has spoken in the room; what this member hears is the line. */
  protected deliver(to: Peer, _from: Peer): void {
    this.put(to)
  }

  /** `NICK` and `USER` were read; the welcome is the line. */
  protected welcome(peer: Peer): void {
    this.put(peer)
  }

  /** `WORK ms` was read; its answer is the line. */
  protected work(peer: Peer, ms: number): void {
    const end = performance.now() + ms
    while (performance.now() < end);
    this.put(peer)
  }

  /** A message was read: everybody else hears it. */
  protected relay(from: Peer): void {
    for (const to of this.peers) if (to.isInRoom && to !== from) this.deliver(to, from)
  }

  // What they do it with.

  /** Makes a text the line. */
  protected compose(text: string): void {
    this.lineBytes = this.line.write(text, 'latin1')
  }

  /** The line as it is now, for later. */
  protected keepLine(): Buffer {
    return Buffer.from(this.line.subarray(0, this.lineBytes))
  }

  /** Says these bytes, the line unless told otherwise, at the end of the turn. */
  protected put(peer: Peer, bytes: Buffer = this.line, lengthBytes = this.lineBytes): void {
    if (!peer.isOpen) return
    if (peer.outBytes + lengthBytes > peer.out.length) this.makeRoom(peer)
    if (peer.outBytes === 0) this.due.push(peer)
    bytes.copy(peer.out.bytes, peer.outBytes, 0, lengthBytes)
    peer.outBytes += lengthBytes
  }

  protected hangUp(peer: Peer): void {
    if (!peer.isOpen) return
    peer.isOpen = false
    this.peers = this.peers.filter((other) => other !== peer)
    this.byFd[peer.fd] = undefined
    this.selector.unregister(peer.fd)
    close(peer.fd)
  }

  // Reading.

  private acceptAll(): void {
    for (let fd = accept(this.listener.fd); fd !== AGAIN; fd = accept(this.listener.fd)) {
      setNonBlocking(fd, true)
      setNoDelay(fd, true)
      const peer = new Peer(fd)
      this.byFd[fd] = peer
      this.peers.push(peer)
      this.selector.register(fd, READABLE)
    }
  }

  private serve(peer: Peer | undefined, events: number): void {
    if (!peer) return
    if ((events & WRITABLE) !== 0) this.flush(peer)
    if ((events & READABLE) !== 0 && peer.isOpen) this.read(peer)
  }

  private read(peer: Peer): void {
    const { inbox } = this
    const kept = peer.rest?.copy(inbox.bytes) ?? 0
    const count = orEnd(() => recv(peer.fd, inbox, kept, INBOX_BYTES - kept))
    if (count === AGAIN) return
    if (count === 0) return this.hangUp(peer)
    const end = kept + count
    let at = 0
    while (at < end) {
      const lineEnd = inbox.bytes.indexOf(LF, at) + 1
      if (lineEnd === 0 || lineEnd > end) break
      this.obey(peer, at, lineEnd)
      if (!peer.isOpen) return
      at = lineEnd
    }
    peer.rest = at < end ? Buffer.from(inbox.bytes.subarray(at, end)) : null
    // At once, and not at the end of the turn: the generator has something to do while others are read.
    this.flush(peer)
  }

  /** The first two letters tell the commands apart. */
  private obey(peer: Peer, start: number, end: number): void {
    const { bytes } = this.inbox
    const letters = bytes.readUInt16BE(start)
    if (letters === PI) {
      this.begin(PONG, start + TOKEN_AT, end)
      this.answer(peer)
    } else if (letters === PR) {
      this.begin(peer.prefix, start, end)
      this.relay(peer)
    } else {
      this.obeyRare(peer, bytes.toString('latin1', start, end).trimEnd().split(' '))
    }
  }

  private obeyRare(peer: Peer, [command, first = '']: readonly string[]): void {
    if (command === 'NICK') {
      peer.nick = first
      peer.prefix = Buffer.from(`:${first}!bench@127.0.0.1 `, 'latin1')
    } else if (command === 'USER') {
      this.compose(`:null.server 001 ${peer.nick} :Welcome\r\n`)
      this.welcome(peer)
    } else if (command === 'JOIN') {
      peer.isInRoom = true
      this.compose(`:null.server 366 ${peer.nick} ${first} :End of NAMES list\r\n`)
      this.put(peer)
    } else if (command === 'WORK') {
      this.compose(`:null.server WORK ${first}\r\n`)
      this.work(peer, Number(first))
    } else if (command === 'QUIT') {
      this.flush(peer)
      this.hangUp(peer)
    }
  }

  private begin(prefix: Buffer, start: number, end: number): void {
    const at = prefix.copy(this.line)
    this.lineBytes = at + this.inbox.bytes.copy(this.line, at, start, end)
  }

  // Writing.

  protected flush(peer: Peer): void {
    if (!peer.isOpen || peer.outBytes === 0) return
    const sent = orEnd(() => send(peer.fd, peer.out, 0, peer.outBytes))
    if (sent === 0) return this.hangUp(peer)
    peer.out.bytes.copyWithin(0, Math.max(0, sent), peer.outBytes)
    peer.outBytes -= Math.max(0, sent)
    const isBlocked = peer.outBytes > 0
    if (isBlocked === peer.isBlocked) return
    peer.isBlocked = isBlocked
    this.selector.modify(peer.fd, isBlocked ? READABLE | WRITABLE : READABLE)
  }

  /** Nobody is let go for being slow: that would be another thing that a server does. */
  private makeRoom(peer: Peer): void {
    this.flush(peer)
    if (peer.outBytes + LINE_BYTES_MAX <= peer.out.length) return
    const larger = new IoBuffer(peer.out.length * 2)
    peer.out.bytes.copy(larger.bytes)
    peer.out = larger
  }
}

const PI = 0x5049
const PR = 0x5052

/** A connection that is broken has ended: 0, as recv says it. */
function orEnd(call: () => number): number {
  try {
    return call()
  } catch (error) {
    if (error instanceof SystemError) return 0
    throw error
  }
}
