// Readiness: of many descriptors, which can be read or written without waiting? Two system calls answer
// that, and one interface stands before both, after Python's `selectors`.
//
//   PollSelector    poll(2). The whole list goes to the kernel and back with every call, and both sides
//                   look at each entry: a wait costs in proportion to the descriptors *registered*.
//   EpollSelector   epoll(7), Linux. The kernel keeps the list, a call returns only those that are
//                   ready: a wait costs in proportion to the descriptors that *are* ready.
//
// Both are level-triggered: what is not read is reported again.

import { IoBuffer } from './buffer.ts'
import { C, E, POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT } from './constants.ts'
import { SystemError } from './errors.ts'
import * as libc from './libc.ts'
import { spin, takesTimespec, Timespec } from './timespec.ts'

/** Something to read: bytes, the end of the stream, a connection to accept, or an error to collect. */
export const READABLE = 1
/** Room to write, or a connect that was decided. */
export const WRITABLE = 2
/** The connection is broken, or both sides have ended it. Comes with READABLE; needs no asking for. */
export const HANGUP = 4

/** A set of descriptors to wait on. Descriptors are not owned: unregister before closing one. */
export interface Selector {
  readonly name: 'poll' | 'epoll'
  /** `interest` is READABLE, WRITABLE or both. A descriptor that is registered already throws EEXIST. */
  register(fd: number, interest: number): void
  modify(fd: number, interest: number): void
  unregister(fd: number): void
  /**
   * Waits until something is ready or `timeoutMs` have passed (-1: for ever, 0: not at all). Returns how
   * many are ready; `fd(i)` and `events(i)` tell which, until the next call. May return 0 early.
   */
  wait(timeoutMs: number): number
  /** As `wait`, to the nanosecond, as far as the system's timers go. Not for ever: `timeoutNs` is 0 or more. */
  waitNs(timeoutNs: number): number
  fd(i: number): number
  events(i: number): number
  close(): void
}

/** The better of the selectors that this platform has. */
export function openSelector(): Selector {
  return process.platform === 'linux' ? new EpollSelector() : new PollSelector()
}

const POLLFD_BYTES = 8 // struct pollfd: int fd, short events, short revents

/** poll(2) as it is: a list of descriptors in the caller's order, for those who wait on very few. */
export class PollSet {
  private readonly memory: IoBuffer
  private readonly words: Int32Array
  private readonly halves: Int16Array

  /** `capacity`: how many descriptors there is room for. */
  constructor(capacity: number) {
    this.memory = new IoBuffer(capacity * POLLFD_BYTES)
    const { buffer } = this.memory.bytes
    this.words = new Int32Array(buffer)
    this.halves = new Int16Array(buffer)
  }

  get capacity(): number {
    return this.words.length / 2
  }

  /** Puts a descriptor in slot `i`; -1 makes the kernel pass over it. */
  set(i: number, fd: number, interest: number): void {
    this.words[2 * i] = fd
    this.halves[4 * i + 2] =
      (interest & READABLE ? POLLIN : 0) | (interest & WRITABLE ? POLLOUT : 0)
    this.halves[4 * i + 3] = 0
  }

  fd(i: number): number {
    return this.words[2 * i]!
  }

  interest(i: number): number {
    return eventsOf(this.halves[4 * i + 2]!)
  }

  /** Whether the last poll found anything in slot `i`. */
  isReady(i: number): boolean {
    return this.halves[4 * i + 3] !== 0
  }

  /** What the last poll found in slot `i`; 0 is nothing. */
  events(i: number): number {
    return eventsOf(this.halves[4 * i + 3]!)
  }

  /** Waits on the first `count` slots. The kernel looks at them in their order. */
  poll(count: number, timeoutMs: number): number {
    return readyOf(libc.poll(this.memory.address, count, timeoutMs), 'poll')
  }

  /** The same with a struct timespec. Only where there is such a call. */
  ppoll(count: number, timeout: number): number {
    return readyOf(libc.ppoll(this.memory.address, count, timeout, 0), 'ppoll')
  }

  /** As poll, on a thread of libuv's pool: the event loop goes on meanwhile. */
  pollAsync(count: number, timeoutMs: number): Promise<number> {
    return new Promise((resolve, reject) => {
      // The callback's scope includes `this`: the memory is kept for as long as the kernel may write to
      // it, whether or not anybody else keeps this set.
      libc.poll.async(this.memory.address, count, timeoutMs, (error, ready) => {
        // The errno of another thread is out of reach, and EINTR is the only likely one.
        if (error) reject(error)
        else resolve(Math.max(0, ready))
      })
    })
  }
}

/** What such a call returned, if it did not fail. An interruption by a signal counts as nothing ready. */
function readyOf(returned: number, syscall: string): number {
  if (returned >= 0) return returned
  const errno = libc.errno()
  if (errno === E.EINTR) return 0
  throw new SystemError(errno, syscall)
}

/**
 * POLLNVAL, "that is no open descriptor", counts as broken: poll(2) returns at once for it, so a loop
 * that is not told which one it is would spin. Told, its next recv throws EBADF.
 */
const BROKEN = POLLHUP | POLLERR | POLLNVAL

function eventsOf(bits: number): number {
  return (
    (bits & (POLLIN | BROKEN) ? READABLE : 0) |
    (bits & POLLOUT ? WRITABLE : 0) |
    (bits & BROKEN ? HANGUP : 0)
  )
}

export class PollSelector implements Selector {
  readonly name = 'poll'
  private set = new PollSet(64)
  private count = 0
  /** Descriptor to slot. */
  private readonly slots = new Map<number, number>()
  /** The slots that were ready at the last wait. */
  private readonly ready: number[] = []
  private readonly timespec = new Timespec()
  /** Found out at the first wait that needs it. */
  private hasPpoll: boolean | null = null

  register(fd: number, interest: number): void {
    if (this.slots.has(fd)) throw new SystemError(E.EEXIST, 'poll')
    if (this.count === this.set.capacity) this.grow()
    this.slots.set(fd, this.count)
    this.set.set(this.count++, fd, interest)
  }

  modify(fd: number, interest: number): void {
    this.set.set(this.slotOf(fd), fd, interest)
  }

  /** The last descriptor moves to the slot that becomes free: the list has no holes. */
  unregister(fd: number): void {
    const slot = this.slotOf(fd)
    const last = --this.count
    const moved = this.set.fd(last)
    this.set.set(slot, moved, this.set.interest(last))
    this.slots.set(moved, slot)
    this.slots.delete(fd)
  }

  wait(timeoutMs: number): number {
    return this.collect(this.set.poll(this.count, timeoutMs))
  }

  waitNs(timeoutNs: number): number {
    this.hasPpoll ??= takesTimespec(() => libc.ppoll(0, 0, this.timespec.of(0), 0))
    if (!this.hasPpoll) return spin((ms) => this.wait(ms), timeoutNs)
    return this.collect(this.set.ppoll(this.count, this.timespec.of(timeoutNs)))
  }

  private collect(count: number): number {
    let missing = count
    this.ready.length = 0
    for (let slot = 0; missing > 0 && slot < this.count; slot++) {
      if (!this.set.isReady(slot)) continue
      // Copied out, because unregistering during the turn moves slots.
      this.ready.push(this.set.fd(slot), this.set.events(slot))
      missing--
    }
    return this.ready.length / 2
  }

  fd(i: number): number {
    return this.ready[2 * i]!
  }

  events(i: number): number {
    return this.ready[2 * i + 1]!
  }

  close(): void {
    this.slots.clear()
    this.count = 0
  }

  private slotOf(fd: number): number {
    const slot = this.slots.get(fd)
    if (slot === undefined) throw new SystemError(E.ENOENT, 'poll')
    return slot
  }

  private grow(): void {
    const larger = new PollSet(this.set.capacity * 2)
    for (let i = 0; i < this.count; i++) larger.set(i, this.set.fd(i), this.set.interest(i))
    this.set = larger
  }
}

const EPOLL_CTL_ADD = 1
const EPOLL_CTL_DEL = 2
const EPOLL_CTL_MOD = 3
/** How many ready descriptors one call returns at most; the others come with the next one. */
const EPOLL_EVENTS_MAX = 1024
/** struct epoll_event in 32-bit words. It is packed on x86-64 only, for the sake of 32-bit programs. */
const EPOLL_EVENT_WORDS = process.arch === 'x64' ? 3 : 4
const EPOLL_DATA_WORD = process.arch === 'x64' ? 1 : 2

export class EpollSelector implements Selector {
  readonly name = 'epoll'
  private readonly epoll: number
  private readonly memory = new IoBuffer(EPOLL_EVENTS_MAX * EPOLL_EVENT_WORDS * 4)
  private readonly words = new Int32Array(this.memory.bytes.buffer)
  private readonly change = new IoBuffer(EPOLL_EVENT_WORDS * 4)
  private readonly changeWords = new Int32Array(this.change.bytes.buffer)
  private readonly timespec = new Timespec()
  /** Found out at the first wait that needs it: Linux 5.11 and glibc 2.35 have it. */
  private hasPwait2: boolean | null = null

  constructor() {
    this.epoll = libc.epoll_create1(C.SOCK_CLOEXEC)
    if (this.epoll < 0) throw new SystemError(libc.errno(), 'epoll_create1')
  }

  register(fd: number, interest: number): void {
    this.control(EPOLL_CTL_ADD, fd, interest)
  }

  modify(fd: number, interest: number): void {
    this.control(EPOLL_CTL_MOD, fd, interest)
  }

  unregister(fd: number): void {
    this.control(EPOLL_CTL_DEL, fd, 0)
  }

  wait(timeoutMs: number): number {
    return readyOf(
      libc.epoll_wait(this.epoll, this.memory.address, EPOLL_EVENTS_MAX, timeoutMs),
      'epoll_wait',
    )
  }

  waitNs(timeoutNs: number): number {
    this.hasPwait2 ??= takesTimespec(() => this.pwait2(0))
    if (!this.hasPwait2) return spin((ms) => this.wait(ms), timeoutNs)
    return readyOf(this.pwait2(timeoutNs), 'epoll_pwait2')
  }

  private pwait2(timeoutNs: number): number {
    const { epoll, memory, timespec } = this
    return libc.epoll_pwait2(epoll, memory.address, EPOLL_EVENTS_MAX, timespec.of(timeoutNs), 0)
  }

  fd(i: number): number {
    return this.words[i * EPOLL_EVENT_WORDS + EPOLL_DATA_WORD]!
  }

  events(i: number): number {
    return eventsOf(this.words[i * EPOLL_EVENT_WORDS]!)
  }

  close(): void {
    if (libc.close(this.epoll) < 0) throw new SystemError(libc.errno(), 'close')
  }

  private control(operation: number, fd: number, interest: number): void {
    this.changeWords[0] = (interest & READABLE ? POLLIN : 0) | (interest & WRITABLE ? POLLOUT : 0)
    this.changeWords[EPOLL_DATA_WORD] = fd
    if (libc.epoll_ctl(this.epoll, operation, fd, this.change.address) < 0) {
      throw new SystemError(libc.errno(), 'epoll_ctl')
    }
  }
}
