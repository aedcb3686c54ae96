// Processes that are killed or stopped from outside, and what must not be left over: clients in limbo,
// zombies, descriptors, threads, orphans.

import { afterEach, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { DEFAULT_SERVER_LIMITS } from '../../../servers/limits.ts'
import { atMost, testFor, whyNot } from '../../support/capabilities.ts'
import { Canaries } from '../../support/canaries.ts'
import { type Client, closeClients, connectTo, registered } from '../../support/client.ts'
import { until } from '../../support/conditions.ts'
import {
  descriptorsOf,
  holderOf,
  isAlive,
  seesProcesses,
  stateOf,
  tasksOf,
} from '../../support/processes.ts'
import { sabotaged } from '../../support/sabotage.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

/** From the death of a client's process to the end of its connection. */
const LIMBO_MS_MAX = 1_000
/** hungMs (servers/limits.ts) and the heartbeat after which it is looked at, and some for a busy machine. */
const HUNG_MS_MAX = 8_000
/** From the death of the server to that of its last process. */
const ORPHAN_MS_MAX = 2_000
/** From the last disturbance to the state of before. */
const SETTLED_MS_MAX = 5_000
const NO_PROCESSES = 'Its clients have no processes of their own.'

export function kills(model: ModelInfo): void {
  afterEach(async () => {
    closeClients()
    await endServers()
  })

  const phases: [string, (client: Client) => Promise<unknown>][] = [
    ['right after it connected', () => Promise.resolve()],
    ['after it registered', (client) => client.register('victim')],
    [
      'in a room',
      async (client) => {
        await client.register('victim')
        await client.join('#canary')
      },
    ],
  ]
  for (const [phase, reach] of phases) {
    testFor(
      model,
      { clients: 3 },
      `a client's process is killed ${phase}: nobody else notices`,
      async (context) => {
        const server = await startServer(model.name)
        const canaries = await Canaries.start(server.address)
        const [victim, pid] = await connectWithProcess(model, server)
        if (pid === null) throw context.skip(NO_PROCESSES)
        await reach(victim)
        process.kill(pid, 'SIGKILL')
        await victim.toEnd(LIMBO_MS_MAX)
        await until('the dead process should be buried', () => stateOf(pid) === null, LIMBO_MS_MAX)
        await canaries.sang(10)
        await canaries.stop()
        await stopCleanly(server)
      },
    )
  }

  testFor(
    model,
    { clients: 3 },
    "a client's process is stopped: it is noticed, and ended",
    async (context) => {
      const server = await startServer(model.name)
      const canaries = await Canaries.start(server.address)
      const [victim, pid] = await connectWithProcess(model, server)
      if (pid === null) throw context.skip(NO_PROCESSES)
      await victim.register('victim')
      await victim.join('#canary')
      process.kill(pid, 'SIGSTOP')
      await victim.toEnd(HUNG_MS_MAX)
      await until('the dead process should be buried', () => stateOf(pid) === null, LIMBO_MS_MAX)
      await canaries.sang(10)
      await canaries.stop()
      await stopCleanly(server)
    },
  )

  test.skipIf(!seesProcesses)('whatever way clients go, nothing of theirs is left', async () => {
    const server = await startServer(model.name)
    const workers = server.children().length // Those that are there before the first client.
    await comeAndGo(model, server) // What is made once and kept, such as a pool of threads, is made.
    const before = await settledFootprint(server, workers)
    for (let round = 0; round < 3; round++) await comeAndGo(model, server)
    let now = footprintOf(server)
    const isAsBefore = (): boolean => {
      now = footprintOf(server)
      return (
        now.threads <= before.threads &&
        now.children.length <= before.children.length &&
        now.descriptors.length <= before.descriptors.length
      )
    }
    await until('it should be as before', isAsBefore, SETTLED_MS_MAX).catch((error: Error) => {
      throw new Error(`${error.message}: ${JSON.stringify(before)} became ${JSON.stringify(now)}`)
    })
    await stopCleanly(server)
  })

  test.skipIf(!seesProcesses)(
    'the server is killed: its processes end, and its clients see the end',
    async () => {
      const server = await startServer(model.name)
      const clients = await Promise.all(
        Array.from({ length: atMost(model, 4) }, (_, i) =>
          registered(server.address, `client${i}`),
        ),
      )
      const family = server.children()
      server.signal('SIGKILL')
      await until('its processes should end', () => !family.some(isAlive), ORPHAN_MS_MAX)
      for (const client of clients) await client.toEnd(ORPHAN_MS_MAX)
    },
  )

  testFor(
    model,
    { clients: 2, can: 'isolates-crashes' },
    'the server is killed: even a process in an endless loop ends',
    async () => {
      const server = await startServer(model.name, [], sabotaged())
      const victim = await registered(server.address, 'victim')
      const family = server.children()
      victim.say('SABOTAGE loop')
      await registered(server.address, 'bystander') // By then the loop has begun.
      server.signal('SIGKILL')
      await until('its processes should end', () => !family.some(isAlive), ORPHAN_MS_MAX)
      await victim.toEnd(ORPHAN_MS_MAX)
    },
  )

  testFor(
    model,
    { clients: 2 },
    'the whole server is stopped for long, and goes on as if nothing had been',
    async () => {
      const server = await startServer(model.name)
      const clients = await Promise.all(
        ['alice', 'bob'].map((nick) => registered(server.address, nick)),
      )
      const family = [server.pid, ...server.children()]
      for (const pid of family) process.kill(pid, 'SIGSTOP')
      await until('everything should be stopped', () => family.every((pid) => stateOf(pid) === 'T'))
      await elapsed(DEFAULT_SERVER_LIMITS.hungMs + 300)
      for (const pid of family.toReversed()) process.kill(pid, 'SIGCONT')
      for (const client of clients) {
        await client.barrier()
        await client.barrier()
      }
      await stopCleanly(server)
    },
  )
}

/** Connects, and finds the process that is this client's alone; null when there is none. */
async function connectWithProcess(
  model: ModelInfo,
  server: TestServer,
): Promise<[Client, number | null]> {
  const client = await connectTo(server.address)
  client.say('PING :there?')
  await client.lineLike(/ PONG /)
  const isAlone = whyNot(model, { can: 'isolates-crashes' }) === null
  return [client, isAlone ? holderOf(client.port, server.children()) : null]
}

/** Clients come and leave in every way there is, several at a time where that is possible. */
async function comeAndGo(model: ModelInfo, server: TestServer): Promise<void> {
  const departures: ((client: Client) => Promise<void> | void)[] = [
    (client) => client.quit(),
    (client) => client.reset(),
    (client) => client.close(),
    async (client) => {
      client.halfClose()
      await client.toEnd()
      client.close()
    },
    (client) => {
      client.send('PRIVMSG #room :half a li')
      client.reset()
    },
  ]
  const size = atMost(model, 3)
  for (let i = 0; i < departures.length; i += size) {
    await Promise.all(
      departures.slice(i, i + size).map(async (depart, j) => {
        const client = await connectTo(server.address)
        if (j % 2 === 0) await client.register(`guest${i + j}`)
        await depart(client)
      }),
    )
    closeClients()
  }
  const [victim, pid] = await connectWithProcess(model, server)
  if (pid !== null) process.kill(pid, 'SIGKILL')
  else victim.reset()
  await victim.toEnd()
}

interface Footprint {
  readonly descriptors: readonly string[]
  readonly threads: number
  readonly children: readonly number[]
}

function footprintOf(server: TestServer): Footprint {
  return {
    descriptors: descriptorsOf(server.pid).toSorted(),
    threads: tasksOf(server.pid).length,
    children: server.children(),
  }
}

/** When nothing of the clients before is on its way out any more. */
async function settledFootprint(server: TestServer, workers: number): Promise<Footprint> {
  let last = footprintOf(server)
  let sinceMs = performance.now()
  await until('the server should settle', () => {
    const now = footprintOf(server)
    const isSame = JSON.stringify(now) === JSON.stringify(last)
    if (!isSame) sinceMs = performance.now()
    last = now
    return now.children.length === workers && performance.now() - sinceMs > 500
  })
  return last
}

/** The one thing here that is about time itself. */
function elapsed(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
