// What the ledger costs: every answer is proved, byte by byte, and entered. A generator that takes them on trust could
// offer more, and that is the price of knowing. Measured with and without, in turns.

import type { LoadResult, WorkloadName } from '../../clients/load/contract.ts'
import { medianOf } from '../statistics.ts'
import { atServer, Bench, checked, CLOSED, perSecond, THE_CHAT } from './measuring.ts'
import type { Proof } from './proof.ts'
import { serverCommand } from './servers.ts'

const WORKLOADS = ['ping', 'room'] as const satisfies readonly WorkloadName[]
const CLIENTS = 20
const TURNS = 4
const DURATION_MS = 400
/** With headroom of 2 a quarter can be spared. */
const COST_MAX = 0.25

export const ledgerCost: Proof = {
  name: 'ledger',
  title: 'Price of the ledger',
  explanation:
    'The same load with every answer proved and entered, and with answers taken on trust, in turns: the ratio of the median rates is what knowing costs.',
  seconds: 12,
  run: (laboratory) =>
    atServer(serverCommand(), 'null', THE_CHAT, laboratory, async (server) => {
      const bench = new Bench(laboratory)
      const checks = []
      for (const workload of WORKLOADS) {
        laboratory.tell(workload)
        const spec = { ...CLOSED, workload, senders: CLIENTS / 4, address: server.address }
        const rates: Record<'on' | 'off', number[]> = { on: [], off: [] }
        const cpu: Record<'on' | 'off', number[]> = { on: [], off: [] }
        for (let turn = 0; turn < TURNS; turn++) {
          for (const accounting of turn % 2 === 0 ? [true, false] : [false, true]) {
            const whole = { ...spec, accounting, clients: CLIENTS, durationMs: DURATION_MS }
            const load = await bench.drive(server, whole)
            rates[accounting ? 'on' : 'off'].push(perSecond(load))
            cpu[accounting ? 'on' : 'off'].push(cpuNsEach(load))
          }
        }
        const ratio = medianOf(rates.on)! / medianOf(rates.off)!
        const ns = medianOf(cpu.on)! - medianOf(cpu.off)!
        checks.push(
          checked(
            workload,
            `≥ ${1 - COST_MAX} of the rate`,
            `${ratio.toFixed(2)} of the rate, ${Math.round(ns)} ns of CPU each`,
            ratio >= 1 - COST_MAX,
            'the ledger takes more of the generator than its headroom can spare',
            {
              ratio,
              cpuNsEach: ns,
              withPerS: medianOf(rates.on),
              withoutPerS: medianOf(rates.off),
            },
          ),
        )
      }
      return bench.judged(checks)
    }),
}

function cpuNsEach({ generator, operations }: LoadResult): number {
  return operations > 0 ? (generator.cpuMs * 1e6) / operations : 0
}
