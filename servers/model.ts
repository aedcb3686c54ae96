// What every concurrency model is given, and what it must give back. The shell knows nothing else of a
// model, and a model nothing else of its surroundings.

import type { HubOptions, Service, ServiceName } from '../protocol/index.ts'
import type { Listener } from '../posix/index.ts'
import type { FileSettings } from './files.ts'
import type { ServerLimits } from './limits.ts'

/**
 * The settings of a service: those of the protocol, and the server's bounds. Plain data, because some
 * models copy it to other threads and processes.
 */
export interface Settings extends HubOptions {
  readonly service: ServiceName
  readonly server: ServerLimits
  /** What the file service serves. The other services have none. */
  readonly files?: FileSettings
}

/**
 * The settings without their secrets, for those who run conversations elsewhere: passwords are the hub's
 * business, a command line is for everybody to read, and accounts would be copied for every client.
 */
export function forOwners(settings: Settings): Settings {
  return { ...settings, password: null, accounts: null }
}

/** Our environment without the secret in it (cli.ts, --password): everybody with our rights can read it. */
export function environmentForOwners(): NodeJS.ProcessEnv {
  const { HUBBUB_PASSWORD: _, ...environment } = process.env
  return environment
}

export interface Setup {
  /** Listens already. The model accepts from it, and stops and closes it when it drains. */
  readonly listener: Listener
  readonly settings: Settings
  /** The one that the settings name, loaded. Other threads and processes load it themselves. */
  readonly service: Service
  /** Says something to the operator: a sentence on standard error. */
  readonly log: (sentence: string) => void
}

/** A server that runs. */
export interface Server {
  /** Settles when it can accept; rejects when it cannot start. */
  readonly ready: Promise<void>
  /**
   * Ends it in good order. Accepts nobody any more, finishes what was read, tells each client
   * `ERROR :Server shutting down` after everything else it had to hear, and settles when all of them
   * are gone, or `drainMs` are over.
   */
  drain(): Promise<void>
}

/** Each model exports this as `serve`. */
export type Serve = (setup: Setup) => Server
