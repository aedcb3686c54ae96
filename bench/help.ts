// What `--help` says about values: the default of each option, its bounds, and what the presets choose.
// It is written from the same tables that decide, so that it cannot be wrong.

import type { WorkloadName } from '../clients/load/contract.ts'
import { WORKLOAD_NAMES } from '../clients/load/contract.ts'
import type { Bounds } from './options.ts'
import { spellDuration } from './options.ts'
import type { Preset } from './presets.ts'
import { PRESETS } from './presets.ts'

/** ` (24 to 400, default: 64)`, for the end of a description. */
export function facts(byDefault: string | number, bounds?: Bounds): string {
  const range = bounds ? `${bounds.min} to ${bounds.max}, ` : ''
  return ` (${range}default: ${byDefault})`
}

/** The same for times: ` (1ms to 60m, default: 10s)`. */
export function timeFacts(byDefault: number | string, { min, max }: Bounds): string {
  const spelt = typeof byDefault === 'number' ? spellDuration(byDefault) : byDefault
  return ` (${spellDuration(min)} to ${spellDuration(max)}, default: ${spelt})`
}

/** Defaults that a preset chooses, one row for each workload. */
export function presetTable(): string {
  const presets = [PRESETS.quick, PRESETS.standard, PRESETS.full]
  const rows = [
    ['', '--quick', 'neither', '--full'],
    ['repeats', ...presets.map(({ repeats }) => String(repeats))],
    ...WORKLOAD_NAMES.map((name) => rowOf(name, presets)),
  ]
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('   '))
  const head = 'By preset, --clients: --warmup+--duration of each run:'
  return [head, ...lines.map((line) => `  ${line.trimEnd()}`)].join('\n')
}

function rowOf(name: WorkloadName, presets: readonly Preset[]): string[] {
  return [name, ...presets.map((preset) => choiceOf(preset, name))]
}

function choiceOf({ workloads }: Preset, name: WorkloadName): string {
  const { clients, durationMs, warmupMs } = workloads[name]
  return `${clients.join(',')}: ${spellDuration(warmupMs)}+${spellDuration(durationMs)}`
}
