// Files over the command line: what is refused, in which words, and what is left when somebody interrupts.

import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { STREAM_MODELS } from '../../servers/catalog.ts'
import { until } from '../support/conditions.ts'
import { run, spawnProgram } from '../support/program.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../support/server.ts'

const MODEL = STREAM_MODELS.at(-1)!.name
const BIG_BYTES = 256 << 20

const base = mkdtempSync(join(tmpdir(), 'hubbub-'))
const root = join(base, 'root')
let server: TestServer

beforeAll(async () => {
  mkdirSync(root)
  writeFileSync(join(root, 'a'), 'a')
  writeFileSync(join(root, 'big'), '')
  truncateSync(join(root, 'big'), BIG_BYTES)
  const listen = ['--listen', `unix:${join(base, 'socket')}`]
  server = await startServer(MODEL, ['--service', 'file', '--root', root, ...listen])
})
afterAll(async () => {
  await stopCleanly(server)
  await endServers()
  rmSync(base, { recursive: true })
})

describe('serve', () => {
  test.each([
    ['no folder', ['--service', 'file'], 2, /needs --root/],
    ['a bound on nothing', ['--service', 'file', '--root', root, '--max-upload', '1'], 2, /both/],
    [
      'a folder that is not there',
      ['--service', 'file', '--root', join(base, 'no')],
      1,
      /no is not a folder/,
    ],
    ['a file', ['--service', 'file', '--root', join(root, 'a')], 1, /a is not a folder/],
  ])('refuses %s', async (_, args, code, words) => {
    const outcome = await run(['serve', MODEL, '--listen', '127.0.0.1:0', ...args])
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toMatch(words)
    expect(outcome.stderr).not.toMatch(/fault|^ {4}at /m)
  })
})

describe('get and put', () => {
  test.each([
    ['no address', ['get', 'nowhere', 'a'], 2, /"nowhere" is not/],
    ['no name', ['get', 'unix:x', ''], 2, /name of the file is empty/],
    [
      'nobody there',
      ['get', `unix:${join(base, 'none')}`, 'a'],
      1,
      /Cannot connect .* server running/,
    ],
    ['a file that the server has not', ['get', 'SERVER', 'none'], 1, /There is no such file\./],
    [
      'a file that is not here',
      ['put', 'SERVER', join(base, 'none')],
      1,
      /none is not there: look at its path\./,
    ],
    ['a server that takes nothing', ['put', 'SERVER', join(root, 'a')], 1, /takes no files\./],
    ['a folder that is put', ['put', 'SERVER', root], 1, /is a folder: put sends one file/],
    ['a file in its place', ['get', 'SERVER', 'a', '--out', `${root}/`], 1, /root\/a exists/],
    ['no folder for it', ['get', 'SERVER', 'a', '--out', `${base}/no/`], 1, /make it first/],
  ])('name %s', async (_, args, code, words) => {
    const outcome = await run(
      args.map((arg) => arg.replace('SERVER', server.address)),
      { cwd: base },
    )
    expect(outcome).toMatchObject({ code, stdout: '' })
    expect(outcome.stderr).toMatch(words)
    expect(outcome.stderr).not.toMatch(/fault|^ {4}at /m)
    expect(readdirSync(base).toSorted()).toEqual(['root', 'socket'])
  })

  test('fetch into a folder', async () => {
    const folder = join(base, 'folder')
    mkdirSync(folder)
    const outcome = await run(['get', server.address, 'a', '--out', folder])
    expect(outcome).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readdirSync(folder)).toEqual(['a'])
    rmSync(folder, { recursive: true })
  })

  test('Ctrl-C keeps what has come, and the same command goes on', async () => {
    const out = join(base, 'interrupted')
    const args = ['get', server.address, 'big', '--out', out]
    const getting = spawnProgram(args)
    let words = ''
    getting.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text))
    const part = (): string | undefined =>
      readdirSync(base).find((name) => name.startsWith('interrupted.'))
    await until('some of it should have come', () => {
      const name = part()
      return name !== undefined && statSync(join(base, name)).size > 0
    })
    getting.kill('SIGINT')
    await until('it should end', () => getting.exitCode !== null || getting.signalCode !== null)
    expect(getting.exitCode).toBe(130)
    expect(words).toMatch(
      /^hubbub: Interrupted\. .* kept in .*\.part: the same command goes on\.\n$/,
    )
    expect(existsSync(out)).toBe(false)
    expect(await run(args)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(statSync(out).size).toBe(BIG_BYTES)
    expect(part()).toBeUndefined()
  })
})
