import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  parseConnections,
  parseKeyed,
  parseCounterTable,
  parseMachineTicks,
  parseOpenFilesMax,
  parseProcessesMax,
  parsePssKib,
  parseRssKib,
  parseStat,
  parseSwitches,
} from '../../bench/proc-text.ts'

/** Copied from a Linux 6.18 machine; the name was set with prctl(2). */
const FIELDS =
  'S 4711 4321 4321 0 -1 4194304 9122 15 3 0 111 22 33 44 20 0 11 0 228811 1063 14 18446744073709551615 1 1 0 0 0 0 0 4096 134300162 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0'

const SMAPS_ROLLUP = `562901abb000-7ffce0849000 ---p 00000000 00:00 0                          [rollup]
Rss:               45776 kB
Pss:               20399 kB
Pss_Dirty:         11224 kB
SwapPss:               7 kB
`

const TASK_STATUS = `Name:\tnode\nVmRSS:\t   45776 kB\nvoluntary_ctxt_switches:\t1234\nnonvoluntary_ctxt_switches:\t56\n`

function read(name: string): string {
  return readFileSync(`/proc/self/${name}`, 'utf8')
}

describe('/proc/<pid>/stat', () => {
  test.each(['node', 'a b', 'a) S 1 (b', '(((', ')', 'x\ny', ''])(
    'of a process named %j',
    (name) => {
      expect(parseStat(`4312 (${name}) ${FIELDS}\n`)).toEqual({
        pid: 4312,
        state: 'S',
        parentPid: 4711,
        userTicks: 111,
        systemTicks: 22,
        childrenUserTicks: 33,
        childrenSystemTicks: 44,
        threads: 11,
        startTicks: 228811,
      })
    },
  )

  test.each(['', '123', '123 (node', '123 (node) S 1 2', '123 )node( S'])('%j is none', (text) => {
    expect(parseStat(text)).toBeNull()
  })
})

test('smaps_rollup: PSS, and not its relatives', () => {
  expect(parsePssKib(SMAPS_ROLLUP)).toBe(20_399)
  expect(parsePssKib('')).toBeNull()
})

test('status: RSS and context switches', () => {
  expect(parseRssKib(TASK_STATUS)).toBe(45_776)
  expect(parseSwitches(TASK_STATUS)).toEqual({ voluntary: 1234, involuntary: 56 })
  expect(parseSwitches('voluntary_ctxt_switches:\t1\n')).toBeNull()
  expect(parseKeyed('Key: many kB', 'Key')).toBeNull()
})

test('/proc/stat: idle and waiting for a disk is not busy, guests are not counted twice', () => {
  const text = 'cpu  100 20 30 1000 50 6 7 8 90 10\ncpu0 1 2 3 4 5 6 7 8 9 10\nintr 1\n'
  expect(parseMachineTicks(text)).toEqual({ total: 1221, busy: 171 })
  expect(parseMachineTicks('cpu0 1 2 3')).toBeNull()
})

test('limits: open files', () => {
  const text = `Limit                     Soft Limit           Hard Limit           Units
Max processes             95000                95000                processes
Max open files            20000                524288               files
`
  expect(parseOpenFilesMax(text)).toBe(20_000)
  expect(parseOpenFilesMax(text.replace('20000  ', 'unlimited'))).toBeNull()
})

test('limits: processes', () => {
  expect(parseProcessesMax('Max processes             95000                95000')).toBe(95_000)
  expect(parseProcessesMax('Max processes             unlimited            95000')).toBeNull()
})

test('/proc/net: names in one line, values in the next', () => {
  const text = 'TcpExt: SyncookiesSent ListenDrops\nTcpExt: 0 7\nIpExt: InNoRoutes\nIpExt: 3\n'
  expect(Object.fromEntries(parseCounterTable(text, 'TcpExt'))).toEqual({
    SyncookiesSent: 0,
    ListenDrops: 7,
  })
  expect(parseCounterTable(text, 'Tcp').size).toBe(0)
})

describe.runIf(process.platform === 'linux')('the texts of this machine', () => {
  test('are understood', () => {
    expect(parseStat(read('stat'))).toMatchObject({ pid: process.pid, parentPid: process.ppid })
    expect(parsePssKib(read('smaps_rollup'))).toBeGreaterThan(1000)
    expect(parseRssKib(read('status'))).toBeGreaterThan(1000)
    expect(parseSwitches(read('status'))?.voluntary).toBeGreaterThan(0)
    const ticks = parseMachineTicks(readFileSync('/proc/stat', 'utf8'))
    expect(ticks?.busy).toBeGreaterThan(0)
    expect(ticks?.total).toBeGreaterThan(ticks?.busy ?? Infinity)
  })
})

/** A line of /proc/net/tcp. */
function row(local: string, remote: string, state: string, inode: number): string {
  return `   0: ${local} ${remote} ${state} 00000000:00000000 00:00000000 00000000  0 0 ${inode} 1 0`
}

test('connections to a port are those that are established, and end there', () => {
  const head =
    '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'
  const text = [
    head,
    row('0100007F:1A0B', '00000000:0000', '0A', 11),
    row('0100007F:1A0B', '0100007F:C001', '01', 12),
    row('0100007F:C001', '0100007F:1A0B', '01', 13),
    row('0100007F:1A0B', '0100007F:C002', '06', 14),
    '',
  ].join('\n')
  expect(parseConnections(text, 0x1a0b)).toEqual(['12'])
  expect(parseConnections('', 1)).toEqual([])
})
