// The scopes of the options of `hubbub serve`: which of them mean something only to some services, or only
// to some models. Elsewhere they would change nothing, and whoever gave one would not know.

import type { ServiceName } from '../protocol/services.ts'
import { CATALOG, isOfDatagrams, type ModelInfo } from './catalog.ts'

interface Scope {
  /** Behind the names of those that it is for: what they do with it. */
  readonly why?: string
  /** Left out, every service. */
  readonly services?: readonly ServiceName[]
  /** Left out, every model. */
  readonly models?: { readonly that: string; readonly do: (model: ModelInfo) => boolean }
}

const CONNECTED: Scope['models'] = {
  that: 'keep connections',
  do: (model) => !isOfDatagrams(model),
}
const SILENCE: Scope = {
  services: ['irc', 'echo', 'upper', 'login', 'http', 'file'],
  why: 'where a connection may be silent',
  models: CONNECTED,
}

const SCOPES = {
  name: { services: ['irc'], why: 'which says it in every line of its own' },
  password: { services: ['irc'], why: 'whose clients give it with PASS' },
  accounts: { services: ['irc', 'login'], why: 'whose clients log in' },
  lab: { services: ['irc', 'http'], why: 'which can be told to compute or to wait' },
  registrationTimeout: {
    services: ['irc', 'http'],
    why: 'which wait for NICK and USER, or for a whole request',
    models: CONNECTED,
  },
  pingInterval: SILENCE,
  pingTimeout: SILENCE,
  root: { services: ['file'], why: 'which serves that folder' },
  allowPut: { services: ['file'], why: 'which may take files' },
  maxUpload: { services: ['file'], why: 'which may take files' },
  maxClients: {
    models: {
      that: 'keep several clients at a time',
      do: ({ clientsAtOnce, clientsMax }) => clientsAtOnce > 1 && clientsMax < Infinity,
    },
  },
  backlog: { models: CONNECTED },
  sendQueue: { models: CONNECTED },
  spares: {
    models: {
      that: 'start something for each client',
      do: ({ takes }) => takes?.includes('spares') ?? false,
    },
  },
  workers: {
    models: {
      that: 'share the port between processes',
      do: ({ takes }) => takes?.includes('workers') ?? false,
    },
  },
} satisfies Readonly<Record<string, Scope>>

/** An option as the command line knows it by its attribute: `--allow-put` is `allowPut`. */
export type ScopedOption = keyof typeof SCOPES
export const SCOPED_OPTIONS = Object.keys(SCOPES) as ScopedOption[]

/** For whom an option is, as a word or two before its description: `irc, login`. */
export function takersOf(option: ScopedOption): string {
  const { services, models }: Scope = SCOPES[option]
  return (services ?? namesOf(models)).join(', ')
}

/** Why the option would change nothing, as the rest of a sentence that begins with it; or null. */
export function whyUseless(
  option: ScopedOption,
  model: ModelInfo,
  service: ServiceName,
): string | null {
  const { services, why, models }: Scope = SCOPES[option]
  if (models && !models.do(model)) {
    const names = namesOf(models)
    const few = names.length <= FEW ? ` (${names.join(', ')})` : ''
    return `is for models that ${models.that}${few}; ${model.name} does not.`
  }
  if (!services || services.includes(service)) return null
  return `is for --service ${OR.format(services)}, ${why}; ${service} has no use for it.`
}

function namesOf(models: Scope['models']): string[] {
  return CATALOG.filter((model) => models?.do(model)).map(({ name }) => name)
}

const FEW = 3
const OR = new Intl.ListFormat('en-GB', { type: 'disjunction' })
