import { describe, expect, test } from 'vitest'
import type { Answers } from '../../bench/equivalence.ts'
import { compareAnswers, replay, withoutDates } from '../../bench/equivalence.ts'
import { serveCommand } from '../../bench/package.ts'
import { DEFAULT_PATIENCE } from '../../bench/server.ts'
import { STREAM_MODELS } from '../../servers/catalog.ts'

function answers(model: string, oneClient: string | null, manyClients: string | null): Answers {
  return { model, oneClient, manyClients, failure: oneClient === null ? 'it did not start' : null }
}

describe('comparing answers', () => {
  test('the same bytes have the same hash, and no difference', () => {
    const [a, b] = compareAnswers([answers('a', 'one\n', 'many\n'), answers('b', 'one\n', null)])
    expect(a).toMatchObject({ same: true, difference: null })
    expect(b).toMatchObject({ same: true, manyClientsSha256: null })
    expect(a?.oneClientSha256).toBe(b?.oneClientSha256)
    expect(a?.oneClientSha256).toMatch(/^[0-9a-f]{64}$/)
  })

  test('what most have is right, and the first line that differs is named', () => {
    const compared = compareAnswers([
      answers('a', 'one\nTWO\n', null),
      answers('b', 'one\ntwo\n', null),
      answers('c', 'one\ntwo\n', null),
    ])
    expect(compared.map(({ same }) => same)).toEqual([false, true, true])
    expect(compared[0]?.difference).toContain(
      'line 2 of the script’s answers is "TWO" instead of "two"',
    )
  })

  test('of two that differ, the first is right', () => {
    const compared = compareAnswers([answers('a', 'x\ny', null), answers('b', 'x', null)])
    expect(compared.map(({ difference }) => difference)).toEqual([
      null,
      expect.stringContaining('line 2 of the script’s answers is missing instead of "y"'),
    ])
  })

  test('a part that a model cannot play is not compared', () => {
    const compared = compareAnswers([answers('a', 'x', null), answers('b', 'x', 'm')])
    expect(compared.every(({ same }) => same)).toBe(true)
  })

  test('without a transcript it is different', () => {
    const [a] = compareAnswers([answers('a', null, null), answers('b', 'x', 'y')])
    expect(a).toMatchObject({ same: false, difference: 'it did not start', oneClientSha256: null })
  })
})

test('dates are replaced, and nothing else', () => {
  const lines = [
    ':h 003 al :This server was created Sat, 31 Jan 2026 12:00:00 GMT',
    ':h 391 al h :Sat, 31 Jan 2026 12:00:00 GMT',
    ':h 317 al bo 5 1769860800 :seconds idle, signon time',
    ':h 329 al #room 1769860800',
    ':h 333 al #room bo!u@h 1769860800',
    ':bo!u@h PRIVMSG #room :333 at 1769860800',
    ':h 332 al #room :created 12:00',
  ]
  expect(withoutDates(lines.join('\n')).split('\n')).toEqual([
    ':h 003 al :This server was created <date>',
    ':h 391 al h :<date>',
    ':h 317 al bo <seconds> <date> :seconds idle, signon time',
    ':h 329 al #room <date>',
    ':h 333 al #room bo!u@h <date>',
    ...lines.slice(5),
  ])
})

test('all models of the catalog give the same answers', { timeout: 120_000 }, async () => {
  const { signal } = new AbortController()
  const all: Answers[] = []
  for (const model of STREAM_MODELS) {
    all.push(await replay(serveCommand(), model, signal, DEFAULT_PATIENCE))
  }
  expect(compareAnswers(all).map(({ model, difference }) => [model, difference])).toEqual(
    STREAM_MODELS.map(({ name }) => [name, null]),
  )
  // The whole script was played: its last words are there.
  expect(all[0]?.oneClient).toContain('ERROR :Closing link: (Quit: done)')
  expect(all.at(-1)?.manyClients).toContain(' PRIVMSG #room :message 49 of 50')
  expect(all.at(-1)?.manyClients).toContain(' 433 ')
})
