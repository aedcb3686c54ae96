// The still picture of a chart: drawn by ECharts when the report is written, so that it can be read without
// a script, and printed. Its colours are CSS variables; a page with a Content-Security-Policy takes no
// style attributes, so what ECharts puts there becomes attributes of their own.

import { LineChart, ScatterChart } from 'echarts/charts'
import { GridComponent, MarkLineComponent } from 'echarts/components'
import { init, use } from 'echarts/core'
import { SVGRenderer } from 'echarts/renderers'
import { formatAmount } from '../numbers.ts'
import type { Chart } from './chart-option.ts'
import { chartHeight, chartOption } from './chart-option.ts'
import type { Markup } from './markup.ts'
import { html, trusted } from './markup.ts'

use([LineChart, ScatterChart, GridComponent, MarkLineComponent, SVGRenderer])

/** As wide as the column of text, so that letters have the size they were given. */
const WIDTH = 736

const FONT = 'system-ui, sans-serif'

/** `id` is one on its page; `label` says what it shows to those who do not see it. */
export function stillPicture(id: string, chart: Chart, label: string): Markup {
  const height = chartHeight(chart)
  const instance = init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height })
  try {
    const drawing = {
      width: WIDTH,
      colourOf: (variable: string) => `var(${variable})`,
      formatAmount,
      font: FONT,
    }
    instance.setOption(chartOption(chart, drawing))
    const inner = tidy(instance.renderToSVGString(), id)
    return html`<svg
      class="still"
      role="img"
      aria-label="${label}"
      viewBox="0 0 ${WIDTH} ${height}"
      width="${WIDTH}"
      height="${height}"
      font-family="system-ui, sans-serif"
    >
      ${trusted(inner)}
    </svg>`
  } finally {
    instance.dispose()
  }
}

/** What is inside of the drawing, without what only a live one needs. */
function tidy(svg: string, prefix: string): string {
  return svg
    .replace(/^<svg[^>]*>/, '')
    .replace(/<\/svg>\s*$/, '')
    .replaceAll(/<style\s*>[\s\S]*?<\/style>/g, '')
    .replaceAll(/<rect [^>]*fill="(?:none|transparent)"[^>]*><\/rect>/g, '')
    .replaceAll(/ (?:ecmeta_\w+|class|pointer-events|xml:space)="[^"]*"/g, '')
    .replaceAll(/ style="([^"]*)"/g, (_, style: string) => attributesOf(style))
    .replaceAll(CIRCLE, '<circle r="$1" cx="$2" cy="$3"$4/>')
    .replaceAll(/zr\d+-/g, `${prefix}-`)
    .replaceAll(/(\d\.\d\d)\d+/g, '$1')
    .replaceAll(/>\s+</g, '><')
}

/** A circle as ECharts draws it: most of what there is of them are repeats, and they are many. */
const CIRCLE =
  /<path d="M1 0A1 1 0 1 1 1 -0\.1A1 1 0 0 1 1 0" transform="matrix\(([\d.]+),0,0,[\d.]+,([\d.]+),([\d.]+)\)"([^>]*)><\/path>/g

/** `font-size:12px;font-family:…` as attributes; the whole drawing has one family. */
function attributesOf(style: string): string {
  const kept = style.split(';').flatMap((declaration) => {
    const [name = '', value = ''] = declaration.split(':')
    return ['font-size', 'font-weight', 'font-style'].includes(name) ? [` ${name}="${value}"`] : []
  })
  return kept.join('')
}
