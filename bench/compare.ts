// `hubbub compare`: two results files, one answer. Nothing is measured.

import { compareRuns, regressionsOf } from './differences.ts'
import { UsageError } from './errors.ts'
import type { CompareFormat } from './reporters/compare.ts'
import { comparisonReport } from './reporters/compare.ts'
import { readResults } from './results.ts'

export interface CompareOptions {
  readonly thresholdShare: number
  readonly format: CompareFormat
}

export interface CompareIo {
  /** Data: standard output. */
  readonly out: (text: string) => void
  readonly colour?: boolean | undefined
  readonly columns?: number | undefined
}

const EXIT_DONE = 0
const EXIT_REGRESSION = 1

/**
 * Prints the comparison, and returns the exit code: 1 when something is proven to be worse by more than
 * the threshold. Throws a Failure for a file that is no results file, a UsageError when nothing can be compared.
 */
export function compare(
  oldPath: string,
  newPath: string,
  { thresholdShare, format }: CompareOptions,
  io: CompareIo,
): number {
  const comparison = compareRuns(readResults(oldPath), readResults(newPath), thresholdShare)
  if (comparison.points.length === 0) {
    const [first] = comparison.leftOut
    const why = first ? `; for one, ${first.point}: ${first.why}` : ''
    throw new UsageError(`The two files have no point that can be compared${why}.`)
  }
  io.out(comparisonReport(comparison, format, io))
  return regressionsOf(comparison).length > 0 ? EXIT_REGRESSION : EXIT_DONE
}
