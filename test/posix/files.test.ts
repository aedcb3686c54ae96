import { execFileSync } from 'node:child_process'
import {
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  closeSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  AGAIN,
  close,
  hasSendFile,
  IoBuffer,
  openAt,
  recv,
  renameAt,
  sendFile,
  setNonBlocking,
  socketpair,
  unlinkAt,
} from '../../posix/index.ts'

let path: string
let folder: number

beforeEach(() => {
  path = mkdtempSync(join(tmpdir(), 'hubbub-'))
  folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
})
afterEach(() => {
  closeSync(folder)
  rmSync(path, { recursive: true })
})

describe('openAt', () => {
  test('opens a file of the folder, whatever its name', () => {
    writeFileSync(join(path, 'größe 🐝'), 'honey')
    const fd = openAt(folder, 'größe 🐝', constants.O_RDONLY)
    const bytes = Buffer.alloc(9)
    expect(bytes.toString('utf8', 0, readSync(fd, bytes, 0, 9, 0))).toBe('honey')
    close(fd)
  })

  test('makes a file that others may read, as anybody would', () => {
    close(openAt(folder, 'new', constants.O_CREAT | constants.O_RDWR))
    writeFileSync(join(path, 'other'), '')
    const modeOf = (name: string): string =>
      execFileSync('ls', ['-l', join(path, name)], { encoding: 'utf8' }).slice(0, 10)
    expect(modeOf('new')).toBe(modeOf('other'))
  })

  test('is true to the folder that was opened, not to what has its name now', () => {
    writeFileSync(join(path, 'a'), 'inside')
    renameSync(path, `${path}-moved`)
    mkdirSync(path)
    close(openAt(folder, 'a', constants.O_RDONLY))
    rmSync(path, { recursive: true })
    renameSync(`${path}-moved`, path)
  })

  test.each([0, constants.O_DIRECTORY])('follows no link (flags %i)', (flags) => {
    symlinkSync(tmpdir(), join(path, 'link'))
    expect(() => openAt(folder, 'link', constants.O_RDONLY | flags)).toThrow(/ELOOP|ENOTDIR/)
  })

  test.each(['', '.', '..', '../x', '/etc/passwd', 'a/b', 'a\0b'])('refuses %j', (name) => {
    expect(() => openAt(folder, name, constants.O_RDONLY)).toThrow(RangeError)
    expect(() => unlinkAt(folder, name)).toThrow(RangeError)
    expect(() => renameAt(folder, 'a', name)).toThrow(RangeError)
    expect(() => renameAt(folder, name, 'a')).toThrow(RangeError)
  })

  test('does not wait for a FIFO', () => {
    execFileSync('mkfifo', [join(path, 'fifo')])
    close(openAt(folder, 'fifo', constants.O_RDONLY))
  })

  test('does not hand the file on to children', () => {
    writeFileSync(join(path, 'a'), '')
    const fd = openAt(folder, 'a', constants.O_RDONLY)
    const seen = execFileSync(process.execPath, [
      '-e',
      `try { require('fs').fstatSync(${fd}); console.log(require('fs').readlinkSync('/proc/self/fd/${fd}')) } catch { console.log('closed') }`,
    ])
    expect(seen.toString()).not.toContain(path)
    close(fd)
  })
})

test('renameAt replaces, unlinkAt removes', () => {
  writeFileSync(join(path, 'a'), 'new')
  writeFileSync(join(path, 'b'), 'old')
  renameAt(folder, 'a', 'b')
  expect(readFileSync(join(path, 'b'), 'utf8')).toBe('new')
  unlinkAt(folder, 'b')
  expect(existsSync(join(path, 'b'))).toBe(false)
  expect(() => unlinkAt(folder, 'b')).toThrow('ENOENT')
  mkdirSync(join(path, 'c'))
  writeFileSync(join(path, 'd'), '')
  expect(() => renameAt(folder, 'd', 'c')).toThrow('EISDIR')
})

describe.runIf(hasSendFile)('sendFile', () => {
  test('sends a piece, and says at the end that it is the end', () => {
    writeFileSync(join(path, 'a'), 'one two three')
    const fd = openAt(folder, 'a', constants.O_RDONLY)
    const [one, other] = socketpair()
    expect(sendFile(one, fd, 4, 3)).toBe(3)
    expect(sendFile(one, fd, 8, 100)).toBe(5)
    expect(sendFile(one, fd, 13, 100)).toBe(0)
    const memory = new IoBuffer(100)
    expect(memory.read(0, recv(other, memory, 0, 100))).toBe('twothree')
    for (const each of [fd, one, other]) close(each)
  })

  test('says "not now", and that nobody is there', () => {
    writeFileSync(join(path, 'a'), Buffer.alloc(4 << 20))
    const fd = openAt(folder, 'a', constants.O_RDONLY)
    const [one, other] = socketpair()
    setNonBlocking(one, true)
    let sent = 0
    for (let count = 0; count !== AGAIN; count = sendFile(one, fd, 0, 4 << 20)) sent += count
    expect(sent).toBeGreaterThan(0)
    close(other)
    expect(() => sendFile(one, fd, 0, 4 << 20)).toThrow(/sendfile (EPIPE|ECONNRESET)/)
    for (const each of [fd, one]) close(each)
  })
})
