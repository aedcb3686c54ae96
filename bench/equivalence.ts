// The equivalence check: every model replays one fixed script over TCP, and what its clients receive must
// be the same, byte for byte. Only dates are replaced, because models are not asked at the same second.

import { createHash } from 'node:crypto'
import type { Socket } from 'node:net'
import { connect } from 'node:net'
import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import { messageOf } from './errors.ts'
import type { PlannedModel } from './plan.ts'
import type { Transcript } from './schema.ts'
import type { Step } from './script.ts'
import { MANY_CLIENTS_SCRIPT, ONE_CLIENT_SCRIPT } from './script.ts'
import type { Patience, RunningServer } from './server.ts'
import { FaultError, INTERRUPTION_GRACE_MS, startServer } from './server.ts'

/** A step is answered in milliseconds, or in a tenth of a second by a process that has to start. */
const STEP_MS_MAX = 5000
/** No part of the script is answered with as much as this; more is a server that does not stop. */
const ANSWER_CHARACTERS_MAX = 1_000_000
const POLL_MS = 2

/** What one model answered: each part as text, or null where it has not been played. */
export interface Answers {
  readonly model: string
  readonly oneClient: string | null
  readonly manyClients: string | null
  /** Why there is no transcript, or null. */
  readonly failure: string | null
}

/** Plays the script to a fresh server of the model. Rejects only with the reason of `signal`. */
export async function replay(
  command: readonly string[],
  model: PlannedModel,
  signal: AbortSignal,
  patience: Patience,
): Promise<Answers> {
  let server: RunningServer | null = null
  try {
    server = await startServer(command, model.name, signal, patience)
    const oneClient = await playScript(ONE_CLIENT_SCRIPT, server.address, signal)
    const manyClients =
      model.clientsAtOnce > 1 ? await playScript(MANY_CLIENTS_SCRIPT, server.address, signal) : null
    return { model: model.name, oneClient, manyClients, failure: null }
  } catch (error) {
    await setTimeout(INTERRUPTION_GRACE_MS)
    signal.throwIfAborted()
    const failure = error instanceof FaultError ? error.fault.text : messageOf(error)
    return { model: model.name, oneClient: null, manyClients: null, failure }
  } finally {
    await server?.stop()
  }
}

/**
 * Compares what the models answered. Each part is right as most models have it; with as many on one side
 * as on the other, as the first of them has it. Pure.
 */
export function compareAnswers(all: readonly Answers[]): Transcript[] {
  const oneClient = mostCommon(all.map((answers) => answers.oneClient))
  const manyClients = mostCommon(all.map((answers) => answers.manyClients))
  return all.map((answers) => {
    const difference =
      answers.failure ??
      firstDifference(oneClient, answers.oneClient) ??
      firstDifference(manyClients, answers.manyClients)
    return {
      model: answers.model,
      oneClientSha256: sha256(answers.oneClient),
      manyClientsSha256: sha256(answers.manyClients),
      same: difference === null,
      difference,
    }
  })
}

/**
 * The parameters that hold a time: after 003 and 391 the text, in 317 the seconds of silence and the time
 * of signing on, in 329 and 333 the last one.
 */
export function withoutDates(text: string): string {
  return text
    .replaceAll(/^(:\S+ 003 \S+ :This server was created ).*$/gm, '$1<date>')
    .replaceAll(/^(:\S+ 391 \S+ \S+ :).*$/gm, '$1<date>')
    .replaceAll(/^(:\S+ 317 \S+ \S+ )\d+ \d+ /gm, '$1<seconds> <date> ')
    .replaceAll(/^(:\S+ (?:329|333) .* )\d+$/gm, '$1<date>')
}

/** Plays a script and returns, client by client, what each received. */
async function playScript(
  script: readonly Step[],
  address: string,
  signal: AbortSignal,
): Promise<string> {
  const clients = new Map<string, ScriptClient>()
  try {
    for (const [index, step] of script.entries()) {
      signal.throwIfAborted()
      const client = clients.get(step.who) ?? new ScriptClient(address)
      clients.set(step.who, client)
      if (!(await playStep(step, index, client, clients))) break
    }
    return [...clients].map(([who, { received }]) => `== ${who}\n${lines(received)}\n`).join('')
  } finally {
    for (const client of clients.values()) client.destroy()
  }
}

/** False when the step was not answered: then the transcript ends here, and differs. */
async function playStep(
  step: Step,
  index: number,
  client: ScriptClient,
  clients: ReadonlyMap<string, ScriptClient>,
): Promise<boolean> {
  const barrier = `step-${index}`
  const heard = Object.entries(step.heardBy ?? {}).map(([who, text]) => {
    const other = clients.get(who)
    const from = other?.received.length ?? 0
    return () => other?.received.slice(from).includes(text) ?? false
  })
  const from = client.received.length
  client.send(step.ends ? step.sends : [...step.sends, `PING :${barrier}`])
  const answered = () =>
    step.ends ? client.closed : client.received.slice(from).includes(` :${barrier}\r\n`)
  const giveUpAtMs = performance.now() + STEP_MS_MAX
  while (!(answered() && heard.every((has) => has()))) {
    if (performance.now() > giveUpAtMs || (client.closed && !step.ends)) return false
    await setTimeout(POLL_MS)
  }
  return true
}

class ScriptClient {
  readonly #socket: Socket
  received = ''
  closed = false

  constructor(address: string) {
    const { hostname, port } = new URL(`tcp://${address}`)
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (text: string) => {
      this.received += text
      if (this.received.length > ANSWER_CHARACTERS_MAX) this.#socket.destroy()
    })
    // A reset ends the transcript where it happens; `close` follows and says so.
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => (this.closed = true))
  }

  send(messages: readonly string[]): void {
    this.#socket.write(messages.map((line) => `${line}\r\n`).join(''), 'latin1')
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

/** Line ends are part of the transcript: a bare LF must not look like CR LF. */
function lines(received: string): string {
  return withoutDates(received.replaceAll('\r\n', '\n').replaceAll('\r', '<CR>'))
}

function mostCommon(texts: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>()
  for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1)
  const most = Math.max(0, ...counts.values())
  return [...counts].find(([, count]) => count === most)?.[0] ?? null
}

/** `line 12: "..." instead of "..."`, or null where there is nothing to compare or no difference. */
function firstDifference(expected: string | null, actual: string | null): string | null {
  if (expected === null || actual === null || expected === actual) return null
  const expectedLines = expected.split('\n')
  const actualLines = actual.split('\n')
  const length = Math.max(expectedLines.length, actualLines.length)
  for (let i = 0; i < length; i++) {
    if (expectedLines[i] === actualLines[i]) continue
    return `line ${i + 1} of the script’s answers is ${show(actualLines[i])} instead of ${show(expectedLines[i])}`
  }
  return null
}

function show(line: string | undefined): string {
  if (line === undefined || line === '') return 'missing'
  return JSON.stringify(line.length > 80 ? `${line.slice(0, 80)}…` : line)
}

function sha256(text: string | null): string | null {
  return text === null ? null : createHash('sha256').update(text, 'latin1').digest('hex')
}
