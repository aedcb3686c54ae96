import { describe, expect, test } from 'vitest'
import type { Found, Outcome, SearchBounds } from '../../bench/search.ts'
import { searchHighest } from '../../bench/search.ts'

const BOUNDS: SearchBounds = { start: 5000, min: 1, max: 1e7, precision: 0.05, stagesMax: 20 }

/** Runs the search, and keeps what was tried. */
async function search(
  probe: (load: number) => Outcome,
  bounds: Partial<SearchBounds> = {},
): Promise<Found & { tried: number[] }> {
  const tried: number[] = []
  const found = await searchHighest({ ...BOUNDS, ...bounds }, (load) => {
    tried.push(load)
    return Promise.resolve(probe(load))
  })
  return { ...found, tried }
}

/**
 * A single queue, M/M/1: of times that are exponentially distributed the 99th percentile is ln 100 times the
 * mean, which is 1 / (μ − λ).
 */
function queue(servicePerS: number, objectiveS: number) {
  return (offeredPerS: number): Outcome =>
    offeredPerS < servicePerS && Math.log(100) / (servicePerS - offeredPerS) <= objectiveS
      ? 'met'
      : 'missed'
}

describe('the search', () => {
  test.each([
    [10_000, 0.01],
    [10_000, 0.1],
    [500, 0.05],
    [2_000_000, 0.001],
  ])(
    'of a queue that serves %d per s finds what keeps p99 under %d s',
    async (perS, objectiveS) => {
      const capacity = perS - Math.log(100) / objectiveS
      const { met, missed } = await search(queue(perS, objectiveS))
      expect(met).toBeLessThanOrEqual(capacity)
      expect(missed).toBeGreaterThan(capacity)
      expect(missed! / met!).toBeLessThanOrEqual(1.05)
    },
  )

  test('begins where it is told, doubles or halves, and tries the highest once more at the end', async () => {
    const { tried, met } = await search(queue(12_000, 1))
    expect(tried.slice(0, 3)).toEqual([5000, 10_000, 20_000])
    expect(tried.at(-1)).toBe(met)
    expect(tried.filter((load) => load === met)).toHaveLength(2)
    expect((await search(queue(2000, 1))).tried.slice(0, 3)).toEqual([5000, 2500, 1250])
  })

  test('takes no load for met that was met once by luck, and looks again below', async () => {
    let lucky = 1
    const { met, missed } = await search((load) => {
      if (load === 10_000 && lucky-- > 0) return 'met'
      return load <= 8000 ? 'met' : 'missed'
    })
    expect(met).toBeLessThanOrEqual(8000)
    expect(met).toBeGreaterThan(7600)
    expect(missed).toBeLessThan(8400)
  })

  test('ends when the server breaks, with what was met before', async () => {
    const { met, missed, tried } = await search((load) => (load > 15_000 ? 'broken' : 'met'))
    expect({ met, missed }).toEqual({ met: 10_000, missed: 20_000 })
    expect(tried).toEqual([5000, 10_000, 20_000])
  })

  test('finds nothing where nothing is met', async () => {
    const { met, missed } = await search(() => 'missed', { min: 100 })
    expect(met).toBeNull()
    expect(missed).toBe(100)
  })

  test('knows no upper bound of what is always met', async () => {
    const { met, missed, tried } = await search(() => 'met', { max: 30_000 })
    expect(met).toBe(30_000)
    expect(missed).toBeNull()
    expect(tried).toEqual([5000, 10_000, 20_000, 30_000, 30_000])
  })

  test('has no more stages than it may, the last of them for what was met', async () => {
    const { tried, met } = await search(queue(9000, 1), { stagesMax: 4 })
    expect(tried).toHaveLength(4)
    expect(tried.at(-1)).toBe(met)
  })
})
