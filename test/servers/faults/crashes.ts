// A conversation that throws, ends its thread, never returns or eats all memory. The product has no such
// fault that we know of; test/support/sabotage.mjs brings it into the running server.

import { afterEach, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor } from '../../support/capabilities.ts'
import { Canaries } from '../../support/canaries.ts'
import { closeClients, registered } from '../../support/client.ts'
import { until } from '../../support/conditions.ts'
import { sabotaged } from '../../support/sabotage.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

/** From the fault to the end of the client's connection. */
const THROW_MS_MAX = 2_000
/** hungMs (servers/limits.ts) and the heartbeat after which it is looked at, and some for a busy machine. */
const HUNG_MS_MAX = 8_000
/** Small enough to be eaten in a second or two. It holds for the main thread, workers and children. */
const HEAP_MB = 96

/** Wherever a line is handled: in its own conversation, or in the hub, which is everybody's. */
const EXCEPTIONS = ['throw', 'throw-when-receiving', 'throw-in-hub'] as const

export function crashes(model: ModelInfo): void {
  afterEach(async () => {
    closeClients()
    await endServers()
  })

  for (const fault of EXCEPTIONS) {
    test(`${fault}: that client is told, the next is served`, async () => {
      const server = await startSabotaged(model)
      for (let round = 0; round < 3; round++) {
        const victim = await registered(server.address, 'victim')
        victim.say(`SABOTAGE ${fault}`)
        const { lines } = await victim.toEnd(THROW_MS_MAX)
        expect(lines).toEqual(['ERROR :Internal error'])
        victim.close()
      }
      expect(server.words()).toContain('sabotaged')
      const next = await registered(server.address, 'victim')
      await next.barrier()
      await stopCleanly(server)
    })
  }

  testFor(model, { clients: 3 }, 'an exception costs nobody else', async () => {
    const server = await startSabotaged(model)
    const canaries = await Canaries.start(server.address)
    for (const fault of EXCEPTIONS) {
      const victim = await (await registered(server.address, 'victim')).join('#canary')
      victim.say(`SABOTAGE ${fault}`)
      await victim.toEnd(THROW_MS_MAX)
      victim.close()
      await canaries.sang(5)
    }
    await canaries.stop()
    await stopCleanly(server)
  })

  for (const [fault, boundMs] of [
    ['exit', THROW_MS_MAX],
    ['memory', HUNG_MS_MAX],
    ['loop', HUNG_MS_MAX],
  ] as const) {
    testFor(
      model,
      { clients: 4, can: 'isolates-crashes' },
      `${fault}: costs its own client, and nobody else`,
      async () => {
        const server = await startSabotaged(model)
        const canaries = await Canaries.start(server.address)
        const [victim, watcher] = await Promise.all([
          registered(server.address, 'victim'),
          registered(server.address, 'watcher'),
        ])
        await victim.join('#fault')
        await watcher.join('#fault')
        await victim.barrier()
        victim.say(`SABOTAGE ${fault}`)
        await victim.toEnd(boundMs)
        expect(await watcher.lineLike(/ QUIT /)).toMatch(/^:victim!\S+ QUIT :/)
        await until('its nickname should be free', async () => {
          watcher.say('NICK victim')
          return !(await watcher.barrier()).some((line) => / 433 /.test(line))
        })
        await canaries.sang(5)
        await canaries.stop()
        await stopCleanly(server)
      },
    )
  }

  testFor(
    model,
    { clients: 2, can: 'isolates-crashes' },
    'an endless loop does not outlive the server',
    async () => {
      const server = await startSabotaged(model)
      const victim = await registered(server.address, 'victim')
      await registered(server.address, 'bystander')
      victim.say('SABOTAGE loop')
      await stopCleanly(server) // Within its time, with exit code 0, and nothing is left.
    },
  )
}

function startSabotaged(model: ModelInfo): Promise<TestServer> {
  return startServer(model.name, [], sabotaged(`--max-old-space-size=${HEAP_MB}`))
}
