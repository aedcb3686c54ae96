// Prints a report from a results file: the same tables as at the end of a run, at any later time.

import { markdownReport } from './reporters/markdown.ts'
import { terminalReport } from './reporters/terminal.ts'
import { readResults, resultsToJson } from './results.ts'

export type ReportFormat = 'terminal' | 'markdown' | 'json'

export interface ReportIo {
  /** Data: standard output. */
  readonly out: (text: string) => void
  /** Left out: as standard output takes it. */
  readonly colour?: boolean | undefined
  /** How wide the terminal is; left out, nothing has to fit. */
  readonly columns?: number | undefined
}

/** Settles with the exit code. Throws a Failure when the file is not a whole, undamaged results file. */
export async function report(path: string, format: ReportFormat, io: ReportIo): Promise<number> {
  const results = readResults(path)
  switch (format) {
    case 'terminal':
      io.out(terminalReport(results, io))
      break
    case 'markdown':
      io.out(markdownReport(results))
      break
    case 'json':
      io.out(resultsToJson(results))
      break
  }
  return 0
}
