// Results files: what is written is read again, and whatever else is found under such a name is refused
// with a sentence that says what is wrong with it.

import { spawnSync } from 'node:child_process'
import * as fs from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Failure } from '../../bench/errors.ts'
import type { Results } from '../../bench/results.ts'
import {
  SCHEMA_VERSION,
  prepareFolder,
  readResults,
  resultsJsonSchema,
  resultsToJson,
  writeNewFile,
  writeNewFiles,
  writeResults,
} from '../../bench/results.ts'
import { sampleResults } from './sample.ts'

let folder = ''
beforeAll(() => (folder = fs.mkdtempSync(join(tmpdir(), 'hubbub-results-'))))
afterAll(() => fs.rmSync(folder, { recursive: true, force: true }))

const SAMPLE = sampleResults()

let files = 0
function file(content: string | Buffer): string {
  const path = join(folder, `case-${files++}.json`)
  fs.writeFileSync(path, content)
  return path
}

function refusal(path: string): string {
  try {
    readResults(path)
  } catch (error) {
    expect(error).toBeInstanceOf(Failure)
    return (error as Failure).message
  }
  throw new Error(`${path} was accepted`)
}

/** The sample as JSON, with something in it replaced. */
function changed(change: (results: Record<string, unknown>) => void): string {
  const copy = JSON.parse(resultsToJson(SAMPLE)) as Record<string, unknown>
  change(copy)
  return JSON.stringify(copy)
}

function version(value: unknown): string {
  return refusal(file(changed((results) => (results['schemaVersion'] = value))))
}

describe('what is written', () => {
  test('is read again, the same', () => {
    const path = join(folder, 'whole.json')
    writeResults(path, SAMPLE)
    expect(readResults(path)).toEqual(SAMPLE)
    expect(fs.readFileSync(path, 'utf8')).toBe(resultsToJson(SAMPLE))
  })

  test('fits the published JSON Schema in its outline', () => {
    const schema = resultsJsonSchema() as { required: string[]; properties: object }
    const written = Object.keys(JSON.parse(resultsToJson(SAMPLE)) as object)
    expect(schema.required.toSorted()).toEqual(written.toSorted())
    expect(Object.keys(schema.properties).toSorted()).toEqual(written.toSorted())
  })

  test.each([Number.NaN, Infinity, -1])('never holds %d', (figure) => {
    const path = join(folder, 'never.json')
    const bad: Results = { ...SAMPLE, elapsedMs: figure }
    expect(() => writeResults(path, bad)).toThrow()
    expect(fs.existsSync(path)).toBe(false)
  })
})

describe('what cannot be read', () => {
  const whole = resultsToJson(SAMPLE)

  test('is missing, a folder, empty', () => {
    expect(refusal(join(folder, 'nowhere.json'))).toMatch(
      /nowhere.json does not exist; `hubbub bench`/,
    )
    expect(refusal(folder)).toMatch(/is a folder; name one of the .json files/)
    expect(refusal(file(''))).toMatch(/is empty/)
    expect(refusal(file(' \n'))).toMatch(/is empty/)
  })

  test('is cut short: at every KiB, and at every one of the last 64 bytes', () => {
    const bytes = Buffer.from(whole)
    const cuts = Array.from(
      { length: Math.ceil(bytes.length / 1024) - 1 },
      (_, i) => (i + 1) * 1024,
    )
    // The last byte is a line end, and the file is whole without it.
    for (let rest = 2; rest < 64; rest++) cuts.push(bytes.length - rest)
    for (const cut of cuts) {
      expect(refusal(file(bytes.subarray(0, cut))), `cut at ${cut}`).toMatch(/was cut short/)
    }
  })

  test('has a flipped bit somewhere', () => {
    const bytes = Buffer.from(whole)
    const step = Math.max(1, Math.floor(bytes.length / 400))
    for (let at = 0; at < bytes.length - 1; at += step) {
      const damaged = Buffer.from(bytes)
      damaged[at]! ^= 0x02
      // A flip in the white space between values changes nothing that is said.
      if (isSpace(bytes[at]) && isSpace(damaged[at])) continue
      const sentence = refusal(file(damaged))
      expect(sentence, `flipped at ${at}`).toMatch(
        /not valid JSON|not a results file|changed or damaged|schema version|was cut short/,
      )
      expect(sentence).not.toMatch(/NaN|undefined|\[object/)
    }
  })

  test('has one digit changed by hand', () => {
    const seed = `"seed": ${SAMPLE.config.seed}`
    expect(whole).toContain(seed)
    const text = whole.replace(seed, '"seed": 43')
    expect(refusal(file(text))).toMatch(/was changed or damaged after it was written/)
  })

  test('is no results file: the first wrong place is named', () => {
    for (const [other, how] of [
      ['{}', 'it has no schemaVersion'],
      ['{"name": "hubbub"}', 'it has no schemaVersion'],
      ...['[1, 2]', 'null', '7', '"text"', '# text'].map((text) => [text, 'it is no JSON object']),
    ]) {
      expect(refusal(file(other!))).toContain(
        `is not a results file of hubbub: ${how}; name a .json file that \`hubbub bench\` has written.`,
      )
    }
    const less = changed((results) => delete results['config'])
    expect(refusal(file(less))).toMatch(/\(config: it is missing\)/)
    const wrong = changed(({ points }) => {
      ;(points as { summary: { served: unknown } }[])[3]!.summary.served = 'all'
    })
    expect(refusal(file(wrong))).toMatch(/\(points\[3\]\.summary\.served: /)
    const more = changed((results) => (results['extra'] = 1))
    expect(refusal(file(more))).toMatch(/extra/)
  })

  test('has another version: older and newer have different remedies', () => {
    expect(version(99)).toContain(
      `schema version 99, this hubbub reads version ${SCHEMA_VERSION}; install a newer`,
    )
    expect(version(2)).toMatch(/schema version 2, .*run the benchmark again/)
    expect(version('x')).toMatch(/schema version "x"/)
  })

  test('of an older version: who can read it is named, and where its tables are', () => {
    const text = changed((results) => (results['schemaVersion'] = 2))
    const path = file(text)
    expect(refusal(path)).toMatch(
      /; the hubbub that wrote it \(commit 0123456789ab\) reads it, or run the benchmark again\.$/,
    )
    const tables = path.replace('.json', '.md')
    fs.writeFileSync(tables, '# Tables\n')
    expect(refusal(path)).toContain(`; its tables are in ${tables}, the hubbub that wrote it `)
    const release = changed((results) => {
      results['schemaVersion'] = 1
      results['environment'] = { hubbub: '0.1.0', commit: null }
    })
    expect(refusal(file(release))).toContain('the hubbub that wrote it (version 0.1.0) reads it')
    expect(refusal(file('{"schemaVersion": 0}'))).toMatch(/version \d; run the benchmark again\.$/)
  })
})

function isSpace(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

describe('writing', () => {
  test('never replaces a file', () => {
    const path = file('precious')
    expect(() => writeResults(path, SAMPLE)).toThrow(/exists already; it was not touched/)
    expect(fs.readFileSync(path, 'utf8')).toBe('precious')
  })

  test('writes a pair under two names, or neither', () => {
    const inner = join(folder, 'pair')
    fs.mkdirSync(inner)
    const [json, md] = [join(inner, 'a.json'), join(inner, 'a.md')]
    fs.writeFileSync(md, 'precious')
    const pair = [
      { path: json, text: '{}' },
      { path: md, text: 'table' },
    ]
    expect(writeNewFiles(pair)).toBe(false)
    expect(fs.readdirSync(inner)).toEqual(['a.md'])
    expect(fs.readFileSync(md, 'utf8')).toBe('precious')
    fs.rmSync(md)
    expect(writeNewFiles(pair)).toBe(true)
    expect(fs.readdirSync(inner)).toEqual(['a.json', 'a.md'])
    expect(fs.readFileSync(md, 'utf8')).toBe('table')
    expect(() =>
      writeNewFiles([
        { path: `${json}.2`, text: '' },
        { path: `${md}/3`, text: '' },
      ]),
    ).toThrow(/could not be written \(ENOTDIR\); nothing was changed/)
    expect(fs.readdirSync(inner)).toEqual(['a.json', 'a.md'])
  })

  test('leaves nothing behind when it fails', () => {
    const inner = join(folder, 'inner')
    fs.mkdirSync(inner)
    expect(() => writeNewFile(join(inner, 'missing', 'a.json'), 'x')).toThrow(
      /could not be written/,
    )
    expect(fs.readdirSync(inner)).toEqual([])
  })

  // A disk that fills up in the middle: the limit of the size of files does the same to one process.
  test.runIf(process.platform === 'linux')('on a full disk names the file and leaves none', () => {
    const inner = join(folder, 'full')
    fs.mkdirSync(inner)
    const path = join(inner, 'a.json')
    const module = JSON.stringify(new URL('../../dist/bench/results.js', import.meta.url).href)
    const program = `import(${module}).then(({ writeNewFile }) => {
      process.on('SIGXFSZ', () => {})
      try { writeNewFile(${JSON.stringify(path)}, 'x'.repeat(100_000)) }
      catch (error) { console.log(error.name + ': ' + error.message) }
    })`
    const shell = `ulimit -f 8; exec "${process.execPath}" -e "$PROGRAM"`
    const { stdout } = spawnSync('bash', ['-c', shell], {
      env: { ...process.env, PROGRAM: program },
      encoding: 'utf8',
    })
    expect(stdout).toContain(`Failure: ${path} could not be written (EFBIG); nothing was changed.`)
    expect(fs.readdirSync(inner)).toEqual([])
  })

  test('a folder is made where there is none, and refused where it cannot be', () => {
    const made = join(folder, 'a', 'b')
    prepareFolder(made)
    expect(fs.statSync(made).isDirectory()).toBe(true)
    const refused = /results cannot be written to .* \(.*\); choose another folder with --out/
    expect(() => prepareFolder(file(''))).toThrow(refused)
    expect(() => prepareFolder(join(file(''), 'below', 'a', 'file'))).toThrow(refused)
    expect(() => prepareFolder('/proc/nowhere/at/all')).toThrow(refused)
    expect(() => prepareFolder('/proc')).toThrow(refused)
  })

  // Root may write everywhere, so the test has to be somebody else, which only root can be.
  test.runIf(process.getuid?.() === 0)('an unwritable folder is refused', () => {
    const module = JSON.stringify(new URL('../../dist/bench/results.js', import.meta.url).href)
    const program = `import(${module}).then(({ prepareFolder }) => prepareFolder('/etc'))
      .catch((error) => console.log(error.name + ': ' + error.message))`
    const nobody = { uid: 65534, gid: 65534, encoding: 'utf8' } as const
    const { stdout } = spawnSync(process.execPath, ['-e', program], nobody)
    expect(stdout).toMatch(/^Failure: results cannot be written to \/etc \(EACCES\)/)
  })
})
