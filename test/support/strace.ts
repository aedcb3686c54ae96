// strace(1) makes system calls of a running server slow, which is how a race is lost for sure.

import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { until } from './conditions.ts'

/** Why it cannot be used here; null when it can. */
export const straceMissing: string | null = whyNot()

/** Each recv(2) of these threads begins this much later. */
const DELAY_US = 50_000

/** Delays their receiving until it is ended. */
export async function delayReceiving(tasks: readonly number[]): Promise<{ end(): Promise<void> }> {
  const injection = ['-e', 'trace=recvfrom', '-e', `inject=recvfrom:delay_enter=${DELAY_US}`]
  const strace = spawn(
    'strace',
    ['-qq', '-o', '/dev/null', ...injection, ...tasks.flatMap((task) => ['-p', `${task}`])],
    { stdio: 'ignore' },
  )
  const ended = new Promise<void>((resolve) => strace.once('exit', () => resolve()))
  await until('strace should have taken hold', () => tasks.every(isTraced))
  return {
    end: () => {
      strace.kill('SIGTERM') // It lets go of them, and they run on.
      return ended
    },
  }
}

function isTraced(task: number): boolean {
  return /^TracerPid:\s+[1-9]/m.test(readFileSync(`/proc/${task}/status`, 'latin1'))
}

function whyNot(): string | null {
  if (process.platform !== 'linux') return 'strace(1) exists on Linux only.'
  try {
    execFileSync('strace', ['-qq', '-o', '/dev/null', 'true'], { stdio: 'ignore' })
    return null
  } catch {
    return 'strace(1) is not installed, or may not trace here.'
  }
}
