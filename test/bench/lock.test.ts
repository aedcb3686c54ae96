import type { ChildProcess } from 'node:child_process'
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure } from '../../bench/errors.ts'
import { takeLock } from '../../bench/lock.ts'
import { parseStat } from '../../bench/proc-text.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'hubbub-lock-'))
  path = join(folder, 'lock')
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

function deadPid(): number {
  return spawnSync(process.execPath, ['-e', '']).pid
}

describe('the lock', () => {
  test('is taken, refused to a second one, and free again after its release', () => {
    const release = takeLock(path)
    expect(() => takeLock(path)).toThrow(Failure)
    expect(() => takeLock(path)).toThrow(
      `another benchmark is running (process ${process.pid}), and two would measure each other; ` +
        `wait for it or end it (its lock is ${path}).`,
    )
    release()
    expect(fs.readdirSync(folder)).toEqual([])
    takeLock(path)()
  })

  test.each([
    ['of a process that is gone', () => JSON.stringify({ pid: deadPid(), startTicks: 1 })],
    ['that is empty', () => ''],
    ['that is not one', () => 'hello'],
    ['with an impossible process', () => '{"pid": -1, "startTicks": null}'],
  ])('%s is stale, and taken over', (_, content) => {
    fs.writeFileSync(path, content())
    const release = takeLock(path)
    expect(JSON.parse(fs.readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid })
    release()
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test.runIf(process.platform === 'linux')(
    'of a process that has the number of the owner, but was started later, is stale',
    async () => {
      const other = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
      try {
        const stat = parseStat(fs.readFileSync(`/proc/${other.pid}/stat`, 'utf8'))
        const startTicks = stat?.startTicks ?? 0
        fs.writeFileSync(path, JSON.stringify({ pid: other.pid, startTicks }))
        expect(() => takeLock(path)).toThrow(`(process ${other.pid})`)
        fs.writeFileSync(path, JSON.stringify({ pid: other.pid, startTicks: startTicks - 1 }))
        takeLock(path)()
      } finally {
        await end(other)
      }
    },
  )

  test('that somebody else has taken over meanwhile is not removed by the release', () => {
    const release = takeLock(path)
    const theirs = JSON.stringify({ pid: process.ppid, startTicks: null })
    fs.writeFileSync(path, theirs)
    release()
    expect(fs.readFileSync(path, 'utf8')).toBe(theirs)
  })

  test('in a folder that is not there is refused', () => {
    expect(() => takeLock(join(folder, 'no', 'lock'))).toThrow(/cannot be made \(ENOENT\)/)
  })

  test('goes to exactly one of many who find the same stale one', async () => {
    fs.writeFileSync(path, JSON.stringify({ pid: deadPid(), startTicks: 1 }))
    const module = JSON.stringify(new URL('../../dist/bench/lock.js', import.meta.url).href)
    const program = `import(${module}).then(({ takeLock }) => {
      process.stdout.write('ready\\n')
      process.stdin.once('data', () => {
        try { takeLock(${JSON.stringify(path)}); console.log('taken') }
        catch (error) { console.log('refused ' + error.message) }
        // Whoever has it keeps it until the end of the test.
        process.stdin.once('end', () => process.exit(0))
      })
    })`
    const contenders = Array.from({ length: 6 }, () => {
      const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
      const said = { child, text: '' }
      child.stdout.setEncoding('utf8').on('data', (text: string) => (said.text += text))
      return said
    })
    try {
      const all = (what: RegExp) => contenders.every(({ text }) => what.test(text))
      await expect.poll(() => all(/ready/), { timeout: 20_000 }).toBe(true)
      for (const { child } of contenders) child.stdin.write('go')
      await expect.poll(() => all(/taken|refused/), { timeout: 20_000 }).toBe(true)
      expect(contenders.filter(({ text }) => text.includes('taken'))).toHaveLength(1)
    } finally {
      await Promise.all(contenders.map(({ child }) => end(child)))
    }
  }, 30_000)
})

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
