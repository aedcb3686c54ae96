import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pinThisProcess, planPinning, readCores, startedOn } from '../../bench/pinning.ts'
import { coresOf } from '../../posix/index.ts'
import { serveCommand } from '../../bench/package.ts'
import { readTree } from '../../bench/process-tree.ts'
import { DEFAULT_PATIENCE, startServer } from '../../bench/server.ts'

describe('generator and server share no core', () => {
  test.each([
    [1, [0, 1], [0], [1]],
    [4, [0, 1], [0], [1]],
    [2, [0, 1, 2, 3, 6], [0, 1], [2, 3, 6]],
    [1, [5, 7], [5], [7]],
  ])('%d threads on cores %j: %j and %j', (threads, cores, generatorCores, serverCores) => {
    expect(planPinning(threads, cores)).toEqual({ generatorCores, serverCores })
  })

  test('so one core is refused, and so is a system that cannot', () => {
    expect(() => planPinning(1, [0])).toThrow(/^--pin needs two cores/)
    expect(() => planPinning(1, null)).toThrow(/^--pin needs Linux/)
  })
})

describe.skipIf(process.platform !== 'linux')('this process', () => {
  const allowed = readCores() ?? []

  test('moves all its threads, and back', () => {
    const unpin = pinThisProcess([allowed[0]!])
    try {
      expect(allCores()).toEqual(new Set([String(allowed[0])]))
    } finally {
      unpin()
    }
    expect(coresOf()).toEqual(allowed)
  })

  test('moves for as long as it starts something, also when that fails', () => {
    const last = allowed.at(-1)!
    expect(startedOn([last], coresOf)).toEqual([last])
    expect(coresOf()).toEqual(allowed)
    expect(() => startedOn([last], fail)).toThrow('no such program')
    expect(coresOf()).toEqual(allowed)
    expect(startedOn(null, coresOf)).toEqual(allowed)
  })
})

test.skipIf(process.platform !== 'linux')(
  'a server has its cores, and so have its children',
  async () => {
    const last = coresOf().at(-1)!
    const serving = { words: [], transport: 'tcp', cores: [last] } as const
    const { signal } = new AbortController()
    const server = await startServer(serveCommand(), 'cluster', signal, DEFAULT_PATIENCE, serving)
    try {
      const tree = readTree(server.pid)
      expect(tree.length).toBeGreaterThan(1)
      for (const { pid } of tree) expect(allCores(pid)).toEqual(new Set([String(last)]))
    } finally {
      await server.kill()
    }
  },
)

function fail(): never {
  throw new Error('no such program')
}

/** What the kernel says of every thread of a process. */
function allCores(pid: number | 'self' = 'self'): Set<string> {
  const lists = readdirSync(`/proc/${pid}/task`).map((id) => {
    const status = readFileSync(`/proc/${pid}/task/${id}/status`, 'utf8')
    return /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)![1]!
  })
  return new Set(lists)
}
