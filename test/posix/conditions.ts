// What the tests of posix/ wait for: conditions, never a length of time that "should be enough".

import { readFileSync } from 'node:fs'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { AGAIN, IoBuffer, PollSet, READABLE, recv, WRITABLE } from '../../posix/index.ts'

/** Far longer than anything here takes, so that reaching it means "never". */
const PATIENCE_MS = 10_000

/** Looks again and again until `condition` holds. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}`)
    await sleep(1)
  }
}

/** Waits for something to read, without keeping the event loop (and the node:net side) from turning. */
export async function untilReadable(fd: number): Promise<void> {
  const waiting = new PollSet(1)
  waiting.set(0, fd, READABLE)
  if ((await waiting.pollAsync(1, PATIENCE_MS)) === 0) throw new Error(`Nothing to read on ${fd}`)
}

/** Waits for room to write, or for a connect to be decided. */
export async function untilWritable(fd: number): Promise<void> {
  const waiting = new PollSet(1)
  waiting.set(0, fd, WRITABLE)
  if ((await waiting.pollAsync(1, PATIENCE_MS)) === 0) throw new Error(`No room to write on ${fd}`)
}

/** Receives exactly `length` bytes, or what there is before the end of the stream. */
export async function received(fd: number, length: number): Promise<string> {
  const buffer = new IoBuffer(length)
  let at = 0
  while (at < length) {
    await untilReadable(fd)
    const count = recv(fd, buffer, at, length - at)
    if (count === 0) break
    if (count !== AGAIN) at += count
  }
  return buffer.bytes.toString('latin1', 0, at)
}

/** An IoBuffer with this text in it. */
export function memoryOf(text: string): IoBuffer {
  const buffer = new IoBuffer(Buffer.byteLength(text))
  buffer.bytes.write(text)
  return buffer
}

/** Bytes that differ from place to place, so that a lost, repeated or misplaced part shows. */
export function patternOf(lengthBytes: number): Buffer {
  const bytes = Buffer.alloc(lengthBytes)
  for (let i = 0; i < lengthBytes; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16)) & 0xff
  return bytes
}

/** Linux shows in which system call a thread waits, and with which arguments (proc(5)). */
export const seesSystemCalls = isReadable('/proc/self/syscall')
export const SYSTEM_CALLS_UNSEEN =
  'This system does not show which call a thread waits in (/proc/PID/syscall).'

export const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some((own) => own?.address === '::1')
export const IPV6_MISSING = 'This machine has no IPv6 loopback address.'

/**
 * Whether the thread waits in a system call that has `value` as its argument number `position`. Tests
 * pick values that no other call of that thread has: a descriptor, an odd time-out.
 */
export function isBlockedWith(
  thread: { pid: number; tid: number },
  position: number,
  value: number,
): boolean {
  const words = readFileSync(`/proc/${thread.pid}/task/${thread.tid}/syscall`, 'latin1').split(' ')
  return Number(words[1 + position]) === value
}

/** Whether a signal was sent to the process that no thread of it has taken yet. */
export function hasPendingSignal(pid: number): boolean {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1')
  return /^(?:SigPnd|ShdPnd):\s*0*[1-9a-f]/m.test(status)
}

/** The one-letter state of a process: R, S, T (stopped), Z ... or '' when it is gone. */
export function stateOf(pid: number): string {
  try {
    return /^\d+ \(.*\) (\S)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1'))?.[1] ?? ''
  } catch {
    return ''
  }
}

function isReadable(path: string): boolean {
  try {
    readFileSync(path)
    return true
  } catch {
    return false
  }
}
