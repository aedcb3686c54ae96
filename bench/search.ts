// The search for the highest load at which a server keeps an objective: by doubling and halving from a guess until
// one load was met and one was missed, then by halving what lies between. What is met by luck would stay the
// result, so the highest load that was met is tried once more.
//
// It knows no server: whoever calls it says how a load went.

/** `broken`: the server, or what drove it, failed at this load; nothing that is asked of it later can be trusted. */
export type Outcome = 'met' | 'missed' | 'broken'

export interface SearchBounds {
  /** The first load that is tried. */
  readonly start: number
  /** Nothing below and above is tried. */
  readonly min: number
  readonly max: number
  /** It ends when what was missed is so much above what was met: 0.05 is a twentieth. */
  readonly precision: number
  /** The trial of what was met included. */
  readonly stagesMax: number
}

export interface Found {
  /** The highest load that was met, and was not missed when it was tried again; null when there is none. */
  readonly met: number | null
  /** The lowest load that was missed; null when there is none. */
  readonly missed: number | null
}

export async function searchHighest(
  bounds: SearchBounds,
  probe: (load: number) => Promise<Outcome>,
): Promise<Found> {
  const met: number[] = []
  let missed: number | null = null
  let confirmed: number | null = null
  for (let stage = 1; stage <= bounds.stagesMax; stage++) {
    const highest: number | null = met.at(-1) ?? null
    const isLast = stage === bounds.stagesMax
    const next: number | null = isLast ? null : nextLoad(highest, missed, bounds)
    const load: number | null = next ?? highest
    if (load === null || (next === null && load === confirmed)) break
    const outcome = await probe(load)
    if (outcome === 'met') {
      if (next === null) confirmed = load
      else met.push(load)
      continue
    }
    missed = load
    // What was met by luck, and is missed now.
    while ((met.at(-1) ?? 0) >= load) met.pop()
    if (outcome === 'broken') break
  }
  return { met: met.at(-1) ?? null, missed }
}

/** Null when there is nothing more to find out. */
function nextLoad(
  met: number | null,
  missed: number | null,
  { start, min, max, precision }: SearchBounds,
): number | null {
  if (met === null && missed === null) return Math.min(max, Math.max(min, start))
  if (missed === null) return met! >= max ? null : Math.min(max, 2 * met!)
  if (met === null) return missed <= min ? null : Math.max(min, missed / 2)
  // The middle by ratio, because the precision is one.
  return missed <= met * (1 + precision) ? null : Math.sqrt(met * missed)
}
