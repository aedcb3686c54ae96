import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { afterEach, describe, expect, test } from 'vitest'
import { coresOf, runOnCores } from '../../posix/index.ts'

const isLinux = process.platform === 'linux'

describe.skipIf(!isLinux)('cores', () => {
  const allowed = isLinux ? coresOf() : []
  afterEach(() => runOnCores(allowed))

  test('of this thread are those that the kernel lists', () => {
    expect(listOf(readFileSync('/proc/thread-self/status', 'utf8'))).toEqual(allowed)
  })

  test('are what a thread is moved to, and what a child of it inherits over exec', async () => {
    const [last] = allowed.slice(-1)
    runOnCores([last!])
    expect(listOf(readFileSync('/proc/thread-self/status', 'utf8'))).toEqual([last])
    const child = spawn('sleep', ['60'])
    try {
      await once(child, 'spawn')
      runOnCores(allowed)
      expect(listOf(readFileSync(`/proc/${child.pid}/status`, 'utf8'))).toEqual([last])
      expect(coresOf(child.pid)).toEqual([last])
      expect(coresOf()).toEqual(allowed)
    } finally {
      child.kill('SIGKILL')
      await once(child, 'exit')
    }
  })

  test('are inherited by threads', async () => {
    runOnCores([allowed[0]!])
    const read = `require('node:worker_threads').parentPort.postMessage(
      require('node:fs').readFileSync('/proc/thread-self/status', 'utf8'))`
    const worker = new Worker(read, { eval: true })
    const [status] = (await once(worker, 'message')) as [string]
    expect(listOf(status)).toEqual([allowed[0]])
    await worker.terminate()
  })

  test('that there are none of are refused, and so is a thread that is not there', () => {
    expect(() => runOnCores([])).toThrow(/sched_setaffinity/)
    expect(() => runOnCores([8000])).toThrow(/sched_setaffinity/)
    expect(() => coresOf(2 ** 22 + 1)).toThrow(/sched_getaffinity/)
  })
})

/** `Cpus_allowed_list:	0-1,4` as numbers. proc_pid_status(5). */
function listOf(status: string): number[] {
  const [, list = ''] = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status) ?? []
  return list.split(',').flatMap((range) => {
    const [from = 0, to = from] = range.split('-').map(Number)
    return Array.from({ length: to - from + 1 }, (_, i) => from + i)
  })
}
