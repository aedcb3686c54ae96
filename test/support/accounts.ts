// Accounts files for servers under test. Hashing costs 0.4 s at the usual cost, and next to nothing here.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { asPassword } from '../../protocol/index.ts'
import { hashPassword } from '../../servers/passwords.ts'

export const CHEAP_COST = 4

/** One line of an accounts file. */
export function accountLine(name: string, password: string, cost = CHEAP_COST): string {
  const bytes = asPassword(Buffer.from(password).toString('latin1'))!
  return `${name}:${hashPassword(bytes, cost)}\n`
}

const folders: string[] = []

/** A new folder, which `removeFolders` removes. */
export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hubbub-accounts-'))
  folders.push(folder)
  return folder
}

export function accountsFile(text: string): string {
  const path = join(newFolder(), 'accounts')
  writeFileSync(path, text)
  return path
}

export function removeFolders(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
}
