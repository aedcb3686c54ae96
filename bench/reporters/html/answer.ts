// The first screen: which model to use, in words, in one picture, and in a table that says for what.

import { usable } from '../../points.ts'
import type { Results } from '../../schema.ts'
import { CATALOG } from '../../../servers/catalog.ts'
import { partsOfLabel } from '../../models.ts'
import { explain } from '../explanations.ts'
import { formatAmount, UNKNOWN } from '../numbers.ts'
import { list } from '../text.ts'
import type { Advice, Answer } from './advice.ts'
import { adviceOf, answersOf, sourceOf } from './advice.ts'
import { overviewChart } from './charts.ts'
import type { SharesChart } from './chart-option.ts'
import { figure, plainTable } from './figure.ts'
import { groupId } from './figures.ts'
import type { Look } from './looks.ts'
import { modelName } from './looks.ts'
import type { Content, Markup } from './markup.ts'
import { html } from './markup.ts'

export function firstScreen(results: Results, looks: readonly Look[]): Markup {
  const advice = adviceOf(results)
  const chart = overviewChart(results.points, looks)
  const measured = advice.filter(({ from }) => from !== null)
  const missing = advice.filter(({ from }) => from === null)
  return html`${answerPart(answersOf(advice), results, looks)} ${carePart(results)}
    ${
      chart &&
      figure({
        id: 'overview',
        caption: html`How far behind the fastest
          <span class="soft">each line is a workload; a model further right does more</span>`,
        label:
          'Throughput of every model as a share of the fastest one’s, a line for each workload and size; the table below has the figures.',
        chart,
        tableName: 'As a table',
        table: sharesTable(chart, looks),
      })
    }
    <h3 id="advice">You need … use …</h3>
    <table class="advice">
      <thead>
        <tr>
          <th scope="col">You need</th>
          <th scope="col">use</th>
          <th scope="col">because</th>
        </tr>
      </thead>
      <tbody>
        ${measured.map((one) => adviceRow(one, looks))}${missing.map(
          ({ need }) =>
            html`<tr class="absent">
              <th scope="row">${need}</th>
              <td class="use">${UNKNOWN}</td>
              <td class="why">Not measured in this run.</td>
            </tr> `,
        )}
      </tbody>
    </table>`
}

function adviceRow(advice: Advice, looks: readonly Look[]): Markup {
  const { need, use, why, from } = advice
  const names = use.map((model) => modelName(model, looks))
  const tie = use.length > 1 ? html`<span class="soft">a tie</span>` : null
  return html`<tr>
    <th scope="row">${need}</th>
    <td class="use">${use.length > 0 ? names : UNKNOWN}${tie}</td>
    <td class="why">${why} <a href="#${from ? groupId(from) : ''}">${sourceOf(advice)}</a></td>
  </tr> `
}

/** The answer in words, and why: in the catalog’s words, and by what was counted. */
function answerPart(answers: readonly Answer[], results: Results, looks: readonly Look[]): Markup {
  if (answers.length === 0) {
    return html`<p class="answer">
      This run does not say: no model has figures that may be ranked.
    </p>`
  }
  const told = answers.filter(({ use }) => use.length <= NAMES_MAX)
  const rest = answers.filter(({ use }) => use.length > NAMES_MAX).flatMap(({ needs }) => needs)
  const sentences = told.map(({ use, needs }, i) => {
    const names = either(use.map((model) => modelName(model, looks)))
    return html`${i === 0 ? 'Use ' : '; '}<strong>${names}</strong> for ${list(needs)}`
  })
  const reasons = [...new Set(told.flatMap(({ use }) => use))].slice(0, REASONS_MAX)
  return html`<p class="answer">
      ${told.length > 0 ? html`${sentences}.` : null}
      ${rest.length > 0 ? `For ${list(rest)} this run puts nobody first: too many tie.` : null}
    </p>
    <dl class="because">${reasonsPart(reasons, results, looks)}</dl>`
}

/** Who names more of them gives no advice. */
const NAMES_MAX = 3

/** For more there is no room on a first screen. */
const REASONS_MAX = 2

/** What is due to the surroundings, or speaks against a model, is no reason for it. */
const NOT_OF_MODELS: ReadonlySet<string> = new Set([
  'generator-full',
  'others-ran',
  'pushed-aside',
  'long-tail',
])

/** What the models are, and what counters say of each, but the same of two only once. */
function reasonsPart(
  models: readonly string[],
  results: Results,
  looks: readonly Look[],
): Markup[] {
  const told = new Set<string>()
  return models.map((model) => {
    const info = CATALOG.find(({ name }) => name === partsOfLabel(model).name)
    const own = results.points.filter((point) => point.model === model && usable(point))
    const won = own.filter(({ rank }) => rank === 1)
    const reasons = (won.length > 0 ? won : own)
      .toSorted((a, b) => b.clients - a.clients)
      .flatMap((point) => explain(point, results))
    const reason = reasons.find(({ kind }) => !told.has(kind) && !NOT_OF_MODELS.has(kind))
    if (reason) told.add(reason.kind)
    return html`<dt>${modelName(model, looks)}</dt>
      <dd>${info?.summary ?? null} ${reason?.text ?? null}</dd>`
  })
}

/** `a, b or c`, of marked-up names. */
function either(names: readonly Markup[]): Content {
  return names.map((name, i) => [i === 0 ? '' : i === names.length - 1 ? ' or ' : ', ', name])
}

/** What makes all of it less certain, before anybody acts on it. */
function carePart({ warnings, points }: Results): Markup | null {
  const kinds = new Set(warnings.map(({ kind }) => kind))
  const cautions = [
    ...(kinds.has('machine-busy') ? ['other programs ran meanwhile'] : []),
    ...(kinds.has('spread-wide') ? ['repeats differ widely'] : []),
    ...(kinds.has('few-repeats') ? ['there are few repeats'] : []),
    ...(points.some(({ status }) => status === 'invalid') ? ['some points are invalid'] : []),
  ]
  if (cautions.length === 0) return null
  return html`<p class="care">
    Read with care: ${list(cautions)}. <a href="#verdicts">Warnings</a>
  </p>`
}

function sharesTable({ rows, dots }: SharesChart, looks: readonly Look[]): Markup {
  const models = looks.filter(({ model }) => dots.some((dot) => dot.model === model))
  return plainTable({
    caption: 'Throughput as a share of the fastest model’s',
    columns: [
      { head: 'workload', align: 'left' },
      ...models.map(({ model }) => ({ head: model, align: 'right' as const })),
    ],
    rows: rows.map((name, row) => ({
      cells: [
        name,
        ...models.map(({ model }) => {
          const dot = dots.find((one) => one.row === row && one.model === model)
          return dot ? `${formatAmount(dot.share * 100)} %` : UNKNOWN
        }),
      ],
    })),
  })
}
