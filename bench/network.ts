// What the kernel has dropped or sent again: TCP mends it, after 200 ms or more, and the time looks like the
// server's. The counters are those of the whole machine (of its network namespace).

import { readFileSync } from 'node:fs'
import { parseCounterTable } from './proc-text.ts'
import type { Repeat } from './schema.ts'

export type NetworkTrouble = NonNullable<Repeat['network']>

/** Counts since the machine was started; null where there is no /proc/net. */
export function readNetworkTrouble(): NetworkTrouble | null {
  try {
    const extended = parseCounterTable(readFileSync('/proc/net/netstat', 'utf8'), 'TcpExt')
    const tcp = parseCounterTable(readFileSync('/proc/net/snmp', 'utf8'), 'Tcp')
    return {
      listenOverflows: extended.get('ListenOverflows') ?? 0,
      listenDrops: extended.get('ListenDrops') ?? 0,
      timeouts: extended.get('TCPTimeouts') ?? 0,
      retransmits: tcp.get('RetransSegs') ?? 0,
    }
  } catch {
    return null
  }
}

/** What has happened between two readings. */
export function troubleBetween(
  before: NetworkTrouble | null,
  after: NetworkTrouble | null,
): NetworkTrouble | null {
  if (before === null || after === null) return null
  return {
    listenOverflows: after.listenOverflows - before.listenOverflows,
    listenDrops: after.listenDrops - before.listenDrops,
    timeouts: after.timeouts - before.timeouts,
    retransmits: after.retransmits - before.retransmits,
  }
}
