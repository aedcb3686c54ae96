// Where this package lies on the disk, and which version it is. The same source runs from bench/ under
// the tests and from dist/bench/ when it is installed, so the root is looked for, not assumed.

import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Failure } from './errors.ts'

function findRoot(): { folder: string; version: string } {
  let folder = dirname(fileURLToPath(import.meta.url))
  for (let depth = 0; depth < 4; depth++) {
    const path = join(folder, 'package.json')
    if (existsSync(path)) {
      // Read without zod: every command comes past here, a server's start too.
      const { version } = JSON.parse(readFileSync(path, 'utf8')) as { version: string }
      return { folder, version }
    }
    folder = dirname(folder)
  }
  throw new Failure('hubbub cannot find its own package.json; install it again.')
}

const root = findRoot()

export const PACKAGE_FOLDER = root.folder
export const PACKAGE_VERSION = root.version

/**
 * What starts a server, up to and including `serve`. Always compiled JavaScript, even under the tests: a
 * loader adds 45 to 130 ms to each thread or process that a blocking model starts, and would be measured.
 */
export function serveCommand(): readonly string[] {
  const cli = join(PACKAGE_FOLDER, 'dist', 'cli.js')
  if (!existsSync(cli)) {
    throw new Failure(`${cli} does not exist; build it with \`npm run build\`.`)
  }
  return [process.execPath, cli, 'serve']
}
