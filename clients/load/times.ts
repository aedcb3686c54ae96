// Times as HDR histograms: recorded by each thread, merged by the main thread. Percentiles of percentiles
// mean nothing, so threads hand over whole histograms, and only the merged one is asked.

import {
  build,
  decodeFromCompressedBase64,
  encodeIntoCompressedBase64,
  initWebAssemblySync,
  type JsHistogram,
} from 'hdr-histogram-js'
import type { Times } from './contract.ts'

/** How many times it takes for ten of them to lie above each percentile. */
const SAMPLES_MIN = { 90: 100, 99: 1000, 99.9: 10_000 } as const

/** One hour: no run is longer. */
const TIME_NS_MAX = 3_600_000_000_000
/** Three digits: a value is off by at most one in a thousand. */
const SIGNIFICANT_DIGITS = 3
/** Bits of one counter. */
const COUNTER_BITS = 64

const makeHistogram = () => {
  initWebAssemblySync()
  return build({
    useWebAssembly: true,
    bitBucketSize: COUNTER_BITS,
    autoResize: false,
    lowestDiscernibleValue: 1,
    highestTrackableValue: TIME_NS_MAX,
    numberOfSignificantValueDigits: SIGNIFICANT_DIGITS,
  })
}

/** A histogram of nanoseconds, in WebAssembly's memory: it must be destroyed. */
export class TimeHistogram {
  readonly #histogram = makeHistogram()

  /** About 20 ns. Fractions are dropped; 0 counts as 1, and more than an hour as an hour. */
  record(ns: number): void {
    this.#histogram.recordValue(ns < 1 ? 1 : ns > TIME_NS_MAX ? TIME_NS_MAX : Math.floor(ns))
  }

  recordMany(ns: number, count: number): void {
    const recorded = ns < 1 ? 1 : ns > TIME_NS_MAX ? TIME_NS_MAX : Math.floor(ns)
    this.#histogram.recordValueWithCount(recorded, count)
  }

  reset(): void {
    this.#histogram.reset()
  }

  /** HdrHistogram V2, compressed, base64. */
  encode(): string {
    return encodeIntoCompressedBase64(this.#histogram)
  }

  destroy(): void {
    this.#histogram.destroy()
  }
}

/** The time that `percentile` percent of those in an encoded histogram do not exceed; 0 when it is empty. */
export function timeAtNs(hdr: string, percentile: number): number {
  const histogram = decodeFromCompressedBase64(hdr, COUNTER_BITS, true)
  try {
    return histogram.totalCount === 0 ? 0 : histogram.getValueAtPercentile(percentile)
  } finally {
    histogram.destroy()
  }
}

/** The sum of the `count` longest times of an encoded histogram; of all, when there are no more. */
export function sumOfLongestNs(hdr: string, count: number): number {
  // Only the one in JavaScript tells what it holds; it need not be destroyed.
  const { recordedValuesIterator: values } = decodeFromCompressedBase64(
    hdr,
    COUNTER_BITS,
  ) as JsHistogram
  const times: { ns: number; times: number }[] = []
  values.reset()
  while (values.hasNext()) {
    const { valueIteratedTo: ns, countAtValueIteratedTo } = values.next()
    times.push({ ns, times: countAtValueIteratedTo })
  }
  let [sum, missing] = [0, count]
  for (const { ns, times: many } of times.toReversed()) {
    sum += ns * Math.min(many, missing)
    missing -= Math.min(many, missing)
  }
  return sum
}

/** Merges encoded histograms. All zero when nothing was recorded. */
export function mergeTimes(encoded: readonly string[]): Times {
  const merged = makeHistogram()
  try {
    for (const one of encoded) {
      const decoded = decodeFromCompressedBase64(one, COUNTER_BITS, true)
      // An empty histogram's extremes are not numbers that addition could use.
      if (decoded.totalCount > 0) merged.add(decoded)
      decoded.destroy()
    }
    const count = merged.totalCount
    const at = (percentile: keyof typeof SAMPLES_MIN) =>
      count >= SAMPLES_MIN[percentile] ? merged.getValueAtPercentile(percentile) : null
    return {
      count,
      minNs: count === 0 ? 0 : merged.minNonZeroValue,
      p50Ns: count === 0 ? 0 : merged.getValueAtPercentile(50),
      p90Ns: at(90),
      p99Ns: at(99),
      p999Ns: at(99.9),
      maxNs: count === 0 ? 0 : merged.maxValue,
      meanNs: count === 0 ? 0 : merged.mean,
      hdr: encodeIntoCompressedBase64(merged),
    }
  } finally {
    merged.destroy()
  }
}

/** The times of an encoded histogram at percentiles from 0 to 100, in nanoseconds. */
export function timesAt(encoded: string, percentiles: readonly number[]): number[] {
  initWebAssemblySync()
  const decoded = decodeFromCompressedBase64(encoded, COUNTER_BITS, true)
  try {
    return percentiles.map((percentile) =>
      decoded.totalCount === 0 ? 0 : decoded.getValueAtPercentile(percentile),
    )
  } finally {
    decoded.destroy()
  }
}
