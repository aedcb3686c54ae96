// What starts a server of the self-check, as package.ts says it of `hubbub serve`.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Failure } from '../errors.ts'
import { PACKAGE_FOLDER } from '../package.ts'

/** Always compiled JavaScript, also under the tests. */
export function serverCommand(): readonly string[] {
  const path = join(PACKAGE_FOLDER, 'dist', 'bench', 'selfcheck', 'serve.js')
  if (!existsSync(path)) {
    throw new Failure(`${path} does not exist; build it with \`npm run build\`.`)
  }
  return [process.execPath, path]
}
