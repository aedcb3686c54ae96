// The services, as data. A server loads the one that it offers, and no other.

import type { Service } from './service.ts'

export type ServiceName = 'irc' | 'echo' | 'upper' | 'daytime' | 'login' | 'http' | 'file'

export interface ServiceInfo {
  readonly name: ServiceName
  /** One sentence: what it is. */
  readonly summary: string
  readonly load: () => Promise<{ readonly service: Service }>
}

export const SERVICES: readonly ServiceInfo[] = [
  {
    name: 'irc',
    summary: 'The chat: an IRC subset.',
    load: () => import('./services/irc.ts'),
  },
  {
    name: 'echo',
    summary: 'Every byte comes back as it came (RFC 862).',
    load: () => import('./services/echo.ts'),
  },
  {
    name: 'upper',
    summary: 'Every letter from a to z comes back as a capital.',
    load: () => import('./services/upper.ts'),
  },
  {
    name: 'daytime',
    summary: 'The date and time, in one line, and the end of the connection (RFC 867).',
    load: () => import('./services/daytime.ts'),
  },
  {
    name: 'login',
    summary: 'A line user|password is answered success or fail.',
    load: () => import('./services/login.ts'),
  },
  {
    name: 'http',
    summary:
      'Enough of HTTP/1.1 for curl, wrk and autocannon: keep-alive, pipelining, a small page.',
    load: () => import('./services/http.ts'),
  },
  {
    name: 'file',
    summary: 'Files of a folder, in either direction, with their size and hash.',
    load: () => import('./services/file.ts'),
  },
]

/** Loads a service by its name. */
export async function loadService(name: ServiceName): Promise<Service> {
  const info = SERVICES.find((one) => one.name === name)!
  return (await info.load()).service
}
