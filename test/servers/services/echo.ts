import { randomBytes } from 'node:crypto'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor } from '../../support/capabilities.ts'
import { PATIENCE_MS, steadily, until } from '../../support/conditions.ts'
import { connectOptions, exchange } from '../../support/exchange.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

export function echo(model: ModelInfo): void {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer(model.name, ['--service', 'echo'])
  })
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
  })

  test('says in its ready line which service it is', () => {
    expect(JSON.parse(server.output())).toMatchObject({ model: model.name, service: 'echo' })
  })

  test.each([
    ['nothing', Buffer.alloc(0)],
    ['one byte', Buffer.from([0])],
    ['every byte there is', Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))],
    ['1 MiB', randomBytes(1 << 20)],
  ])('gives back %s', async (_, bytes) => {
    expect((await exchange(server.address, bytes)).equals(bytes)).toBe(true)
  })

  test('answers before the end of the stream', async () => {
    const socket = connect(connectOptions(server.address)).setEncoding('latin1')
    let text = ''
    socket.on('data', (chunk: string) => (text += chunk))
    for (const word of ['one', 'two', 'three']) {
      text = ''
      socket.write(word)
      await until(`${word} should come back`, () => text === word)
    }
    socket.destroy()
  })

  testFor(model, { clients: 20 }, 'serves many at a time, each with its own', async () => {
    const all = Array.from({ length: 20 }, () => randomBytes(50_000))
    const back = await Promise.all(all.map((bytes) => exchange(server.address, bytes)))
    expect(back.map((bytes, i) => bytes.equals(all[i]!))).toEqual(all.map(() => true))
  })

  test(
    'waits with one that sends and does not read, and goes on when it reads',
    async () => {
      const bytes = randomBytes(16 << 20) // More than two kernels' buffers hold.
      const socket = connect({ ...connectOptions(server.address), allowHalfOpen: true })
      try {
        socket.pause()
        socket.end(bytes)
        const backlog = () => socket.writableLength
        // It takes no more: the loop's memory is not the client's to fill.
        await until('the server should have stopped reading', steadily(backlog, 1))
        const chunks: Buffer[] = []
        socket.on('data', (chunk: Buffer) => chunks.push(chunk)).resume()
        await until('everything should come back', () => socket.readableEnded)
        expect(Buffer.concat(chunks).equals(bytes)).toBe(true)
      } finally {
        socket.destroy()
      }
    },
    PATIENCE_MS * 2,
  )
}
