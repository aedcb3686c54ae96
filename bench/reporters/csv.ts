// The results as a table for spreadsheets, R and pandas: one row for each repeat, one column for each
// figure, which is what they call tidy. A median, a range or a plot is one step from there, and files of
// several runs can be put one below the other: the first column tells them apart.
//
// A point that was never run has one row without figures, so that nobody takes it for forgotten. Figures of
// invalid points are there, as in the results file: filter by `status`. Format: RFC 4180.

import type { Point, Repeat, Results, TimesRecord } from '../schema.ts'

type Cell = string | number | boolean | null | undefined
type Columns<Row> = Readonly<Record<string, (row: Row) => Cell>>

interface RepeatRow {
  readonly run: Results
  readonly point: Point
  /** Null for a point that was never run. */
  readonly repeat: Repeat | null
}

/** One text, with a header; lines end with CR LF. */
export function csvReport(run: Results): string {
  const rows = run.points.flatMap((point): RepeatRow[] => {
    const repeats = point.repeats.length > 0 ? point.repeats : [null]
    return repeats.map((repeat) => ({ run, point, repeat }))
  })
  const header = Object.keys(COLUMNS)
  const cells = rows.map((row) => Object.values(COLUMNS).map((valueIn) => valueIn(row)))
  return [header, ...cells].map((line) => `${line.map(field).join(',')}\r\n`).join('')
}

/**
 * A field, quoted where it must be (RFC 4180 section 2). A figure that is not known is empty: R and pandas
 * read that as missing. Spreadsheets take text that begins with one of = + - @ for a formula, and some of
 * this text comes from servers: an apostrophe makes it text again (OWASP, CSV injection).
 */
function field(value: Cell): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : ''
  const text = /^[=+\-@\t\r]/.test(String(value)) ? `'${value}` : String(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

const COLUMNS: Columns<RepeatRow> = {
  run_started_at: ({ run }) => run.startedAt,
  workload: ({ point }) => point.workload,
  transport: ({ point }) => point.transport,
  model: ({ point }) => point.model,
  clients: ({ point }) => point.clients,
  senders: ({ point }) => point.senders,
  arrivals: ({ point }) => point.arrivals,
  offered_per_s: ({ point }) => point.ratePerS,
  accounting: ({ run }) => run.config.accounting,
  status: ({ point }) => point.status,
  rank: ({ point }) => point.rank,
  rank_shared: ({ point }) => point.rankShared,
  reasons: ({ point }) => reasonsOf(point).join('; '),
  ...ofRepeat({
    repeat: ({ repeat }) => repeat,
    order: ({ order }) => order,
    startup_ms: ({ startupMs }) => startupMs,
    throughput_per_s: ({ throughputPerS }) => throughputPerS,
    last_third_over_first: ({ lastThirdOverFirst }) => lastThirdOverFirst,
    operations: ({ load }) => load?.operations,
    elapsed_ns: ({ load }) => load?.elapsedNs,
    served: ({ load }) => load?.served,
    unserved: ({ load }) => load?.unserved,
  }),
  ...ofTimes('service_time', ({ load }) => load?.serviceTime),
  ...ofTimes('response_time', ({ load }) => load?.responseTime),
  ...ofRepeat({ sent_per_s: ({ load }) => load?.schedule?.sentPerS }),
  ...ofTimes('schedule_lag', ({ load }) => load?.schedule?.lag),
  ...ofTimes('first_receiver_time', ({ load }) => load?.receivers?.first),
  ...ofTimes('median_receiver_time', ({ load }) => load?.receivers?.median),
  ...ofTimes('last_receiver_time', ({ load }) => load?.receivers?.last),
  ...ofTimes('first_answer_time', ({ load }) => load?.firstAnswerTime),
  ...ofRepeat({ beside_operations: ({ load }) => load?.beside?.operations }),
  ...ofTimes('beside_service_time', ({ load }) => load?.beside?.serviceTime),
  ...ofRepeat({
    sent: ({ load }) => load?.ledger.sent,
    received: ({ load }) => load?.ledger.received,
    outstanding: ({ load }) => load?.ledger.outstanding,
    lost: ({ load }) => load?.ledger.lost,
    duplicated: ({ load }) => load?.ledger.duplicated,
    reordered: ({ load }) => load?.ledger.reordered,
    corrupt: ({ load }) => load?.ledger.corrupt,
    connection_errors: ({ load }) => load && sum(Object.values(load.errors)),
    fairness_jain: ({ load }) => load?.fairness?.jain,
    fairness_worst_over_median: ({ load }) => load?.fairness?.worstOverMedian,
    capacity_lowest_missed_per_s: ({ capacity }) => capacity?.lowestMissedPerS,
    capacity_objective_ns: ({ capacity }) => capacity?.objectiveNs,
    crash_victims: ({ crash }) => crash?.victims,
    crash_others_lost: ({ crash }) => crash?.othersLost,
    crash_noticed_ms: ({ crash }) => crash?.noticedMs,
    crash_replaced_ms: ({ crash }) => crash?.replacedMs,
    generator_busy_share: ({ load }) => load?.generator.busyShare,
    generator_cpu_ms: ({ load }) => load?.generator.cpuMs,
    server_cpu_ms: ({ resources }) => resources?.cpuMs,
    idle_memory_kib: ({ resources }) => resources?.idleMemoryKib,
    held_memory_kib: ({ resources }) => resources?.heldMemoryKib,
    memory_is_rss: ({ resources }) => resources?.memoryIsRss,
    processes: ({ resources }) => resources?.processes,
    threads: ({ resources }) => resources?.threads,
    open_files: ({ resources }) => resources?.openFiles,
    voluntary_switches: ({ resources }) => resources?.voluntarySwitches,
    involuntary_switches: ({ resources }) => resources?.involuntarySwitches,
    others_cpu_share: ({ resources }) => resources?.othersCpuShare,
    faults: ({ faults }) => faults.map(({ text }) => text).join('; '),
  }),
}

/** Why a point is not valid. */
function reasonsOf({ status, cannot, faults }: Point): string[] {
  if (cannot !== null) return [cannot]
  if (status === 'interrupted') return ['the run was interrupted before']
  if (status === 'lower-bound') return ['the load generator was the limit']
  return faults.map(({ text }) => text)
}

/** Empty where there was no repeat. */
function ofRepeat(columns: Columns<Repeat>): Columns<RepeatRow> {
  const entries = Object.entries(columns).map(([name, valueIn]) => {
    const inRow = ({ repeat }: RepeatRow) => (repeat === null ? null : valueIn(repeat))
    return [name, inRow] as const
  })
  return Object.fromEntries(entries)
}

/** Percentiles of one repeat; empty where there were too few times for them. */
function ofTimes(
  name: string,
  timesIn: (repeat: Repeat) => TimesRecord | null | undefined,
): Columns<RepeatRow> {
  const figure = (of: (times: TimesRecord) => number | null) => (repeat: Repeat) => {
    const times = timesIn(repeat)
    return times && times.count > 0 ? of(times) : null
  }
  return ofRepeat({
    [`${name}_count`]: (repeat) => timesIn(repeat)?.count,
    [`${name}_mean_ns`]: figure(({ meanNs }) => meanNs),
    [`${name}_min_ns`]: figure(({ minNs }) => minNs),
    [`${name}_p50_ns`]: figure(({ p50Ns }) => p50Ns),
    [`${name}_p90_ns`]: figure(({ p90Ns }) => p90Ns),
    [`${name}_p99_ns`]: figure(({ p99Ns }) => p99Ns),
    [`${name}_p999_ns`]: figure(({ p999Ns }) => p999Ns),
    [`${name}_max_ns`]: figure(({ maxNs }) => maxNs),
  })
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
