import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { exchange } from '../../support/exchange.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

export function upper(model: ModelInfo): void {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer(model.name, ['--service', 'upper'])
  })
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
  })

  test.each([
    ['a line', Buffer.from('Grüße an Zoë\r\n'), Buffer.from('GRüßE AN ZOë\r\n')],
    ['nothing', Buffer.alloc(0), Buffer.alloc(0)],
  ])('capitalises %s', async (_, bytes, capitals) => {
    expect((await exchange(server.address, bytes)).equals(capitals)).toBe(true)
  })

  test('capitalises 1 MiB of any bytes', async () => {
    const bytes = randomBytes(1 << 20)
    const capitals = bytes.map((byte) => (byte >= 97 && byte <= 122 ? byte - 32 : byte))
    expect((await exchange(server.address, bytes)).equals(capitals)).toBe(true)
  })
}
