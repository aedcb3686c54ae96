// Each file of tests has a folder of its own for what is temporary: two that run at the same time do not
// meet at the lock of the benchmark, and nothing is left behind.

import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const folder = mkdtempSync(join(tmpdir(), 'hubbub-'))
chmodSync(folder, 0o755) // Some tests run a program as another user.
const before = process.env['TMPDIR']
process.env['TMPDIR'] = folder

afterAll(() => {
  if (before === undefined) delete process.env['TMPDIR']
  else process.env['TMPDIR'] = before
  rmSync(folder, { recursive: true, force: true })
})
