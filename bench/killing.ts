// Workload `crash`: a process of the server is killed under load, one that runs conversations. Which of them those are
// nobody has to tell: Linux shows which process holds which connection.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { parseConnections } from './proc-text.ts'
import { readTree } from './process-tree.ts'

/** A process of a server, and how many clients it holds. */
interface Holder {
  readonly pid: number
  readonly clients: number
}

/** The children of a server that hold connections to its port; empty where conversations run in the server itself. */
function holdersOf(serverPid: number, port: number): Holder[] {
  const connections = connectionsTo(serverPid, port)
  return readTree(serverPid)
    .slice(1)
    .map(({ pid }) => ({
      pid,
      clients: socketsOf(pid).filter((one) => connections.has(one)).length,
    }))
    .filter(({ clients }) => clients > 0)
}

/** Inodes of the sockets of established connections. */
function connectionsTo(serverPid: number, port: number): Set<string> {
  try {
    return new Set(parseConnections(readFileSync(`/proc/${serverPid}/net/tcp`, 'latin1'), port))
  } catch {
    return new Set()
  }
}

function socketsOf(pid: number): string[] {
  try {
    const folder = `/proc/${pid}/fd`
    return readdirSync(folder).flatMap((fd) => {
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readlinkSync(`${folder}/${fd}`)) ?? []
      return inode ?? []
    })
  } catch {
    // It has ended, or closed something, between the look and the reading: then it is not the one.
    return []
  }
}

/** When in the window: there must be load before it, and time behind it for everybody to come back. */
const KILLED_AT_SHARE = 1 / 3

/** Kills one process in the measured window of a trial. */
export class Killing {
  readonly #serverPid: number
  readonly #port: number
  #timer: NodeJS.Timeout | undefined
  /** How many clients the process held, and when it was killed: milliseconds since the window began. */
  done: { readonly victims: number; readonly atMs: number } | null = null

  constructor(serverPid: number, address: string) {
    this.#serverPid = serverPid
    this.#port = Number(address.split(':').at(-1))
  }

  windowBegins(durationMs: number): void {
    const beganAtMs = performance.now()
    this.#timer = setTimeout(() => this.#kill(beganAtMs), durationMs * KILLED_AT_SHARE)
  }

  end(): void {
    clearTimeout(this.#timer)
  }

  #kill(beganAtMs: number): void {
    const [holder] = holdersOf(this.#serverPid, this.#port)
    if (holder === undefined) return
    const atMs = performance.now() - beganAtMs
    try {
      process.kill(holder.pid, 'SIGKILL')
      this.done = { victims: holder.clients, atMs }
    } catch {
      // It has ended by itself: then nothing was killed.
    }
  }
}
