// How much CPU time this thread has used. process.cpuUsage() knows the whole process only.

import { readFileSync } from 'node:fs'

/** Of newer Node (22.19, 23.9); microseconds. */
type ThreadCpuUsage = () => { readonly user: number; readonly system: number }

/**
 * CPU time of the calling thread in nanoseconds, or null where nobody tells: from Node itself, or from
 * Linux (proc(5), schedstat: the first number is time on a CPU). Tens of microseconds a call.
 */
export function threadCpuNs(): number | null {
  const { threadCpuUsage } = process as { threadCpuUsage?: ThreadCpuUsage }
  if (threadCpuUsage) {
    const { user, system } = threadCpuUsage()
    return (user + system) * 1000
  }
  try {
    return Number(readFileSync('/proc/thread-self/schedstat', 'latin1').split(' ')[0])
  } catch {
    return null
  }
}
