// What a connection costs in memory: the slope of the line through all that `idle` has measured, at every
// size and in every repeat. A slope leaves out what the server needs without clients, which dividing by the
// number of clients does not. Pure.

import { linearRegression } from 'simple-statistics'
import { loadName } from './points.ts'
import type { ConnectionCost, Point } from './schema.ts'
import { bootstrapInterval } from './statistics.ts'

/** Two sizes make a line of anything; the third says whether it is one. */
const SIZES_MIN = 3
/** Fewer measurements do not say how much a slope varies. */
const INTERVAL_POINTS_MIN = 6

/** For each transport and model with a valid figure at three sizes or more. */
export function connectionCostsOf(points: readonly Point[]): ConnectionCost[] {
  const groups = new Map<string, Point[]>()
  for (const point of points.filter(({ workload }) => workload === 'idle')) {
    const key = `${loadName(point)} ${point.model}`
    groups.set(key, [...(groups.get(key) ?? []), point])
  }
  return [...groups.values()].flatMap(costOf)
}

/** Clients, and KiB of the whole tree while all of them were connected. */
type Held = [clients: number, kib: number]

function costOf(points: readonly Point[]): ConnectionCost[] {
  const { transport, model } = points[0]!
  const held = points.flatMap(heldOf)
  const clients = sizesOf(held)
  if (clients.length < SIZES_MIN) return []
  const kibPerClient = linearRegression(held).m
  const interval = held.length < INTERVAL_POINTS_MIN ? { low: null, high: null } : intervalOf(held)
  return [{ transport, model, kibPerClient, ...interval, clients }]
}

/** A lower bound counts too: that the generator was busy changes no memory. RSS does not: shared pages are in it. */
function heldOf({ status, repeats }: Point): Held[] {
  if (status !== 'valid' && status !== 'lower-bound') return []
  return repeats.flatMap(({ load, resources }): Held[] => {
    const { heldMemoryKib = null, memoryIsRss = true } = resources ?? {}
    if (!load || heldMemoryKib === null || memoryIsRss) return []
    // Who waits in the backlog has no connection with the server yet.
    return [[load.served, heldMemoryKib]]
  })
}

function sizesOf(held: readonly Held[]): number[] {
  return [...new Set(held.map(([clients]) => clients))].toSorted((a, b) => a - b)
}

/** Slopes of as many measurements, drawn from these with replacement (bootstrap of pairs). */
function intervalOf(held: readonly Held[]): { low: number | null; high: number | null } {
  const slope = linearRegression([...held]).m
  const interval = bootstrapInterval([[...held.keys()]], ([drawn = []]) => {
    const sample = drawn.map((index) => held[index]!)
    // Through a single size goes every line. It is drawn less than once in two hundred times.
    return sizesOf(sample).length > 1 ? linearRegression(sample).m : slope
  })
  return interval ?? { low: null, high: null }
}
