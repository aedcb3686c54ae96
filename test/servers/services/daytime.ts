import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { connectTo, closeClients } from '../../support/client.ts'
import { exchange } from '../../support/exchange.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

export function daytime(model: ModelInfo): void {
  let server: TestServer

  beforeAll(async () => {
    server = await startServer(model.name, ['--service', 'daytime'])
  })
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
  })

  test('says the time to one who has said nothing, and ends', async () => {
    for (let i = 0; i < 3; i++) {
      const client = await connectTo(server.address)
      const { lines } = await client.toEnd()
      closeClients()
      expect(lines).toHaveLength(1)
      expect(lines[0]).toMatch(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z$/)
      const apartMs = Math.abs(Date.now() - Date.parse(lines[0]!.replace(' ', 'T')))
      expect(apartMs).toBeLessThan(60_000)
    }
  })

  test('also to one who has ended its half at once, as `nc -N` with nothing to say', async () => {
    for (let i = 0; i < 3; i++) {
      expect((await exchange(server.address, '')).toString()).toMatch(/^\d{4}-\d\d-\d\d .*Z\r\n$/)
    }
  })
}
