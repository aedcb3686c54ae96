// The process tree, on a real one: a parent that has a child that has a child, which can be told to use
// the CPU, to hold memory, and to end.

import type { ChildProcess } from 'node:child_process'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  countOpenFiles,
  othersShare,
  readCounters,
  readMemory,
  readTree,
  switchesBetween,
} from '../../bench/process-tree.ts'
import type { TreeCounters } from '../../bench/process-tree.ts'

/** Starts another of itself until the depth is 0, and passes commands down to the last one. */
const MEMBER = `
process.title = 'a (b) c'
const depth = Number(process.argv[1])
let child = null
if (depth > 0) {
  child = require('node:child_process').spawn(
    process.execPath, ['-e', process.env.MEMBER, String(depth - 1)], { stdio: ['pipe', 'pipe', 'inherit'] })
  child.stdout.pipe(process.stdout)
  child.on('exit', () => process.stdout.write('child ended\\n'))
} else process.stdout.write('ready\\n')
const held = []
/** Of its own CPU, so that it is the same work on a machine that others use. */
function usedMs(from) {
  const { user, system } = process.cpuUsage(from)
  return (user + system) / 1000
}
process.stdin.on('data', (data) => {
  if (child) return child.stdin.write(data)
  const [what, much] = data.toString().trim().split(' ')
  if (what === 'work') for (const from = process.cpuUsage(); usedMs(from) < Number(much); );
  if (what === 'hold') held.push(Buffer.alloc(Number(much) * 1024, 1))
  if (what === 'exit') process.exit(0)
  process.stdout.write('done ' + what + '\\n')
})
process.stdin.on('end', () => child ? child.stdin.end() : process.exit(0))
`

let root: ChildProcess
let said = ''

beforeEach(async () => {
  said = ''
  root = spawn(process.execPath, ['-e', MEMBER, '2'], {
    env: { ...process.env, MEMBER },
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  root.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text))
  await hears('ready')
})

afterEach(async () => {
  const ended = once(root, 'close')
  root.stdin?.end()
  await Promise.race([ended, hears('child ended')])
  root.kill('SIGKILL')
  await ended
})

async function hears(what: string): Promise<void> {
  await expect.poll(() => said, { timeout: 20_000, interval: 5 }).toContain(what)
}

async function tell(command: string): Promise<void> {
  root.stdin?.write(`${command}\n`)
  await hears(`done ${command.split(' ')[0]}`)
}

function at(cpuMs: number, busy: number, total: number): TreeCounters {
  return { cpuMs, processes: 1, threads: 1, switches: new Map(), machine: { busy, total } }
}

function counters(): TreeCounters {
  const found = readCounters(root.pid ?? 0)
  if (!found) throw new Error('no counters')
  return found
}

describe.runIf(process.platform === 'linux')(
  'a tree of three processes',
  { timeout: 30_000 },
  () => {
    test('is found from its root, each process once, whatever they are called', () => {
      const tree = readTree(root.pid ?? 0)
      expect(tree).toHaveLength(3)
      expect(tree[0]?.pid).toBe(root.pid)
      expect(tree[1]?.parentPid).toBe(root.pid)
      expect(tree[2]?.parentPid).toBe(tree[1]?.pid)
      expect(counters().processes).toBe(3)
      expect(counters().threads).toBeGreaterThanOrEqual(3)
      expect(countOpenFiles(root.pid ?? 0)).toBeGreaterThan(9)
    })

    test('has the CPU time of the last of them', async () => {
      const before = counters()
      await tell('work 300')
      const usedMs = counters().cpuMs - before.cpuMs
      // Linux counts in ticks of 10 ms, each process by itself.
      expect(usedMs).toBeGreaterThan(270)
      expect(usedMs).toBeLessThan(3000)
    })

    test('keeps the CPU time of one that has ended', async () => {
      const before = counters()
      await tell('work 300')
      const worked = counters().cpuMs
      root.stdin?.write('exit\n')
      await hears('child ended')
      const after = counters()
      expect(after.processes).toBe(2)
      expect(after.cpuMs).toBeGreaterThanOrEqual(worked)
      expect(after.cpuMs - before.cpuMs).toBeGreaterThan(270)
    })

    test('has the memory of all of them', async () => {
      const before = readMemory(root.pid ?? 0)
      await tell('hold 65536')
      const after = readMemory(root.pid ?? 0)
      expect(after?.isRss).toBe(false)
      expect((after?.kib ?? 0) - (before?.kib ?? 0)).toBeGreaterThan(60_000)
    })

    test('has context switches, in each task', async () => {
      const before = counters()
      await tell('work 1')
      const { voluntary, involuntary } = switchesBetween(before, counters())
      // It took at least one sleep in each of the three for the command to come and the answer to go.
      expect(voluntary).toBeGreaterThanOrEqual(3)
      expect(involuntary).toBeGreaterThanOrEqual(0)
    })
  },
)

test('there is no tree without a root', () => {
  // Above the highest process id that Linux gives (pid_max is 2^22 at most).
  expect(readTree(2 ** 23)).toEqual([])
  expect(readCounters(2 ** 23)).toBeNull()
  expect(readMemory(2 ** 23)).toBeNull()
  expect(countOpenFiles(2 ** 23)).toBeNull()
})

describe('the share of others', () => {
  test('is what is left of the busy time', () => {
    // Two cores for a second: 200 ticks, 150 of them busy, 100 of them the server's and ours.
    expect(othersShare(at(0, 0, 0), at(600, 150, 200), 400)).toBeCloseTo(0.25)
  })

  test('is never below zero, and unknown without a clock', () => {
    expect(othersShare(at(0, 0, 0), at(1600, 150, 200), 0)).toBe(0)
    expect(othersShare(at(0, 5, 5), at(0, 5, 5), 0)).toBeNull()
    expect(othersShare({ ...at(0, 0, 0), machine: null }, at(0, 0, 9), 0)).toBeNull()
  })
})
