// Figures of points, as the parts of the page need them. Pure.

import { tableName, usable } from '../../points.ts'
import type { Point, TimesRecord } from '../../schema.ts'

export interface Interval {
  readonly median: number
  readonly low: number
  readonly high: number
}

/** Zero where there is no usable figure. */
export function throughputOf(point: Point): Interval {
  const spread = usable(point)?.throughputPerS
  if (!spread) return { median: 0, low: 0, high: 0 }
  const { median, low, high } = spread
  return { median, low: low ?? median, high: high ?? median }
}

/** An id for a link to the table of these points. */
export function groupId(point: Point): string {
  return tableName(point).replaceAll(/[^a-z0-9]+/gi, '-')
}

/** In the order in which keys come first. */
export function groupBy<Item>(
  items: readonly Item[],
  keyOf: (item: Item) => string,
): Map<string, Item[]> {
  const groups = new Map<string, Item[]>()
  for (const item of items) {
    const key = keyOf(item)
    const group = groups.get(key)
    if (group) group.push(item)
    else groups.set(key, [item])
  }
  return groups
}

/** Whether the clients wait for an answer before they ask again. */
export function isOpen({ arrivals }: Point): boolean {
  return arrivals !== 'closed'
}

/** What those who ask feel: in an open loop from the intended sending. Null where there is no usable figure. */
export function timesOf(point: Point): TimesRecord | null {
  const summary = usable(point)
  return summary && (summary.responseTime ?? summary.serviceTime)
}

/** `service time`, or `response time`. */
export function timesName(point: Point): string {
  return usable(point)?.responseTime ? 'response time' : 'service time'
}
