// What the self-check is made of: proofs, each of some checks, each with a verdict. Plain data but for `run`.

import type { BenchSurroundings } from '../bench.ts'

/** The proofs, in the order in which they are run. */
export const PROOF_NAMES = [
  'mutants',
  'littles-law',
  'queueing',
  'freeze',
  'ceiling',
  'ledger',
  'pacing',
] as const
export type ProofName = (typeof PROOF_NAMES)[number]

/**
 * `inconclusive`: what was seen proves neither that the instrument is right nor that it is wrong, because the
 * machine was busy with something else, for instance. It is not a pass.
 */
const VERDICTS = ['pass', 'inconclusive', 'fail'] as const
export type Verdict = (typeof VERDICTS)[number]

/** One thing that must be so. */
export interface Check {
  readonly name: string
  /** In words, by theory. */
  readonly expected: string
  /** In words, as measured. */
  readonly seen: string
  readonly verdict: Verdict
  /** Why it is not a pass; '' for one that is. */
  readonly why: string
  /** What `expected` and `seen` say, as numbers with their units in their names. */
  readonly figures: Readonly<Record<string, number | null>>
}

/** What a proof is run with. */
export interface Laboratory extends Pick<BenchSurroundings, 'serverCommand' | 'runLoad'> {
  /** Aborted by Ctrl-C. A proof rejects with its reason then, and leaves no process behind. */
  readonly signal: AbortSignal
  /** What is being done now, for a progress display. */
  readonly tell: (what: string) => void
}

export interface Proof {
  /** For `--only`. */
  readonly name: ProofName
  readonly title: string
  /** What it proves, and how: one or two sentences. */
  readonly explanation: string
  /** About how long it takes. */
  readonly seconds: number
  /** May end early with what it has, but never throws for what a server or the machine does. */
  readonly run: (laboratory: Laboratory) => Promise<Check[]>
}

/** What a proof came to. */
export interface Finding extends Pick<Proof, 'name' | 'title' | 'explanation'> {
  readonly verdict: Verdict
  readonly checks: readonly Check[]
}

/** The worst of them. */
export function worstOf(verdicts: readonly Verdict[]): Verdict {
  return VERDICTS.findLast((verdict) => verdicts.includes(verdict)) ?? 'pass'
}
