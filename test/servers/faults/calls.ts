// System calls that fail, each for one connection only. strace(1) makes them fail in the running server.

import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { closeClients, registered } from '../../support/client.ts'
import { endServers, startServer, stopCleanly } from '../../support/server.ts'
import { inject, straceMissing } from '../../support/strace.ts'

export function calls(model: ModelInfo): void {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hubbub-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  afterEach(async () => {
    closeClients()
    await endServers()
  })

  test('its socket file cannot be removed: it ends in good order, and says so', async () => {
    const path = join(folder, 'socket')
    const server = await startServer(model.name, ['--listen', `unix:${path}`])
    rmSync(path)
    mkdirSync(path) // A folder: unlink(2) refuses it, whoever asks.
    await stopCleanly(server)
    expect(server.words()).toMatch(/socket's file is left; remove it yourself: .*\n$/)
    expect(server.words()).not.toMatch(/fault|^ {4}at /m)
  })

  beforeEach((context) => {
    context.skip(straceMissing !== null, straceMissing ?? '')
  })

  for (const error of ['EPROTO', 'ENETUNREACH', 'EPERM']) {
    test(`accept fails with ${error} for some connections: it goes on accepting`, async () => {
      const server = await startServer(model.name)
      const failing = await inject(server.tasks(), `inject=accept4:error=${error}:when=1..3`)
      for (const nick of ['one', 'two']) {
        const client = await registered(server.address, nick)
        await client.quit()
      }
      await failing.end()
      await (await registered(server.address, 'three')).barrier()
      await stopCleanly(server)
    })
  }
}
