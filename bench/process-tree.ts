// What a server costs: the CPU time, memory, threads and context switches of its whole process tree. A
// model that puts its clients into processes of their own would look free if only its parent were looked
// at. Linux only; elsewhere every figure is null and the tables say so.
//
// CPU time: user and system time of every live process of the tree, plus what each has collected from
// children that have ended. A child that dies within the window moves its time from the first to the
// second, in its parent, so the difference of two sums is right whoever comes and goes.
//
// Memory: PSS, which divides a page among those that share it. RSS counts it once for each, and fifty
// processes share nearly all of Node's own code.

import { readdirSync, readFileSync } from 'node:fs'
import type { MachineTicks, ProcessStat, Switches } from './proc-text.ts'
import {
  parseMachineTicks,
  parsePssKib,
  parseRssKib,
  parseStat,
  parseSwitches,
  TICKS_PER_SECOND,
} from './proc-text.ts'

/** Counters at one moment; only the difference of two says something. */
export interface TreeCounters {
  readonly cpuMs: number
  readonly processes: number
  readonly threads: number
  /** By `pid/tid`. */
  readonly switches: ReadonlyMap<string, Switches>
  /** The whole machine's, for telling how much of it others used. */
  readonly machine: MachineTicks | null
}

/** What is held at one moment. */
export interface TreeMemory {
  readonly kib: number
  /** True where PSS is not readable for some process of the tree: then `kib` is RSS. */
  readonly isRss: boolean
}

/** The processes of a tree, its root first; empty when there is no such process, or no /proc. */
export function readTree(rootPid: number): ProcessStat[] {
  const childrenOf = new Map<number, ProcessStat[]>()
  let root: ProcessStat | null = null
  for (const name of list('/proc')) {
    if (!/^\d+$/.test(name)) continue
    // A process may end between the listing and the reading; it is then simply not there.
    const stat = read(`/proc/${name}/stat`, parseStat)
    if (!stat) continue
    if (stat.pid === rootPid) root = stat
    const siblings = childrenOf.get(stat.parentPid)
    if (siblings) siblings.push(stat)
    else childrenOf.set(stat.parentPid, [stat])
  }
  const tree = root ? [root] : []
  // The list grows while it is walked. It ends, because a process has one parent and is added once.
  for (const { pid } of tree) tree.push(...(childrenOf.get(pid) ?? []))
  return tree
}

export function readCounters(rootPid: number): TreeCounters | null {
  const tree = readTree(rootPid)
  if (tree.length === 0) return null
  const switches = new Map<string, Switches>()
  for (const { pid } of tree) {
    for (const tid of list(`/proc/${pid}/task`)) {
      const task = read(`/proc/${pid}/task/${tid}/status`, parseSwitches)
      if (task) switches.set(`${pid}/${tid}`, task)
    }
  }
  return {
    cpuMs: (sum(tree.map(ticksOf)) * 1000) / TICKS_PER_SECOND,
    processes: tree.length,
    threads: sum(tree.map(({ threads }) => threads)),
    switches,
    machine: read('/proc/stat', parseMachineTicks),
  }
}

export function readMemory(rootPid: number): TreeMemory | null {
  // A dead process that nobody has waited for yet holds no memory and has no map to read.
  const pids = readTree(rootPid)
    .filter(({ state }) => state !== 'Z')
    .map(({ pid }) => pid)
  if (pids.length === 0) return null
  const pss = pids.map((pid) => read(`/proc/${pid}/smaps_rollup`, parsePssKib))
  if (pss.every((kib) => kib !== null)) return { kib: sum(pss), isRss: false }
  const rss = pids.map((pid) => read(`/proc/${pid}/status`, parseRssKib))
  return { kib: sum(rss.map((kib) => kib ?? 0)), isRss: true }
}

/** Open descriptors of the whole tree; null where they cannot be counted. */
export function countOpenFiles(rootPid: number): number | null {
  const tree = readTree(rootPid)
  return tree.length === 0 ? null : sum(tree.map(({ pid }) => list(`/proc/${pid}/fd`).length))
}

/**
 * Context switches between two readings, of tasks that are there in the second. Those of a task that
 * ended in between are lost: a thread takes its counters with it.
 */
export function switchesBetween(before: TreeCounters, after: TreeCounters): Switches {
  let voluntary = 0
  let involuntary = 0
  for (const [task, now] of after.switches) {
    const then = before.switches.get(task)
    voluntary += now.voluntary - (then?.voluntary ?? 0)
    involuntary += now.involuntary - (then?.involuntary ?? 0)
  }
  return { voluntary, involuntary }
}

/**
 * The share of the machine's CPU time, between two readings, that went to others than the server and
 * this process. Ticks are coarse, so in a quiet machine the difference may come out below zero: that is 0.
 */
export function othersShare(
  before: TreeCounters,
  after: TreeCounters,
  ownCpuMs: number,
): number | null {
  if (!before.machine || !after.machine) return null
  const totalMs = ((after.machine.total - before.machine.total) * 1000) / TICKS_PER_SECOND
  const busyMs = ((after.machine.busy - before.machine.busy) * 1000) / TICKS_PER_SECOND
  if (totalMs <= 0) return null
  const othersMs = busyMs - (after.cpuMs - before.cpuMs) - ownCpuMs
  return Math.min(1, Math.max(0, othersMs / totalMs))
}

function ticksOf(stat: ProcessStat): number {
  const { userTicks, systemTicks, childrenUserTicks, childrenSystemTicks } = stat
  return userTicks + systemTicks + childrenUserTicks + childrenSystemTicks
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function read<Value>(path: string, parse: (text: string) => Value | null): Value | null {
  try {
    return parse(readFileSync(path, 'utf8'))
  } catch {
    return null
  }
}
