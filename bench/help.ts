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

/** Defaults that a preset chooses, one row for each of them. */
export function presetTable(): string {
  const rows = [
    ['', '--repeats', '--clients', '--duration', '--warmup'],
    presetRow('--quick', PRESETS.quick),
    presetRow('neither', PRESETS.standard),
    presetRow('--full', PRESETS.full),
  ]
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  const lines = rows.map((row) => row.map((cell, i) => cell.padEnd(widths[i]!)).join('  '))
  const head = `By preset, for ${WORKLOAD_NAMES.join(' · ')}:`
  return [head, ...lines.map((line) => `  ${line.trimEnd()}`)].join('\n')
}

function presetRow(name: string, { repeats, workloads }: Preset): string[] {
  return [
    name,
    String(repeats),
    each((workload) => workloads[workload].clients.join(',')),
    each((workload) => spellDuration(workloads[workload].durationMs)),
    each((workload) => spellDuration(workloads[workload].warmupMs)),
  ]
}

function each(show: (name: WorkloadName) => string): string {
  return WORKLOAD_NAMES.map(show).join(' · ')
}
