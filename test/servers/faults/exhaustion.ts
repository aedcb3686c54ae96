// Not enough descriptors, nobody who reads what is printed, too many who knock at the same time.

import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor } from '../../support/capabilities.ts'
import { Canaries } from '../../support/canaries.ts'
import { type Client, closeClients, connectTo, registered } from '../../support/client.ts'
import { until } from '../../support/conditions.ts'
import { cpuMsOf, descriptorsOf, seesProcesses } from '../../support/processes.ts'
import { spawnProgram } from '../../support/program.ts'
import { endServers, startServer, stopCleanly } from '../../support/server.ts'

const RECOVERED_MS_MAX = 10_000
/** A loop that spins uses all of it. */
const IDLE_CPU_SHARE_MAX = 0.2
const WINDOW_MS = 500
/** Thirty processes are started on a busy machine. */
const CROWD_MS_MAX = 30_000

export function exhaustion(model: ModelInfo): void {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'hubbub-'))
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  afterEach(async () => {
    closeClients()
    await endServers()
  })

  test.skipIf(!seesProcesses)(
    'few descriptors, many clients: they are refused or wait, and later are served',
    async () => {
      const server = await startServer(model.name, [], {
        before: ['sh', '-c', 'ulimit -n 128; exec "$@"', 'sh'],
      })
      const clients = await Promise.all(
        Array.from({ length: 160 }, () => connectTo(server.address)),
      )
      const first = clients[0] as Client
      await first.register('first')
      await first.barrier()
      await expectIdle(server.pid)
      await first.barrier() // Whoever is in is served.
      for (const client of clients) client.reset()
      await expectServed(server.address)
      await stopCleanly(server)
    },
  )

  test.skipIf(!canLimit())(
    'no descriptor is left: connections wait, nothing spins, and it recovers',
    async () => {
      const server = await startServer(model.name)
      const first = await registered(server.address, 'first')
      await first.quit()
      await expectServed(server.address) // Whatever is loaded at first need is loaded.
      await sleep(1500) // Those who left are let go entirely.
      const limit = (descriptors: number): void => {
        execFileSync('prlimit', ['--pid', `${server.pid}`, `--nofile=${descriptors}:4096`])
      }
      limit(descriptorsOf(server.pid).length)
      const waiting = await Promise.all(Array.from({ length: 5 }, () => connectTo(server.address)))
      await expectIdle(server.pid)
      limit(4096)
      for (const client of waiting) client.close()
      await expectServed(server.address)
      await stopCleanly(server)
    },
  )

  testFor(
    model,
    { clients: 3 },
    'five hundred knock and run: the others are served meanwhile',
    async () => {
      const server = await startServer(model.name, ['--max-clients', '8'])
      const canaries = await Canaries.start(server.address)
      for (let round = 0; round < 5; round++) {
        const storm = await Promise.allSettled(
          Array.from({ length: 100 }, () => connectTo(server.address)),
        )
        for (const outcome of storm) if (outcome.status === 'fulfilled') outcome.value.reset()
      }
      await canaries.sang(10)
      await canaries.stop()
      await expectServed(server.address)
      await stopCleanly(server)
    },
  )

  testFor(
    model,
    { clients: 3 },
    'thirty come at the same time: those who are in are served meanwhile',
    async () => {
      const server = await startServer(model.name)
      const canaries = await Canaries.start(server.address)
      const crowd = await Promise.all(
        Array.from({ length: 30 }, async (_, i) => {
          const client = await connectTo(server.address)
          client.say(`NICK c${i}`, 'USER c 0 * :c')
          await client.lineLike(/ 001 /, CROWD_MS_MAX)
          return client
        }),
      )
      await canaries.sang(5)
      for (const client of crowd) client.reset()
      await canaries.sang(5)
      await canaries.stop()
      await stopCleanly(server)
    },
    60_000,
  )

  test('nobody reads its standard output and error: it serves on', async () => {
    const child = spawnProgram(['serve', model.name, '--listen', '127.0.0.1:0'])
    child.stderr?.destroy()
    const line = await new Promise<string>((resolve, reject) => {
      child.stdout?.once('data', (bytes: Buffer) => resolve(bytes.toString()))
      child.once('exit', () => reject(new Error('The server has ended')))
    })
    child.stdout?.destroy()
    const { listen } = JSON.parse(line) as { listen: string }
    const client = await registered(listen, 'alone')
    await client.barrier()
    await client.quit()
    const ended = new Promise((resolve) => child.once('exit', (code) => resolve(code)))
    child.kill('SIGTERM')
    expect(await ended).toBe(0)
  })

  test('its standard output is closed before it is ready: it serves all the same', async () => {
    const path = join(folder, 'socket')
    const child = spawnProgram(['serve', model.name, '--listen', `unix:${path}`])
    child.stdout?.destroy()
    child.stderr?.destroy()
    let code: number | null | undefined
    child.once('exit', (exitCode) => (code = exitCode))
    await until('it should listen, or end', () => code !== undefined || connects(`unix:${path}`))
    expect(code).toBeUndefined()
    const client = await connectTo(`unix:${path}`)
    await client.register('alone')
    await client.barrier()
    await client.quit()
    child.kill('SIGTERM')
    await until('it should end', () => code !== undefined)
    expect(code).toBe(0)
  })
}

/** Whether somebody listens: the file alone is there a moment before. */
async function connects(address: string): Promise<boolean> {
  const client = await connectTo(address).catch(() => null)
  client?.close()
  return client !== null
}

/** A new client is served. It may have to wait until those before it are gone. */
async function expectServed(address: string): Promise<void> {
  await until(
    'a new client should be served',
    async () => {
      const client = await connectTo(address)
      client.say('NICK newcomer', 'USER n 0 * :n')
      const isServed = await client.lineLike(/^(?:\S+ 001 |ERROR)/, RECOVERED_MS_MAX).then(
        (line) => / 001 /.test(line),
        () => false, // Closed without a word.
      )
      if (isServed) await client.quit()
      else client.close()
      return isServed
    },
    RECOVERED_MS_MAX,
  )
}

/** With nothing to do the process uses next to no CPU time, as soon as what had come is worked off. */
async function expectIdle(pid: number): Promise<void> {
  await until('the server should come to rest', async () => {
    const beforeMs = cpuMsOf(pid)
    await sleep(WINDOW_MS)
    return (cpuMsOf(pid) - beforeMs) / WINDOW_MS < IDLE_CPU_SHARE_MAX
  })
}

function canLimit(): boolean {
  try {
    execFileSync('prlimit', ['--version'], { stdio: 'ignore' })
    return seesProcesses
  } catch {
    return false
  }
}
