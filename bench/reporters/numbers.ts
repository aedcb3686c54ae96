// Numbers as people read them: three digits that mean something, a separator for thousands, and one unit
// for a whole column, chosen by what stands in it.

export const UNKNOWN = '–'

/** Three significant digits, but none of the whole part is dropped: 91,234 becomes 91,200. */
export function formatAmount(value: number): string {
  if (!Number.isFinite(value)) return UNKNOWN
  // Rounded before it is looked at, so that 99.96 is 100 and not 100.0.
  const rounded = Number(value.toPrecision(3))
  const size = Math.abs(rounded)
  if (size >= 100) return formatCount(rounded)
  return rounded.toFixed(size >= 10 ? 1 : 2)
}

/** Every digit, with separators. */
export function formatCount(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}

/** A unit and what the numbers are divided by. */
export interface Scale {
  readonly unit: string
  readonly divisor: number
}

/** Nanoseconds: microseconds as long as the longest needs no more than four digits, or milliseconds. */
export function scaleOfTimes(valuesNs: readonly number[]): Scale {
  const longest = Math.max(0, ...valuesNs)
  return longest < 10e6 ? { unit: 'µs', divisor: 1e3 } : { unit: 'ms', divisor: 1e6 }
}

/** Operations per second: thousands once the highest has five digits. */
export function scaleOfRates(values: readonly number[]): Scale {
  const highest = Math.max(0, ...values)
  return highest >= 10_000 ? { unit: 'k', divisor: 1e3 } : { unit: '', divisor: 1 }
}

/** KiB: MiB once the largest has five digits. */
export function scaleOfMemory(valuesKib: readonly number[]): Scale {
  const largest = Math.max(0, ...valuesKib)
  return largest >= 10_000 ? { unit: 'MiB', divisor: 1024 } : { unit: 'KiB', divisor: 1 }
}

/** Microseconds: milliseconds once the longest has five digits. */
export function scaleOfCpu(valuesUs: readonly number[]): Scale {
  const longest = Math.max(0, ...valuesUs)
  return longest >= 10_000 ? { unit: 'ms', divisor: 1000 } : { unit: 'µs', divisor: 1 }
}

/** Milliseconds as a duration: `850 ms`, `12.3 s`, `4 min 5 s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms % 1000 === 0 ? 0 : 1)} s`
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)} min ${seconds % 60} s`
}
