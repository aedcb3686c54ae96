// strace(1) makes system calls of a running program fail, or makes them slow: so a fault happens, or a race
// is lost, for sure.

import { execFileSync, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { until } from './conditions.ts'

/** Why it cannot be used here; null when it can. */
export const straceMissing: string | null = whyNot()

/** What precedes a command that runs under strace from its start. `expressions` are those of its `-e`. */
export function straced(log: string, ...expressions: readonly string[]): string[] {
  return ['strace', '-f', '--seccomp-bpf', '-qq', '-o', log, ...options(expressions)]
}

/** Takes hold of threads that run already, until it is ended. */
export async function inject(
  tasks: readonly number[],
  ...expressions: readonly string[]
): Promise<{ end(): Promise<void> }> {
  const targets = tasks.flatMap((task) => ['-p', `${task}`])
  const strace = spawn('strace', ['-qq', '-o', '/dev/null', ...options(expressions), ...targets], {
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => strace.once('exit', () => resolve()))
  await until('strace should have taken hold', () => tasks.every(isTraced))
  return {
    end: () => {
      strace.kill('SIGTERM') // It lets go of them, and they run on.
      return ended
    },
  }
}

/** Each recv(2) of a thread begins this much later. */
const DELAY_US = 50_000

/** Delays their receiving until it is ended. */
export function delayReceiving(tasks: readonly number[]): Promise<{ end(): Promise<void> }> {
  return inject(tasks, 'trace=recvfrom', `inject=recvfrom:delay_enter=${DELAY_US}`)
}

function options(expressions: readonly string[]): string[] {
  return expressions.flatMap((expression) => ['-e', expression])
}

function isTraced(task: number): boolean {
  try {
    return /^TracerPid:\s+[1-9]/m.test(readFileSync(`/proc/${task}/status`, 'latin1'))
  } catch {
    return true // It has ended meanwhile, and nobody waits for it.
  }
}

function whyNot(): string | null {
  if (process.platform !== 'linux') return 'strace(1) exists on Linux only.'
  try {
    execFileSync('strace', ['-f', '--seccomp-bpf', '-qq', '-o', '/dev/null', 'true'], {
      stdio: 'ignore',
    })
    return null
  } catch {
    return 'strace(1) is not installed, or may not trace here.'
  }
}
