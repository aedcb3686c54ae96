// What servers must find when they start: accounts to log in to, and a file to be fetched. It is made before the first trial, kept in a
// temporary folder, and removed after the last one.

import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { WorkloadName } from '../clients/load/contract.ts'
import { FILE_NAME, fileBytes, loginOf } from '../clients/load/index.ts'
import { Failure } from './errors.ts'
import type { Plan } from './plan.ts'
import { serveWords } from './workloads.ts'

const ACCOUNTS = 'accounts'
const ROOT = 'files'

export class Fixtures {
  #folder: string | null = null

  /**
   * Makes what the trials of the plan need. `command`: program and words up to and including `serve`.
   * Throws a Failure.
   */
  async make(plan: Plan, command: readonly string[], signal: AbortSignal): Promise<void> {
    const points = plan.points.filter(({ cannot }) => cannot === null)
    const logins = points.filter(({ workload }) => workload.name === 'login')
    const accounts = Math.max(0, ...logins.map(({ senders }) => senders))
    for (let client = 0; client < accounts; client++) {
      await addAccount(command.slice(0, -1), client, this.#path(ACCOUNTS), signal)
    }
    if (!points.some(({ workload }) => workload.name === 'file')) return
    mkdirSync(this.#path(ROOT))
    writeFileSync(join(this.#path(ROOT), FILE_NAME), fileBytes())
  }

  #path(name: string): string {
    this.#folder ??= mkdtempSync(join(tmpdir(), 'hubbub-bench-'))
    return join(this.#folder, name)
  }

  /** What is added to `hubbub serve` for this workload. */
  serveWords(name: WorkloadName): string[] {
    const accounts = name === 'login' ? ['--accounts', this.#path(ACCOUNTS)] : []
    const root = name === 'file' ? ['--root', this.#path(ROOT)] : []
    return [...serveWords(name), ...accounts, ...root]
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
