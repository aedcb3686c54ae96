// A server under test: a process of its own, started as a person would start it.

import type { ChildProcess } from 'node:child_process'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { partsOfLabel } from '../../bench/models.ts'
import { closeClients } from './client.ts'
import { PATIENCE_MS, within } from './conditions.ts'
import { endPrograms, type RunOptions, spawnProgram } from './program.ts'
import { childrenOf, isAlive, seesProcesses, tasksOf } from './processes.ts'

export interface ServerEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

interface Said {
  readonly words: () => string
  readonly output: () => string
}

export interface ServerOptions extends RunOptions {
  /** Null: it is told by the environment, or takes its default. */
  readonly listen?: null
}

/** Servers that were started and not yet seen to end: `endServers` finds them also after a failure. */
const running = new Set<TestServer>()

export class TestServer {
  readonly pid: number
  /** Where it listens: `127.0.0.1:41234`. */
  readonly address: string
  /** Everything it said on standard error. */
  readonly words: () => string
  /** Everything it printed on standard output. */
  readonly output: () => string
  readonly ended: Promise<ServerEnd>

  constructor(child: ChildProcess, address: string, said: Said) {
    this.pid = child.pid as number
    this.address = address
    this.words = said.words
    this.output = said.output
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        running.delete(this)
        resolve(lastWordsRead().then(() => ({ code, signal })))
      })
    })
    running.add(this)
  }

  signal(name: NodeJS.Signals): void {
    process.kill(this.pid, name)
  }

  /** Asks it to drain. Rejects unless it ends within `boundMs`. */
  stop(boundMs = PATIENCE_MS): Promise<ServerEnd> {
    this.signal('SIGTERM')
    return within(
      boundMs,
      `the server should end after SIGTERM; it said: ${this.words()}`,
      this.ended,
    )
  }

  /** Processes of its own, one level down: no model makes more. */
  children(): number[] {
    return seesProcesses ? childrenOf(this.pid) : []
  }

  /** Its threads and those of its children, by their numbers. */
  tasks(): number[] {
    return seesProcesses ? [this.pid, ...this.children()].flatMap(tasksOf) : []
  }

  /** Ends it and its children at once, in whatever state they are. */
  async kill(): Promise<void> {
    const family = [this.pid, ...this.children()]
    for (const pid of family) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has ended meanwhile.
      }
    }
    await this.ended
  }
}

/**
 * Starts `hubbub serve <model> <args>` on a free port and waits for its ready line. A model may have options
 * behind its name, as in the benchmark: `process:spares=4`.
 */
export async function startServer(
  model: string,
  args: readonly string[] = [],
  options: ServerOptions = {},
): Promise<TestServer> {
  const isTold = options.listen === null || args.includes('--listen')
  const listen = isTold ? [] : ['--listen', '127.0.0.1:0']
  const { name, words: ofModel } = partsOfLabel(model)
  const child = spawnProgram(['serve', name, ...ofModel, ...listen, ...args], options)
  let words = ''
  let output = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (words += text))
  const ready = new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`The server ended before it was ready: ${words}`)))
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      if (output.includes('\n')) resolve()
    })
  })
  try {
    await within(PATIENCE_MS, `the ${model} server should be ready`, ready)
    const { listen: address } = JSON.parse(output) as { listen: string }
    return new TestServer(child, address, { words: () => words, output: () => output })
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  }
}

/** Kills every server that is still there. For afterEach and afterAll: also a failed test ends its own. */
export async function endServers(): Promise<void> {
  for (const server of running) await server.kill()
  endPrograms()
}

/**
 * Drains the server, and makes sure that it ended well and that none of its processes is left. The clients
 * are closed first: otherwise it would linger for those that do not end their side.
 */
export async function stopCleanly(server: TestServer): Promise<void> {
  closeClients()
  const family = server.children()
  const end = await server.stop()
  if (end.code !== 0) {
    throw new Error(`The server ended with ${end.code ?? end.signal}; it said: ${server.words()}`)
  }
  const left = family.filter(isAlive)
  if (left.length > 0) throw new Error(`Processes are left after the server: ${left.join(', ')}`)
}

/**
 * What a program said last is in the pipe when it has ended, and is read in the turn after that. Not 'close': what
 * it has started may hold the pipe open for longer.
 */
async function lastWordsRead(): Promise<void> {
  await nextTurn()
  await nextTurn()
}
