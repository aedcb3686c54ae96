// How a model looks, the same on the whole page: one colour and one marker, by its place in the catalog, so
// that two reports can be laid side by side. Nobody has to tell models by colour alone: markers differ, and
// so do names beside them.

import { CATALOG } from '../../../servers/catalog.ts'
import { partsOfLabel } from '../../models.ts'
import type { Markup } from './markup.ts'
import { html } from './markup.ts'

export interface Look {
  /** Its name, with its options: `process:spares=8`. */
  readonly model: string
  /** A CSS variable of style.ts, which has a light and a dark value. */
  readonly colour: string
  /** Path data in a box of 20 by 20. */
  readonly marker: string
  /** A model that is compared with itself under other options keeps its colour and marker. */
  readonly dash: 'solid' | 'dashed' | 'dotted'
}

interface Colours {
  readonly light: string
  readonly dark: string
}

/** In the order of the catalog. Each can be told from each other one by those who are colour-blind too. */
const COLOURS: readonly Colours[] = [
  { light: '#474e56', dark: '#96c1bc' },
  { light: '#a32c14', dark: '#f26841' },
  { light: '#ce7e00', dark: '#ff9a31' },
  { light: '#3c19cc', dark: '#8793ff' },
  { light: '#0095d7', dark: '#00d9ff' },
  { light: '#2e6f66', dark: '#43c281' },
  { light: '#7c49aa', dark: '#b356dc' },
  { light: '#da3f94', dark: '#ffaaee' },
  { light: '#927c56', dark: '#dadc00' },
]

const MARKERS: readonly string[] = [
  'M2 8H18V12H2Z', // a bar
  'M3 3H17V17H3Z', // a square
  'M10 1.5L19 17.5H1Z', // a triangle
  // A circle of two arcs: one from a point to itself, as ECharts rounds it, is nothing.
  'M10 1.5A8.5 8.5 0 1 1 10 18.5A8.5 8.5 0 1 1 10 1.5Z',
  'M10 0L20 10L10 20L0 10Z', // a diamond
  'M10 0L12.4 7.2H20L13.9 11.7L16.2 19L10 14.5L3.8 19L6.1 11.7L0 7.2H7.6Z', // a star
  'M1 2.5H19L10 18.5Z', // a triangle upside down
  'M7 1H13V7H19V13H13V19H7V13H1V7H7Z', // a cross
  'M4.5 1L10 6.5L15.5 1L19 4.5L13.5 10L19 15.5L15.5 19L10 13.5L4.5 19L1 15.5L6.5 10L1 4.5Z', // the same, turned
]

const DASHES = ['solid', 'dashed', 'dotted'] as const

/** The looks of the models of a run, in the order of the catalog. */
export function looksOf(models: readonly string[]): Look[] {
  const order = CATALOG.map(({ name }) => name)
  const placeOf = (model: string) => {
    const place = order.indexOf(partsOfLabel(model).name)
    return place < 0 ? order.length : place
  }
  const sorted = models.toSorted((a, b) => placeOf(a) - placeOf(b))
  return sorted.map((model, i) => {
    const place = placeOf(model)
    const namesakes = sorted.slice(0, i).filter((other) => placeOf(other) === place).length
    return {
      model,
      colour: `--model-${place % COLOURS.length}`,
      marker: MARKERS[place % MARKERS.length] ?? '',
      dash: DASHES[namesakes % DASHES.length] ?? 'solid',
    }
  })
}

/** The variables that the looks name, for one theme. */
export function colourVariables(theme: keyof Colours): string {
  return COLOURS.map((colours, i) => `--model-${i}:${colours[theme]};`).join('')
}

/** The marker, as it stands beside the model's name in running text: a copy of the one in `markerSymbols`. */
function markerOf(look: Look): Markup {
  return html`<svg class="marker" aria-hidden="true"><use href="#${markerId(look)}" /></svg>`
}

function markerId({ colour, dash }: Look): string {
  return `marker${colour.replace('--model', '')}-${dash}`
}

/** The markers, once on the page: names stand in it hundreds of times. */
export function markerSymbols(looks: readonly Look[]): Markup {
  const symbols = looks.map((look) => {
    const { colour, marker, dash } = look
    const fill = dash === 'solid' ? `var(${colour})` : 'none'
    return html`<symbol id="${markerId(look)}" viewBox="-1 -1 22 22">
      <path d="${marker}" fill="${fill}" stroke="var(${colour})" stroke-width="2" />
    </symbol>`
  })
  return html`<svg class="symbols" width="0" height="0" aria-hidden="true">${symbols}</svg>`
}

/** The marker and the name. */
export function modelName(model: string, looks: readonly Look[]): Markup {
  const look = looks.find((candidate) => candidate.model === model)
  return html`<span class="model">${look ? markerOf(look) : null}${model}</span>`
}
