// Which failures of accept(2) an accept loop goes on after, and how fast.

import { constants } from 'node:os'
import { expect, test } from 'vitest'
import { SystemError } from '../../posix/index.ts'
import { AcceptFailures } from '../../servers/accepting.ts'

function failure(code: keyof typeof constants.errno): SystemError {
  return new SystemError(constants.errno[code], 'accept')
}

function failures(): { said: string[]; restMs: (error: unknown) => number } {
  const said: string[] = []
  const judge = new AcceptFailures((sentence) => said.push(sentence))
  return { said, restMs: (error) => judge.restMs(error) }
}

// accept(2) of Linux, "Error handling".
test.each([
  'ENETDOWN',
  'EPROTO',
  'ENOPROTOOPT',
  'EHOSTUNREACH',
  'EOPNOTSUPP',
  'ENETUNREACH',
] as const)('after %s, which is about one connection, the next is taken at once', (code) => {
  const { said, restMs } = failures()
  expect(restMs(failure(code))).toBe(0)
  expect(said).toEqual([])
})

test.each(['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EPERM'] as const)(
  'after %s it rests, and says so once in a while',
  (code) => {
    const { said, restMs } = failures()
    for (let i = 0; i < 100; i++) expect(restMs(failure(code))).toBeGreaterThan(0)
    expect(said).toEqual([`Cannot accept for now (${code}); new clients wait.`])
  },
)

test.each([failure('EINVAL'), failure('EBADF'), failure('ENOTSOCK'), new Error('a fault')])(
  'after "%s" it does not go on',
  (error) => {
    expect(() => failures().restMs(error)).toThrow(error)
  },
)
