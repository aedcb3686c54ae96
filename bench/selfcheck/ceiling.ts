// The ceiling: what the generator gets out of a server that does next to nothing is what it can offer at all. A model
// that comes near is not measured any more, the generator is. So the fastest models are run in the same
// minutes, and the ceiling over the fastest is the headroom. Below 2 a figure may still be right: when the
// generator had time to spare while it drove that model, the model was the limit. When it had none, the verdict on
// that point says so (verdict.ts): the server can do at least this.

import type { LoadResult, WorkloadName } from '../../clients/load/contract.ts'
import { CATALOG } from '../../servers/catalog.ts'
import { formatAmount } from '../reporters/numbers.ts'
import type { RunningServer, Serving } from '../server.ts'
import { BUSY_SHARE_MAX, faultsOfLoad } from '../verdict.ts'
import { atServer, Bench, CLOSED, perSecond, THE_CHAT } from './measuring.ts'
import type { Check, Laboratory, Proof } from './proof.ts'
import { serverCommand } from './servers.ts'

const WORKLOADS = ['ping', 'room'] as const satisfies readonly WorkloadName[]
const SIZES = [10, 50]
const DURATION_MS = 400
const HEADROOM_MIN = 2

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
    'What the generator gets out of a server that does nothing but answer, over what the fastest model gives. Below 2 the generator may be the limit: where it was also busy for 90 % of the time a benchmark calls the model’s figure a lower bound, and ranks it nowhere.',
  seconds: 22,
  async run(laboratory) {
    const bench = new Bench(laboratory)
    const nothing = () => measureAll('null', serverCommand(), THE_CHAT, bench, laboratory)
    const first = await nothing()
    const models = new Map<string, Rates>()
    for (const { name } of FASTEST) {
      const command = laboratory.serverCommand()
      models.set(name, await measureAll(name, command, THE_CHAT, bench, laboratory))
    }
    // Before and after them all: a ceiling is the higher one.
    const last = await nothing()
    return bench.judged(
      WORKLOADS.flatMap((workload) =>
        SIZES.map((clients) => checkOf(workload, clients, [first, last], models)),
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
  nothing: readonly Rates[],
  models: ReadonlyMap<string, Rates>,
): Check {
  const key = `${workload} ${clients}`
  const best = highest([...models].map(([name, rates]) => ({ name, load: rates.get(key)! })))
  const { load: ceilingLoad } = highest(nothing.map((rates) => ({ load: rates.get(key)! })))
  const faults = [ceilingLoad, best.load].flatMap((load) => faultsOfLoad(load, clients))
  const [ceilingPerS, bestPerS] = [perSecond(ceilingLoad), perSecond(best.load)]
  const headroom = bestPerS > 0 ? ceilingPerS / bestPerS : 0
  const { busyShare } = best.load.generator
  const limit = headroom < HEADROOM_MIN && busyShare >= BUSY_SHARE_MAX ? ', a lower bound' : ''
  const verdict = faults.length > 0 ? 'fail' : headroom >= NEARLY_ONE ? 'pass' : 'inconclusive'
  const why = { pass: '', inconclusive: NO_CEILING, fail: faults[0]?.text ?? '' }[verdict]
  return {
    name: `${workload}, ${clients} clients`,
    expected: `≥ ${HEADROOM_MIN} ×, or time to spare`,
    seen: `${thousands(ceilingPerS)}/s, ${headroom.toFixed(1)} × ${best.name}, ${Math.round(busyShare * 100)} % busy${limit}`,
    verdict,
    why,
    figures: { ceilingPerS, bestPerS, headroom, busyShareAtBest: busyShare },
  }
}

/** Two runs of the same differ by as much. */
const NEARLY_ONE = 0.85
const NO_CEILING = 'a model was faster than a server that does nothing, so the ceiling was not seen'

function highest<Run extends { readonly load: LoadResult }>(runs: readonly Run[]): Run {
  return runs.toSorted((a, b) => perSecond(b.load) - perSecond(a.load))[0]!
}

function thousands(perS: number): string {
  return `${formatAmount(perS / 1000)} k`
}
