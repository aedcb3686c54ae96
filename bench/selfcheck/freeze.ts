// The freeze: a server that is stopped (SIGSTOP) for one second in ten. Whoever was due meanwhile waited, and an open
// loop says so: a tenth of its requests, which waited up to a second. In a closed loop as few were hit as there are
// clients, because nobody asks who waits for an answer; its percentiles know nothing of the second. Gil Tene
// calls that coordinated omission. Both are driven here, at the same server.

import { setTimeout } from 'node:timers/promises'
import type { LoadResult, LoadSpec } from '../../clients/load/contract.ts'
import { timeAtNs } from '../../clients/load/times.ts'
import type { RunningServer } from '../server.ts'
import { atServer, Bench, checked, CLOSED, inMs, THE_CHAT } from './measuring.ts'
import type { Proof } from './proof.ts'
import { serverCommand } from './servers.ts'
import { responseOfFreeze } from './theory.ts'

const WINDOW_MS = 10_000
const FREEZE_AT_MS = 4000
const FREEZE_MS = 1000
const CLIENTS = 10
const RATE_PER_S = 1000
/** After the freeze what has come up is answered; and who is due is so once in a millisecond. */
const ERROR_MS = 30

export const freeze: Proof = {
  name: 'freeze',
  title: 'Freeze',
  explanation:
    'A server that is stopped for one second in ten. In an open loop response times of who was due meanwhile are even from 0 to 1 s, so p95 is 0.5 s and p99 0.9 s; a closed loop does not notice (coordinated omission).',
  seconds: 22,
  run: (laboratory) =>
    atServer(serverCommand(), 'null', THE_CHAT, laboratory, async (server) => {
      const bench = new Bench(laboratory)
      const spec = { ...CLOSED, address: server.address, clients: CLIENTS, durationMs: WINDOW_MS }
      laboratory.tell('open loop')
      const open = await frozen(
        server,
        { ...spec, arrivals: 'constant', ratePerS: RATE_PER_S },
        bench,
      )
      laboratory.tell('closed loop')
      const closed = await frozen(server, spec, bench)
      return bench.judged([openCheck(95, open), openCheck(99, open), closedCheck(closed)])
    }),
}

interface Frozen {
  readonly load: LoadResult
  readonly freezeMs: number
}

/** A run in which the server is stopped for a while: as long as it was, by the clock of this process. */
async function frozen(server: RunningServer, spec: LoadSpec, bench: Bench): Promise<Frozen> {
  let freezeMs = 0
  const load = await bench.drive(server, spec, {
    onPhase: async (phase) => {
      if (phase !== 'measure') return
      await setTimeout(FREEZE_AT_MS)
      process.kill(server.pid, 'SIGSTOP')
      const startMs = performance.now()
      await setTimeout(FREEZE_MS)
      process.kill(server.pid, 'SIGCONT')
      freezeMs = performance.now() - startMs
    },
  })
  return { load, freezeMs }
}

function openCheck(percentile: number, { load, freezeMs }: Frozen) {
  const expectedMs = responseOfFreeze(freezeMs, load.elapsedNs / 1e6, percentile / 100)
  const seenMs = timeAtNs(load.responseTime!.hdr, percentile) / 1e6
  return checked(
    `open loop, p${percentile}`,
    `${Math.round(expectedMs)} ms`,
    `${Math.round(seenMs)} ms`,
    Math.abs(seenMs - expectedMs) <= ERROR_MS,
    'the open loop leaves out or adds waits',
    { expectedMs, seenMs, freezeMs },
  )
}

function closedCheck({ load, freezeMs }: Frozen) {
  const p99Ns = timeAtNs(load.serviceTime.hdr, 99)
  const boundMs = freezeMs / 20
  return checked(
    'closed loop, p99',
    `< ${Math.round(boundMs)} ms`,
    `${inMs(p99Ns)}; ${CLIENTS} in ${load.operations.toLocaleString('en-US')} waited`,
    p99Ns / 1e6 < boundMs,
    'so few answers came that the freeze is more than a hundredth of them',
    { p99Ns, maxNs: load.serviceTime.maxNs, freezeMs },
  )
}
