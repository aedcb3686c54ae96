import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Failure } from '../../bench/errors.ts'
import { takeLock } from '../../bench/lock.ts'

let folder = ''
let path = ''
beforeEach(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'hubbub-lock-'))
  path = join(folder, 'lock')
})
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

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

  test.each(['', 'hello', '1\n', '999999999999999999999\n'])(
    'is free where a file is left in which stands %j',
    (content) => {
      fs.writeFileSync(path, content)
      const release = takeLock(path)
      expect(fs.readFileSync(path, 'utf8')).toBe(`${process.pid}\n`)
      release()
      expect(fs.readdirSync(folder)).toEqual([])
    },
  )

  test('whose owner has not signed it yet is refused, without a process', () => {
    const release = takeLock(path)
    fs.truncateSync(path)
    expect(() => takeLock(path)).toThrow('another benchmark is running, and two would measure')
    release()
  })

  test('is not the next one, when its file is removed while it is held', () => {
    const first = takeLock(path)
    fs.rmSync(path)
    const second = takeLock(path)
    expect(() => takeLock(path)).toThrow(Failure)
    first()
    expect(() => takeLock(path)).toThrow(Failure)
    second()
    expect(fs.readdirSync(folder)).toEqual([])
  })

  test('of one that was killed is free at once', async () => {
    const owner = contender()
    try {
      await expect.poll(() => owner.text, { timeout: 20_000 }).toContain('ready')
      owner.child.stdin.write('go')
      await expect.poll(() => owner.text, { timeout: 20_000 }).toContain('taken')
      expect(() => takeLock(path)).toThrow(`(process ${owner.child.pid})`)
    } finally {
      await end(owner.child)
    }
    takeLock(path)()
  })

  test('in a folder that is not there is refused', () => {
    expect(() => takeLock(join(folder, 'no', 'lock'))).toThrow(/cannot be opened \(ENOENT\)/)
  })

  test.each(['there is none', 'a file is left'])(
    'goes to exactly one of many when %s',
    async (now) => {
      if (now === 'a file is left') fs.writeFileSync(path, '1\n')
      const contenders = Array.from({ length: 6 }, contender)
      try {
        const all = (what: RegExp) => contenders.every(({ text }) => what.test(text))
        await expect.poll(() => all(/ready/), { timeout: 20_000 }).toBe(true)
        for (const { child } of contenders) child.stdin.write('go')
        await expect.poll(() => all(/taken|refused/), { timeout: 20_000 }).toBe(true)
        expect(contenders.filter(({ text }) => text.includes('taken'))).toHaveLength(1)
      } finally {
        await Promise.all(contenders.map(({ child }) => end(child)))
      }
    },
    30_000,
  )
})

/** A process that takes the lock when it is told to, and keeps it until it is killed. */
function contender() {
  const module = JSON.stringify(new URL('../../dist/bench/lock.js', import.meta.url).href)
  const program = `import(${module}).then(({ takeLock }) => {
    process.stdout.write('ready\\n')
    process.stdin.once('data', () => {
      try { takeLock(${JSON.stringify(path)}); console.log('taken') }
      catch (error) { console.log('refused ' + error.message) }
    })
  })`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'] })
  const said = { child, text: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.text += text))
  return said
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
