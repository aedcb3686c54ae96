// Linux tells about processes in text files under /proc; these functions read that text. Pure: text in,
// figures out, null where the text is not what proc(5) describes. They know no paths and open no files.

/** Parts of /proc/<pid>/stat. CPU times are in ticks. */
export interface ProcessStat {
  readonly pid: number
  /** R running, S sleeping, D in the disk, T stopped, Z dead but not waited for, ... */
  readonly state: string
  readonly parentPid: number
  readonly userTicks: number
  readonly systemTicks: number
  /** Of children that have ended and were waited for, and of their children. */
  readonly childrenUserTicks: number
  readonly childrenSystemTicks: number
  readonly threads: number
  /** When it was started, in ticks since the machine was: with the pid it names a process for good. */
  readonly startTicks: number
}

/**
 * Ticks of CPU time per second in /proc, whatever the kernel's own clock does: USER_HZ, which is 100 on
 * every architecture that Node runs on.
 */
export const TICKS_PER_SECOND = 100

/**
 * `123 (name) S 1 ...`. The name is whatever the process calls itself: it may hold spaces, parentheses
 * and line ends, so the fields are counted from the last closing parenthesis. proc_pid_stat(5).
 */
export function parseStat(text: string): ProcessStat | null {
  const open = text.indexOf('(')
  const close = text.lastIndexOf(')')
  if (open < 0 || close < open) return null
  const pid = Number(text.slice(0, open))
  const fields = text
    .slice(close + 1)
    .trim()
    .split(/\s+/)
  // The manual counts fields from 1; the state is field 3 and the first one here.
  const field = (n: number) => Number(fields[n - 3] ?? NaN)
  const stat: ProcessStat = {
    pid,
    state: fields[0] ?? '',
    parentPid: field(4),
    userTicks: field(14),
    systemTicks: field(15),
    childrenUserTicks: field(16),
    childrenSystemTicks: field(17),
    threads: field(20),
    startTicks: field(22),
  }
  const { state, ...figures } = stat
  return state !== '' && Object.values(figures).every(Number.isFinite) ? stat : null
}

/** The value of `Key:  123 kB` or `Key:  123`, as in /proc/<pid>/status and smaps_rollup. */
export function parseKeyed(text: string, key: string): number | null {
  const match = new RegExp(`^${key}:\\s+(\\d+)(?: kB)?$`, 'm').exec(text)
  return match ? Number(match[1]) : null
}

/** Memory of a process in KiB from /proc/<pid>/smaps_rollup: a page shared by n counts 1/n for each. */
export function parsePssKib(text: string): number | null {
  return parseKeyed(text, 'Pss')
}

/** Memory of a process in KiB from /proc/<pid>/status: a shared page counts in full for each. */
export function parseRssKib(text: string): number | null {
  return parseKeyed(text, 'VmRSS')
}

/** How often a task gave the CPU away (it waited), and how often it was taken away. */
export interface Switches {
  readonly voluntary: number
  readonly involuntary: number
}

/** From /proc/<pid>/task/<tid>/status; /proc/<pid>/status only has those of the main thread. */
export function parseSwitches(text: string): Switches | null {
  const voluntary = parseKeyed(text, 'voluntary_ctxt_switches')
  const involuntary = parseKeyed(text, 'nonvoluntary_ctxt_switches')
  return voluntary === null || involuntary === null ? null : { voluntary, involuntary }
}

/** The machine's CPU time since it was started, in ticks, over all cores. */
export interface MachineTicks {
  readonly busy: number
  readonly total: number
}

/** The first line of /proc/stat. Guest time is counted in user time already. proc_stat(5). */
export function parseMachineTicks(text: string): MachineTicks | null {
  const match = /^cpu\s+([\d ]+)$/m.exec(text)
  const ticks = match?.[1]?.trim().split(/\s+/).slice(0, 8).map(Number) ?? []
  const [, , , idle, ioWait] = ticks
  if (idle === undefined || ioWait === undefined) return null
  const total = ticks.reduce((sum, value) => sum + value, 0)
  return { total, busy: total - idle - ioWait }
}

/**
 * /proc/net/netstat and /proc/net/snmp: a line with a name and the names of its columns, then one with the same name
 * and their values. proc_net(5). Empty where there is no such table.
 */
export function parseCounterTable(text: string, table: string): Map<string, number> {
  const [names, values] = text
    .split('\n')
    .filter((line) => line.startsWith(`${table}: `))
    .map((line) => line.trim().split(/\s+/).slice(1))
  return new Map(names?.map((name, i) => [name, Number(values?.[i] ?? NaN)] as const))
}

/** The soft limit of processes and threads of this user; null when there is none or it is unlimited. */
export function parseProcessesMax(text: string): number | null {
  const match = /^Max processes\s+(\d+)/m.exec(text)
  return match ? Number(match[1]) : null
}

/** TCP_ESTABLISHED, as /proc/net/tcp has it. */
const ESTABLISHED = '01'

/** Inodes of established connections whose own port is this one, from /proc/<pid>/net/tcp. proc_pid_net(5). */
export function parseConnections(text: string, port: number): string[] {
  const ours = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return text.split('\n').flatMap((line) => {
    const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
    return inode !== undefined && state === ESTABLISHED && local?.endsWith(ours) ? [inode] : []
  })
}

/** The soft limit of open files from /proc/<pid>/limits; null when there is none or it is unlimited. */
export function parseOpenFilesMax(text: string): number | null {
  const match = /^Max open files\s+(\d+)/m.exec(text)
  return match ? Number(match[1]) : null
}
