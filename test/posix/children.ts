// Runs the scripts of this folder as processes of their own: what a test must not do to its own process
// (lower its limits, drop its rights, count its descriptors, interrupt it by signals) is done to them.

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { requireCompiledPosix } from './compiled.ts'

/** Far longer than any of them takes. */
const TIMEOUT_MS = 15_000

/** Runs a script to its end and returns what it printed, one line of JSON. `before` precedes node. */
export async function resultOf(
  script: URL,
  args: string[] = [],
  before: string[] = [],
): Promise<unknown> {
  requireCompiledPosix()
  const [command, ...rest] = [...before, process.execPath, fileURLToPath(script), ...args]
  const { stdout } = await promisify(execFile)(command!, rest, { timeout: TIMEOUT_MS })
  return JSON.parse(stdout)
}

/** A script that runs while the test talks to it. It says things in lines of JSON. */
export class Child {
  readonly pid: number
  readonly #process: ChildProcess
  readonly #lines: AsyncIterator<string>

  constructor(script: URL, args: string[]) {
    requireCompiledPosix()
    this.#process = spawn(process.execPath, [fileURLToPath(script), ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    })
    this.pid = this.#process.pid!
    this.#lines = createInterface({ input: this.#process.stdout! })[Symbol.asyncIterator]()
  }

  /** The next line that it says. */
  async says(): Promise<Record<string, unknown>> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`Process ${this.pid} has ended without a word`)
    return JSON.parse(value) as Record<string, unknown>
  }

  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }
}
