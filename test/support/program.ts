// The compiled program, which is what people run and what these tests run. `HUBBUB_DIST` names another
// folder than dist/, for a build that must not disturb, or be disturbed by, somebody else's.

import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const DIST = process.env['HUBBUB_DIST'] ?? join(ROOT, 'dist')

/** Far longer than a command of these tests takes. */
const COMMAND_MS_MAX = 60_000

/** A file of the build, such as `protocol/conversation.js`. */
export function compiled(path: string): string {
  return join(DIST, path)
}

export function compiledUrl(path: string): string {
  return pathToFileURL(compiled(path)).href
}

/** Throws unless the build has every source file, in a version that is not older. */
function requireBuild(): void {
  if (process.env['HUBBUB_DIST'] !== undefined) return
  for (const folder of ['protocol', 'posix', 'servers']) {
    for (const name of readdirSync(join(ROOT, folder))) {
      if (!name.endsWith('.ts')) continue
      const built = compiled(join(folder, name.replace(/\.ts$/, '.js')))
      const source = statSync(join(ROOT, folder, name))
      if (!existsSync(built) || statSync(built).mtimeMs < source.mtimeMs) {
        throw new Error(`The build is older than ${folder}/${name}: run "npm run build" first.`)
      }
    }
  }
}

export interface RunOptions {
  readonly env?: NodeJS.ProcessEnv
  /** What precedes `node` on the command line, such as `setpriv`. */
  readonly before?: readonly string[]
  readonly cwd?: string
  /** Standard input is closed unless somebody writes to it. */
  readonly stdin?: 'pipe'
}

/** Programs that run: `endPrograms` finds them also after a failure. */
const running = new Set<ChildProcess>()

/** Starts `hubbub <args>`. Whoever calls it ends it. */
export function spawnProgram(args: readonly string[], options: RunOptions = {}): ChildProcess {
  requireBuild()
  const [command, ...rest] = [
    ...(options.before ?? []),
    process.execPath,
    compiled('cli.js'),
    ...args,
  ]
  const child = spawn(command as string, rest, {
    stdio: [options.stdin ?? 'ignore', 'pipe', 'pipe'],
    cwd: options.cwd,
    env: { ...environment(), ...options.env },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  return child
}

/** Kills every program that still runs. Its children die with it. */
export function endPrograms(): void {
  for (const child of running) child.kill('SIGKILL')
}

export interface Outcome {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs `hubbub <args>` to its end. One that does not end is killed, and its code is null. */
export async function run(args: readonly string[], options: RunOptions = {}): Promise<Outcome> {
  const child = spawnProgram(args, options)
  const killing = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS_MAX)
  let stdout = ''
  let stderr = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  clearTimeout(killing)
  return { code, stdout, stderr }
}

/** This process's environment without what would change the program's ways. */
function environment(): NodeJS.ProcessEnv {
  const env = { ...process.env }
  for (const name of Object.keys(env)) {
    if (
      /^(?:HUBBUB_|VITEST|PORT$|NO_COLOR$|FORCE_COLOR$|NODE_OPTIONS$|NODE_V8_COVERAGE$)/.test(name)
    )
      delete env[name]
  }
  return env
}
