// One section for each workload: for each of its sizes what the figures say in words, throughput, times,
// costs, and why it is so as far as counters tell; then the same against the number of clients.

import { groupPoints, loadName, tableName, usable } from '../../points.ts'
import type { Point, Results, Summary } from '../../schema.ts'
import { WORKLOAD_WORDS } from '../../workloads.ts'
import { workloadInfo } from '../../../clients/load/index.ts'
import { splitAbsent } from '../absences.ts'
import { explain } from '../explanations.ts'
import {
  formatAmount,
  formatCount,
  scaleOfCpu,
  scaleOfMemory,
  scaleOfRates,
  scaleOfTimes,
  UNKNOWN,
} from '../numbers.ts'
import type { Table } from '../tables.ts'
import { inOrder, tablesOf } from '../tables.ts'
import { clientsChart, PERCENTILES, percentileNs, percentilesChart, ratesChart } from './charts.ts'
import type { LinesChart } from './chart-option.ts'
import { figure, plainTable } from './figure.ts'
import { groupBy, groupId, isOpen, throughputOf, timesName, timesOf } from './figures.ts'
import type { Look } from './looks.ts'
import { modelName } from './looks.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'

interface Group {
  readonly points: readonly Point[]
  readonly table: Table
}

export interface Section {
  readonly id: string
  readonly title: string
  readonly body: Markup
}

/** `less`: of each workload the times of the largest size only, where a page with all would be too large. */
export type Detail = 'all' | 'less'

/** In the order of the configuration. */
export function workloadSections(
  results: Results,
  looks: readonly Look[],
  detail: Detail,
): Section[] {
  const { present } = splitAbsent(results.points)
  const tables = tablesOf(results)
  const groups = groupPoints(present).map((points, i) => ({ points, table: tables[i]! }))
  const loads = groupBy(groups, ({ points }) => loadName(points[0]!))
  return [...loads].map(([title, own]) => ({
    id: `workload-${title.replaceAll(' ', '-')}`,
    title,
    body: html`${own.map((group) =>
      groupPart(group, results, looks, detail === 'all' || group === own.at(-1)),
    )}${againstClients(own, results, looks)}`,
  }))
}

function groupPart(
  { points, table }: Group,
  results: Results,
  looks: readonly Look[],
  hasTimes: boolean,
): Markup {
  const first = points[0]!
  const id = groupId(first)
  const rates = ratesChart(points, looks)
  const full = html`${fullTable(table, looks)}${notesPart(table)}`
  return html`<section aria-labelledby="${id}">
    <h3 id="${id}">${table.title}</h3>
    <p class="does">${table.explanation}</p>
    <p class="reading">${table.reading}</p>
    ${
      rates === null
        ? full
        : figure({
            id: `rates-${id}`,
            caption: html`Throughput
              <span class="soft">median, its interval, and each repeat as a dot</span>`,
            label: `Throughput of ${tableName(first)}. ${table.reading}`,
            chart: rates,
            tableName: 'All figures as a table',
            table: full,
          })
    }
    ${hasTimes ? timesPart(points, id, looks) : null} ${costsPart(points, looks)}
    ${becausePart(points, results, looks)}
  </section> `
}

/** Tables about the whole run: how it scales, and what a connection costs. */
export function tablePart(table: Table, looks: readonly Look[]): Markup {
  return html`<h3>${table.title}</h3>
    <p class="does">${table.explanation}</p>
    <p class="reading">${table.reading}</p>
    ${fullTable(table, looks)} ${notesPart(table)}`
}

function notesPart({ notes }: Table): Markup {
  return html`<ul class="notes">
    ${notes.map((note) => html`<li>${note}</li>`)}
  </ul>`
}

/** The table that a terminal shows, cell by cell. */
function fullTable({ columns, rows, title }: Table, looks: readonly Look[]): Markup {
  const place = columns.findIndex(({ head }) => head[0] === 'model')
  return plainTable({
    caption: title,
    columns: columns.map(({ head, align }) => ({ head: head.join(' ').trim(), align })),
    rows: rows.map(({ cells, status, isFirst }) => ({
      cells: cells.map((cell, i) => (i === place ? modelName(cell, looks) : cell)),
      className: `status-${status}${isFirst ? ' first' : ''}`,
    })),
  })
}

function timesPart(group: readonly Point[], id: string, looks: readonly Look[]): Markup | null {
  const chart = percentilesChart(group, looks)
  if (chart === null) return null
  return figure({
    id: `times-${id}`,
    caption: html`${timesName(group[0]!)} by percentile
      <span class="soft"
        >lower is better; a curve ends where fewer than ten times lie above it</span
      >`,
    label: `Percentile curves of the times of ${tableName(group[0]!)}; the table below has the figures.`,
    chart,
    tableName: 'Percentiles as a table',
    table: percentilesTable(group, looks),
  })
}

function percentilesTable(group: readonly Point[], looks: readonly Look[]): Markup {
  const points = inOrder(group).filter((point) => usable(point) !== null)
  const rows = points.map((point) => {
    const times = timesOf(point)!
    return [...PERCENTILES.map((p) => percentileNs(times, p)), times.maxNs]
  })
  const { unit, divisor } = scaleOfTimes(rows.flatMap((row) => row[2] ?? []))
  return plainTable({
    caption: `${timesName(points[0]!)}, ${unit}`,
    columns: [
      { head: 'model', align: 'left' },
      ...[...PERCENTILES.map((p) => `${p} %`), 'max'].map((head) => ({
        head,
        align: 'right' as const,
      })),
      { head: 'times', align: 'right' },
    ],
    rows: points.map((point, i) => ({
      cells: [
        modelName(point.model, looks),
        ...rows[i]!.map((ns) => (ns === null ? UNKNOWN : formatAmount(ns / divisor))),
        formatCount(timesOf(point)!.count),
      ],
    })),
  })
}

/** What an operation and a client cost, as bars in a table. */
function costsPart(group: readonly Point[], looks: readonly Look[]): Markup | null {
  const points = inOrder(group).filter((point) => usable(point) !== null)
  const [first] = points
  if (!first) return null
  const { one } = WORKLOAD_WORDS[first.workload]
  const cpu = costColumns(
    points,
    `CPU for each ${one}`,
    ({ cpuUsPerOperation }) => cpuUsPerOperation,
    scaleOfCpu,
  )
  const memory = workloadInfo(first.workload).clientsStay
    ? costColumns(
        points,
        'memory for each client',
        ({ memoryKibPerClient }) => memoryKibPerClient,
        scaleOfMemory,
      )
    : null
  const columns = [cpu, memory].filter((column) => column !== null)
  if (columns.length === 0) return null
  return html`<h4>Costs <span class="soft">of the server’s whole process tree</span></h4>
    <div class="scroll" tabindex="0" role="region" aria-label="Costs">
      <table class="cost">
        <thead>
          <tr>
            <th scope="col">model</th>
            ${columns.map(
              ({ head }) =>
                html`<th scope="col" class="right">${head}</th>
                  <th class="bar"><span aria-hidden="true"></span></th>`,
            )}
          </tr>
        </thead>
        <tbody>
          ${points.map(
            (point) =>
              html`<tr>
                <td>${modelName(point.model, looks)}</td>
                ${columns.map(({ cellsOf }) => cellsOf(point, looks))}
              </tr> `,
          )}
        </tbody>
      </table>
    </div>`
}

/** A figure and a bar of its length; null where nothing is known. */
function costColumns(
  points: readonly Point[],
  name: string,
  valueOf: (summary: Summary) => number | null,
  scaleOf: typeof scaleOfCpu,
) {
  const value = (point: Point) => {
    const summary = usable(point)
    return summary && valueOf(summary)
  }
  const known = points.flatMap((point) => value(point) ?? [])
  const longest = Math.max(0, ...known)
  if (longest === 0) return null
  const { unit, divisor } = scaleOf(known)
  return {
    head: `${name}, ${unit}`,
    cellsOf: (point: Point, looks: readonly Look[]) => {
      const cost = value(point)
      const length = Math.max(0, ((cost ?? 0) / longest) * 100)
      const colour = looks.find(({ model }) => model === point.model)?.colour ?? '--ink'
      return html`<td class="right">${cost === null ? UNKNOWN : formatAmount(cost / divisor)}</td>
        <td class="bar">
          <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect width="${length.toFixed(1)}" height="10" fill="var(${colour})" />
          </svg>
        </td>`
    },
  }
}

/** More would be read by nobody; the first are the most telling. */
const EXPLANATIONS_MAX = 3

function becausePart(
  group: readonly Point[],
  results: Results,
  looks: readonly Look[],
): Markup | null {
  const explained = inOrder(group)
    .map((point) => ({ point, explanations: explain(point, results) }))
    .filter(({ explanations }) => explanations.length > 0)
  if (explained.length === 0) return null
  return html`<h4>Why, as far as counters say</h4>
    <dl class="because">
      ${explained.map(
        ({ point, explanations }) =>
          html`<dt>${modelName(point.model, looks)}</dt>
            <dd>
              ${explanations.slice(0, EXPLANATIONS_MAX).map(({ text }) => html`<p>${text}</p>`)}
            </dd> `,
      )}
    </dl>`
}

/** Throughput and times of all sizes, where there are several. */
function againstClients(
  groups: readonly Group[],
  { scaling }: Results,
  looks: readonly Look[],
): Markup | null {
  const points = groups.flatMap(({ points: own }) => own).filter((point) => !isOpen(point))
  const [first] = points
  if (!first) return null
  const summaries = points.flatMap((point) => usable(point) ?? [])
  const rates = scaleOfRates(points.map((point) => throughputOf(point).median))
  const times = scaleOfTimes(summaries.map(({ serviceTime }) => serviceTime.p50Ns))
  const { many } = WORKLOAD_WORDS[first.workload]
  const laws = scaling.filter(
    ({ workload, transport }) => workload === first.workload && transport === first.transport,
  )
  const rateName = [rates.unit, many, 'per second'].filter(Boolean).join(' ')
  const charts = [
    {
      id: `sweep-rate-${groupId(first)}`,
      caption: laws.some(({ doubt }) => doubt === null)
        ? 'Throughput against the number of clients, and dotted what the scalability law says'
        : 'Throughput against the number of clients',
      chart: clientsChart(
        points,
        looks,
        { name: rateName, unit: rates.unit, divisor: rates.divisor },
        ({ throughputPerS }) => throughputPerS.median,
        laws,
      ),
    },
    {
      id: `sweep-time-${groupId(first)}`,
      caption: 'Median service time against the number of clients',
      chart: clientsChart(
        points,
        looks,
        { name: `p50, ${times.unit}`, unit: times.unit, divisor: times.divisor },
        ({ serviceTime }) => serviceTime.p50Ns,
      ),
    },
  ]
  const drawn = charts.flatMap(({ id, caption, chart }) =>
    chart === null
      ? []
      : figure({
          id,
          caption,
          label: `${caption}, ${loadName(first)}; the table below has the figures.`,
          chart,
          tableName: 'As a table',
          table: linesTable(chart, looks),
        }),
  )
  return drawn.length === 0
    ? null
    : html`<h3>${loadName(first)} · all sizes</h3>
        ${drawn}`
}

/** The figures of a chart of lines, a column for each tick that all or some of them have. */
function linesTable({ lines, xTicks, axis }: LinesChart, looks: readonly Look[]): Markup {
  return plainTable({
    caption: axis,
    columns: [
      { head: 'model', align: 'left' },
      ...xTicks.map(({ text }) => ({ head: `${text} clients`, align: 'right' as const })),
    ],
    rows: lines
      .filter(({ isThin }) => !isThin)
      .map(({ model, points }) => ({
        cells: [
          modelName(model, looks),
          ...xTicks.map(({ at }) => {
            const point = points.find(([x]) => Math.abs(x - at) < 1e-9)
            return point ? formatAmount(point[1]) : UNKNOWN
          }),
        ],
      })),
  })
}
