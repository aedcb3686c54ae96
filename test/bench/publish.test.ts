// The end of a run: what is written, what is said, and that nothing that was measured is lost to a format.

import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Failure } from '../../bench/errors.ts'
import { publish } from '../../bench/publish.ts'
import { readResults } from '../../bench/results.ts'
import { sampleResults } from './sample.ts'

const SAMPLE = sampleResults()
const RUN = '2026-01-31T12-34-56Z'

let folder = ''
beforeEach(() => (folder = fs.mkdtempSync(join(tmpdir(), 'hubbub-publish-'))))
afterEach(() => fs.rmSync(folder, { recursive: true, force: true }))

test('a format that cannot be made costs only itself', async () => {
  const damaged = structuredClone(SAMPLE)
  damaged.points[0]!.summary!.serviceTime.hdr = 'no histogram'
  let [out, err] = ['', '']
  const io = {
    out: (text: string) => (out += text),
    err: { write: (text: string) => (err += text) },
    colour: false,
  }
  const publishing = publish(damaged, { folder, formats: ['hgrm', 'csv'], json: false }, io)
  await expect(publishing).rejects.toThrow(Failure)
  await expect(publishing).rejects.toThrow(
    /^html cannot be made .*; hgrm cannot be made of these results \(/,
  )
  expect(readResults(join(folder, `${RUN}.json`))).toEqual(damaged)
  expect(fs.readdirSync(folder)).toContain(`${RUN}.csv`)
  expect(err).toContain(`\n  ${join(folder, RUN)}.csv\n`)
  expect(err).not.toContain('hgrm')
  expect(out).toContain('async is the fastest')
})
