// What the two generators have said of the same servers: ranks, and how well they agree. Pure.

import { sampleRankCorrelation } from 'simple-statistics'

/** `hubbub` is our generator. */
export const TOOLS = ['hubbub', 'autocannon'] as const
export type Tool = (typeof TOOLS)[number]

export interface Seen {
  /** Median of the repeats; null when one of them went wrong. */
  readonly answersPerS: number | null
  /** Among the models that have figures of both tools, 1 is the fastest. */
  readonly rank: number | null
}

export interface WitnessRow {
  readonly model: string
  /** As many as were asked for, or as the model talks to at a time. */
  readonly connections: number
  readonly seen: Readonly<Record<Tool, Seen>>
  /** What went wrong, as `autocannon: 3 errors`. */
  readonly faults: readonly string[]
}

/** What `--json` prints. */
export interface Testimony {
  readonly clients: number
  readonly durationMs: number
  readonly repeats: number
  /** Fastest first, as our generator sees it. */
  readonly rows: readonly WitnessRow[]
  /** Spearman's: 1 is the same order, -1 the opposite one; null for fewer than two models. */
  readonly rankCorrelation: number | null
}

/** Ranks and correlates those that have figures of both. Pure. */
export function testify(
  rows: readonly WitnessRow[],
  { clients, durationMs, repeats }: Pick<Testimony, 'clients' | 'durationMs' | 'repeats'>,
): Testimony {
  const whole = rows.filter(({ seen }) => TOOLS.every((tool) => seen[tool].answersPerS !== null))
  const [ours, theirs] = TOOLS.map((tool) => whole.map(({ seen }) => seen[tool].answersPerS!))
  const ranked = rows.map((row) => {
    if (!whole.includes(row)) return row
    const { hubbub, autocannon } = row.seen
    return {
      model: row.model,
      connections: row.connections,
      seen: { hubbub: rankedIn(ours!, hubbub), autocannon: rankedIn(theirs!, autocannon) },
      faults: row.faults,
    }
  })
  return {
    clients,
    durationMs,
    repeats,
    rows: ranked.toSorted(
      (a, b) => (a.seen.hubbub.rank ?? Infinity) - (b.seen.hubbub.rank ?? Infinity),
    ),
    rankCorrelation: whole.length < 2 ? null : sampleRankCorrelation(ours!, theirs!),
  }
}

function rankedIn(all: readonly number[], { answersPerS }: Seen): Seen {
  return { answersPerS, rank: 1 + all.filter((other) => other > answersPerS!).length }
}
