// HTML in which nothing becomes mark-up by accident: whatever is put into the template is text, unless it
// was made by the template itself. Words of servers, of machines and of whoever typed the command get into
// a report.

/** A piece of HTML. Only this file makes one of a string. */
export class Markup {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Nothing is shown of null. */
export type Content = string | number | Markup | null | readonly Content[]

/** The template: html`<p title="${word}">${word}</p>`. Attributes stand in double quotes. */
export function html(pieces: TemplateStringsArray, ...contents: readonly Content[]): Markup {
  const rest = contents.map((content, i) => render(content) + tight(pieces[i + 1]))
  return new Markup(tight(pieces[0]) + rest.join(''))
}

/** The indentation of the source is of no use in the page: a line break remains, which is a space. */
function tight(piece = ''): string {
  return piece.replaceAll(/\s*\n\s*/g, '\n')
}

/** What was made safe by other means: drawings of ECharts, and what is ours from beginning to end. */
export function trusted(text: string): Markup {
  return new Markup(text)
}

/** Data for a script: as JSON, in which no tag can end the element that it stands in. */
export function json(value: unknown): Markup {
  return new Markup(JSON.stringify(value).replaceAll('<', '\\u003c'))
}

function render(content: Content): string {
  if (content === null) return ''
  if (content instanceof Markup) return content.text
  if (typeof content === 'object') return content.map(render).join('')
  return escape(String(content))
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? '')
}
