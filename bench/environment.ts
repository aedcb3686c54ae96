// The machine and the software that a result belongs to. A figure without them cannot be compared with
// any other.

import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import * as os from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { PACKAGE_FOLDER, PACKAGE_VERSION } from './package.ts'
import { parseOpenFilesMax } from './proc-text.ts'
import type { Environment } from './schema.ts'

const run = promisify(execFile)

const GIT_TIMEOUT_MS = 5000

export async function readEnvironment(): Promise<Environment> {
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
    openFilesMax: readOpenFilesMax(),
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

function readOpenFilesMax(): number | null {
  try {
    return parseOpenFilesMax(readFileSync('/proc/self/limits', 'utf8'))
  } catch {
    return null
  }
}
