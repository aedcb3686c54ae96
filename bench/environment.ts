// The machine and the software that a result belongs to. A figure without them cannot be compared with
// any other.

import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import * as os from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PACKAGE_FOLDER, PACKAGE_VERSION } from './package.ts'
import { readCores } from './pinning.ts'
import { parseOpenFilesMax, parseProcessesMax } from './proc-text.ts'
import type { Environment } from './schema.ts'

const run = promisify(execFile)

const GIT_TIMEOUT_MS = 5000

/** Before anything is started, and before anything is pinned. */
export async function readEnvironment(
  pinning: Environment['pinning'] = null,
): Promise<Environment> {
  return {
    hubbub: PACKAGE_VERSION,
    commit: await readCommit(PACKAGE_FOLDER),
    node: process.versions.node,
    v8: process.versions.v8,
    libuv: process.versions.uv,
    nodeOptions: process.env['NODE_OPTIONS'] ?? null,
    platform: process.platform,
    architecture: process.arch,
    kernel: `${os.type()} ${os.release()}`,
    cpu: os.cpus()[0]?.model.trim() ?? 'unknown',
    cores: os.availableParallelism(),
    memoryMib: Math.round(os.totalmem() / 2 ** 20),
    openFilesMax: readLimit(parseOpenFilesMax),
    processesMax: readLimit(parseProcessesMax),
    coresAllowed: readCores(),
    pinning,
    governor: readGovernor(),
    sysctls: readSysctls(),
    lockfileSha256: readLockfileSha256(PACKAGE_FOLDER),
    loadAverageBefore: process.platform === 'win32' ? null : (os.loadavg()[0] ?? null),
    schedulerGroups: readSchedulerGroups(),
  }
}

/**
 * Only when hubbub itself is the checkout: a package installed somewhere below another project's
 * checkout must not be recorded under that project's commit. No git, or no commit yet, is no failure.
 */
export async function readCommit(folder: string): Promise<Environment['commit']> {
  if (!existsSync(join(folder, '.git'))) return null
  try {
    const git = (...words: string[]) =>
      run('git', ['-C', folder, ...words], { timeout: GIT_TIMEOUT_MS })
    const id = (await git('rev-parse', '--verify', 'HEAD')).stdout.trim()
    const changes = (await git('status', '--porcelain', '--untracked-files=no')).stdout.trim()
    return { id, dirty: changes !== '' }
  } catch {
    return null
  }
}

const AUTOGROUP_SETTING = '/proc/sys/kernel/sched_autogroup_enabled'

/**
 * Linux may share the CPU among sessions first, and only then among the threads of each (sched(7),
 * autogroup). Servers are started in our own session, so they and the generator share one group.
 */
export function readSchedulerGroups(path = AUTOGROUP_SETTING): Environment['schedulerGroups'] {
  try {
    return readFileSync(path, 'utf8').trim() === '0' ? 'none' : 'shared'
  } catch {
    return 'none'
  }
}

function readLimit(parse: (text: string) => number | null): number | null {
  const limits = readText('/proc/self/limits')
  return limits === null ? null : parse(limits)
}

/** That of the first core: those of one machine hardly ever differ. */
function readGovernor(): string | null {
  return readText('/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor')
}

/** What bounds how many clients wait, connect, and hold memory, and how many threads serve them. */
const SYSCTLS = [
  'net.core.somaxconn',
  'net.core.rmem_max',
  'net.core.wmem_max',
  'net.ipv4.tcp_max_syn_backlog',
  'net.ipv4.tcp_mem',
  'net.ipv4.tcp_rmem',
  'net.ipv4.tcp_wmem',
  'net.ipv4.ip_local_port_range',
  'net.ipv4.tcp_tw_reuse',
  'kernel.pid_max',
  'kernel.threads-max',
] as const

function readSysctls(): Environment['sysctls'] {
  const known = SYSCTLS.flatMap((name) => {
    const value = readText(`/proc/sys/${name.replaceAll('.', '/')}`)
    return value === null ? [] : [[name, value.replaceAll(/\s+/g, ' ')] as const]
  })
  return Object.fromEntries(known)
}

/** Which versions of its dependencies hubbub was installed with. */
function readLockfileSha256(folder: string): string | null {
  const text = readText(join(folder, 'package-lock.json'))
  return text === null ? null : createHash('sha256').update(text).digest('hex')
}

/** Without what surrounds it; null where there is no such file. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null
  }
}
