// The ceiling: what the generator gets out of a server that does next to nothing is what it can offer at all. A model
// that comes near is not measured any more, the generator is. So the fastest models are run in the same
// minutes, and the ceiling over the fastest is the headroom. Below 2 a figure may still be right: when the
// generator had time to spare while it drove that model, the model was the limit.

import type { LoadResult, WorkloadName } from '../../clients/load/contract.ts'
import { CATALOG } from '../../servers/catalog.ts'
import { formatAmount } from '../reporters/numbers.ts'
import { type RunningServer, type Serving } from '../server.ts'
import { BUSY_SHARE_MAX, faultsOfLoad } from '../verdict.ts'
import { atServer, Bench, CLOSED, perSecond, THE_CHAT } from './measuring.ts'
import type { Check, Laboratory, Proof } from './proof.ts'
import { serverCommand } from './servers.ts'

const WORKLOADS = ['ping', 'room'] as const satisfies readonly WorkloadName[]
const SIZES = [10, 50]
const DURATION_MS = 400
export const HEADROOM_MIN = 2

/** Loops of ours, and those of several processes: the fastest, whatever the number of cores. */
const FASTEST = CATALOG.filter(
  ({ name, platforms }) =>
    ['poll', 'epoll', 'cluster'].includes(name) &&
    (platforms === null || platforms.includes(process.platform)),
)

export const ceiling: Proof = {
  name: 'ceiling',
  title: 'Ceiling',
  explanation:
    'What the generator gets out of a server that does nothing but answer, over what the fastest model gives. Twice as much is enough; so is less, if the generator was not busy all the time while it drove that model. If it was, models near the ceiling are reported as lower bounds.',
  seconds: 18,
  async run(laboratory) {
    const bench = new Bench(laboratory)
    const nothing = await measureAll('null', serverCommand(), THE_CHAT, bench, laboratory)
    const models = new Map<string, Rates>()
    for (const { name } of FASTEST) {
      const command = laboratory.serverCommand()
      models.set(name, await measureAll(name, command, THE_CHAT, bench, laboratory))
    }
    return bench.judged(
      WORKLOADS.flatMap((workload) =>
        SIZES.map((clients) => checkOf(workload, clients, nothing, models)),
      ),
    )
  },
}

type Rates = ReadonlyMap<string, LoadResult>

/** Every workload and size at one server. */
function measureAll(
  name: string,
  command: readonly string[],
  serving: Serving,
  bench: Bench,
  laboratory: Laboratory,
): Promise<Rates> {
  laboratory.tell(name)
  return atServer(command, name, serving, laboratory, async (server: RunningServer) => {
    const rates = new Map<string, LoadResult>()
    for (const workload of WORKLOADS) {
      for (const clients of SIZES) {
        const senders = Math.round(clients / 4)
        const spec = { ...CLOSED, workload, clients, senders, address: server.address }
        rates.set(
          `${workload} ${clients}`,
          await bench.drive(server, { ...spec, durationMs: DURATION_MS }),
        )
      }
    }
    return rates
  })
}

function checkOf(
  workload: WorkloadName,
  clients: number,
  nothing: Rates,
  models: ReadonlyMap<string, Rates>,
): Check {
  const key = `${workload} ${clients}`
  const all = [...models].map(([name, rates]) => ({ name, load: rates.get(key)! }))
  const best = all.toSorted((a, b) => perSecond(b.load) - perSecond(a.load))[0]!
  const ceilingLoad = nothing.get(key)!
  const faults = [ceilingLoad, best.load].flatMap((load) => faultsOfLoad(load, clients))
  const [ceilingPerS, bestPerS] = [perSecond(ceilingLoad), perSecond(best.load)]
  const headroom = bestPerS > 0 ? ceilingPerS / bestPerS : 0
  const { busyShare } = best.load.generator
  const isSo = headroom >= HEADROOM_MIN || busyShare < BUSY_SHARE_MAX
  const verdict = faults.length > 0 ? 'fail' : isSo ? 'pass' : 'inconclusive'
  const why = faults.length > 0 ? faults.map(({ text }) => text).join('; ') : BELOW
  return {
    name: `${workload}, ${clients} clients`,
    expected: `≥ ${HEADROOM_MIN} × the best`,
    seen: `${thousands(ceilingPerS)}/s, ${headroom.toFixed(1)} × ${best.name}, ${Math.round(busyShare * 100)} % busy`,
    verdict,
    why: verdict === 'pass' ? '' : why,
    figures: { ceilingPerS, bestPerS, headroom, busyShareAtBest: busyShare },
  }
}

const BELOW =
  'models near the ceiling come out as lower bounds here: the generator has no more to offer'

function thousands(perS: number): string {
  return `${formatAmount(perS / 1000)} k`
}
