// get and put against servers that are not what they should be: what is left, and what is said.

import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { promisify } from 'node:util'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { NameError, TransferFailure } from '../../clients/transfer/failure.ts'
import { get } from '../../clients/transfer/get.ts'
import { showProgress, spellBytes, type WordsOut } from '../../clients/transfer/progress.ts'
import { put } from '../../clients/transfer/put.ts'

const BYTES = randomBytes(300_000)
const SHA256 = createHash('sha256').update(BYTES).digest('hex')
const SIZE = `SIZE ${BYTES.length} ${SHA256}\r\n`
const NOBODY = { write: () => true }

let folder: string
let server: Server
let lines: string[]
const sockets = new Set<Socket>()

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'hubbub-'))
  lines = []
})
afterEach(() => {
  for (const socket of sockets) socket.destroy()
  server?.close()
  rmSync(folder, { recursive: true })
})

/** A server that answers each line as it is told. What is no line (a PUT's bytes) it does not look at. */
async function serve(answer: (line: string, socket: Socket) => void): Promise<number> {
  server = createServer((socket) => {
    sockets.add(socket)
    let rest = ''
    socket.on('error', () => {})
    socket.setEncoding('latin1').on('data', (text: string) => {
      const all = (rest + text).split('\r\n')
      rest = all.pop()!
      for (const line of all) {
        lines.push(line)
        answer(line, socket)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** An honest one, for GET. `cut` ends the connection after so many bytes. */
function honest(cut = Infinity): (line: string, socket: Socket) => void {
  let from = 0
  return (line, socket) => {
    if (line.startsWith('GET ')) {
      from = Number(line.split(' ')[1])
      socket.write(SIZE)
    } else if (line === 'OK') {
      socket.write(BYTES.subarray(from, from + cut))
      if (from + cut < BYTES.length) socket.end()
    }
  }
}

/** One that says often enough that it hashes, and is slow, before it answers as told. */
function hashing(
  times: number,
  answer: (line: string, socket: Socket) => void,
  first?: (socket: Socket) => void,
): (line: string, socket: Socket) => void {
  return (line, socket) => {
    if (!/^(?:GET|PUT) /.test(line)) return answer(line, socket)
    first?.(socket)
    let at = 0
    const timer = setInterval(() => {
      if (at < times) {
        socket.write(`CHECKING ${at++} 10\r\n`)
      } else {
        clearInterval(timer)
        answer(line, socket)
      }
    }, 100)
  }
}

const target = (): string => join(folder, 'a')
const part = (): string => `${target()}.${SHA256.slice(0, 16)}.part`

interface Changed {
  readonly out?: string
  readonly file?: string
  readonly force?: boolean
  readonly name?: string
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

function getFrom(port: number, changed: Changed = {}, err: WordsOut = NOBODY): Promise<void> {
  const address = { family: 'ipv4', host: '127.0.0.1', port } as const
  return get(
    {
      address,
      name: 'some/a',
      out: target(),
      force: false,
      timeoutMs: 5_000,
      signal: new AbortController().signal,
      ...changed,
    },
    err,
  )
}

function putTo(port: number, changed: Changed = {}, err: WordsOut = NOBODY): Promise<void> {
  const address = { family: 'ipv4', host: '127.0.0.1', port } as const
  const {
    name,
    file = target(),
    timeoutMs = 5_000,
    signal = new AbortController().signal,
  } = changed
  return put({ address, file, name: name ?? null, timeoutMs, signal }, err)
}

describe('get', () => {
  test('fetches a file, and leaves nothing else', async () => {
    await getFrom(await serve(honest()))
    expect(readFileSync(target()).equals(BYTES)).toBe(true)
    expect(readdirSync(folder)).toEqual(['a'])
    expect(lines).toEqual(['GET 0 some/a', 'OK', 'QUIT'])
  })

  test('goes on where the connection was cut', async () => {
    const port = await serve(honest(100_000))
    await expect(getFrom(port)).rejects.toThrow(
      /ended the connection\. 97\.7 KiB of 293\.0 KiB are kept in .*\.part: the same command goes on/,
    )
    expect(readdirSync(folder)).toEqual([part().slice(folder.length + 1)])
    await expect(getFrom(port)).rejects.toThrow(/195\.3 KiB of 293\.0 KiB/)
    await getFrom(port)
    expect(readFileSync(target()).equals(BYTES)).toBe(true)
    expect(readdirSync(folder)).toEqual(['a'])
    expect(lines.filter((line) => line.startsWith('GET 2'))).toEqual(['GET 200000 some/a'])
  })

  test('throws away what does not have its hash', async () => {
    const port = await serve(honest())
    writeFileSync(part(), 'these are not the first bytes of it')
    await expect(getFrom(port)).rejects.toThrow(/does not have the hash .* removed; try again/)
    expect(readdirSync(folder)).toEqual([])
    await getFrom(port)
    expect(readFileSync(target()).equals(BYTES)).toBe(true)
  })

  test('begins again when the part is longer than the file', async () => {
    writeFileSync(part(), Buffer.alloc(BYTES.length + 1))
    await getFrom(await serve(honest()))
    expect(readFileSync(target()).equals(BYTES)).toBe(true)
  })

  test('replaces a file only when it is told to', async () => {
    const port = await serve(honest())
    writeFileSync(target(), 'before')
    await expect(getFrom(port)).rejects.toThrow(/exists: replace it with --force/)
    expect(lines).toEqual([])
    expect(readFileSync(target(), 'utf8')).toBe('before')
    await getFrom(port, { force: true })
    expect(readFileSync(target()).equals(BYTES)).toBe(true)
  })

  test('replaces no file that came while it was fetching', async () => {
    const port = await serve((line, socket) => {
      if (line === 'OK') writeFileSync(target(), 'meanwhile')
      honest()(line, socket)
    })
    await expect(getFrom(port)).rejects.toThrow(/exists/)
    expect(readFileSync(target(), 'utf8')).toBe('meanwhile')
    expect(existsSync(part())).toBe(true)
  })

  test('puts a file into a folder under its own name', async () => {
    const port = await serve(honest())
    for (const out of [folder, `${folder}/`]) {
      await getFrom(port, { out })
      expect(readFileSync(target()).equals(BYTES)).toBe(true)
      rmSync(target())
    }
  })

  test('puts nothing in the place of a folder, nor into one that is not there', async () => {
    await expect(getFrom(1, { out: `${target()}/` })).rejects.toThrow(
      /a\/ is not a folder: make it first/,
    )
    mkdirSync(target())
    await expect(getFrom(1, { out: folder, force: true })).rejects.toThrow(/is a folder/)
    const port = await serve(honest())
    await expect(getFrom(port, { out: join(folder, 'none', 'b') })).rejects.toThrow(
      /none is not there: make it first/,
    )
  })

  test('waits while the server hashes, and shows it', async () => {
    const port = await serve(hashing(8, honest()))
    const { stream, text } = terminal()
    await getFrom(port, { timeoutMs: 500 }, stream)
    expect(text()).toMatch(/checking a \S+ 70%.*\[1Ga \S+ 100%.*checking a \S+ 100%.*some\/a \(293/)
    expect(readFileSync(target()).equals(BYTES)).toBe(true)
  })

  test('leaves no bar when the server has hashed in vain', async () => {
    const port = await serve(hashing(2, (_, socket) => socket.end('ERROR It has changed\r\n')))
    const { stream, text } = terminal()
    await expect(getFrom(port, {}, stream)).rejects.toThrow('It has changed')
    expect(text()).toMatch(/checking a/)
    expect(stream.cursorIsShown).toBe(true)
  })

  test('is not done twice at a time', async () => {
    const port = await serve((line, socket) => {
      if (line.startsWith('GET')) socket.write(SIZE) // And then never a byte.
    })
    const aborting = new AbortController()
    const first = getFrom(port, { signal: aborting.signal })
    await expect.poll(() => lines).toContain('OK')
    await expect(getFrom(port)).rejects.toThrow(/being written by somebody else/)
    aborting.abort()
    await expect(first).rejects.toThrow(/^Interrupted\. 0 B of 293\.0 KiB are kept/)
  })

  test('repeats what the server says, without what a terminal would obey', async () => {
    const port = await serve((_, socket) => {
      socket.write('ERROR There is no such file\x1b[2J\r\n')
    })
    await expect(getFrom(port)).rejects.toThrow('The server says: There is no such file?[2J.')
  })

  test.each([
    ['another protocol', 'HTTP/1.1 400 Bad Request\r\n'],
    ['a size that is no number', `SIZE -1 ${SHA256}\r\n`],
    ['a hash that leads elsewhere', `SIZE 1 ${'../'.repeat(21)}x\r\n`],
    ['a line without end', 'x'.repeat(100_000)],
  ])('gives up at %s', async (_, said) => {
    const port = await serve((__, socket) => {
      socket.write(said)
    })
    await expect(getFrom(port)).rejects.toThrow('The server does not speak this protocol.')
    expect(readdirSync(folder)).toEqual([])
  })

  test('gives up when nobody answers, and when nobody is there', async () => {
    const port = await serve(() => {})
    await expect(getFrom(port, { timeoutMs: 50 })).rejects.toThrow(/does not answer/)
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
    await expect(getFrom(port)).rejects.toThrow(
      /Cannot connect to 127.*ECONNREFUSED.*running there/,
    )
  })

  test.each(['', 'a\r\nPUT 0 x', 'x'.repeat(5_000)])('asks for no name like %j', async (name) => {
    await expect(getFrom(1, { name })).rejects.toThrow(NameError)
  })
})

describe('put', () => {
  beforeEach(() => writeFileSync(target(), BYTES))

  test('stops when the server can take no more', async () => {
    const port = await serve((line, socket) => {
      if (!line.startsWith('PUT')) return
      socket.write('SEND 0\r\n')
      socket.once('data', () => socket.end('ERROR The disk is full\r\n'))
    })
    await expect(putTo(port)).rejects.toThrow('The server says: The disk is full.')
  })

  test('says where it is to go on', async () => {
    const port = await serve((line, socket) => {
      if (line.startsWith('PUT')) socket.write('SEND 100\r\n', () => socket.destroy())
    })
    const failure = await putTo(port, { name: 'b' }).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(TransferFailure)
    expect(lines[0]).toBe(`PUT ${BYTES.length} ${SHA256} b`)
  })

  test.each(['SEND 300001', 'SEND -1', 'DONE', 'hello'])('gives up at %s', async (said) => {
    const port = await serve((_, socket) => {
      socket.write(`${said}\r\n`)
    })
    await expect(putTo(port)).rejects.toThrow('does not speak this protocol')
  })

  test('gives up when the server takes nothing any more', async () => {
    writeFileSync(target(), Buffer.alloc(32 << 20))
    const port = await serve((line, socket) => {
      if (line.startsWith('PUT')) socket.write('SEND 0\r\n', () => socket.pause())
    })
    await expect(putTo(port, { timeoutMs: 200 })).rejects.toThrow(/does not answer/)
  })

  test('sends only files that are there', async () => {
    rmSync(target())
    await expect(putTo(1)).rejects.toThrow(/a is not there: look at its path/)
    await expect(putTo(1)).rejects.toThrow(TransferFailure)
    mkdirSync(target())
    await expect(putTo(1)).rejects.toThrow(/a is a folder: put sends one file/)
    await promisify(execFile)('mkfifo', [join(folder, 'fifo')])
    await expect(putTo(1, { file: join(folder, 'fifo') })).rejects.toThrow(/not a regular file/)
  })

  test('keeps the name of a file in another folder', async () => {
    const port = await serve((_, socket) => socket.end('ERROR That is enough\r\n'))
    await expect(putTo(port, { name: 'notes/' })).rejects.toThrow('That is enough')
    expect(lines[0]).toBe(`PUT ${BYTES.length} ${SHA256} notes/a`)
  })

  test('shows what is hashed before and after, and waits for the server', async () => {
    const port = await serve(
      hashing(
        8,
        (_, socket) => socket.write('DONE\r\n'),
        (socket) => socket.write(`SEND 300000\r\n`),
      ),
    )
    const { stream, text } = terminal()
    await putTo(port, { timeoutMs: 500 }, stream)
    expect(text()).toMatch(
      /checking a \S+ 100%.*\[1Ga \S+ 100%.*checking a \S+ 70%.*a \(293\.0 KiB\)\n$/,
    )
  })
})

describe('progress', () => {
  test('is a bar on a terminal: how much, how fast, how long yet', () => {
    const { stream, text } = terminal()
    const progress = showProgress(stream, 'a.txt')
    progress.moved(250_000, 1_000_000)
    expect(text()).toMatch(/a\.txt .*25%/)
    expect(text()).not.toContain('/s') // There is no rate yet.
    progress.moved(1_000_000, 1_000_000)
    progress.end('a.txt')
    expect(text()).toMatch(/\d (?:B|[KMG]iB)\/s \| 0s left/)
    expect(text()).toMatch(/a\.txt \(976\.6 KiB, [\d.]+ [KMG]iB\/s\)\n$/)
    expect(stream.cursorIsShown).toBe(true)
  })

  test('says when bytes are only checked, which is no transfer', () => {
    const { stream, text } = terminal()
    const progress = showProgress(stream, '{bar}')
    progress.checked(500, 1_000)
    expect(text()).toMatch(/checking \{bar\} .*50%/)
    progress.moved(1_000, 1_000)
    progress.checked(900, 1_000)
    progress.end('a.txt')
    expect(text()).toMatch(/50%[^]*\{bar\} .*100%[^]*checking \{bar\} .*90%/)
    expect(text()).toMatch(/a\.txt \(1000 B\)\n$/)
    expect(text()).not.toMatch(/\/s|left/)
  })

  test('is nothing elsewhere', () => {
    const { stream, text } = terminal()
    const progress = showProgress({ ...stream, isTTY: false }, 'a.txt')
    progress.checked(10, 10)
    progress.moved(10, 10)
    progress.end('a.txt')
    expect(text()).toBe('')
  })

  test.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1.0 KiB'],
    [5 << 20, '5.0 MiB'],
    [2 ** 50, '1024.0 TiB'],
  ])('%i bytes are %s', (bytes, text) => {
    expect(spellBytes(bytes)).toBe(text)
  })
})

/** A terminal, as far as the bar looks at it. */
function terminal() {
  const written: string[] = []
  const stream = {
    isTTY: true,
    columns: 100,
    cursorIsShown: true,
    write(text: string) {
      if (text.startsWith('\x1b[?25')) stream.cursorIsShown = text.endsWith('h')
      return written.push(text)
    },
    cursorTo: () => true,
    moveCursor: () => true,
    clearLine: () => true,
    on() {},
    off() {},
  }
  return { stream, text: () => written.join('') }
}
