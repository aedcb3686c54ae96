// What PROTOCOL.md shows of the tables in protocol/ is what they say: the diagram, the table of
// registration, the numerics and the limits. When one of these tests fails, its message has the text
// that belongs into the document.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import * as limits from '../../protocol/limits.ts'
import { NUMERICS } from '../../protocol/numerics.ts'
import { registrationDiagram, registrationTable } from '../../protocol/registration.ts'

const document = readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8')

/** What stands between `<!-- name -->` and the next `<!-- end -->`. */
function shown(name: string): string {
  const [, text] = new RegExp(`<!-- ${name} -->\n(.*?)\n<!-- end -->`, 's').exec(document) ?? []
  if (text === undefined) throw new Error(`PROTOCOL.md has no part <!-- ${name} -->`)
  return text.trim()
}

/** A Markdown table without the padding that the formatter adds. */
function unpadded(table: string): string {
  return table.replace(/ +/g, ' ').replace(/-{3,}/g, '---')
}

function numericsTable(): string {
  const rows = Object.entries(NUMERICS)
    .map(([name, [code, shape]]) => `| ${code} | ${name} | \`${shape}\` |`)
    .toSorted()
  return ['| number | name | text |', '| --- | --- | --- |', ...rows].join('\n')
}

describe('PROTOCOL.md', () => {
  test('has the registration diagram', () => {
    expect(shown('the registration diagram')).toBe(
      `\`\`\`mermaid\n${registrationDiagram()}\n\`\`\``,
    )
  })

  test('has the registration table', () => {
    expect(unpadded(shown('the registration table'))).toBe(registrationTable())
  })

  test('has the numerics', () => {
    expect(unpadded(shown('the numerics table'))).toBe(numericsTable())
  })

  const constants = Object.entries(limits).filter(([, value]) => typeof value === 'number')
  const defaults = Object.entries(limits.DEFAULT_PROTOCOL_LIMITS)

  test.each([...constants, ...defaults])('has the limit %s = %s', (name, value) => {
    expect(unpadded(document)).toContain(`| \`${name}\` | ${String(value)} |`)
  })
})
