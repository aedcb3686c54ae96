import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { readCommit, readEnvironment, readSchedulerGroups } from '../../bench/environment.ts'

let folder = ''
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'hubbub-environment-'))))
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const IDENTITY = ['-c', 'user.name=test', '-c', 'user.email=test@localhost']

function git(...words: string[]): string {
  return execFileSync('git', ['-C', folder, ...IDENTITY, ...words], { encoding: 'utf8' })
}

describe('the commit', () => {
  test('is that of the checkout, with whether it was changed since', async () => {
    git('init', '-q')
    writeFileSync(join(folder, 'file'), 'one')
    git('add', 'file')
    git('commit', '-q', '-m', 'first')
    const id = git('rev-parse', 'HEAD').trim()
    expect(await readCommit(folder)).toEqual({ id, dirty: false })
    writeFileSync(join(folder, 'file'), 'two')
    expect(await readCommit(folder)).toEqual({ id, dirty: true })
  })

  test('is none in a folder below somebody else’s checkout', async () => {
    git('init', '-q')
    const inner = join(folder, 'node_modules', 'hubbub-bench')
    mkdirSync(inner, { recursive: true })
    expect(await readCommit(inner)).toBeNull()
  })

  test('is none before the first commit, and none without git', async () => {
    expect(await readCommit(folder)).toBeNull()
    git('init', '-q')
    expect(await readCommit(folder)).toBeNull()
  })
})

describe('the scheduler’s groups', () => {
  test.each([
    ['1\n', 'shared'],
    ['0\n', 'none'],
  ])('with the setting %j: %s', (setting, groups) => {
    const path = join(folder, 'sched_autogroup_enabled')
    writeFileSync(path, setting)
    expect(readSchedulerGroups(path)).toBe(groups)
  })

  test('are none where the kernel has no such setting', () => {
    expect(readSchedulerGroups(join(folder, 'nowhere'))).toBe('none')
  })
})

test('the environment is that of this process', async () => {
  const environment = await readEnvironment()
  expect(environment.node).toBe(process.versions.node)
  expect(environment.hubbub).toMatch(/^\d+\.\d+\.\d+/)
  expect(environment.schedulerGroups).toBe(readSchedulerGroups())
  expect(environment.cores).toBeGreaterThanOrEqual(1)
  expect(environment.memoryMib).toBeGreaterThan(100)
  expect(environment.openFilesMax === null || environment.openFilesMax > 10).toBe(true)
  expect(environment.pinning).toBeNull()
  expect(environment.lockfileSha256).toMatch(/^[0-9a-f]{64}$/)
})

test.runIf(process.platform === 'linux')('Linux tells more', async () => {
  const { coresAllowed, cores, sysctls, processesMax } = await readEnvironment()
  expect(coresAllowed).toHaveLength(cores)
  expect(Number(sysctls['net.core.somaxconn'])).toBeGreaterThan(0)
  expect(sysctls['net.ipv4.tcp_mem']).toMatch(/^\d+ \d+ \d+$/)
  expect(processesMax === null || processesMax > 10).toBe(true)
})
