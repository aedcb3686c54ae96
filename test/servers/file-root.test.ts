// Nothing outside of the folder can be read or written, whatever the name. Outside is a secret file; inside
// are links to it and to its folder, and whoever gets hold of the secret has found a way out.

import { execFileSync } from 'node:child_process'
import * as fc from 'fast-check'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { close } from '../../posix/index.ts'
import { FileRoot, NoSuchFile } from '../../servers/file-root.ts'

const SECRET = 'the secret'
const base = mkdtempSync(join(tmpdir(), 'hubbub-'))
const outside = join(base, 'outside')
const inside = join(base, 'inside')
let root: FileRoot

beforeAll(() => {
  mkdirSync(outside)
  mkdirSync(join(inside, 'sub/deep'), { recursive: true })
  writeFileSync(join(outside, 'secret'), SECRET)
  writeFileSync(join(inside, 'a.txt'), 'a')
  writeFileSync(join(inside, 'sub/deep/b.txt'), 'b')
  symlinkSync('../outside/secret', join(inside, 'link'))
  symlinkSync('../outside', join(inside, 'out'))
  symlinkSync('../../..', join(inside, 'sub/deep/up'))
  symlinkSync('/', join(inside, 'sub/slash'))
  symlinkSync('a.txt', join(inside, 'inner'))
  symlinkSync('loop', join(inside, 'loop'))
  symlinkSync(join(outside, 'new'), join(inside, 'nowhere'))
  execFileSync('mkfifo', [join(inside, 'fifo')])
  root = new FileRoot(inside)
})
afterAll(() => rmSync(base, { recursive: true }))

/** What the file has, or null when there is none of that name. Anything else that is thrown is a mistake. */
function read(name: string): string | null {
  try {
    const { fd } = root.open(name)
    const text = readFileSync(fd, 'utf8')
    close(fd)
    return text
  } catch (error) {
    if (error instanceof NoSuchFile) return null
    throw error
  }
}

/** Writes a file of this name. False when it cannot have it. */
function write(name: string): boolean {
  try {
    close(root.openPart(name, 'id').fd)
    root.commitPart(name, 'id')
    return true
  } catch (error) {
    if (error instanceof NoSuchFile) return false
    throw error
  }
}

/** Everything outside, as it must stay. */
function outsideNow(): unknown {
  return [
    readdirSync(base),
    readdirSync(outside),
    readFileSync(join(outside, 'secret'), 'utf8'),
    statSync(outside).mtimeMs,
    statSync(base).mtimeMs,
  ]
}

const CORPUS = [
  ['..', '.', '', '/', '//', './', '../', '...', '....', '.../', '....//', '. .', '.. ', ' ..'],
  ['../outside/secret', './../outside/secret', 'sub/../../outside/secret', 'sub/../a.txt'],
  ['....//....//outside/secret', '..././outside/secret', '..;/outside/secret', '..%00/outside'],
  ['%2e%2e/outside/secret', '%2e%2e%2foutside%2fsecret', '..%2foutside/secret', '%252e%252e/x'],
  ['..\\outside\\secret', '..\\/outside/secret', 'sub\\..\\..\\outside', '\\\\host\\share\\x'],
  ['..\u2215outside\u2215secret', '..\u2044outside', '\uff0e\uff0e/outside', '..\uff0foutside'],
  ['\u2024\u2024/outside/secret', '..\u29f8outside', '\u202e/secret', '..\u200b/outside/secret'],
  ['/etc/passwd', '//etc/passwd', join(outside, 'secret'), join(inside, 'a.txt'), '~/x', '~root'],
  ['link', 'out', 'out/secret', 'out/../a.txt', 'out/new', 'loop', 'loop/x', 'inner', 'nowhere'],
  ['sub/deep/up/outside/secret', 'sub/slash/etc/passwd', 'sub/deep/up/inside/a.txt', 'link/x'],
  [
    'a\0',
    'a.txt\0',
    'a.txt\0.png',
    '\0',
    '../outside/secret\0',
    'a\nb',
    'a\rb',
    '\x1b[2J',
    'a\x7f',
  ],
  ['CON', 'NUL', 'COM1', 'a.txt:stream', 'a.txt::$DATA', 'a.txt.', 'a.txt ', 'a.txt/', 'a.txt/.'],
  ['a.txt/..', 'a.txt/x', 'sub', 'sub/', 'sub//deep/b.txt', 'fifo', '/dev/zero', '/dev/stdin'],
  [
    '/proc/self/environ',
    '/proc/self/root/etc/passwd',
    '/proc/self/cwd',
    '/dev/fd/0',
    'file:///etc',
  ],
  ['.hubbub-id.part', '.HUBBUB-id.part', 'sub/.hubbub-x', '.hubbub-', 'sub/.hubbub-y/x'],
  ['x'.repeat(255), 'x'.repeat(256), 'é'.repeat(128), 'x/'.repeat(2000), '../'.repeat(1300)],
].flat()

/** Names of pieces that have led out of other servers. */
const anyName = fc
  .array(
    fc.oneof(
      fc.constantFrom('..', '.', '/', '//', '\\', '%2e', '%2f', '\0', 'out', 'link', 'secret'),
      fc.constantFrom('sub', 'deep', 'up', 'outside', 'slash', 'a.txt', 'inside', 'new', '...'),
      fc.constantFrom('/', '../', '../../', outside, '\u2215', '\uff0e'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { minLength: 1, maxLength: 9 },
  )
  .chain((parts) => fc.constantFrom(parts.join(''), parts.join('/')))

describe('a name', () => {
  test('leads to a file of the folder', () => {
    expect(read('a.txt')).toBe('a')
    expect(read('sub/deep/b.txt')).toBe('b')
    expect(write('sub/größe 🐝')).toBe(true)
    expect(read('sub/größe 🐝')).toBe('')
  })

  test.each(['link', 'out/secret', 'inner', 'loop', 'sub', 'fifo', 'sub/deep/up/outside/secret'])(
    'leads nowhere by a link, nor to what is no regular file: %s',
    (name) => {
      expect(read(name)).toBeNull()
      expect(write(name)).toBe(false)
    },
  )

  test('never leads out: the corpus, read and written', () => {
    expect(CORPUS.length).toBeGreaterThanOrEqual(90)
    const before = outsideNow()
    for (const name of CORPUS) expectInside(name)
    expect(outsideNow()).toEqual(before)
  })

  test('never leads out: a thousand generated names, read and written', () => {
    const before = outsideNow()
    fc.assert(fc.property(anyName, expectInside), { numRuns: 1_000 })
    expect(outsideNow()).toEqual(before)
  })

  test('of ours cannot be had', () => {
    const { fd } = root.openPart('new', 'id')
    close(fd)
    expect(readdirSync(inside)).toContain('.hubbub-id.part')
    expect(read('.hubbub-id.part')).toBeNull()
    expect(write('.hubbub-id.part')).toBe(false)
    root.removePart('new', 'id')
    expect(readdirSync(inside)).not.toContain('.hubbub-id.part')
  })

  test('never leads out while a folder is replaced by a link, again and again', async () => {
    const before = outsideNow()
    mkdirSync(join(inside, 'swap'))
    writeFileSync(join(inside, 'swap/secret'), 'harmless')
    symlinkSync('../outside', join(inside, 'evil'))
    const stop = new Int32Array(new SharedArrayBuffer(4))
    const swapper = new Worker(
      `const { renameSync } = require('node:fs')
       const { workerData: { inside, stop } } = require('node:worker_threads')
       const move = (from, to) => renameSync(inside + '/' + from, inside + '/' + to)
       while (Atomics.load(stop, 0) === 0) {
         move('swap', 'good'); move('evil', 'swap')
         move('swap', 'evil'); move('good', 'swap')
       }`,
      { eval: true, workerData: { inside, stop } },
    )
    try {
      const seen = { harmless: 0, nothing: 0 }
      for (let tries = 0; tries < 200_000; tries++) {
        const text = read('swap/secret')
        expect(text === null || text === 'harmless').toBe(true)
        seen[text === null ? 'nothing' : 'harmless']++
        if (tries % 20 === 0) write('swap/new')
        if (Math.min(seen.harmless, seen.nothing) > 2_000) break
      }
      expect(Math.min(seen.harmless, seen.nothing)).toBeGreaterThan(0)
    } finally {
      Atomics.store(stop, 0, 1)
      await new Promise((resolve) => swapper.once('exit', resolve))
    }
    expect(outsideNow()).toEqual(before)
  })

  test('leaves no descriptor open', () => {
    if (process.platform !== 'linux') return
    const before = openFiles()
    for (const name of CORPUS) expectInside(name)
    expect(openFiles()).toBe(before)
  })
})

function openFiles(): number {
  return readdirSync('/proc/self/fd').length
}

function expectInside(name: string): void {
  const text = read(name)
  expect(text ?? '', name).not.toContain(SECRET)
  if (text !== null) expectOpenInside(name)
  write(name)
}

/** What is open is inside, says the kernel. */
function expectOpenInside(name: string): void {
  const { fd } = root.open(name)
  if (process.platform === 'linux') {
    expect(readlinkSync(`/proc/self/fd/${fd}`)).toMatch(new RegExp(`^${inside}/`))
  }
  close(fd)
}
