// What stands behind the figures: verdicts and warnings, method, environment, and the data themselves.

import { gzipSync } from 'node:zlib'
import { CATALOG } from '../../../servers/catalog.ts'
import { partsOfLabel } from '../../models.ts'
import { pointName } from '../../points.ts'
import { resultsToJson } from '../../results.ts'
import type { Point, Results } from '../../schema.ts'
import { splitAbsent } from '../absences.ts'
import { equivalenceLine, legendOf, warningLine } from '../context.ts'
import { formatCount, formatDuration, UNKNOWN } from '../numbers.ts'
import { counted } from '../text.ts'
import { plainTable } from './figure.ts'
import type { Look } from './looks.ts'
import { modelName } from './looks.ts'
import type { Markup } from './markup.ts'
import { html, trusted } from './markup.ts'
import type { Section } from './workload.ts'

export function verdictSection({ points, warnings }: Results): Section {
  const counts = countsOf(points)
  const faulty = points.filter(({ faults }) => faults.length > 0)
  const { sentences } = splitAbsent(points)
  return {
    id: 'verdicts',
    title: 'Verdicts and warnings',
    body: html`<p>${counts} Figures of invalid points are in the data, but nowhere on this page.</p>
      ${
        faulty.length > 0
          ? html`<h3>Invalid</h3>
              <ul>
                ${faulty.map((point) => html`<li>${pointName(point)}: ${point.faults.map(({ text }) => text).join('; ')}.</li>`)}
              </ul>`
          : null
      }
      ${
        sentences.length > 0
          ? html`<h3>Not run, by design</h3>
              <ul>
                ${sentences.map((text) => html`<li>${text}</li>`)}
              </ul>`
          : null
      }
      ${warnings.length > 0 ? html`<h3>Warnings</h3>` : null}
      ${warnings.map(
        (warning) =>
          html`<div class="warning">
            <p>${warning.cause}</p>
            <p class="soft">${warning.tryThis}</p>
            ${
              warning.points.length > 0
                ? html`<details>
                    <summary>${counted(warning.points.length, 'point')}</summary>
                    ${warningLine(warning)}
                  </details>`
                : null
            }
          </div>`,
      )}`,
  }
}

/** `20 of 24 points are valid, 2 lower bounds, 1 invalid and 1 was not run.` */
function countsOf(points: readonly Point[]): string {
  const count = (...statuses: readonly Point['status'][]) =>
    points.filter(({ status }) => statuses.includes(status)).length
  const parts = [
    `${count('valid')} of ${counted(points.length, 'point')} valid`,
    ...(count('lower-bound') > 0
      ? [`${count('lower-bound')} a lower bound, because the load generator was the limit`]
      : []),
    `${count('invalid')} invalid`,
    `${count('cannot', 'interrupted')} not run`,
  ]
  return `${parts.join('; ')}.`
}

export function methodSection(results: Results): Section {
  const { config, equivalence } = results
  const rows = config.workloads.map(({ name, clients, warmupMs, durationMs }) => ({
    cells: [
      name,
      clients.map(formatCount).join(', '),
      formatDuration(warmupMs),
      formatDuration(durationMs),
    ],
  }))
  return {
    id: 'method',
    title: 'Method',
    body: html`<p>
        Every combination of model, workload and size was run ${counted(config.repeats, 'time')},
        each time with a server process of its own, in a random order in which models take turns
        (seed ${config.seed}). Every request and every delivery is accounted for: where anything was
        lost, doubled, out of order or changed, or a connection failed, the point is invalid,
        however fast it was.
      </p>
      <p>${equivalenceLine(equivalence)}</p>
      ${plainTable({
        columns: [
          { head: 'workload', align: 'left' },
          { head: 'clients', align: 'right' },
          { head: 'warm-up', align: 'right' },
          { head: 'measured', align: 'right' },
        ],
        rows,
      })}
      <ul>
        ${legendOf(results).map((line) => html`<li>${line}</li>`)}
      </ul>`,
  }
}

export function environmentSection(results: Results): Section {
  const { environment: e, config } = results
  const facts: readonly (readonly [string, string | number | null])[] = [
    ['processor', `${e.cpu}, ${counted(e.cores, 'core')}`],
    ['memory', `${formatCount(e.memoryMib)} MiB`],
    ['system', `${e.kernel}, ${e.architecture}`],
    ['Node', `${e.node} (V8 ${e.v8}, libuv ${e.libuv})`],
    ['NODE_OPTIONS', e.nodeOptions],
    [
      'hubbub',
      `${e.hubbub}${e.commit ? `, commit ${e.commit.id.slice(0, 12)}${e.commit.dirty ? ', changed since' : ''}` : ''}`,
    ],
    ['load before', e.loadAverageBefore?.toFixed(2) ?? null],
    ['open files at most', e.openFilesMax === null ? null : formatCount(e.openFilesMax)],
    ['scheduler groups', e.schedulerGroups],
    ['began', results.startedAt],
    ['ended', results.endedAt],
    ['preset', config.preset],
    ['load generator', counted(config.threads, 'thread')],
  ]
  return {
    id: 'environment',
    title: 'Environment',
    body: html`<dl class="facts">
        ${facts.map(
          ([name, value]) =>
            html`<dt>${name}</dt>
              <dd>${value ?? UNKNOWN}</dd>`,
        )}
      </dl>
      <details>
        <summary>The whole configuration</summary>
        <pre>${JSON.stringify(config, null, 1)}</pre>
      </details>`,
  }
}

/** What the models of this run are, in the words of the catalog. */
export function modelsSection({ config }: Results, looks: readonly Look[]): Section {
  const known = config.models.flatMap((label) => {
    const info = CATALOG.find(({ name }) => name === partsOfLabel(label).name)
    return info ? [{ label, info }] : []
  })
  return {
    id: 'models',
    title: 'The models',
    body: html`<dl class="because">
      ${known.map(
        ({ label, info }) =>
          html`<dt>${modelName(label, looks)}</dt>
            <dd>
              <p>${info.summary}</p>
              <p class="soft">For: ${info.useFor}. Not for: ${info.notFor}.</p>
            </dd> `,
      )}
    </dl>`,
  }
}

/**
 * A link to the data, which are in the link itself: compressed, and so without any mark-up. Where there is
 * no room for so many bytes, it leads to the file beside the page.
 */
export function dataSection(results: Results, room: number): Section {
  const name = `${results.startedAt.replaceAll(':', '-').replace(/\..*/, 'Z')}.json`
  const packed = gzipSync(resultsToJson(results), { level: 9 }).toString('base64')
  const link: Markup =
    packed.length > room
      ? html`<p>
          The data of this run are too large to be carried in this page. They are in the file
          <a href="${name}">${name}</a> beside it.
        </p>`
      : html`<p>
          <a id="data" download="${name}.gz" href="data:application/gzip;base64,${trusted(packed)}"
            >${name}.gz</a
          >: every repeat with its ledger, resources and histogram, compressed with gzip
          (${formatCount(packed.length / 1024)} KiB). <code>hubbub schema</code> prints the JSON
          Schema; <code>hubbub report ${name}</code> makes this page, tables and other formats of
          it.
        </p>`
  return { id: 'data-section', title: 'Data', body: link }
}

/** Where and when, in a line. */
export function headLine({ startedAt, environment: e }: Results): string {
  return `${startedAt.slice(0, 10)} · ${e.cpu}, ${counted(e.cores, 'core')} · Node ${e.node} · hubbub ${e.hubbub}`
}
