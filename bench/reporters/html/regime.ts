// The regime map: over the number of clients and how many of them have a part of their own, such as to compute,
// which model is the best. A hatched field has no winner: intervals overlap.

import type { Regime, RegimeCell, RegimeMap } from '../../regimes.ts'
import { regimesOf } from '../../regimes.ts'
import type { Results } from '../../schema.ts'
import { spellSenders } from '../../senders.ts'
import { WORKLOAD_WORDS } from '../../workloads.ts'
import { formatCount, UNKNOWN } from '../numbers.ts'
import type { Look } from './looks.ts'
import { modelName } from './looks.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'

/** The maps, or a sentence that says what they take. */
export function regimePart(
  results: Pick<Results, 'points' | 'config'>,
  looks: readonly Look[],
): Markup {
  const maps = regimesOf(results)
  if (maps.length === 0) {
    return html`<p class="absent">
      Not in this run: a map of which model is the best for how many clients, and how many of them
      compute. It takes several of both, such as
      <code>hubbub bench --workloads mix --clients 10,50 --senders 10%,40%</code>.
    </p>`
  }
  return html`<p class="does">
      Who is best, by how many clients there are (columns) and how many of them have a part of their
      own (rows). Hatched: intervals overlap, and nobody is the best.
    </p>
    ${maps.map((map) => {
      const { many } = WORKLOAD_WORDS[map.workload]
      return [
        mapTable(map, `most ${many} per second`, ({ throughput }) => throughput, looks),
        mapTable(map, 'shortest p99', ({ p99 }) => p99, looks),
      ]
    })}`
}

function mapTable(
  map: RegimeMap,
  what: string,
  regimeIn: (cell: RegimeCell) => Regime,
  looks: readonly Look[],
): Markup {
  const { part } = WORKLOAD_WORDS[map.workload]
  const rows = map.senders.map(
    (choice, row) =>
      html`<tr>
        <th scope="row">${spellSenders(choice)} ${part.many}</th>
        ${map.cells[row]!.map((cell) => fieldCell(regimeIn(cell), looks))}
      </tr>`,
  )
  return html`<h3>${map.name}: ${what}</h3>
    <div class="scroll" tabindex="0" role="region" aria-label="Map of ${map.name}: ${what}">
      <table class="regime">
        <thead>
          <tr>
            <td></td>
            ${map.clients.map((clients) => html`<th scope="col">${formatCount(clients)} clients</th>`)}
          </tr>
        </thead>
        <tbody>
          ${rows}
        </tbody>
      </table>
    </div>`
}

/** More names than these fill a field; their number says it too. */
const NAMES_MAX = 3

function fieldCell({ best, leaders }: Regime, looks: readonly Look[]): Markup {
  if (leaders.length === 0) return html`<td class="nobody">${UNKNOWN}</td>`
  if (leaders.length > NAMES_MAX) return html`<td class="tie">${leaders.length} models</td>`
  const names = leaders.map((model) => modelName(model, looks))
  const colour = looks.find(({ model }) => model === best)?.colour.replace('--', '')
  return html`<td class="${colour ? `tint-${colour}` : 'tie'}">${names}</td>`
}
