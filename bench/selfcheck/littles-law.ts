// Little's law (little.ts) is checked at every point of every benchmark. Here it is seen at real models, one of each
// kind: a loop, a thread and a process for each client, and one that takes clients in turn.

import type { WorkloadName } from '../../clients/load/contract.ts'
import { holds, littlesLaw } from '../little.ts'
import { serveWords } from '../workloads.ts'
import { atServer, Bench, checked, CLOSED } from './measuring.ts'
import type { Check, Laboratory, Proof } from './proof.ts'

interface Case {
  readonly model: string
  readonly workload: WorkloadName
  readonly clients: number
  readonly window: number
}

const CASES: readonly Case[] = [
  { model: 'async', workload: 'ping', clients: 12, window: 1 },
  { model: 'thread', workload: 'ping', clients: 6, window: 4 },
  { model: 'process', workload: 'echo', clients: 4, window: 1 },
  { model: 'sequential', workload: 'session', clients: 8, window: 1 },
]
const DURATION_MS = 500

export const littlesLawProof: Proof = {
  name: 'littles-law',
  title: 'Little’s law',
  explanation:
    'In a closed loop clients × window = throughput × mean service time. What requests reach out of the window at both ends is all that may differ; every closed-loop point of a benchmark is checked for it.',
  seconds: 7,
  async run(laboratory) {
    const checks: Check[] = []
    for (const one of CASES) checks.push(await checkOf(one, laboratory))
    return checks
  },
}

function checkOf(
  { model, workload, clients, window }: Case,
  laboratory: Laboratory,
): Promise<Check> {
  laboratory.tell(`${model}, ${workload}`)
  const serving = { words: serveWords(workload), transport: 'tcp' } as const
  return atServer(laboratory.serverCommand(), model, serving, laboratory, async (server) => {
    const spec = { ...CLOSED, workload, clients, window, address: server.address }
    const load = await new Bench(laboratory).drive(server, { ...spec, durationMs: DURATION_MS })
    const law = littlesLaw(load)
    const of = `${clients} × ${window}`
    return checked(
      `${model}, ${workload}`,
      law ? `${of} = ${law.inFlight} (${law.low.toFixed(2)} to ${law.high.toFixed(2)})` : of,
      law ? law.seen.toFixed(2) : 'nothing that it could be seen at',
      law !== null && holds(law),
      'what was counted and what was timed do not agree',
      law ? { ...law } : {},
    )
  })
}
