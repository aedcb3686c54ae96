// The universal scalability law, fitted to a sweep over clients (N. J. Gunther, Guerrilla Capacity Planning,
// 2007, chapter 4):
//
//     X(N) = λN / (1 + σ(N − 1) + κN(N − 1))
//
// N clients would do N times what one does (λ), but for contention (σ: the share of the work that only one
// can do at a time, as in Amdahl’s law) and coherency (κ: what every two of them cost each other, which in
// the end makes more clients do less). A law with three parameters fits most curves, so a good fit proves
// nothing: here it sees the smaller half of the sizes only, and is judged by what it says of the larger half.
// Pure.

import { levenbergMarquardt } from 'ml-levenberg-marquardt'
import { workloadInfo } from '../clients/load/index.ts'
import { loadName } from './points.ts'
import type { Point, Scaling } from './schema.ts'

/**
 * Fewer sizes are not fitted. The three parameters need four sizes, or the curve goes through whatever was
 * measured; and there must be two to be predicted. Gunther asks for six as well.
 */
export const SIZES_MIN = 6
const FITTED_MIN = 4
/** A prediction that is further off is no use for planning. */
export const ERROR_MAX = 0.2
/** A maximum this many times beyond the largest size is one that no measurement speaks for. */
const BEYOND_MAX = 10

/** A law for each workload, transport and model of which at least six sizes were asked for. */
export function scalingOf(points: readonly Point[]): Scaling[] {
  const sweeps = new Map<string, Point[]>()
  for (const point of points.filter(growsWithClients)) {
    const key = `${loadName(point)} ${point.model}`
    sweeps.set(key, [...(sweeps.get(key) ?? []), point])
  }
  return [...sweeps.values()].filter(isOneCurve).map(scalingOfSweep)
}

/** Several numbers of senders at one size are several curves. */
function isOneCurve(sweep: readonly Point[]): boolean {
  const sizes = new Set(sweep.map(({ clients }) => clients))
  return sizes.size >= SIZES_MIN && sizes.size === sweep.length
}

/** Where a fixed number is active however many others there are, or requests come at a rate, there is more of nothing. */
function growsWithClients({ workload, arrivals }: Point): boolean {
  const { sendersUsual, isStaged } = workloadInfo(workload)
  return arrivals === 'closed' && sendersUsual === undefined && !isStaged
}

interface Measured {
  readonly clients: number
  readonly perS: number
}

function scalingOfSweep(sweep: readonly Point[]): Scaling {
  const { workload, transport, model } = sweep[0]!
  const measured = sweep.flatMap(measuredOf).toSorted((one, other) => one.clients - other.clients)
  return { workload, transport, model, ...judge(measured) }
}

/** Only what the server did, and for all of them: a lower bound is of the generator. */
function measuredOf({ status, summary, clients }: Point): Measured[] {
  if (status !== 'valid' || summary === null || summary.served < clients) return []
  return [{ clients, perS: summary.throughputPerS.median }]
}

function judge(measured: readonly Measured[]): Omit<Scaling, 'workload' | 'transport' | 'model'> {
  if (measured.length < SIZES_MIN) {
    return { ...NO_LAW, measuredClients: measured.map(({ clients }) => clients) }
  }
  const split = Math.max(FITTED_MIN, Math.ceil(measured.length / 2))
  const fitted = measured.slice(0, split)
  const { law, isSettled } = fitLaw(fitted)
  const predictions = measured.slice(split).map(({ clients, perS }) => {
    const predictedPerS = throughputBy(law, clients)
    return { clients, predictedPerS, measuredPerS: perS, error: predictedPerS / perS - 1 }
  })
  const isFarOff = predictions.some(({ error }) => Math.abs(error) > ERROR_MAX)
  return {
    ...law,
    measuredClients: measured.map(({ clients }) => clients),
    fittedClients: fitted.map(({ clients }) => clients),
    predictions,
    bestClients: bestClients(law, measured.at(-1)!.clients),
    doubt: isFarOff ? 'predictions-far-off' : isSettled ? null : 'not-converged',
  }
}

const NO_LAW = {
  lambdaPerS: null,
  sigma: null,
  kappa: null,
  fittedClients: [],
  predictions: [],
  bestClients: null,
  doubt: 'too-few-sizes',
} as const satisfies Partial<Scaling>

export interface Law {
  readonly lambdaPerS: number
  /** 0 to 1. */
  readonly sigma: number
  /** 0 or more. */
  readonly kappa: number
}

export function throughputBy({ lambdaPerS, sigma, kappa }: Law, clients: number): number {
  return (lambdaPerS * clients) / (1 + sigma * (clients - 1) + kappa * clients * (clients - 1))
}

/** Where the law has its maximum, within reason. */
function bestClients({ sigma, kappa }: Law, largest: number): number | null {
  if (kappa === 0) return null
  const best = Math.max(1, Math.round(Math.sqrt((1 - sigma) / kappa)))
  return best > BEYOND_MAX * largest ? null : best
}

/**
 * Start values: what one client of the smallest size does, with hardly any contention and coherency in one
 * fit, and very much in the other.
 */
const STARTS = [0.1, 5] as const
/** The library does not say whether it has converged: two fits that say the same of the largest size have. */
const SETTLED_WITHIN = 0.01

/** At least four sizes, the smallest first. */
export function fitLaw(measured: readonly Measured[]): { law: Law; isSettled: boolean } {
  const fits = STARTS.map((start) => fitFrom(start, measured)).toSorted(
    (a, b) => a.misfit - b.misfit,
  )
  const largest = measured.at(-1)!.clients
  const [one, other] = fits.map(({ law }) => throughputBy(law, largest * 2))
  return { law: fits[0]!.law, isSettled: Math.abs(other! / one! - 1) <= SETTLED_WITHIN }
}

/**
 * Least squares of the logarithm, so that an error of a tenth weighs the same at every size, and λ cannot
 * become negative. σ and κ are fitted as what they cost at the largest size, for the steps of the method
 * are as long for one parameter as for another.
 */
function fitFrom(start: number, measured: readonly Measured[]) {
  const unitPerS = measured[0]!.perS / measured[0]!.clients
  const largest = measured.at(-1)!.clients
  const pairs = largest * (largest - 1)
  const lawOf = ([logLambda = 0, contention = 0, coherency = 0]: readonly number[]): Law => ({
    lambdaPerS: Math.exp(logLambda) * unitPerS,
    sigma: contention / (largest - 1),
    kappa: coherency / pairs,
  })
  const { parameterValues, parameterError } = levenbergMarquardt(
    {
      x: measured.map(({ clients }) => clients),
      y: measured.map(({ perS }) => Math.log(perS / unitPerS)),
    },
    (parameters) => (clients) => Math.log(throughputBy(lawOf(parameters), clients) / unitPerS),
    {
      initialValues: [0, start, start],
      minValues: [-LOG_FACTOR_MAX, 0, 0],
      // A σ of 1 is work that one alone can do at a time; what falls below that is coherency.
      maxValues: [LOG_FACTOR_MAX, largest - 1, COHERENCY_MAX],
      jacobianFunction: (parameters) => (clients) => {
        const { sigma, kappa } = lawOf(parameters)
        const cost = 1 + sigma * (clients - 1) + kappa * clients * (clients - 1)
        const ofContention = -(clients - 1) / (largest - 1) / cost
        const ofCoherency = (-clients * (clients - 1)) / pairs / cost
        return [1, ofContention, ofCoherency]
      },
      damping: 1e-3,
      maxIterations: 200,
      errorTolerance: 1e-12,
    },
  )
  return { law: lawOf(parameterValues), misfit: parameterError }
}

/** λ is within this factor (e⁵, about 150) of what a client of the smallest size did. */
const LOG_FACTOR_MAX = 5
/** A throughput a million times lower than without: nothing that could be measured. */
const COHERENCY_MAX = 1e6
