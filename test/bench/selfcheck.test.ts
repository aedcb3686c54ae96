// The self-check: every mutant is caught by the invariant that it is meant for, the unbroken server by none, and an
// instrument that is broken itself does not pass.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { REAL_SURROUNDINGS } from '../../bench/bench.ts'
import { UsageError } from '../../bench/errors.ts'
import { selfcheckReport } from '../../bench/reporters/selfcheck.ts'
import { runSelfcheck, type Selfcheck } from '../../bench/selfcheck.ts'
import { BROKEN } from '../../bench/selfcheck/broken-servers.ts'
import { CONTROLS, control, hunt, MUTANTS } from '../../bench/selfcheck/mutants.ts'
import type { Check, Laboratory, Proof } from '../../bench/selfcheck/proof.ts'
import { worstOf } from '../../bench/selfcheck/proof.ts'
import { littlesLawProof } from '../../bench/selfcheck/littles-law.ts'
import { atServer, Bench, CLOSED, THE_CHAT } from '../../bench/selfcheck/measuring.ts'
import { SERVICE_MS } from '../../bench/selfcheck/queue-server.ts'
import { serverCommand as serverCommandOfProofs } from '../../bench/selfcheck/servers.ts'
import { faultsOfLoad } from '../../bench/verdict.ts'
import { childrenOf, isAlive, seesProcesses } from '../support/processes.ts'
import type { RunLoad } from '../../bench/trial.ts'

const PATIENCE = { timeout: 120_000 }
const folder = mkdtempSync(join(tmpdir(), 'hubbub-selfcheck-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const { runLoad, serverCommand } = REAL_SURROUNDINGS
const LABORATORY: Laboratory = {
  serverCommand,
  runLoad,
  signal: new AbortController().signal,
  tell: () => {},
}

/** A generator that closes its eyes to everything that is wrong. */
const blind: RunLoad = async (spec, hooks) => {
  const result = await runLoad(spec, hooks)
  const { sent, received } = result.ledger
  const ledger = { ...result.ledger, lost: 0, duplicated: 0, reordered: 0, corrupt: 0 }
  return { ...result, ledger: { ...ledger, sent, received, outstanding: 0 }, errors: {} }
}

const suspicious: RunLoad = async (spec, hooks) => {
  const result = await runLoad(spec, hooks)
  return { ...result, ledger: { ...result.ledger, corrupt: 1 } }
}

const countsHalf: RunLoad = async (spec, hooks) => {
  const result = await runLoad(spec, hooks)
  return { ...result, operations: Math.floor(result.operations / 2) }
}

describe('mutants', PATIENCE, () => {
  test('each broken server is one, and each is broken', () => {
    const names = Object.keys(BROKEN)
    expect(MUTANTS.map(({ server }) => server).toSorted()).toEqual(names.toSorted())
    expect(MUTANTS.length).toBeGreaterThanOrEqual(14)
  })

  test.each(CONTROLS)('nothing is found wrong with the unbroken server under %s', async (name) => {
    expect(await control(name, LABORATORY)).toMatchObject({ verdict: 'pass' })
  })

  test.each(MUTANTS.map((mutant) => [mutant.does, mutant] as const))('%s', async (_, mutant) => {
    expect(await hunt(mutant, LABORATORY)).toMatchObject({ verdict: 'pass' })
  })

  test.each([
    ['corrupts', /no fault/],
    // The one that is not there any more is missed in the figures, even so.
    ['hangs-up', /^throughput × mean time/],
  ])('a generator that is blind misses: %s', async (server, seen) => {
    const mutant = MUTANTS.find((one) => one.server === server)!
    const check = await hunt(mutant, { ...LABORATORY, runLoad: blind })
    expect(check.verdict).toBe('fail')
    expect(check.seen).toMatch(seen)
  })

  test.runIf(seesProcesses)('an interruption leaves no server behind', async () => {
    const controller = new AbortController()
    const interrupted = { ...LABORATORY, signal: controller.signal }
    const run = hunt(MUTANTS[0]!, {
      ...interrupted,
      runLoad: (spec, hooks) => {
        expect(childrenOf(process.pid).length).toBeGreaterThan(0)
        controller.abort(new Error('interrupted'))
        return runLoad(spec, hooks)
      },
    })
    await expect(run).rejects.toThrow('interrupted')
    expect(childrenOf(process.pid).filter(isAlive)).toEqual([])
  })

  test('a generator that sees faults everywhere does not pass either', async () => {
    const check = await control('ping', { ...LABORATORY, runLoad: suspicious })
    expect(check).toMatchObject({ verdict: 'fail', seen: 'wrong answers: 1 corrupt' })
  })
})

describe('Little’s law', PATIENCE, () => {
  test('holds for real models', async () => {
    const checks = await littlesLawProof.run(LABORATORY)
    expect(checks.map(({ name, verdict }) => [name, verdict])).toEqual(
      checks.map(({ name }) => [name, 'pass']),
    )
  })

  test('does not hold for a generator that counts half', async () => {
    const [first] = await littlesLawProof.run({ ...LABORATORY, runLoad: countsHalf })
    expect(first).toMatchObject({ name: 'async, ping', verdict: 'fail' })
  })
})

describe('the queue', PATIENCE, () => {
  test('takes its time for each, one after the other', async () => {
    const load = await atServer(serverCommandOfProofs(), 'queue', THE_CHAT, LABORATORY, (server) =>
      runLoad({ ...CLOSED, address: server.address, clients: 2, window: 2, durationMs: 300 }),
    )
    // Four are in flight: each waits for three others. A busy machine takes longer, never less.
    expect(load.serviceTime.minNs).toBeGreaterThan(SERVICE_MS * 1e6 * 0.99)
    expect(load.serviceTime.p50Ns).toBeGreaterThan(4 * SERVICE_MS * 1e6 * 0.99)
    expect(faultsOfLoad(load, 2)).toEqual([])
  })
})

describe('a machine that is busy', () => {
  test('proves nothing, neither way', () => {
    const bench = new Bench(LABORATORY)
    expect(bench.judged([CHECK])).toEqual([CHECK])
    bench.note(0.02)
    expect(bench.judged([CHECK, WRONG])).toEqual([CHECK, WRONG])
    bench.note(0.5)
    bench.note(0.6)
    const judged = bench.judged([CHECK, WRONG])
    expect(judged.map(({ verdict }) => verdict)).toEqual(['inconclusive', 'inconclusive'])
    expect(judged[0]!.why).toContain('50 % of the CPU')
  })
})

const CHECK: Check = {
  name: 'two and two',
  expected: 'four',
  seen: 'four',
  verdict: 'pass',
  why: '',
  figures: { sum: 4 },
}
const WRONG: Check = { ...CHECK, seen: 'five', verdict: 'fail', why: 'four was expected' }
const UNKNOWN: Check = { ...CHECK, seen: '–', verdict: 'inconclusive', why: 'nobody counted' }

function proofOf(...checks: readonly Check[]): Proof {
  return {
    name: 'mutants',
    title: 'Arithmetic',
    explanation: 'Adds.',
    seconds: 0,
    run: async () => [...checks],
  }
}

async function selfcheck(proof: Proof, options: Parameters<typeof runSelfcheck>[0] = {}) {
  let out = ''
  const io = {
    out: (text: string) => void (out += text),
    err: { write: () => {} },
    signal: new AbortController().signal,
    colour: false,
  }
  const surroundings = { ...REAL_SURROUNDINGS, lockPath: join(folder, 'lock') }
  return { code: await runSelfcheck(options, io, surroundings, [proof]), out }
}

describe('what it comes to', () => {
  test.each([
    ['all pass', [CHECK, CHECK], 'pass', 0],
    ['one is inconclusive', [CHECK, UNKNOWN], 'inconclusive', 1],
    ['one fails', [UNKNOWN, WRONG, CHECK], 'fail', 1],
  ] as const)('%s', async (_, checks, verdict, exitCode) => {
    const { code, out } = await selfcheck(proofOf(...checks), { json: true })
    expect(code).toBe(exitCode)
    const printed = JSON.parse(out) as Selfcheck
    expect(printed.verdict).toBe(verdict)
    expect(printed.proofs).toMatchObject([{ name: 'mutants', verdict, checks }])
  })

  test('a proof that breaks off is no pass', async () => {
    const broken = { ...proofOf(), run: () => Promise.reject(new Error('no such server')) }
    const { code, out } = await selfcheck(broken)
    expect(code).toBe(1)
    expect(out).toContain('no such server')
  })

  test('nothing at all is not worse than a pass', () => {
    expect(worstOf([])).toBe('pass')
    expect(worstOf(['pass', 'fail', 'inconclusive'])).toBe('fail')
  })

  test('a proof that does not exist is named', async () => {
    await expect(selfcheck(proofOf(CHECK), { only: ['mutant'] })).rejects.toThrow(UsageError)
    await expect(selfcheck(proofOf(CHECK), { only: ['mutant'] })).rejects.toThrow(/mutants\?/)
  })
})

describe('the report', () => {
  const wordy = { ...CHECK, name: 'a name that goes on and on', seen: 'word '.repeat(30).trim() }
  const findings = [CHECK, wordy, UNKNOWN, WRONG]
  const { name, title, explanation } = proofOf()
  const all: Selfcheck = {
    verdict: 'fail',
    elapsedMs: 61_000,
    proofs: [{ name, title, explanation, verdict: 'fail', checks: findings }],
  }

  test.each([60, 80, 120])('fits into %i columns', (columns) => {
    const text = selfcheckReport(all, { colour: false, columns })
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThanOrEqual(columns)
    expect(text.match(/\bword\b/g)).toHaveLength(30)
  })

  test('says of each check what was expected and seen, and why it is no pass', () => {
    const text = selfcheckReport(all, { colour: false, columns: 100 })
    expect(text).toMatch(/^Arithmetic · fail, 2 of 4$/m)
    expect(text).toMatch(/^two and two +four +five +fail$/m)
    expect(text).toContain('! two and two: fail: four was expected.')
    expect(text).toContain('! two and two: inconclusive: nobody counted.')
    expect(text).toMatch(/Arithmetic failed/)
  })

  test('ends with one sentence when all is well', () => {
    const good = {
      ...all,
      verdict: 'pass',
      proofs: [{ ...all.proofs[0]!, verdict: 'pass' }],
    } as const
    expect(selfcheckReport(good, { colour: false })).toMatch(/1 proof, passed in 1 min 1 s/)
  })
})
