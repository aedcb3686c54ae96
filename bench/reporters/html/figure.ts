// A chart on the page: its caption, the key of its models, the still picture, the data for the live one, and
// a table with the same figures.

import type { Chart } from './chart-option.ts'
import type { Look } from './looks.ts'
import { modelName } from './looks.ts'
import type { Content, Markup } from './markup.ts'
import { html, json } from './markup.ts'
import { stillPicture } from './still.ts'

export interface Figure {
  /** One on its page. */
  readonly id: string
  readonly caption: Content
  /** What it shows, for those who do not see it. */
  readonly label: string
  readonly chart: Chart
  /** What opens the table, and the table. */
  readonly tableName: string
  readonly table: Markup
}

export function figure({ id, caption, label, chart, tableName, table }: Figure): Markup {
  // Rows are named at their beginning.
  const key = chart.kind === 'rates' ? null : keyOf(chart.looks)
  return html`<figure class="chart" id="${id}">
    <figcaption>${caption}</figcaption>
    ${key}
    <div class="picture">
      <div class="stillbox">${stillPicture(id, chart, label)}</div>
      <div class="live" role="img" aria-label="${label}"></div>
    </div>
    <script type="application/json" class="data">
      ${json(chart)}
    </script>
    <details>
      <summary>${tableName}</summary>
      ${table}
    </details>
  </figure> `
}

function keyOf(looks: readonly Look[]): Markup {
  const items = looks.map(
    (look) =>
      html`<li>
        <span class="item" data-model="${look.model}">${modelName(look.model, looks)}</span>
      </li>`,
  )
  return html`<ul class="key" aria-label="Models">
    ${items}
  </ul>`
}

/** A table as tables.ts and its like make them: text in cells. */
export interface PlainTable {
  readonly caption?: string
  readonly columns: readonly { readonly head: string; readonly align: 'left' | 'right' }[]
  readonly rows: readonly { readonly cells: readonly Content[]; readonly className?: string }[]
}

export function plainTable({ caption, columns, rows }: PlainTable): Markup {
  const alignOf = (i: number) => (columns[i]?.align === 'right' ? 'right' : 'left')
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${caption ?? 'Figures'}">
    <table class="figures">
      ${
        caption
          ? html`<caption>
              ${caption}
            </caption>`
          : null
      }
      <thead>
        <tr>
          ${columns.map(({ head }, i) => html`<th scope="col" class="${alignOf(i)}">${head}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          ({ cells, className }) =>
            html`<tr class="${className ?? ''}">
              ${cells.map((cell, i) => html`<td class="${alignOf(i)}">${cell}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`
}
