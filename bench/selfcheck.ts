// `hubbub selfcheck`: the instruments, proved on this very machine. A proof measures something whose result is known
// by theory, or by how it was made, and compares: selfcheck/proofs.ts has them all.

import { type BenchIo, type BenchSurroundings, REAL_SURROUNDINGS } from './bench.ts'
import { messageOf } from './errors.ts'
import { takeLock } from './lock.ts'
import { openProgress } from './progress.ts'
import { formatDuration } from './reporters/numbers.ts'
import { selfcheckReport } from './reporters/selfcheck.ts'
import { paragraph } from './reporters/text.ts'
import {
  type Finding,
  type Laboratory,
  type Proof,
  PROOF_NAMES,
  type Verdict,
  worstOf,
} from './selfcheck/proof.ts'
import { PROOFS } from './selfcheck/proofs.ts'
import { checkedWords } from './words.ts'

export interface SelfcheckOptions {
  /** Names of proofs; left out, all. */
  readonly only?: readonly string[] | undefined
  readonly json?: boolean | undefined
}

/** What `--json` prints. */
export interface Selfcheck {
  /** The worst of all. */
  readonly verdict: Verdict
  readonly elapsedMs: number
  readonly proofs: readonly Finding[]
}

const EXIT_PASSED = 0
const EXIT_FAILED = 1
const EXIT_INTERRUPTED = 130

/** Settles with the exit code: 0 when every proof passes. Throws a UsageError, or a Failure for the lock. */
export async function runSelfcheck(
  options: SelfcheckOptions,
  io: BenchIo,
  surroundings: BenchSurroundings = REAL_SURROUNDINGS,
  all: readonly Proof[] = PROOFS,
): Promise<number> {
  const proofs = chosen(options, all)
  const releaseLock = takeLock(surroundings.lockPath)
  io.err.write(paragraph(announcement(proofs), io.columns))
  const progress = openProgress(io.err, proofs.length)
  const startedAtMs = performance.now()
  try {
    const findings: Finding[] = []
    for (const proof of proofs) {
      const tell = (what: string) => progress.begin(`${proof.name}: ${what}`)
      tell('')
      const { serverCommand, runLoad } = surroundings
      const finding = await prove(proof, { serverCommand, runLoad, signal: io.signal, tell })
      progress.end(proof.name, finding.verdict)
      findings.push(finding)
    }
    progress.close()
    const verdict = worstOf(findings.map((finding) => finding.verdict))
    const elapsedMs = performance.now() - startedAtMs
    const selfcheck: Selfcheck = { verdict, elapsedMs, proofs: findings }
    io.out(
      options.json ? `${JSON.stringify(selfcheck, null, 2)}\n` : selfcheckReport(selfcheck, io),
    )
    return verdict === 'pass' ? EXIT_PASSED : EXIT_FAILED
  } catch (error) {
    if (!io.signal.aborted) throw error
    return EXIT_INTERRUPTED
  } finally {
    progress.close()
    releaseLock()
  }
}

function chosen({ only }: SelfcheckOptions, all: readonly Proof[]): readonly Proof[] {
  if (only === undefined) return all
  const names = checkedWords('proof', only, PROOF_NAMES)
  return all.filter(({ name }) => names.includes(name))
}

function announcement(proofs: readonly Proof[]): string {
  const seconds = proofs.reduce((sum, proof) => sum + proof.seconds, 0)
  return (
    `hubbub selfcheck proves the instruments of the benchmark on this machine: ` +
    `${proofs.map(({ name }) => name).join(', ')}; about ${formatDuration(seconds * 1000)}.`
  )
}

async function prove(proof: Proof, laboratory: Laboratory): Promise<Finding> {
  const { name, title, explanation } = proof
  const checks = await proof.run(laboratory).catch((error: unknown) => {
    laboratory.signal.throwIfAborted()
    return [brokenOff(error)]
  })
  return {
    name,
    title,
    explanation,
    verdict: worstOf(checks.map(({ verdict }) => verdict)),
    checks,
  }
}

/** A proof that cannot come to its end proves nothing, and a reader must see why. */
function brokenOff(error: unknown): Finding['checks'][number] {
  const seen = messageOf(error)
  return {
    name: 'the proof itself',
    expected: 'comes to its end',
    seen,
    verdict: 'fail',
    why: `it broke off: ${seen}`,
    figures: {},
  }
}
