// Spares: threads and processes that are started before their clients come. How the models fare with them
// otherwise is in the suites that every model passes (test/support/variants.ts).

import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test } from 'vitest'
import { STREAM_MODELS } from '../../servers/catalog.ts'
import { DEFAULT_SERVER_LIMITS } from '../../servers/limits.ts'
import { closeClients, connectTo, registered } from '../support/client.ts'
import { until } from '../support/conditions.ts'
import {
  descriptorsOf,
  holderOf,
  isAlive,
  seesProcesses,
  stateOf,
  tasksOf,
} from '../support/processes.ts'
import { run } from '../support/program.ts'
import { preloading } from '../support/sabotage.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../support/server.ts'

const SPARES = 3
const ARGS = ['--spares', `${SPARES}`]
/** hungMs (servers/limits.ts) and the heartbeat after which it is looked at, and some for a busy machine. */
const HUNG_MS_MAX = DEFAULT_SERVER_LIMITS.hungMs + 3_000
/** From the death of the server to that of its last process. */
const ORPHAN_MS_MAX = 2_000
/** A descriptor that stays open after one session in ten would be seen. */
const SESSIONS = 60

afterEach(async () => {
  closeClients()
  await endServers()
})

/** The first of its threads is a zombie soon, but their descriptors are closed by the last. */
function isGone(pid: number): boolean {
  return !isAlive(pid) && tasksOf(pid).length <= 1
}

describe.skipIf(!seesProcesses)('process', () => {
  test('as many children as asked for are there when it is ready, and again after each client', async () => {
    const server = await startServer('process', ARGS)
    const first = server.children()
    expect(first).toHaveLength(SPARES)
    const client = await registered(server.address, 'client')
    expect(first).toContain(holderOf(client.port, server.children()))
    await untilChildren(server, SPARES + 1)
    await client.quit()
    await untilChildren(server, SPARES)
    await stopCleanly(server)
  })

  test('clients that come one after the other are served by children that were there before', async () => {
    const server = await startServer('process', ARGS)
    for (let i = 0; i < 5; i++) {
      await untilChildren(server, SPARES + i)
      const before = server.children()
      const client = await registered(server.address, `client${i}`)
      expect(before).toContain(holderOf(client.port, server.children()))
    }
    await stopCleanly(server)
  })

  test('more come at the same time than there are spares: each has a child of its own', async () => {
    const server = await startServer('process', ['--spares', '1'])
    const clients = await Promise.all(
      Array.from({ length: 6 }, (_, i) => registered(server.address, `client${i}`)),
    )
    const holders = clients.map((client) => holderOf(client.port, server.children()))
    expect(new Set(holders).size).toBe(6)
    expect(holders).not.toContain(null)
    await untilChildren(server, 7)
    await stopCleanly(server)
  })

  test('spares that are killed are replaced, and nobody notices', async () => {
    const server = await startServer('process', ARGS)
    const client = await registered(server.address, 'client')
    await untilChildren(server, SPARES + 1)
    const own = holderOf(client.port, server.children())
    const killed = server.children().filter((pid) => pid !== own)
    for (const pid of killed) process.kill(pid, 'SIGKILL')
    await client.barrier()
    await until('others should take their places', () => {
      const now = server.children()
      return now.length === SPARES + 1 && !now.some((pid) => killed.includes(pid))
    })
    expect(server.words()).toContain('A spare has ended before it had a client; it is replaced.')
    await (await registered(server.address, 'next')).quit()
    await stopCleanly(server)
  })

  test('a spare that is dead when its client comes costs nobody anything', async () => {
    const server = await startServer('process', ARGS)
    const spares = server.children()
    for (const pid of spares) process.kill(pid, 'SIGKILL')
    await until('they should be dead', () => spares.every(isGone))
    // The server may not know yet. Whatever it knows, each of these is served.
    await Promise.all(['one', 'two', 'three'].map((nick) => registered(server.address, nick)))
    await stopCleanly(server)
  })

  test('a spare that is stopped is found hung when it has a client, and the client is let go', async () => {
    const server = await startServer('process', ['--spares', '1'])
    const [spare] = server.children() as [number]
    process.kill(spare, 'SIGSTOP')
    await until('it should be stopped', () => stateOf(spare) === 'T')
    const victim = await connectTo(server.address)
    victim.say('PING :there?')
    await untilChildren(server, 2)
    const next = await registered(server.address, 'next')
    await victim.toEnd(HUNG_MS_MAX)
    await next.barrier()
    await until('it should be buried', () => stateOf(spare) === null)
    await stopCleanly(server)
  })

  test('a stopped spare without a client does not hold the end up', async () => {
    const server = await startServer('process', ARGS)
    process.kill(server.children()[0]!, 'SIGSTOP')
    await stopCleanly(server)
  })

  test('the server is killed: the spares end with it', async () => {
    const server = await startServer('process', ARGS)
    const family = server.children()
    server.signal('SIGKILL')
    await until('they should end', () => !family.some(isAlive), ORPHAN_MS_MAX)
  })

  test('processes that die at their start are not started again and again', async () => {
    // It ends whatever is not the server itself.
    const dying = `if (process.argv[1].endsWith('owner.js')) process.exit(1)`
    const server = await startServer('process', ARGS, preloading(dying))
    const startMs = performance.now() // The first has died by now, and the first rest has begun.
    const deaths = (): number => server.words().split('it is replaced').length - 1
    // After each rest as many as were asked for are started, and not one more.
    await until('they should have died in five rounds', () => deaths() > 4 * SPARES)
    const restsMs = 100 + 200 + 400 + 800
    expect(performance.now() - startMs).toBeGreaterThan(restsMs - 100)
    await stopCleanly(server)
  })

  test('no child is told the password', async () => {
    const server = await startServer('process', ARGS, {
      env: { HUBBUB_PASSWORD: 's3cret-word' },
    })
    for (const pid of server.children()) {
      for (const file of ['cmdline', 'environ']) {
        expect(readFileSync(`/proc/${pid}/${file}`, 'latin1')).not.toContain('s3cret-word')
      }
    }
    await (await connectTo(server.address)).register('member', 's3cret-word')
    await stopCleanly(server)
  })
})

describe.skipIf(!seesProcesses)('thread', () => {
  test('as many threads as asked for are there when it is ready, and again after each client', async () => {
    const without = await startServer('thread')
    const idle = threadsOf(without)
    await stopCleanly(without)
    const server = await startServer('thread', ARGS)
    const first = tasksOf(server.pid)
    // libuv's pool and V8's threads are the same; what else there is belongs to the spares.
    expect(first.length).toBeGreaterThanOrEqual(idle + SPARES)
    const client = await registered(server.address, 'client')
    await until('the spare should be replaced', () => threadsOf(server) > first.length)
    expect(first.every((task) => tasksOf(server.pid).includes(task))).toBe(true)
    await client.quit()
    await until('it should be as before', () => threadsOf(server) === first.length)
    await stopCleanly(server)
  })

  test('more come at the same time than there are spares', async () => {
    const server = await startServer('thread', ['--spares', '1'])
    await Promise.all(Array.from({ length: 6 }, (_, i) => registered(server.address, `client${i}`)))
    await stopCleanly(server)
  })
})

for (const { name, takes } of STREAM_MODELS) {
  if (!takes?.includes('spares')) {
    test(`${name} has no use for them: wrong usage`, async () => {
      const outcome = await run(['serve', name, ...ARGS])
      expect(outcome).toMatchObject({ code: 2, stdout: '' })
      expect(outcome.stderr).toMatch(
        /^hubbub: --spares is for .*\(process, thread\); \S+ does not\.$/m,
      )
    })
    continue
  }

  test.skipIf(!seesProcesses)(
    `${name}: after ${SESSIONS} sessions it has open what it had before`,
    async () => {
      const server = await startServer(name, ARGS)
      const sessions = async (count: number): Promise<void> => {
        for (let i = 0; i < count; i += 4) {
          const guests = Array.from({ length: 4 }, async (_, j) => {
            await (await registered(server.address, `guest${j}`)).quit()
          })
          await Promise.all(guests)
        }
      }
      const shape = (): string => {
        const { children, threads, descriptors } = footprintOf(server)
        return JSON.stringify([children, threads, descriptors.length])
      }
      await sessions(4) // What is made once and kept is made.
      const before = await settled(shape)
      await sessions(SESSIONS)
      await until('it should be as before', () => shape() === before)
      await stopCleanly(server)
    },
    60_000,
  )

  test(`${name}: it has loaded its code before its client comes`, async () => {
    // Whatever is not the server itself takes two seconds to start.
    const slow = `import { isMainThread } from 'node:worker_threads'
      const isOwner = !isMainThread || process.argv[1].endsWith('owner.js')
      if (isOwner) await new Promise((resolve) => setTimeout(resolve, 2000))`
    const server = await startServer(name, ['--spares', '1'], preloading(slow))
    const client = await connectTo(server.address)
    client.say('PING :warm')
    expect(await client.nextLine(1_000)).toContain('PONG')
    await stopCleanly(server)
  })
}

function threadsOf(server: TestServer): number {
  return tasksOf(server.pid).length
}

function footprintOf(server: TestServer) {
  return {
    children: server.children().length,
    threads: threadsOf(server),
    descriptors: descriptorsOf(server.pid),
  }
}

function untilChildren(server: TestServer, count: number): Promise<number> {
  return until(`there should be ${count} children`, () => server.children().length === count)
}

/** When it has not changed for a while. */
async function settled(shape: () => string): Promise<string> {
  let last = shape()
  let sinceMs = performance.now()
  await until('the server should settle', () => {
    const now = shape()
    if (now !== last) sinceMs = performance.now()
    last = now
    return performance.now() - sinceMs > 500
  })
  return last
}
