// What a model by design was not run in: a row of one table says so, but what would be said in several
// tables is said once, before them. Pure.

import { loadName } from '../points.ts'
import type { Point } from '../schema.ts'
import { formatCount } from './numbers.ts'
import { list } from './text.ts'

/** The points that get a row, and a sentence for those that get none. */
export function splitAbsent(points: readonly Point[]): { present: Point[]; sentences: string[] } {
  const byReason = new Map<string, Point[]>()
  for (const point of points) {
    if (point.cannot === null) continue
    const key = `${point.model} ${point.cannot}`
    byReason.set(key, [...(byReason.get(key) ?? []), point])
  }
  const repeated = [...byReason.values()].filter((group) => group.length > 1)
  const absent = new Set(repeated.flat())
  return {
    present: points.filter((point) => !absent.has(point)),
    sentences: repeated.map((group) => {
      const { model, cannot } = group[0]!
      return `${model} is not in ${list(loadsOf(group, points))}: it ${cannot}.`
    }),
  }
}

/** `ping`, or `idle with 1,050 and 5,050 clients` where there are other sizes too. */
function loadsOf(group: readonly Point[], all: readonly Point[]): string[] {
  return [...new Set(group.map(loadName))].map((load) => {
    const sizes = sizesOf(load, group)
    if (sizes.length === sizesOf(load, all).length) return load
    return `${load} with ${list(sizes.map(formatCount))} clients`
  })
}

function sizesOf(load: string, points: readonly Point[]): number[] {
  const sizes = points.filter((point) => loadName(point) === load).map(({ clients }) => clients)
  return [...new Set(sizes)]
}
