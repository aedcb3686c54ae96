// What else differs between two runs: where and how they were made. A difference of their figures may come
// from there.

import type { Config, Environment, Results } from './schema.ts'

/** A line for each setting and each property of the machine that is not the same; none when all are. */
export function changesBetween(before: Results, after: Results): string[] {
  return [
    ...environmentChanges(before.environment, after.environment),
    ...configChanges(before.config, after.config),
    ...[before, after].flatMap(({ warnings }, i) =>
      warnings.some(({ kind }) => kind === 'machine-busy')
        ? [`other programs ran during the ${i === 0 ? 'old' : 'new'} run`]
        : [],
    ),
  ]
}

/** Which one of them it is does not matter, or is said elsewhere. */
const IGNORED = new Set([
  'loadAverageBefore',
  'preset',
  'models',
  'transports',
  'workloads',
  'repeats',
  'precisionShare',
  'seed',
  'ratesPerS',
])

function environmentChanges(before: Environment, after: Environment): string[] {
  return changedKeys(before, after).map((key) =>
    key === 'commit'
      ? change('commit', commitOf(before), commitOf(after))
      : change(key, before[key], after[key]),
  )
}

function commitOf({ commit }: Environment): string {
  return commit ? `${commit.id.slice(0, 10)}${commit.dirty ? '+' : ''}` : 'unknown'
}

function configChanges(before: Config, after: Config): string[] {
  const general = changedKeys(before, after).map((key) => change(key, before[key], after[key]))
  const workloads = after.workloads.flatMap((workload) => {
    const earlier = before.workloads.find(({ name }) => name === workload.name)
    if (!earlier) return []
    return (['window', 'warmupMs', 'durationMs'] as const)
      .filter((key) => earlier[key] !== workload[key])
      .map((key) => change(`${key} of ${workload.name}`, earlier[key], workload[key]))
  })
  return [...general, ...workloads]
}

function changedKeys<Of extends object>(before: Of, after: Of): (keyof Of & string)[] {
  const keys = Object.keys(after) as (keyof Of & string)[]
  return keys.filter(
    (key) => !IGNORED.has(key) && JSON.stringify(before[key]) !== JSON.stringify(after[key]),
  )
}

function change(name: string, before: unknown, after: unknown): string {
  return `${name} ${inWords(before)}, then ${inWords(after)}`
}

function inWords(value: unknown): string {
  if (value === null) return 'unknown'
  return typeof value === 'string' ? value : JSON.stringify(value)
}
