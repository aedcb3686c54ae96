import { createHash, randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor } from '../../support/capabilities.ts'
import { until, within, PATIENCE_MS } from '../../support/conditions.ts'
import { connectOptions, exchange } from '../../support/exchange.ts'
import { seesProcesses } from '../../support/processes.ts'
import { run, spawnProgram } from '../../support/program.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

/** More than the kernel's buffers hold, on both sides. */
const BIG_BYTES = 32 << 20

/** `SIZE 33554432 <64 digits>` and its end. */
const ANNOUNCED_BYTES = 80

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')

export function file(model: ModelInfo): void {
  const base = join(tmpdir(), `hubbub-${randomBytes(6).toString('hex')}`)
  const root = join(base, 'root')
  const here = join(base, 'here')
  const some: Record<string, Buffer> = {
    'a.txt': Buffer.from('hello\r\n'),
    empty: Buffer.alloc(0),
    'five MiB': randomBytes(5 << 20),
  }
  let server: TestServer
  const sockets = new Set<Socket>()

  beforeAll(async () => {
    for (const folder of [base, root, here, join(root, 'sub')]) mkdirSync(folder)
    for (const [name, bytes] of Object.entries(some)) writeFileSync(join(root, name), bytes)
    writeBig(join(root, 'big'))
    writeFileSync(join(base, 'secret'), 'the secret')
    symlinkSync('../secret', join(root, 'link'))
    symlinkSync('..', join(root, 'out'))
    server = await startServer(model.name, served())
  })
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
  })
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
    rmSync(base, { recursive: true })
  })

  const served = (): string[] => ['--service', 'file', '--root', root, '--allow-put']

  function get(name: string, out: string) {
    return run(['get', server.address, name, '--out', join(here, out)])
  }

  function put(path: string, name: string) {
    return run(['put', server.address, path, '--as', name])
  }

  /** Says something, and reads until there is so much; more comes only when the socket is resumed. */
  async function begin(text: string, bytes: number): Promise<{ socket: Socket; received: Buffer }> {
    const socket = connect(connectOptions(server.address))
    sockets.add(socket)
    socket.on('error', () => {})
    socket.write(text)
    let received = Buffer.alloc(0)
    await within(
      PATIENCE_MS,
      `${bytes} bytes should come`,
      new Promise<void>((resolve) => {
        socket.on('data', (chunk: Buffer) => {
          received = Buffer.concat([received, chunk])
          if (received.length < bytes) return
          socket.removeAllListeners('data').pause()
          resolve()
        })
      }),
    )
    return { socket, received }
  }

  test.each(Object.keys(some))('gives %s, and takes it', async (name) => {
    const bytes = some[name]!
    expect(await get(name, name)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(join(here, name)).equals(bytes)).toBe(true)
    expect(await put(join(here, name), `sub/${name}`)).toEqual({ code: 0, stdout: '', stderr: '' })
    expect(readFileSync(join(root, 'sub', name)).equals(bytes)).toBe(true)
    expect(readdirSync(join(root, 'sub'))).toContain(name)
  })

  test('answers what comes in one piece, in its order', async () => {
    const bytes = Buffer.from('new')
    const said = `GET 0 a.txt\r\nOK\r\nPUT 3 ${sha256(bytes)} sub/n\r\nnewGET 1 sub/n\r\nOK\r\nQUIT\r\n`
    const answers = (await exchange(server.address, said)).toString()
    expect(answers).toBe(
      `SIZE 7 ${sha256(some['a.txt']!)}\r\nhello\r\nSEND 0\r\nDONE\r\nSIZE 3 ${sha256(bytes)}\r\new`,
    )
  })

  test('lets nobody out of its folder', async () => {
    const names = [
      '../secret',
      'link',
      'out/secret',
      `${base}/secret`,
      '/etc/passwd',
      'sub/../../secret',
    ]
    const hash = sha256(some['empty']!)
    const said = names.map((name) => `GET 0 ${name}\r\nPUT 0 ${hash} ${name}\r\n`).join('')
    const answers = (await exchange(server.address, said)).toString().split('\r\n')
    expect(answers.filter((line) => line.startsWith('ERROR '))).toHaveLength(2 * names.length)
    expect(answers).toHaveLength(2 * names.length + 1)
    expect(readFileSync(join(base, 'secret'), 'utf8')).toBe('the secret')
  })

  test('a get that was killed goes on where it was', async () => {
    const parts = () => readdirSync(here).filter((name) => name.startsWith('killed.'))
    const killed = spawnProgram(['get', server.address, 'big', '--out', join(here, 'killed')])
    await until('some of it should be there', () =>
      parts().some((name) => statSync(join(here, name)).size > 0),
    )
    killed.kill('SIGKILL')
    await until('it should be gone', () => killed.signalCode !== null)
    expect(existsSync(join(here, 'killed'))).toBe(false)
    expect(await get('big', 'killed')).toMatchObject({ code: 0 })
    expect(statSync(join(here, 'killed')).size).toBe(BIG_BYTES)
    expect(parts()).toEqual([])
  })

  test('a put that was reset goes on where it was, and nobody sees a half of it', async () => {
    const bytes = randomBytes(1 << 20)
    writeFileSync(join(here, 'up'), bytes)
    const { socket } = await begin(
      `PUT ${bytes.length} ${sha256(bytes)} up\r\n`,
      'SEND 0\r\n'.length,
    )
    socket.write(bytes.subarray(0, 300_000))
    const part = () => readdirSync(root).find((name) => name.startsWith('.hubbub-'))
    await until('the server should have it', () => {
      const name = part()
      return name !== undefined && statSync(join(root, name)).size === 300_000
    })
    socket.resetAndDestroy()
    expect(existsSync(join(root, 'up'))).toBe(false)
    await until('the server should see the end of it', async () => {
      return (await put(join(here, 'up'), 'up')).code === 0
    })
    expect(readFileSync(join(root, 'up')).equals(bytes)).toBe(true)
    expect(part()).toBeUndefined()
  })

  test('a get that is reset in the middle costs nobody else anything', async () => {
    for (let i = 0; i < 3; i++) {
      const { socket } = await begin('GET 0 big\r\nOK\r\n', 100_000)
      socket.resetAndDestroy()
    }
    expect((await exchange(server.address, 'GET 0 a.txt\r\nOK\r\n')).toString()).toMatch(
      /hello\r\n$/,
    )
  })

  test.runIf(seesProcesses)('reads no more of a file than a slow client takes', async () => {
    const { socket } = await begin('GET 0 big\r\n', ANNOUNCED_BYTES)
    const hashed = bytesRead(server)
    socket.write('OK\r\n')
    let last = -1
    let looks = 0
    await until('it should have stopped reading', () => {
      const now = bytesRead(server)
      looks = now === last && now > hashed + 100_000 ? looks + 1 : 0
      last = now
      return looks > 20
    })
    expect(last - hashed).toBeLessThan(BIG_BYTES / 2)
    let received = 0
    socket.on('data', (chunk: Buffer) => (received += chunk.length)).resume()
    await until('all of it should come', () => received === BIG_BYTES)
  })

  testFor(model, { clients: 2 }, 'serves others while one transfers', async () => {
    const { socket } = await begin('GET 0 big\r\nOK\r\n', 100_000)
    for (let i = 0; i < 3; i++) {
      expect((await exchange(server.address, 'GET 0 a.txt\r\nOK\r\n')).toString()).toMatch(/hello/)
    }
    socket.destroy()
  })

  testFor(model, { clients: 2 }, 'of two that send the same at once, refuses one', async () => {
    const bytes = randomBytes(100_000)
    const command = `PUT ${bytes.length} ${sha256(bytes)} twice\r\n`
    const { socket } = await begin(command, 'SEND 0\r\n'.length)
    expect((await exchange(server.address, command)).toString()).toMatch(/^ERROR Somebody else/)
    socket.end(bytes)
    await until('it should be there', () => existsSync(join(root, 'twice')))
    expect(readFileSync(join(root, 'twice')).equals(bytes)).toBe(true)
  })

  describe('of its own', () => {
    test('SIGTERM in the middle of a transfer: it is cut, and the server ends well', async () => {
      const ending = await startServer(model.name, served())
      const socket = connect(connectOptions(ending.address))
      sockets.add(socket)
      socket.write('GET 0 big\r\nOK\r\n')
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
      socket.on('error', () => {}) // It may be cut by a reset.
      let received = 0
      await new Promise<void>((resolve) => {
        socket.once('data', (first: Buffer) => {
          received = first.length
          socket.pause()
          resolve()
        })
      })
      expect((await ending.stop()).code).toBe(0)
      socket.on('data', (chunk: Buffer) => (received += chunk.length)).resume()
      await closed
      // What the kernel's buffers held, which is far less than the file.
      expect(received).toBeLessThan(BIG_BYTES)
    })

    test.runIf(canMount())(
      'a disk that is full: it says so, and removes what it could not finish',
      async () => {
        // A file system of its own, in a mount namespace of its own.
        const disk = join(base, 'disk')
        mkdirSync(disk, { recursive: true })
        const full = await startServer(
          model.name,
          ['--service', 'file', '--root', disk, '--allow-put'],
          {
            before: [
              'unshare',
              '-rm',
              'sh',
              '-c',
              'mount -t tmpfs -o size=256k none "$0" && exec "$@"',
              disk,
            ],
          },
        )
        try {
          const large = randomBytes(1 << 20)
          const said = `PUT ${large.length} ${sha256(large)} large\r\n${large.toString('latin1')}`
          expect((await exchange(full.address, said)).toString()).toBe(
            'SEND 0\r\nERROR The disk is full\r\n',
          )
          const small = randomBytes(200 << 10) // There is room for it only if the other has gone.
          const more = `PUT ${small.length} ${sha256(small)} small\r\n${small.toString('latin1')}`
          expect((await exchange(full.address, more)).toString()).toBe('SEND 0\r\nDONE\r\n')
        } finally {
          await full.kill()
        }
      },
    )
  })
}

/** A file without blocks on the disk, but for its end. */
function writeBig(path: string): void {
  closeSync(openSync(path, 'w'))
  truncateSync(path, BIG_BYTES)
  const fd = openSync(path, 'r+')
  writeSync(fd, 'the end', BIG_BYTES - 7)
  closeSync(fd)
}

/** What the server's processes have read, from whatever: /proc/<pid>/io, proc(5). */
function bytesRead(server: TestServer): number {
  return [server.pid, ...server.children()]
    .map((pid) => /^rchar: (\d+)$/m.exec(readFileSync(`/proc/${pid}/io`, 'latin1'))?.[1])
    .reduce((sum, bytes) => sum + Number(bytes), 0)
}

function canMount(): boolean {
  return seesProcesses && process.platform === 'linux' && existsSync('/usr/bin/unshare')
}
