// What theory says, as functions of numbers. Pure.

/**
 * Mean response time of M/D/1: Poisson arrivals, one server, the same service time for everybody, first come first
 * served. Pollaczek (1930) and Khinchine (1932): the wait is ρD / (2 (1 - ρ)). `load` is ρ, from 0 to below 1;
 * in the unit of `service`.
 */
export function meanResponseMd1(service: number, load: number): number {
  return service * (1 + load / (2 * (1 - load)))
}

/**
 * How many arrivals it takes until the mean response time of M/D/1 is known to within `error` of itself, with 95 %
 * confidence. Neighbours in a queue wait together, so it is far more than for independent values: from the diffusion
 * limit of a queue (W. Whitt, Planning queueing simulations, 1989), where the variance of the mean over a time t, in
 * service times, is 2 c² / ((1 - ρ)² t) of its square, with c² = 1 for Poisson arrivals and constant service.
 */
export function arrivalsNeeded(load: number, error: number): number {
  return (2 * NORMAL_95 ** 2) / (error ** 2 * (1 - load) ** 2)
}

const NORMAL_95 = 1.96

/**
 * Mean response time of those who arrive at these moments at one server with this service time, each served when
 * the one before him has been (D. V. Lindley's recursion, 1952). No chance is left: it is what this very schedule
 * must give. In the unit of `arrivals`, which ascend; the mean is that of the last `count` of them.
 */
export function meanResponseOf(
  arrivals: readonly number[],
  service: number,
  count = arrivals.length,
): number {
  let freeAt = -Infinity
  const responses = arrivals.map((arrival) => {
    freeAt = Math.max(freeAt, arrival) + service
    return freeAt - arrival
  })
  return responses.slice(-count).reduce((sum, response) => sum + response, 0) / count
}

/**
 * The response time that a share of all stays below (0.95: p95), when arrivals come evenly during `window`, are
 * answered at once, but for one `freeze` within it: who is due x before its end waits x, so a share of
 * (freeze - x) / window waits longer than x. All three times are in one unit.
 */
export function responseOfFreeze(freeze: number, window: number, share: number): number {
  return Math.max(0, freeze - (1 - share) * window)
}

/** Two-sided 95 % points of Student's t, for 2 to 10 values. */
const STUDENT_95 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262]

/** The mean of 2 to 10 independent values, and half the length of its 95 % interval. */
export function meanWithInterval(values: readonly number[]): { mean: number; half: number } {
  const n = values.length
  const mean = values.reduce((sum, value) => sum + value, 0) / n
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1)
  return { mean, half: STUDENT_95[n - 2]! * Math.sqrt(variance / n) }
}
