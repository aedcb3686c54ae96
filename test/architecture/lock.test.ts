// The lock file holds every platform's binaries. npm leaves out, without a word, what the registry could
// not give when the lock was made; `npm ci` then refuses the whole file.

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

interface Lock {
  packages: Record<string, { resolved?: string; optionalDependencies?: Record<string, string> }>
}

const lock = JSON.parse(
  readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'),
) as Lock

it('has an entry for every optional dependency that it names', () => {
  const named = Object.values(lock.packages).flatMap(({ optionalDependencies }) =>
    Object.keys(optionalDependencies ?? {}),
  )
  expect(named.length).toBeGreaterThan(20)
  const there = new Set(
    Object.keys(lock.packages).map((path) => path.split('node_modules/').at(-1)),
  )
  expect(named.filter((name) => !there.has(name))).toEqual([])
})

it('names no registry', () => {
  expect(Object.values(lock.packages).filter(({ resolved }) => resolved !== undefined)).toEqual([])
})
