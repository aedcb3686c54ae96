// Servers under test are started and ended whatever they do; here the real ones, with their children.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { serveCommand } from '../../bench/package.ts'
import { readTree } from '../../bench/process-tree.ts'
import type { RunningServer } from '../../bench/server.ts'
import { DEFAULT_PATIENCE, startServer } from '../../bench/server.ts'
import { STREAM_MODELS } from '../../servers/catalog.ts'

const { signal } = new AbortController()
let sockets: Socket[] = []

afterEach(() => {
  for (const socket of sockets) socket.destroy()
  sockets = []
})

async function serveTwoClients(model: string): Promise<RunningServer> {
  const server = await startServer(serveCommand(), model, signal, DEFAULT_PATIENCE)
  await greet(server)
  await greet(server)
  return server
}

/** One more client, which has been answered and stays. */
async function greet(server: RunningServer): Promise<void> {
  const socket = connect(Number(server.address.split(':')[1]), '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  socket.write('PING :hello\r\n')
  await once(socket, 'data')
}

function isAlive(pid: number): boolean {
  return readTree(pid).some(({ state }) => state !== 'Z')
}

describe.runIf(process.platform === 'linux')('who has started a server is killed', () => {
  test.each(STREAM_MODELS.map(({ name }) => name))('%s ends with it', async (model) => {
    const module = JSON.stringify(new URL('../../dist/bench/server.js', import.meta.url).href)
    const program = `
      import { DEFAULT_PATIENCE, startServer } from ${module}
      const command = ${JSON.stringify(serveCommand())}
      const { signal } = new AbortController()
      const { pid } = await startServer(command, '${model}', signal, DEFAULT_PATIENCE)
      console.log(pid)
      setInterval(() => {}, 1_000)`
    const starter = spawn(process.execPath, ['--input-type=module', '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    try {
      const [line] = (await once(starter.stdout, 'data')) as [Buffer]
      const pids = readTree(Number(line)).map(({ pid }) => pid)
      expect(pids.length).toBeGreaterThan(0)
      starter.kill('SIGKILL')
      await expect.poll(() => pids.filter(isAlive), { timeout: 5_000 }).toEqual([])
    } finally {
      starter.kill('SIGKILL')
    }
  })
})

describe.runIf(process.platform === 'linux')('a server of a process per client', () => {
  test('drains when it is stopped, with all its children', { timeout: 30_000 }, async () => {
    const server = await serveTwoClients('process')
    const pids = readTree(server.pid).map(({ pid }) => pid)
    expect(pids.length).toBeGreaterThanOrEqual(3)
    expect(await server.stop()).toBeNull()
    expect(await server.ended).toMatchObject({ code: 0, signal: null })
    await expect.poll(() => pids.filter(isAlive), { timeout: 5000 }).toEqual([])
  })

  test(
    'is killed with all its children, even when it is stopped',
    { timeout: 30_000 },
    async () => {
      const server = await serveTwoClients('process')
      const pids = readTree(server.pid).map(({ pid }) => pid)
      for (const pid of pids) process.kill(pid, 'SIGSTOP')
      await server.kill()
      expect(await server.ended).toMatchObject({ code: null, signal: 'SIGKILL' })
      await expect.poll(() => pids.filter(isAlive), { timeout: 5000 }).toEqual([])
    },
  )
})

// sched(7): where sessions are scheduled as groups, a server in a session of its own would get other figures.
const AUTOGROUP = '/proc/self/autogroup'

describe.runIf(existsSync(AUTOGROUP))(
  'every task of a server competes with the generator alone',
  () => {
    test.each(STREAM_MODELS.map(({ name }) => name))('%s', { timeout: 30_000 }, async (model) => {
      const server = await startServer(serveCommand(), model, signal, DEFAULT_PATIENCE)
      try {
        await greet(server)
        const groups = readTree(server.pid).map(({ pid }) => groupOf(`/proc/${pid}/autogroup`))
        expect(new Set(groups)).toEqual(new Set([groupOf(AUTOGROUP)]))
      } finally {
        await server.kill()
      }
    })
  },
)

/** `/autogroup-49`, without its priority. */
function groupOf(path: string): string | undefined {
  return readFileSync(path, 'utf8').split(' ')[0]
}

test('starting is given up at once when it is interrupted', async () => {
  const controller = new AbortController()
  const command = [process.execPath, '-e', 'setInterval(() => {}, 1000)', '--']
  const starting = startServer(command, 'async', controller.signal, DEFAULT_PATIENCE)
  controller.abort(new Error('enough'))
  await expect(starting).rejects.toThrow('enough')
})

test('a program that does not exist is a fault of the start', async () => {
  const starting = startServer(['/nonexistent/node'], 'async', signal, DEFAULT_PATIENCE)
  await expect(starting).rejects.toThrow(/the server did not start: spawn .*ENOENT/)
})
