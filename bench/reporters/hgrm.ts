// Whole distributions of times, as HdrHistogram's percentile text (.hgrm), which HdrHistogram's plotter
// (https://hdrhistogram.github.io/HdrHistogram/plotFiles.html), hdr-plot and others draw. Their format
// holds one histogram, so there is a file for each; the plotter takes many files at a time, and calls each
// curve by the name of its file. Values are in microseconds: choose that unit in the plotter.

import { decodeFromCompressedBase64 } from 'hdr-histogram-js'
import { pointName, usable } from '../points.ts'
import type { Point, Results, TimesRecord } from '../schema.ts'
import { slugOf } from './text.ts'

/** A file of its own. */
export interface Part {
  /** What it is called besides the run: a few words with hyphens. */
  readonly name: string
  /** The point it is about, as `pointName` has it. */
  readonly point: string
  readonly text: string
}

/** Every kind of time of every point that has usable figures; of one point, the one that judges it comes first. */
export function hgrmReport({ points }: Results): Part[] {
  return points.flatMap((point) =>
    timesOf(point)
      .filter(({ times }) => times.count > 0)
      .map(({ what, times }) => ({
        name: slugOf(`${pointName(point)} ${what}`),
        point: pointName(point),
        text: distribution(
          [`${pointName(point)}: ${what} in microseconds`, ...caution(point)],
          times,
        ),
      })),
  )
}

function timesOf(point: Point): { readonly what: string; readonly times: TimesRecord }[] {
  const summary = usable(point)
  return Object.entries({
    'response time': summary?.responseTime,
    'service time': summary?.serviceTime,
    'schedule lag': summary?.schedule?.lag,
    'first receiver': summary?.receivers?.first,
    'median receiver': summary?.receivers?.median,
    'last receiver': summary?.receivers?.last,
    'first answer time': summary?.firstAnswerTime,
    'service time beside': summary?.beside?.serviceTime,
  }).flatMap(([what, times]) => (times ? [{ what, times }] : []))
}

const US_NS = 1000
/** Counters of 64 bits: a long run records more than 2 ** 32 times. */
const COUNTER_BITS = 64
/** Lines for each halving of the distance to 100 %: HdrHistogram's own default. */
const TICKS_PER_HALF_DISTANCE = 5

function caution({ status }: Point): string[] {
  return status === 'lower-bound' ? ['lower bound: the load generator was the limit'] : []
}

/** Readers skip lines that begin with #. */
function distribution(comments: readonly string[], { hdr }: TimesRecord): string {
  const histogram = decodeFromCompressedBase64(hdr, COUNTER_BITS, false)
  try {
    const text = histogram.outputPercentileDistribution(TICKS_PER_HALF_DISTANCE, US_NS)
    return [...comments.map((comment) => `# ${comment}`), text].join('\n')
  } finally {
    histogram.destroy()
  }
}
