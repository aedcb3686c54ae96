// The regime maps as tables: a column for each number of clients, a row for each number of those with a part of
// their own, and in each cell the model that is the best there. Pure.

import type { Regime, RegimeCell, RegimeMap } from '../regimes.ts'
import { regimesOf } from '../regimes.ts'
import type { Results } from '../schema.ts'
import { spellSenders } from '../senders.ts'
import { WORKLOAD_WORDS } from '../workloads.ts'
import { formatCount, UNKNOWN } from './numbers.ts'
import type { Table } from './tables.ts'
import { counted, list } from './text.ts'

/** More names than these are too wide for a cell. */
const NAMES_MAX = 2

/** Two for each workload that has a map: by throughput and by the 99th percentile. */
export function regimeTables(results: Pick<Results, 'points' | 'config'>): Table[] {
  return regimesOf(results).flatMap((map) => {
    const { many } = WORKLOAD_WORDS[map.workload]
    return [
      tableOf(map, `the most ${many} per s`, ({ throughput }) => throughput),
      tableOf(map, 'the shortest p99', ({ p99 }) => p99),
    ]
  })
}

function tableOf(map: RegimeMap, what: string, regimeIn: (cell: RegimeCell) => Regime): Table {
  const { part } = WORKLOAD_WORDS[map.workload]
  return {
    title: `${map.name} · ${what}`,
    explanation: `Which model has ${what}, by how many clients there are, and how many of them ${part.many}. Two names, or a number of models: their intervals overlap, and nobody is the best.`,
    columns: [
      { head: [part.many, ''], align: 'left' },
      ...map.clients.map((clients) => ({
        head: [formatCount(clients), clients === 1 ? 'client' : 'clients'] as const,
        align: 'left' as const,
      })),
    ],
    rows: map.senders.map((choice, row) => ({
      cells: [spellSenders(choice), ...map.cells[row]!.map((cell) => inCell(regimeIn(cell)))],
      status: 'valid',
      isFirst: false,
    })),
    notes: [],
    reading: readMap(map.cells.flat().map(regimeIn)),
  }
}

function inCell({ leaders }: Regime): string {
  if (leaders.length === 0) return UNKNOWN
  return leaders.length > NAMES_MAX ? `${leaders.length} models` : leaders.join(', ')
}

/** How often each model is the best, the most frequent first. */
function readMap(regimes: readonly Regime[]): string {
  const wins = new Map<string, number>()
  for (const { best } of regimes) if (best !== null) wins.set(best, (wins.get(best) ?? 0) + 1)
  const known = regimes.filter(({ leaders }) => leaders.length > 0).length
  const nobody = regimes.filter(({ best, leaders }) => best === null && leaders.length > 0).length
  if (known === 0) return 'Nothing can be told: a best one takes valid figures of two repeats.'
  const words = [...wins]
    .toSorted(([, a], [, b]) => b - a)
    .map(([model, cells]) => `${model} in ${cells}`)
  const of = `of ${counted(known, 'cell')}`
  if (words.length === 0) return `Nobody is the best in any ${of}.`
  const rest = nobody > 0 ? `, nobody in ${nobody}` : ''
  return `The best ${of}: ${list(words)}${rest}.`
}
