// Models as they are asked for: a name of the catalog, and options of `hubbub serve` behind it where one
// model is to be compared with itself.
//
//     process            hubbub serve process
//     process:spares=8   hubbub serve process --spares 8
//
// The whole of it is the model's name in a report.

import { UsageError } from './errors.ts'
import { checkedWords } from './words.ts'

/** Options that may stand behind a name, and what they take. */
const MODEL_OPTIONS: Readonly<Record<string, { min: number; max: number }>> = {
  // A process each: what a machine of some gigabytes can hold.
  spares: { min: 0, max: 300 },
  workers: { min: 1, max: 64 },
}
const OPTION_NAMES = Object.keys(MODEL_OPTIONS)

/** The parts of a label that `checkedLabels` has passed: the model, and options of `hubbub serve`. */
export function partsOfLabel(label: string): { name: string; words: string[] } {
  const [name = '', ...settings] = label.split(':')
  const words = settings.flatMap((setting) => {
    const [option = '', value = ''] = setting.split('=')
    return [`--${option}`, value]
  })
  return { name, words }
}

/** Throws a UsageError that names the first wrong word. */
export function checkedLabels(
  labels: readonly string[],
  catalog: readonly { readonly name: string; readonly takes?: readonly string[] }[],
): string[] {
  const modelNames = catalog.map(({ name }) => name)
  const checked = labels.map((label) => {
    const [name = '', ...settings] = label.split(':')
    const [known] = checkedWords('model', [name], modelNames)
    const { takes = [] } = catalog.find((model) => model.name === known)!
    return [known, ...settings.map((setting) => checkedSetting(setting, name, takes))].join(':')
  })
  return checkedWords('model', checked, checked.length > 0 ? checked : modelNames)
}

function checkedSetting(setting: string, model: string, takes: readonly string[]): string {
  const [name = '', value = ''] = setting.split('=')
  const [option] = checkedWords('option of a model', [name], OPTION_NAMES)
  if (!takes.includes(option!)) throw new UsageError(`${model} takes no ${option}.`)
  const { min, max } = MODEL_OPTIONS[option!]!
  const count = /^\d{1,6}$/.test(value) ? Number(value) : Number.NaN
  if (count >= min && count <= max) return `${option}=${count}`
  throw new UsageError(
    `${option} takes a number from ${min} to ${max}: write it like process:${option}=8.`,
  )
}
