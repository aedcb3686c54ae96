// Who speaks in a room: the clients from 0 on.

import type { LoadSpec } from './contract.ts'

/** As many of those who listen as in `room`. */
const SPEAKING_SHARE = 1 / 4

/** How many of the clients speak; 0 where there is no room. */
export function speakersOf({ workload, clients, senders }: LoadSpec): number {
  if (workload === 'room' || workload === 'crash') return senders
  if (workload === 'slow') return Math.max(1, Math.round((clients - senders) * SPEAKING_SHARE))
  return 0
}
