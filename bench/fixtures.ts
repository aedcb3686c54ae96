// What servers must find when they start: accounts to log in to. It is made before the first trial, kept in a
// temporary folder, and removed after the last one.

import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorkloadName } from '../clients/load/contract.ts'
import { loginOf } from '../clients/load/index.ts'
import { Failure } from './errors.ts'
import type { Plan } from './plan.ts'
import { serveWords } from './workloads.ts'

export class Fixtures {
  #folder: string | null = null
  #accounts: string | null = null

  /**
   * Makes what the trials of the plan need. `command`: program and words up to and including `serve`.
   * Throws a Failure.
   */
  async make(plan: Plan, command: readonly string[], signal: AbortSignal): Promise<void> {
    const logins = plan.trials.filter(({ point }) => point.workload.name === 'login')
    const count = Math.max(0, ...logins.map(({ point }) => point.senders))
    if (count === 0) return
    this.#folder = mkdtempSync(join(tmpdir(), 'hubbub-bench-'))
    this.#accounts = join(this.#folder, 'accounts')
    for (let client = 0; client < count; client++) {
      await addAccount(command.slice(0, -1), client, this.#accounts, signal)
    }
  }

  /** What is added to `hubbub serve` for this workload. */
  serveWords(name: WorkloadName): string[] {
    const accounts = name === 'login' ? ['--accounts', this.#accounts ?? ''] : []
    return [...serveWords(name), ...accounts]
  }

  remove(): void {
    if (this.#folder !== null) rmSync(this.#folder, { recursive: true, force: true })
  }
}

/** As a person would: hashing is not the benchmark's business, and takes 0.4 s. */
function addAccount(
  [program = '', ...words]: readonly string[],
  client: number,
  accounts: string,
  signal: AbortSignal,
): Promise<void> {
  const { user, password } = loginOf(client)
  const options = ['account', 'add', user, '--accounts', accounts, '--password-stdin']
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      [...words, ...options],
      { signal },
      (error, _stdout, stderr) => {
        if (error === null) resolve()
        else
          reject(signal.aborted ? signal.reason : new Failure(`no account to log in to: ${stderr}`))
      },
    )
    child.stdin?.end(`${password}\n`)
  })
}
