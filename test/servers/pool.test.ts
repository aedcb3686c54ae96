// What is peculiar to the model `pool`: how much waits to be computed has a bound.

import { availableParallelism } from 'node:os'
import { afterEach, expect, test } from 'vitest'
import { DEFAULT_SERVER_LIMITS } from '../../servers/limits.ts'
import { registered } from '../support/client.ts'
import { endServers, startServer, stopCleanly } from '../support/server.ts'

afterEach(endServers)

test('a WORK that finds the queue full is refused, and what comes after it is answered', async () => {
  const server = await startServer('pool', ['--lab'])
  const fit = availableParallelism() + DEFAULT_SERVER_LIMITS.computeQueueMax
  const clients = await Promise.all(
    Array.from({ length: fit + 20 }, (_, i) => registered(server.address, `w${i}`)),
  )
  for (const client of clients) client.say('WORK 20', 'PING :after')
  const answers = await Promise.all(clients.map((client) => client.nextLine()))
  const done = answers.filter((line) => line === ':hubbub.local WORK 20')
  const refused = answers.filter((line) =>
    / 400 w\d+ WORK :The server is busy, try again later$/.test(line),
  )
  expect(done.length + refused.length).toBe(clients.length)
  // While they come in, some are done already; what fits is never refused.
  expect(done.length).toBeGreaterThanOrEqual(fit)
  expect(refused.length).toBeGreaterThan(0)
  for (const client of clients) {
    expect(await client.nextLine()).toBe(':hubbub.local PONG hubbub.local :after')
  }
  await stopCleanly(server)
})
