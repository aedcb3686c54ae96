// A server under test: started as a process of its own, exactly as a person would start it, and ended
// whatever state it is in.
//
// It cannot be mistaken for a server left over from an earlier run: its port is chosen by the kernel and
// read from its own ready line, which must carry the process id that was just started.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import type { Transport } from '../clients/load/contract.ts'
import { partsOfLabel } from './models.ts'
import { startedOn } from './pinning.ts'
import { parseStat } from './proc-text.ts'
import type { ProcessStat } from './proc-text.ts'
import { readTree } from './process-tree.ts'
import type { Fault } from './schema.ts'
import { fault } from './verdict.ts'

/** How long a server is waited for before it is given up. */
export interface Patience {
  /** From the start to the ready line. */
  readonly readyMs: number
  /** Under load, without a single operation that was completed. */
  readonly silenceMs: number
  /** In a phase of a run, beyond what the phase was asked to take. */
  readonly phaseMs: number
  /** From SIGTERM to the end of the process. */
  readonly stopMs: number
}

/** On a loaded machine a start takes a second and a drain of hundreds of clients three. */
export const DEFAULT_PATIENCE: Patience = {
  readyMs: 10_000,
  silenceMs: 3_000,
  phaseMs: 8_000,
  stopMs: 10_000,
}

/** How long children of a server that was killed may outlive it before they are killed too. */
const ORPHAN_MS_MAX = 2000
const ORPHAN_POLL_MS = 20
/** The ready line is about 70 bytes; whoever sends more without a line end sends something else. */
const READY_LINE_BYTES_MAX = 4096
/** Of what a server says on stderr, the end is kept: it says why it died. */
const STDERR_CHARACTERS_KEPT = 4096

const ReadyLine = z.object({ model: z.string(), pid: z.int(), listen: z.string().min(1) })

/** How a server's process ended. */
export interface ServerEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** The last line it wrote to stderr, or ''. */
  readonly lastWords: string
}

export interface RunningServer {
  readonly pid: number
  /** Where it listens: `127.0.0.1:41234`, or `unix:/tmp/...`. */
  readonly address: string
  readonly startupMs: number
  /** Settles when the process is gone; never rejects. */
  readonly ended: Promise<ServerEnd>
  /** Asks it to drain and waits; kills it when it does not. Null when all went well. */
  stop(): Promise<Fault | null>
  /** Ends the process tree at once and waits until it is gone. */
  kill(): Promise<void>
}

/** Thrown for whatever makes figures of a server unusable. */
export class FaultError extends Error {
  override readonly name = 'FaultError'
  readonly fault: Fault
  constructor(reason: Fault) {
    super(reason.text)
    this.fault = reason
  }
}

/** What it serves, and over what. */
export interface Serving {
  /** Options of `hubbub serve`. */
  readonly words: readonly string[]
  readonly transport: Transport
  /** The cores that its process tree may use; left out, all. */
  readonly cores?: readonly number[] | null | undefined
}

const THE_CHAT: Serving = { words: [], transport: 'tcp' }

/**
 * Starts `<command> <model> --listen 127.0.0.1:0` (or a Unix-domain socket in a new folder) and waits for the ready line. Rejects with a FaultError
 * when there is none, or with the signal's reason; nothing is left running then.
 */
export async function startServer(
  command: readonly string[],
  label: string,
  signal: AbortSignal,
  patience: Patience,
  serving: Serving = THE_CHAT,
): Promise<RunningServer> {
  signal.throwIfAborted()
  const [program = '', ...words] = command
  const { name: model, words: options } = partsOfLabel(label)
  const folder = serving.transport === 'unix' ? mkdtempSync(join(tmpdir(), 'hubbub-')) : null
  const listen = folder === null ? '127.0.0.1:0' : `unix:${join(folder, 'server')}`
  const startedAt = performance.now()
  // Not detached: in a session of its own, a scheduling group on many machines, a server of a hundred
  // threads would get no more of the CPU than one of a single thread. See `schedulerGroups`.
  const child = startedOn(serving.cores ?? null, () =>
    spawn(program, [...words, model, '--listen', listen, ...options, ...serving.words], {
      // It ends with its standard input, and so with this process, however that ends.
      stdio: ['pipe', 'pipe', 'pipe'],
      env: environmentOfServers(),
    }),
  )
  child.stdin.on('error', () => {}) // It has ended; that is noticed otherwise.
  const ended = endOf(child).finally(() => removeFolder(folder))
  endWithThisProcess(child, folder)
  try {
    const ready = await readyLine(child, ended, signal, patience)
    if (ready.pid !== child.pid || ready.model !== model) {
      throw notStarted(`its ready line is that of ${ready.model}, process ${ready.pid}`)
    }
    return {
      pid: ready.pid,
      address: ready.listen,
      startupMs: performance.now() - startedAt,
      ended,
      stop: () => stop(child, ended, patience),
      kill: () => killTree(child, ended),
    }
  } catch (error) {
    await killTree(child, ended)
    throw error
  }
}

/**
 * A Ctrl-C in a terminal goes to all processes in it, servers included. Whoever sees one end waits this
 * long for the news that it was meant to.
 */
export const INTERRUPTION_GRACE_MS = 100

/** What ended a server, in words. */
export function describeEnd({ code, signal, lastWords }: ServerEnd): string {
  if (code === null && signal === null) return lastWords
  const how = signal ? `killed by ${signal}` : `exit code ${code}`
  return lastWords ? `${how}: ${lastWords}` : how
}

/** Settings for servers in this shell are for the servers of its user, not for those under test. */
function environmentOfServers(): NodeJS.ProcessEnv {
  const ours = Object.entries(process.env).filter(([name]) => !/^(HUBBUB_|PORT$)/.test(name))
  return { ...Object.fromEntries(ours), HUBBUB_END_WITH_STDIN: '1' }
}

/** If this process ends in any orderly way, also by a bug, no server stays behind. */
function endWithThisProcess(child: ChildProcess, folder: string | null): void {
  const kill = () => {
    child.kill('SIGKILL')
    removeFolder(folder)
  }
  process.once('exit', kill)
  child.once('close', () => process.removeListener('exit', kill))
}

/** Its socket is in it. */
function removeFolder(folder: string | null): void {
  if (folder !== null) rmSync(folder, { recursive: true, force: true })
}

function endOf(child: ChildProcess): Promise<ServerEnd> {
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS_KEPT)
  })
  return new Promise((resolve) => {
    // `close` would wait for the pipes, which a grandchild may hold open; what is read by `exit` is kept.
    child.once('exit', (code, signal) => {
      setImmediate(() => resolve({ code, signal, lastWords: lastLine(stderr) }))
    })
    child.once('error', (error) => resolve({ code: null, signal: null, lastWords: error.message }))
  })
}

/** Terminal-safe: a server's words go into a table. */
function lastLine(text: string): string {
  const line = text.trimEnd().split('\n').at(-1) ?? ''
  return line.replaceAll(/[\x00-\x1f\x7f-\x9f]/g, '?').slice(0, 200)
}

async function readyLine(
  child: ChildProcess,
  ended: Promise<ServerEnd>,
  signal: AbortSignal,
  { readyMs }: Patience,
) {
  const waiting = new AbortController()
  try {
    const line = await Promise.race([
      child.stdout ? firstLine(child.stdout) : '',
      ended.then((end) => Promise.reject(notStarted(describeEnd(end)))),
      timeout(readyMs).then(() =>
        Promise.reject(notStarted(`it said nothing within ${readyMs / 1000} s`)),
      ),
      aborted(signal, waiting.signal),
    ])
    return parseReadyLine(line)
  } finally {
    waiting.abort()
  }
}

function parseReadyLine(line: string): z.infer<typeof ReadyLine> {
  try {
    return ReadyLine.parse(JSON.parse(line))
  } catch {
    throw notStarted(`its ready line is ${JSON.stringify(line.slice(0, 80))}`)
  }
}

function notStarted(why: string): FaultError {
  return new FaultError(fault('server-did-not-start', `the server did not start: ${why}`))
}

function firstLine(stdout: Readable): Promise<string> {
  let text = ''
  return new Promise((resolve) => {
    stdout.setEncoding('utf8').on('data', (more: string) => {
      // Reading goes on for as long as the server lives, or it would block on a full pipe one day.
      if (text.length > READY_LINE_BYTES_MAX) return
      text += more
      const end = text.indexOf('\n')
      if (end >= 0 || text.length > READY_LINE_BYTES_MAX) {
        resolve(text.slice(0, end >= 0 ? end : READY_LINE_BYTES_MAX))
      }
    })
  })
}

async function stop(
  child: ChildProcess,
  ended: Promise<ServerEnd>,
  { stopMs }: Patience,
): Promise<Fault | null> {
  child.kill('SIGTERM')
  const end = await Promise.race([ended, timeout(stopMs)])
  if (end === undefined) {
    await killTree(child, ended)
    const text = `the server did not end within ${stopMs / 1000} s of SIGTERM`
    return fault('server-did-not-stop', text)
  }
  if (end.code === 0) return null
  return fault('server-did-not-stop', `the server did not end in order: ${describeEnd(end)}`)
}

/**
 * SIGKILL to the server, then to those of its children that have not noticed within two seconds. They
 * are remembered before, with the time they were started: once their parent is gone nothing else tells
 * them from strangers, and a process id may be given to a new process.
 */
async function killTree(child: ChildProcess, ended: Promise<ServerEnd>): Promise<void> {
  // Of a process that has ended, the number may be another's by now.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const tree = readTree(child.pid).slice(1)
  child.kill('SIGKILL')
  await ended
  const waitUntil = performance.now() + ORPHAN_MS_MAX
  while (tree.some(isAlive) && performance.now() < waitUntil) await setTimeout(ORPHAN_POLL_MS)
  for (const orphan of tree.filter(isAlive)) {
    try {
      process.kill(orphan.pid, 'SIGKILL')
    } catch {
      // It ended between the look and the signal.
    }
  }
}

function isAlive({ pid, startTicks }: ProcessStat): boolean {
  try {
    const stat = parseStat(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    return stat?.startTicks === startTicks && stat.state !== 'Z'
  } catch {
    return false
  }
}

/** A bound on waiting for a child. The child keeps this process alive; the timer, which outlives it, not. */
function timeout(ms: number): Promise<undefined> {
  return setTimeout(ms, undefined, { ref: false })
}

/** Rejects with the reason of `signal`, as long as `until` has not ended the interest in it. */
function aborted(signal: AbortSignal, until: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const give = () => reject(signal.reason)
    signal.addEventListener('abort', give, { once: true, signal: until })
  })
}
