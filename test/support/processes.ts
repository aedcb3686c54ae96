// What Linux tells of other processes: proc(5). Elsewhere the tests that need it are skipped.

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

export const seesProcesses = existsSync('/proc/self/fd')

/** The processes whose parent is `pid`, zombies included. */
export function childrenOf(pid: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((candidate) => statOf(candidate)?.parent === pid)
}

/**
 * Whether a process runs, or could. A zombie does not; whether its parent has buried it is another
 * question, and an orphan's new parent (process 1 of a container) may never do so.
 */
export function isAlive(pid: number): boolean {
  const state = stateOf(pid)
  return state !== null && state !== 'Z' && state !== 'X'
}

/** Its state as ps(1) shows it: R running, S sleeping, T stopped, Z zombie. */
export function stateOf(pid: number): string | null {
  return statOf(pid)?.state ?? null
}

/** What its open descriptors refer to; nothing, when it has ended meanwhile. */
export function descriptorsOf(pid: number): string[] {
  return listed(`/proc/${pid}/fd`).flatMap((fd) => {
    try {
      return [readlinkSync(`/proc/${pid}/fd/${fd}`)]
    } catch {
      return [] // Closed since the folder was read.
    }
  })
}

/** Of these processes the one that has the other end of a TCP connection from a port of this machine. */
export function holderOf(port: number, pids: readonly number[]): number | null {
  const remote = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const sockets = new Set<string>()
  for (const line of readFileSync('/proc/net/tcp', 'latin1').split('\n')) {
    const fields = line.trim().split(/\s+/)
    if (fields[2]?.endsWith(remote)) sockets.add(`socket:[${fields[9]}]`)
  }
  return pids.find((pid) => descriptorsOf(pid).some((name) => sockets.has(name))) ?? null
}

/** The numbers of its threads; none, when it has ended meanwhile. */
export function tasksOf(pid: number): number[] {
  return listed(`/proc/${pid}/task`).map(Number)
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

/** CPU time that it has used so far, in user and kernel mode; without its children. */
export function cpuMsOf(pid: number): number {
  return statOf(pid)?.cpuMs ?? 0
}

/** Memory that is resident, in bytes. */
export function residentBytesOf(pid: number): number {
  const kib = /^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1]
  return Number(kib) * 1024
}

interface Stat {
  readonly state: string
  readonly parent: number
  readonly cpuMs: number
}

/** USER_HZ is 100 on every Linux that Node runs on. */
const TICK_MS = 10

function statOf(pid: number): Stat | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    return null
  }
  // The second field is the program's name, which may contain anything, brackets and spaces included.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return {
    state: fields[0] as string,
    parent: Number(fields[1]),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * TICK_MS,
  }
}
