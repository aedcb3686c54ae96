// The report as a page: one file that opens from a disk, without a network, and that can be read without a
// script and on paper. First the answer, in words and in one picture; then what it rests on.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { gzipSync } from 'node:zlib'
import type { Results } from '../../schema.ts'
import { costTables } from '../connection-costs.ts'
import { interruptionLine } from '../context.ts'
import { scalingTables } from '../scaling.ts'
import {
  environmentSection,
  dataSection,
  headLine,
  methodSection,
  modelsSection,
  verdictSection,
} from './about.ts'
import { firstScreen } from './answer.ts'
import { looksOf, markerSymbols } from './looks.ts'
import type { Markup } from './markup.ts'
import { html, trusted } from './markup.ts'
import { regimePart } from './regime.ts'
import { pageScript } from './script.ts'
import { STYLE } from './style.ts'
import type { Detail, Section } from './workload.ts'
import { tablePart, workloadSections } from './workload.ts'

/** With more the page would be slow to open, and too large for many a mailbox. */
const BYTES_MAX = 1_500_000

export function htmlReport(results: Results): string {
  const whole = composed(results, 'all')
  const { bare, withData } = whole.bytes > BYTES_MAX ? composed(results, 'less') : whole
  return withData(BYTES_MAX - Buffer.byteLength(bare))
}

/** The page without the data, and the page with as much of them as there is room for. */
function composed(results: Results, detail: Detail) {
  const looks = looksOf(results.config.models)
  const first = firstScreen(results, looks)
  const tables = [...scalingTables(results), ...costTables(results)]
  const scalingSection: Section = {
    id: 'scaling',
    title: 'How it scales',
    body: html`${tables.map((table) => tablePart(table, looks))}`,
  }
  const sections: Section[] = [
    ...workloadSections(results, looks, detail),
    ...(tables.length > 0 ? [scalingSection] : []),
    { id: 'regime', title: 'Which model where', body: regimePart(results, looks) },
    modelsSection(results, looks),
    verdictSection(results),
    methodSection(results),
    environmentSection(results),
  ]
  const withData = (room: number) =>
    frame(results, first, [...sections, dataSection(results, room)])
  const bare = withData(0)
  return { bare, bytes: Buffer.byteLength(bare), withData }
}

function frame(results: Results, first: Markup, sections: readonly Section[]): string {
  const interruption = interruptionLine(results)
  const library = chartLibrary()
  const script = pageScript()
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta http-equiv="Content-Security-Policy" content="${policy(script, library)}" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>Which concurrency model? hubbub, ${results.startedAt.slice(0, 10)}</title>
        ${trusted(`<style>${STYLE}</style>`)}
      </head>
      <body>
        ${markerSymbols(looksOf(results.config.models))}
        <a class="skip" href="#main">To the report</a>
        <header>
          <p class="overline">${headLine(results)}</p>
          <h1>Which concurrency model for your server?</h1>
        </header>
        <main id="main">
          ${interruption ? html`<p class="care"><strong>${interruption}</strong></p>` : null}
          ${first}
          <nav aria-label="Sections">
            <ul>
              ${sections.map(({ id, title }) => html`<li><a href="#${id}">${title}</a></li>`)}
            </ul>
          </nav>
          ${sections.map(
            ({ id, title, body }) =>
              html`<section>
                <h2 id="${id}">${title}</h2>
                ${body}
              </section> `,
          )}
        </main>
        <footer>
          <p>
            Made by hubbub ${results.environment.hubbub}. Charts are drawn by Apache ECharts, which
            is in this file (Apache License 2.0).
          </p>
        </footer>
        <script type="text/plain" id="library">
          ${trusted(gzipSync(library, { level: 9 }).toString('base64'))}
        </script>
        ${trusted(`<script>${script}</script>`)}
      </body>
    </html> `
  return page.text
}

/** The smallest build of ECharts that has tooltips, as its package brings it. */
function chartLibrary(): string {
  const path = createRequire(import.meta.url).resolve('echarts/dist/echarts.common.min.js')
  return readFileSync(path, 'utf8')
}

/** Nothing may be fetched, and nothing runs but our script and the library that it unpacks. */
function policy(script: string, library: string): string {
  return [
    "default-src 'none'",
    `script-src ${hashOf(script)} ${hashOf(library)}`,
    `style-src ${hashOf(STYLE)}`,
    'img-src data: blob:',
    "base-uri 'none'",
    "form-action 'none'",
  ].join('; ')
}

function hashOf(text: string): string {
  return `'sha256-${createHash('sha256').update(text).digest('base64')}'`
}
