// Workers and children of these tests run the compiled posix/, as they do in the product. A forgotten
// build must not make them test last week's code.

import { readdirSync, statSync } from 'node:fs'

const SOURCES = new URL('../../posix/', import.meta.url)
const COMPILED = new URL('../../dist/posix/', import.meta.url)

/** Throws unless every source file has a compiled one that is not older. */
export function requireCompiledPosix(): void {
  for (const name of readdirSync(SOURCES)) {
    const source = statSync(new URL(name, SOURCES))
    const compiled = statSync(new URL(name.replace(/\.ts$/, '.js'), COMPILED), {
      throwIfNoEntry: false,
    })
    if (!compiled || compiled.mtimeMs < source.mtimeMs) {
      throw new Error(`dist/posix is older than posix/${name}: run "npm run build" first.`)
    }
  }
}
