// Little's law: in a closed loop the requests in flight are as many as clients × window, always. So
//
//     clients × window = throughput × mean service time
//
// (J. D. C. Little, 1961: L = λW, whatever the distributions.) Both sides are known here, and the two factors of the
// right one are found in different ways, one by counting and one by clocks. Where they disagree one is wrong.
//
// How much they may disagree is not a matter of taste. Here a request is followed by the next one at the same
// reading of the clock, so in each of the N places of a window of length T service times lie end to end without a gap.
// All that were recorded cover N × T and, at both ends, what reaches out of the window:
//
//     sum of all service times = N × T + overhang,    0 ≤ overhang ≤ the sum of the 2 N longest
//
// They are those of the operations that ended within the window and of the N that were in flight at its end, so
//
//     throughput × mean = N + (overhang − N × mean) / T

import type { LoadResult } from '../clients/load/contract.ts'
import { sumOfLongestNs, workloadInfo } from '../clients/load/index.ts'

export interface LittlesLaw {
  /** Requests (sessions, files) that were kept in flight. */
  readonly inFlight: number
  /** Throughput × mean service time. */
  readonly seen: number
  /** What it may be between. */
  readonly low: number
  readonly high: number
}

/** Histograms keep three digits of a time. */
const HISTOGRAM_ERROR = 1 / 1000

/** Null where it says nothing: no closed loop of a constant number, or clients that were lost or refused. */
export function littlesLaw(load: LoadResult): LittlesLaw | null {
  const { operations, serviceTime, elapsedNs } = load
  const inFlight = keptInFlight(load)
  if (inFlight === null || operations === 0 || elapsedNs === 0) return null
  const { meanNs, hdr } = serviceTime
  const atTheEnd = (inFlight * meanNs) / elapsedNs
  const overhang = sumOfLongestNs(hdr, 2 * inFlight) / elapsedNs
  return {
    inFlight,
    seen: (operations * meanNs) / elapsedNs,
    low: (inFlight - atTheEnd) * (1 - HISTOGRAM_ERROR) - betweenSessions(load),
    high: (inFlight - atTheEnd + overhang) * (1 + HISTOGRAM_ERROR),
  }
}

export function holds({ seen, low, high }: LittlesLaw): boolean {
  return seen >= low && seen <= high
}

function keptInFlight({ spec, served, refused, errors }: LoadResult): number | null {
  const { keepsInFlight, clientsStay } = workloadInfo(spec.workload)
  const wereLost = Object.keys({ ...refused, ...errors }).length > 0
  // Of datagrams some are lost, and given up after a second.
  if (spec.address.startsWith('udp:')) return null
  if (spec.arrivals !== 'closed' || keepsInFlight === null || wereLost) return null
  const { clients, senders } = spec
  // Where only a few were served nobody knows whether senders are among them.
  if (keepsInFlight.who !== 'all' && served < clients) return null
  const all = clientsStay ? served : clients
  const who = { all, senders, others: clients - senders }[keepsInFlight.who]
  return who * (keepsInFlight.each === 'window' ? spec.window : 1)
}

/**
 * Between two sessions of a place the generator closes a connection, which is nobody's service time. It does that
 * for one place at a time, and is busy meanwhile: in all it is no more than that.
 */
function betweenSessions({ spec, generator }: LoadResult): number {
  const { clientsStay } = workloadInfo(spec.workload)
  return clientsStay ? 0 : generator.threads * generator.busyShare
}
