// The witness: two generators, the same servers. The real autocannon against real servers, and against one
// that goes wrong.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { REAL_SURROUNDINGS } from '../../bench/bench.ts'
import { UsageError } from '../../bench/errors.ts'
import { testify } from '../../bench/testimony.ts'
import type { Testimony, WitnessRow } from '../../bench/testimony.ts'
import { runWitness } from '../../bench/witness.ts'
import type { WitnessOptions } from '../../bench/witness.ts'
import { witnessReport } from '../../bench/reporters/witness.ts'

const PATIENCE = { timeout: 60_000 }
const folder = mkdtempSync(join(tmpdir(), 'hubbub-witness-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const BRIEF = { clients: 3, durationMs: 300, repeats: 1 } as const
const SURROUNDINGS = { ...REAL_SURROUNDINGS, lockPath: join(folder, 'lock') }

async function witness(options: Partial<WitnessOptions>, surroundings = SURROUNDINGS) {
  let out = ''
  const io = {
    out: (text: string) => void (out += text),
    err: { write: () => {} },
    signal: new AbortController().signal,
    colour: false,
  }
  const code = await runWitness({ ...BRIEF, ...options }, io, surroundings)
  return { code, out }
}

function row(model: string, ours: number | null, theirs: number | null): WitnessRow {
  const faults = ours === null || theirs === null ? ['autocannon: 3 errors'] : []
  return {
    model,
    connections: model === 'sequential' ? 1 : 3,
    seen: {
      hubbub: { answersPerS: ours, rank: null },
      autocannon: { answersPerS: theirs, rank: null },
    },
    faults,
  }
}

describe('what two generators have seen', () => {
  const rows = [row('a', 10, 30), row('b', 30, 20), row('c', null, 90), row('d', 20, 10)]

  test('is ranked by each, without those that lack a figure, and correlated', () => {
    const { rows: ranked, rankCorrelation } = testify(rows, BRIEF)
    expect(
      ranked.map(({ model, seen }) => [model, seen.hubbub.rank, seen.autocannon.rank]),
    ).toEqual([
      ['b', 1, 2],
      ['d', 2, 3],
      ['a', 3, 1],
      ['c', null, null],
    ])
    // Spearman: 1 - 6 × (1² + 1² + 2²) / (3 × 8).
    expect(rankCorrelation).toBeCloseTo(-0.5)
  })

  test.each([
    ['the same order', [row('a', 1, 5), row('b', 2, 6), row('c', 3, 70)], 1],
    ['the opposite one', [row('a', 1, 70), row('b', 2, 6), row('c', 3, 5)], -1],
  ])('%s', (_what, all, correlation) => {
    expect(testify(all, BRIEF).rankCorrelation).toBeCloseTo(correlation)
  })

  test('of a single model is nothing to compare', () => {
    expect(testify([row('a', 1, 2)], BRIEF).rankCorrelation).toBeNull()
  })

  test('is printed side by side, with notes', () => {
    const testimony = testify([...rows, row('sequential', 5, 6)], BRIEF)
    const text = witnessReport(testimony, { colour: false, columns: 100 })
    expect(text).toMatch(/model +hubbub +rank +autocannon +rank\n/)
    expect(text).toMatch(/^b +30\.0 +1 +20\.0 +2$/m)
    expect(text).toMatch(/^c +– +– +90\.0 +–$/m)
    expect(text).toContain('sequential talks to 1 at a time, so it was given 1 of 3 connections.')
    expect(text).toContain('c: autocannon: 3 errors.')
    expect(text).toMatch(/rank correlation .* over 4 models: -?\d\.\d\d/)
  })
})

describe('the witness', PATIENCE, () => {
  test('drives real servers with both', async () => {
    const { code, out } = await witness({ models: ['sequential', 'async'], json: true })
    const { rows, rankCorrelation } = JSON.parse(out) as Testimony
    expect(rows.flatMap(({ faults }) => faults)).toEqual([])
    expect(code).toBe(0)
    expect(rows.map(({ model }) => model).toSorted()).toEqual(['async', 'sequential'])
    for (const { model, seen, connections } of rows) {
      expect(connections).toBe(model === 'sequential' ? 1 : 3)
      expect(seen.hubbub.answersPerS).toBeGreaterThan(0)
      expect(seen.autocannon.answersPerS).toBeGreaterThan(0)
    }
    expect(Math.abs(rankCorrelation!)).toBeCloseTo(1)
  })

  test('says what went wrong, and ends with 1', async () => {
    const program = join(folder, 'wrong.mjs')
    writeFileSync(program, WRONG_SERVER)
    const { code, out } = await witness(
      { models: ['async'] },
      { ...SURROUNDINGS, serverCommand: () => [process.execPath, program] },
    )
    expect(code).toBe(1)
    expect(out).toMatch(/async: hubbub: wrong answers: \d+ corrupt/)
    expect(out).toMatch(/async: autocannon: \d+ other statuses/)
    expect(out).toContain('the least to compare')
  })

  test.each([
    [{ models: ['asink'] }, 'There is no model "asink"; did you mean async?'],
    [{ models: ['udp'] }, 'udp answers datagrams, and HTTP needs connections.'],
    [{ durationMs: 10 }, '--duration must be from'],
    [{ clients: 0 }, '--clients must be'],
  ])('refuses %o', async (options, words) => {
    await expect(witness(options)).rejects.toThrow(UsageError)
    await expect(witness(options)).rejects.toThrow(words)
  })
})

/** Every hundredth page is an error. */
const WRONG_SERVER = `
import { createServer } from 'node:http'
let count = 0
const server = createServer((request, response) => {
  response.statusCode = ++count % 100 === 0 ? 500 : 200
  response.end('page')
})
process.on('SIGTERM', () => process.exit(0))
server.listen(0, '127.0.0.1', () => {
  const listen = '127.0.0.1:' + server.address().port
  console.log(JSON.stringify({ model: 'async', pid: process.pid, listen }))
})
`
