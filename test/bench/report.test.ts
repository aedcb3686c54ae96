// `hubbub report`: what goes to standard output, what goes to which file, and that nothing that is there is
// ever replaced.

import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Failure, UsageError } from '../../bench/errors.ts'
import type { ReportOptions } from '../../bench/report.ts'
import { report } from '../../bench/report.ts'
import { csvReport } from '../../bench/reporters/csv.ts'
import { FORMAT_NAMES, FORMATS } from '../../bench/reporters/formats.ts'
import { terminalReport } from '../../bench/reporters/terminal.ts'
import { resultsToJson, writeResults } from '../../bench/results.ts'
import { measured, planned, results, sampleResults } from './sample.ts'

const SAMPLE = sampleResults()
const RUN = '2026-01-31T12-34-56Z'
const POINT = 'session-async-16-clients'

let folder = ''
let file = ''
beforeAll(() => {
  folder = fs.mkdtempSync(join(tmpdir(), 'hubbub-report-'))
  file = join(folder, `${RUN}.json`)
  writeResults(file, SAMPLE)
})
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

let out = ''
let err = ''
beforeEach(() => (out = err = ''))

function ask(options: ReportOptions, path = file): Promise<number> {
  const io = {
    out: (text: string) => (out += text),
    err: { write: (text: string) => (err += text) },
    colour: true,
    columns: 60,
  }
  return report(path, options, io)
}

const texts = FORMAT_NAMES.filter((name) => name !== 'hgrm')

describe('without --out', () => {
  test.each(texts)('%s goes to standard output', async (format) => {
    expect(await ask({ format })).toBe(0)
    const render = await FORMATS[format].load()
    expect(out).toBe(render(SAMPLE, { colour: true, columns: 60 }))
    expect(err).toBe(FORMATS[format].holds.includes('invalid') ? '' : NOT_IN_A_HISTORY)
  })

  test('of hgrm goes what tables show of one point, however its name is written', async () => {
    await ask({ format: 'hgrm', point: POINT })
    expect(out).toMatch(/^# session · async · 16 clients: service time in microseconds\n/)
    const first = out
    out = ''
    await ask({ format: 'hgrm', point: 'session · async · 16 clients' })
    expect(out).toBe(first)
  })

  test('of hgrm no other goes: what to do is said, and a point that can be named', async () => {
    const asking = ask({ format: 'hgrm' })
    await expect(asking).rejects.toThrow(UsageError)
    await expect(asking).rejects.toThrow(
      'name one with --point, such as ping-sequential-16-clients, or a folder for all of them with --out.',
    )
    expect(out).toBe('')
  })
})

const NOT_IN_A_HISTORY =
  'Not in it: 1 lower bound, 1 invalid point and 1 point that cannot be run.\n'

describe('with --out', () => {
  test('a file is made, as wide as it likes and without colours', async () => {
    const path = join(folder, 'tables.txt')
    await ask({ format: 'terminal', out: path })
    expect(fs.readFileSync(path, 'utf8')).toBe(terminalReport(SAMPLE, { colour: false }))
    expect([out, err]).toEqual(['', `Written: ${path}\n`])
  })

  test.each(texts.filter((name) => name !== 'json'))(
    'a folder gets %s under the name of the run',
    async (format) => {
      await ask({ format, out: folder })
      expect(err).toContain(`Written: ${join(folder, `${RUN}.${FORMATS[format].extension}`)}\n`)
    },
  )

  test('the same bytes as without', async () => {
    await ask({ format: 'csv' })
    expect(fs.readFileSync(join(folder, `${RUN}.csv`), 'utf8')).toBe(out)
    expect(out).toBe(csvReport(SAMPLE))
  })

  test('nothing that is there is replaced, not even the results by themselves', async () => {
    const precious = join(folder, 'precious')
    fs.writeFileSync(precious, 'work of years')
    for (const options of [
      { format: 'csv', out: precious },
      { format: 'json', out: folder },
    ] as const) {
      const asking = ask(options)
      await expect(asking).rejects.toThrow(Failure)
      await expect(asking).rejects.toThrow(/exists already; it was not touched/)
    }
    expect(fs.readFileSync(precious, 'utf8')).toBe('work of years')
    expect(fs.readFileSync(file, 'utf8')).toBe(resultsToJson(SAMPLE))
  })

  test('all of hgrm goes to a folder, which is made; and not twice', async () => {
    const plots = join(folder, 'some', 'plots')
    await ask({ format: 'hgrm', out: plots })
    const names = fs.readdirSync(plots)
    expect(names).toContain(`${RUN}-${POINT}-service-time.hgrm`)
    expect(names).toContain(`${RUN}-${POINT}-first-answer-time.hgrm`)
    expect(err).toBe(
      `Written: ${names.length} files, ${join(plots, RUN)}-*.hgrm\n` +
        'Not in it: 1 invalid point and 1 point that cannot be run.\n',
    )
    fs.rmSync(join(plots, names[0]!))
    const again = ask({ format: 'hgrm', out: plots })
    await expect(again).rejects.toThrow('are there already; nothing was changed')
    expect(fs.readdirSync(plots)).toEqual(names.slice(1))
  })

  test('of one point what tables show goes to a file, and all to a folder', async () => {
    const path = join(folder, 'one.hgrm')
    await ask({ format: 'hgrm', point: POINT, out: path })
    expect(fs.readFileSync(path, 'utf8')).toContain(': service time in microseconds\n')
    const plots = join(folder, 'of-one')
    await ask({ format: 'hgrm', point: POINT, out: `${plots}/` })
    expect(fs.readdirSync(plots)).toEqual([
      `${RUN}-${POINT}-first-answer-time.hgrm`,
      `${RUN}-${POINT}-service-time.hgrm`,
    ])
  })
})

describe('a slip is named', () => {
  test.each<[string, ReportOptions, string]>([
    ['a point', { format: 'hgrm', point: 'ping-asynk-16-clients' }, 'did you mean ping-async-16'],
    [
      'a point for all',
      { format: 'csv', point: POINT },
      '--point is for --format hgrm; csv is one',
    ],
    ['no name', { format: 'csv', out: '' }, '--out needs the name of a file or a folder'],
  ])('%s', async (_, options, words) => {
    const asking = ask(options)
    await expect(asking).rejects.toThrow(UsageError)
    await expect(asking).rejects.toThrow(words)
  })

  test('a run without a single time has no distributions', async () => {
    const path = join(folder, 'nothing.json')
    writeResults(path, results([measured(planned('sequential', 'room', 1, 'cannot'))]))
    await expect(ask({ format: 'hgrm' }, path)).rejects.toThrow(
      'no point of this run has figures for hgrm.',
    )
  })
})
