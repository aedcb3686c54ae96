// The catalog of models, for a terminal and as JSON: the two questions that each of them answers, and what
// it cannot.

import type { ModelInfo } from '../../servers/catalog.ts'
import type { Paint, TerminalOptions } from './text.ts'
import { painter, textColumns, wrap } from './text.ts'

const LABEL_COLUMNS = 20

export function renderCatalog(models: readonly ModelInfo[], options: TerminalOptions = {}): string {
  const paint = painter(options.colour)
  const columns = textColumns(options.columns)
  return models.map((model) => renderModel(model, paint, columns)).join('\n\n') + '\n'
}

/** JSON knows no Infinity, and null would say that it is not known. */
export function catalogToJson(models: readonly ModelInfo[]): string {
  const json = JSON.stringify(models, (_, value) => (value === Infinity ? 'all' : value), 2)
  return `${json}\n`
}

function renderModel(model: ModelInfo, paint: Paint, columns: number): string {
  const facts: (readonly [label: string, text: string])[] = [
    ['conversations run', model.conversationsRun],
    ['they reach the hub', `by ${model.reachHubBy}`],
    ['known from', model.ancestor],
    ['clients at most', model.clientsMax === Infinity ? 'any number' : `${model.clientsMax}`],
    ...(model.platforms ? [['runs on', model.platforms.join(', ')] as const] : []),
    ...[...new Set(model.cannot.map(({ why }) => why))].map(
      (why, i) => [i === 0 ? 'by design' : '', why] as const,
    ),
  ]
  // Wrapped with the name before it, which takes its place in the line.
  const [named = '', ...rest] = wrap(`${model.name}  ${model.summary}`, columns, '  ')
  const first = named.slice(model.name.length + 2)
  return [
    `${paint('bold', model.name)}  ${first}`,
    ...rest,
    ...facts.flatMap(([label, text]) => renderFact(label, text, paint, columns)),
  ].join('\n')
}

function renderFact(label: string, text: string, paint: Paint, columns: number): string[] {
  const indent = ' '.repeat(LABEL_COLUMNS + 2)
  const [first = '', ...rest] = wrap(text, columns - indent.length)
  return [
    `  ${paint('dim', label.padEnd(LABEL_COLUMNS))}${first}`,
    ...rest.map((line) => indent + line),
  ]
}
