// The scanner that the architecture test relies on sees what is there, and nothing else.

import { describe, expect, test } from 'vitest'
import { methodsOf, referencesOf, tokensOf } from './tokens.ts'

describe('references', () => {
  test.each([
    ["import a from 'a'", ['a']],
    ["import 'side-effect'", ['side-effect']],
    ['import {\n  a,\n  type B, // from \'comment\'\n} from "many-lines"', ['many-lines']],
    ["import * as all from 'all'", ['all']],
    ["import a, { b } from 'both'", ['both']],
    ["export * from 'everything'", ['everything']],
    ["export * as name from 'named'", ['named']],
    ["export {\n  a as b,\n} from 'some'", ['some']],
    ["export type { A } from 'types'", ['types']],
    ["const a = await import('dynamic')", ['dynamic']],
    ['const a = await import(`plain`)', ['plain']],
    ['const a = await import(`./${computed}.js`)', [null]],
    ['const a = await import(name)', [null]],
    ["let a: typeof import('type-query')", ['type-query']],
    ["new Worker(new URL('./worker.js', import.meta.url))", ['./worker.js']],
    ['new URL(import.meta.url)', []],
    ["new URL('http://x', base)", []],
    ['export const from = 1; export { from }; const a = "not from me"', []],
    ["export function f() { return from('no') }", []],
    ["// import a from 'comment'\n/* export * from 'comment' */", []],
    ['const a = "import b from \'string\'"', []],
    ["const a = `import b from 'template' ${`import('nested')`}`", []],
    ["const a = `${await import('inside')}`", ['inside']],
    ["const a = /import b from 'regexp'/.test(c) / 2; import('after')", ['after']],
    ["const a = /[/'\"`]/; import b from 'after a class'", ['after a class']],
    ['loader.import("method")', []],
  ])('%s', (source, expected) => {
    expect(targetsOf(source)).toEqual(expected)
  })

  test.each([
    ["import type { A } from 'a'", true],
    ["import type A from 'a'", true],
    ["export type * from 'a'", true],
    ["import type from 'a'", false],
    ["import { type A } from 'a'", false],
  ])('%s: only types: %s', (source, isType) => {
    expect(referencesOf(source)[0]?.isType).toBe(isType)
  })

  test('know their line', () => {
    expect(referencesOf("/* \n\n */ import 'a'\nimport 'b'").map(({ line }) => line)).toEqual([
      3, 4,
    ])
  })
})

test('methods of all classes, in their order, without what looks like them', () => {
  const source = `
    const outside = () => call()
    class One<T> extends Base {
      readonly made = new Thing()
      readonly timer = start(1)
      #empty: () => void = () => {}
      constructor(a: string) { super(); this.inner() }
      async #two({ a }: { a: string }): Promise<void> { if (a) { function nested() {} } }
      get three(): number { return this.#two() }
    }
    function between() {}
    class Two { private four(): void {} static five() {} }`
  expect(methodsOf(source)).toEqual(['constructor', 'two', 'three', 'four', 'five'])
})

test('strings with escapes, and templates within templates', () => {
  expect(tokensOf("'a\\'b' `c${`d${e}f`}g` h").map(({ text }) => text)).toEqual([
    "a\\'b",
    'e',
    '`',
    '`',
    'h',
  ])
})

function targetsOf(source: string): (string | null)[] {
  return referencesOf(source).map(({ target }) => target)
}
