// The catalog of models, for a terminal and as JSON: which of them to use for what, the two questions that each
// of them answers, and what it cannot.

import type { ModelInfo } from '../../servers/catalog.ts'
import { formatCount } from './numbers.ts'
import type { Paint, TerminalOptions } from './text.ts'
import { painter, textColumns, wrap } from './text.ts'

const LABEL_COLUMNS = 20

export function renderCatalog(models: readonly ModelInfo[], options: TerminalOptions = {}): string {
  const paint = painter(options.colour)
  const columns = textColumns(options.columns)
  const texts = models.map((model) => renderModel(model, factsOf(model), paint, columns))
  return `${texts.join('\n\n')}\n`
}

/** One model, with all that the catalog knows of it. */
export function renderEntry(model: ModelInfo, options: TerminalOptions = {}): string {
  const facts = [...factsOf(model), ...furtherFactsOf(model)]
  return `${renderModel(model, facts, painter(options.colour), textColumns(options.columns))}\n`
}

/** JSON knows no Infinity, and null would say that it is not known. */
export function catalogToJson(models: readonly ModelInfo[]): string {
  const json = JSON.stringify(models, (_, value) => (value === Infinity ? 'all' : value), 2)
  return `${json}\n`
}

type Fact = readonly [label: string, text: string]

function factsOf(model: ModelInfo): Fact[] {
  const reasons = new Set(model.cannot.map(({ why }) => why))
  return [
    ['use it for', model.useFor],
    ['not for', model.notFor],
    ['conversations run', model.conversationsRun],
    ['they reach the hub', `by ${model.reachHubBy}`],
    ['known from', model.ancestor],
    ['clients at most', bound(model)],
    ...(model.platforms ? [['runs on', model.platforms.join(', ')] as const] : []),
    ...[...reasons].map((why, i) => [i === 0 ? 'by design' : '', why] as const),
  ]
}

function furtherFactsOf(model: ModelInfo): Fact[] {
  const { name, takes, transports = ['tcp', 'unix'] } = model
  const { descriptorsPerClient, descriptorsFixed } = model
  const fixed = descriptorsFixed === undefined ? '' : `, and ${descriptorsFixed} by itself`
  return [
    ['serves over', transports.join(', ')],
    ['open files', `${descriptorsPerClient} for each client${fixed}`],
    ...(takes
      ? [['options of its own', takes.map((option) => `--${option}`).join(', ')] as const]
      : []),
    ['why, and the source', `servers/${name}.ts`],
  ]
}

/** How many clients it serves at a time, and what can be done about it. */
function bound({ clientsAtOnce, clientsMax }: ModelInfo): string {
  if (clientsMax === Infinity) return 'any number'
  if (clientsAtOnce <= clientsMax) return `${clientsAtOnce}; the others wait`
  return `${formatCount(clientsMax)}, unless --max-clients says otherwise`
}

function renderModel(
  model: ModelInfo,
  facts: readonly Fact[],
  paint: Paint,
  columns: number,
): string {
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
