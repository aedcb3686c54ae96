// What is done with files, in both of its ways: in blocking calls, and on the thread pool.

import { createHash, randomBytes } from 'node:crypto'
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { FileAnswer, FileRequest } from '../../protocol/index.ts'
import { AGAIN, close, hasSendFile, IoBuffer, recv, socketpair } from '../../posix/index.ts'
import { BlockingClient } from '../../servers/blocking-client.ts'
import { FileRoot } from '../../servers/file-root.ts'
import { type FileSettings, FileSession, PIECE_BYTES_MAX } from '../../servers/files.ts'

const WAYS: Record<string, (session: FileSession, request: FileRequest) => Promise<FileAnswer>> = {
  'in blocking calls': async (session, request) => session.performNow(request),
  'on the thread pool': (session, request) => session.perform(request),
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex')

/** What this process has read, from whatever. */
const bytesRead = (): number =>
  Number(/rchar: (\d+)/.exec(readFileSync('/proc/self/io', 'latin1'))![1])
const openFiles = (): number => readdirSync('/proc/self/fd').length

describe.each(Object.keys(WAYS))('%s', (way) => {
  let root: string
  let settings: FileSettings
  const sessions: FileSession[] = []

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'hubbub-'))
    settings = { root, allowPut: true, uploadBytesMax: 1 << 20, pieceBytes: 1_000 }
  })
  afterEach(() => {
    vi.restoreAllMocks()
    for (const session of sessions.splice(0)) session.end()
    rmSync(root, { recursive: true })
  })

  function begin(changed: Partial<FileSettings> = {}): FileSession {
    const made = new FileSession({ ...settings, ...changed })
    sessions.push(made)
    return made
  }

  /** Performs a request to its end; returns the last answer and how many pieces it took. */
  async function ask(of: FileSession, request: FileRequest): Promise<[FileAnswer, number]> {
    for (let pieces = 1; ; pieces++) {
      const answer = await WAYS[way]!(of, request)
      if (answer.kind !== 'again') return [answer, pieces]
    }
  }

  async function answerTo(of: FileSession, request: FileRequest): Promise<FileAnswer> {
    return (await ask(of, request))[0]
  }

  async function put(of: FileSession, name: string, bytes: Buffer, hash = sha256(bytes)) {
    const created = await answerTo(of, { kind: 'create', name, bytes: bytes.length, sha256: hash })
    if (created.kind !== 'created') return created
    if (created.from < bytes.length) {
      const piece = bytes.subarray(created.from)
      const appended = await answerTo(of, { kind: 'append', piece })
      if (appended.kind !== 'done') return appended
    }
    return answerTo(of, { kind: 'commit' })
  }

  test('opens a file, hashes it a piece at a time, and sends it', async () => {
    const bytes = randomBytes(3 * PIECE_BYTES_MAX + 1)
    writeFileSync(join(root, 'a'), bytes)
    const one = begin()
    const [opened, pieces] = await ask(one, { kind: 'open', name: 'a' })
    expect(opened).toEqual({ kind: 'opened', bytes: bytes.length, sha256: sha256(bytes) })
    expect(pieces).toBe(4)
    let text = ''
    while (text.length < bytes.length) {
      const left = bytes.length - text.length
      const sent = await answerTo(one, { kind: 'send', from: text.length, bytes: left })
      if (sent.kind !== 'piece') throw new Error(`It answers ${sent.kind}`)
      expect(sent.text.length).toBeLessThanOrEqual(settings.pieceBytes)
      text += sent.text
    }
    expect(Buffer.from(text, 'latin1').equals(bytes)).toBe(true)
  })

  test('hashes a file that was just made or changed each time', async () => {
    const open: FileRequest = { kind: 'open', name: 'a' }
    writeFileSync(join(root, 'a'), Buffer.alloc(2 * PIECE_BYTES_MAX))
    for (let i = 0; i < 2; i++) expect((await ask(begin(), open))[1]).toBe(2) // Too new to be trusted.
    utimesSync(join(root, 'a'), 1, 1)
    // Its status has changed just now, which nobody can date back.
    expect((await ask(begin(), open))[1]).toBe(2)
  })

  test('the hash of an old file is kept, and not that of its successor', async () => {
    // Files of this project: nobody has changed them within the last seconds.
    const old = { root: join(import.meta.dirname, '../..') }
    const pieces: number[] = []
    for (let i = 0; i < 2; i++) {
      pieces.push((await ask(begin(old), { kind: 'open', name: 'LICENSE' }))[1])
    }
    expect(pieces).toEqual([1, 1])
    const first = await answerTo(begin(old), { kind: 'open', name: 'LICENSE' })
    expect(first).toMatchObject({ sha256: sha256(readFileSync(join(old.root, 'LICENSE'))) })
  })

  test.runIf(existsSync('/proc/self/io'))('many that ask for a new file hash it once', async () => {
    const bytes = randomBytes(40 * PIECE_BYTES_MAX)
    writeFileSync(join(root, 'a'), bytes)
    const before = bytesRead()
    const some = Array.from({ length: 10 }, () => begin())
    some[0]!.end() // One of them goes away, in whatever moment.
    const answers = await Promise.all(some.map((one) => answerInTurn(one, 'a')))
    expect(answers.slice(1)).toEqual(
      Array.from({ length: 9 }, () => ({
        kind: 'opened',
        bytes: bytes.length,
        sha256: sha256(bytes),
      })),
    )
    expect(bytesRead() - before).toBeLessThan(2 * bytes.length)
  })

  test('opens another file after one that others have hashed', async () => {
    for (const name of ['a', 'b']) writeFileSync(join(root, name), name.repeat(200_000))
    const some = [begin(), begin()]
    await Promise.all(some.map((one) => answerInTurn(one, 'a')))
    const hash = sha256('b'.repeat(200_000))
    for (const one of some) {
      expect(await answerInTurn(one, 'b')).toMatchObject({ kind: 'opened', sha256: hash })
    }
  })

  /** Asks again in a later turn of the event loop, so that others have theirs. */
  async function answerInTurn(of: FileSession, name: string): Promise<FileAnswer> {
    for (;;) {
      const answer = await WAYS[way]!(of, { kind: 'open', name })
      if (answer.kind !== 'again') return answer
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  test('a file that becomes shorter is not sent to its end', async () => {
    writeFileSync(join(root, 'a'), Buffer.alloc(2_500))
    const one = begin()
    await answerTo(one, { kind: 'open', name: 'a' })
    truncateSync(join(root, 'a'), 1_000)
    expect(await answerTo(one, { kind: 'send', from: 0, bytes: 2_500 })).toMatchObject({
      kind: 'piece',
    })
    expect(await answerTo(one, { kind: 'send', from: 1_000, bytes: 1_500 })).toMatchObject({
      kind: 'refused',
    })
  })

  test('a file that changes while it is hashed is not announced', async () => {
    writeFileSync(join(root, 'a'), Buffer.alloc(PIECE_BYTES_MAX + 1))
    const one = begin()
    const open: FileRequest = { kind: 'open', name: 'a' }
    expect(await WAYS[way]!(one, open)).toEqual({
      kind: 'again',
      at: PIECE_BYTES_MAX,
      bytes: PIECE_BYTES_MAX + 1,
    })
    appendFileSync(join(root, 'a'), 'more')
    expect(await answerTo(one, open)).toMatchObject({
      kind: 'refused',
      words: expect.stringMatching(/changed/),
    })
    expect(await answerTo(one, open)).toMatchObject({ kind: 'opened' })
  })

  test('there is no such file, and no path in the words', async () => {
    for (const name of ['none', '../none', '/etc/passwd', '', 'x'.repeat(300)]) {
      const answer = await answerTo(begin(), { kind: 'open', name })
      expect(answer).toEqual({ kind: 'refused', words: 'There is no such file' })
    }
  })

  test('receives a file, and shows it when it is whole', async () => {
    const bytes = randomBytes(3 * PIECE_BYTES_MAX)
    const one = begin()
    const hash = sha256(bytes)
    const create = { kind: 'create', name: 'a', bytes: bytes.length, sha256: hash } as const
    expect(await answerTo(one, create)).toEqual({ kind: 'created', from: 0 })
    await answerTo(one, { kind: 'append', piece: bytes })
    expect(existsSync(join(root, 'a'))).toBe(false)
    expect(await answerTo(one, { kind: 'commit' })).toEqual({ kind: 'done' })
    expect(readFileSync(join(root, 'a')).equals(bytes)).toBe(true)
    expect(readdirSync(root)).toEqual(['a'])
  })

  test('receives an empty file, and a file in the place of another', async () => {
    expect(await put(begin(), 'a', Buffer.from('old'))).toEqual({ kind: 'done' })
    expect(await put(begin(), 'a', Buffer.alloc(0))).toEqual({ kind: 'done' })
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('')
  })

  test('goes on where somebody was cut off', async () => {
    const bytes = randomBytes(5_000)
    const [one, two] = [begin(), begin()]
    const create = { kind: 'create', name: 'a', bytes: 5_000, sha256: sha256(bytes) } as const
    await answerTo(one, create)
    await answerTo(one, { kind: 'append', piece: bytes.subarray(0, 1_234) })
    one.end()
    expect(await answerTo(two, create)).toEqual({ kind: 'created', from: 1_234 })
    expect(await put(begin(), 'b', bytes)).toEqual({ kind: 'done' }) // Another name, another part.
    await answerTo(two, { kind: 'append', piece: bytes.subarray(1_234) })
    expect(await answerTo(two, { kind: 'commit' })).toEqual({ kind: 'done' })
    expect(readFileSync(join(root, 'a')).equals(bytes)).toBe(true)
  })

  test('of two that send the same at the same time one is refused, and others are not', async () => {
    const bytes = randomBytes(100)
    const create = { kind: 'create', name: 'a', bytes: 100, sha256: sha256(bytes) } as const
    const first = begin()
    await answerTo(first, create)
    expect(await answerTo(begin(), create)).toMatchObject({
      words: expect.stringMatching(/Somebody else/),
    })
    expect(await put(begin(), 'a', Buffer.from('other bytes'))).toEqual({ kind: 'done' })
    await answerTo(first, { kind: 'append', piece: bytes })
    expect(await answerTo(first, { kind: 'commit' })).toEqual({ kind: 'done' })
    expect(readFileSync(join(root, 'a')).equals(bytes)).toBe(true)
  })

  test('who opens a part just before it is committed adds nothing to the file', async () => {
    const bytes = randomBytes(2_000)
    const create = { kind: 'create', name: 'a', bytes: 2_000, sha256: sha256(bytes) } as const
    const first = begin()
    await answerTo(first, create)
    await answerTo(first, { kind: 'append', piece: bytes.subarray(0, 1_000) })
    // The second has opened the part, and not locked it yet, when the first does the rest.
    const own = new FileRoot(root)
    vi.spyOn(FileRoot.prototype, 'openPart').mockImplementationOnce((name, id) => {
      const opened = own.openPart(name, id)
      first.performNow({ kind: 'append', piece: bytes.subarray(1_000) })
      expect(first.performNow({ kind: 'commit' })).toEqual({ kind: 'done' })
      return opened
    })
    const second = begin()
    const answer = await answerTo(second, create)
    if (answer.kind === 'created') {
      await answerTo(second, { kind: 'append', piece: bytes.subarray(answer.from) })
    }
    expect(readFileSync(join(root, 'a')).equals(bytes)).toBe(true)
    expect(answer).toMatchObject({ words: expect.stringMatching(/Somebody else/) })
    // It is there, so the next one begins anew, and replaces it with the same.
    expect(await put(second, 'a', bytes)).toEqual({ kind: 'done' })
    expect(readdirSync(root)).toEqual(['a'])
  })

  test('what does not have its hash is thrown away', async () => {
    writeFileSync(join(root, 'a'), 'before')
    const answer = await put(begin(), 'a', randomBytes(1_000), sha256('something else'))
    expect(answer).toMatchObject({ kind: 'refused', words: expect.stringMatching(/hash/) })
    expect(readdirSync(root)).toEqual(['a'])
    expect(readFileSync(join(root, 'a'), 'utf8')).toBe('before')
  })

  test('takes nothing that is too large, and nothing unless it may', async () => {
    const large = { kind: 'create', name: 'a', bytes: (1 << 20) + 1, sha256: sha256('') } as const
    expect(await answerTo(begin(), large)).toMatchObject({
      words: expect.stringMatching(/1048576 bytes at most/),
    })
    const answer = await put(begin({ allowPut: false }), 'a', Buffer.from('a'))
    expect(answer).toMatchObject({ words: 'This server takes no files' })
    expect(readdirSync(root)).toEqual([])
  })

  test('puts no file where there is something else, or no folder', async () => {
    mkdirSync(join(root, 'folder'))
    for (const name of ['folder', 'none/a', '../a', '.hubbub-x.part']) {
      const answer = await put(begin(), name, Buffer.from('a'))
      expect(answer).toMatchObject({
        words: expect.stringMatching(/choose another, in a folder that is there$/),
      })
    }
    expect(readdirSync(root)).toEqual(['folder'])
  })

  test('keeps nothing open when it has ended, also when it was busy', async () => {
    if (process.platform !== 'linux') return
    writeFileSync(join(root, 'a'), Buffer.alloc(PIECE_BYTES_MAX * 2))
    await answerTo(begin(), { kind: 'open', name: 'none' }) // The root is open from now on.
    const before = openFiles()
    const some = Array.from({ length: 10 }, () => begin())
    const asked = some.map((one) => WAYS[way]!(one, { kind: 'open', name: 'a' }))
    for (const one of some) one.end()
    await Promise.all(asked)
    expect(openFiles()).toBe(before)
  })
})

test.runIf(hasSendFile)('with a client at hand, the kernel sends the bytes', async () => {
  const root = mkdtempSync(join(tmpdir(), 'hubbub-'))
  const bytes = randomBytes(100_000)
  writeFileSync(join(root, 'a'), bytes)
  const [ours, theirs] = socketpair()
  const client = new BlockingClient(ours, { lookUpMs: 1_000, stallMs: 1_000, onStall() {} })
  const session = new FileSession({ root, allowPut: false, uploadBytesMax: 0, pieceBytes: 1 })
  while (session.performNow({ kind: 'open', name: 'a' }).kind === 'again');
  const send = { kind: 'send', from: 10, bytes: bytes.length - 10 } as const
  expect(session.performNow(send, client)).toEqual({ kind: 'sent', bytes: send.bytes })
  // The first send was the end of the file: it is opened again.
  expect(session.performNow({ kind: 'open', name: 'a' }).kind).not.toBe('refused')
  const full = { sendFile: () => AGAIN }
  expect(session.performNow(send, full)).toEqual({ kind: 'sent', bytes: 0 })
  expect(session.performNow(send, { sendFile: () => 0 })).toMatchObject({ kind: 'refused' })
  const memory = new IoBuffer(bytes.length)
  let at = 0
  while (at < send.bytes) at += recv(theirs, memory, at, memory.length - at)
  expect(memory.bytes.subarray(0, at).equals(bytes.subarray(10))).toBe(true)
  for (const fd of [ours, theirs]) close(fd)
  rmSync(root, { recursive: true })
})
