import { describe, expect, test } from 'vitest'
import { seededRandom } from '../../bench/random.ts'
import type { Law } from '../../bench/scaling.ts'
import { fitLaw, scalingOf, throughputBy } from '../../bench/scaling.ts'
import type { Point, Scaling } from '../../bench/schema.ts'
import type { Figures } from './sample.ts'
import { CONFIG, planned, repeat, results } from './sample.ts'

const SIZES = [1, 2, 4, 8, 16, 32, 64]

interface Sweep {
  readonly perS: (clients: number) => number
  readonly sizes?: readonly number[]
  readonly model?: string
  readonly workload?: 'ping' | 'idle'
  readonly figures?: (clients: number) => Partial<Figures>
}

function sweepPoints({
  perS,
  sizes = SIZES,
  model = 'thread',
  workload = 'ping',
  figures,
}: Sweep): Point[] {
  const name = { ...CONFIG.workloads[0]!, name: workload }
  return results(
    sizes.map((clients) => ({
      planned: { ...planned(model), workload: name, clients },
      repeats: [1, 2].map((number) =>
        repeat(number, { perSecond: Math.round(perS(clients)), ...figures?.(clients) }, clients),
      ),
    })),
  ).points
}

function scaling(sweep: Sweep): Scaling {
  const [only, ...others] = scalingOf(sweepPoints(sweep))
  expect(others).toEqual([])
  return only!
}

const LAW: Law = { lambdaPerS: 20_000, sigma: 0.03, kappa: 0.0006 }
const byLaw = (clients: number) => throughputBy(LAW, clients)

/** Factors around 1, with this standard deviation, of which about all are within three of them. */
function noise(seed: number, deviation: number): () => number {
  const random = seededRandom(seed)
  return () => {
    const sum = Array.from({ length: 12 }, random).reduce((total, one) => total + one, -6)
    return 1 + deviation * sum
  }
}

describe('the law', () => {
  test('is found again in what it says', () => {
    const { law, isSettled } = fitLaw(
      [1, 2, 4, 8].map((clients) => ({ clients, perS: byLaw(clients) })),
    )
    expect(isSettled).toBe(true)
    expect(law.lambdaPerS).toBeCloseTo(20_000, 0)
    expect(law.sigma).toBeCloseTo(0.03, 5)
    expect(law.kappa).toBeCloseTo(0.0006, 6)
  })

  test.each([
    ['without any cost', { lambdaPerS: 1000, sigma: 0, kappa: 0 }],
    ['of contention alone', { lambdaPerS: 1000, sigma: 0.4, kappa: 0 }],
    ['of coherency alone', { lambdaPerS: 1000, sigma: 0, kappa: 0.01 }],
    ['of a server that does one thing at a time', { lambdaPerS: 1000, sigma: 1, kappa: 0 }],
    ['of one that gets slower with everybody', { lambdaPerS: 1000, sigma: 0.9, kappa: 0.5 }],
  ])('%s predicts the larger sizes', (_, law) => {
    const { predictions, doubt } = scaling({ perS: (n) => 1e6 * throughputBy(law, n) })
    expect(doubt).toBeNull()
    expect(predictions.map(({ clients }) => clients)).toEqual([16, 32, 64])
    for (const { error } of predictions) expect(Math.abs(error)).toBeLessThan(0.001)
  })

  test('never has a negative cost, whatever is measured', () => {
    const random = seededRandom(3)
    for (let i = 0; i < 20; i++) {
      const { law } = fitLaw([1, 2, 4, 8].map((clients) => ({ clients, perS: 1 + 1e5 * random() })))
      expect(law.lambdaPerS).toBeGreaterThan(0)
      expect(law.sigma).toBeGreaterThanOrEqual(0)
      expect(law.sigma).toBeLessThanOrEqual(1)
      expect(law.kappa).toBeGreaterThanOrEqual(0)
      expect(law.kappa).toBeLessThan(Infinity)
    }
  })

  test('is found near the truth in figures that vary by a hundredth', () => {
    const fits = Array.from({ length: 21 }, (_, seed) => {
      const vary = noise(seed, 0.01)
      return fitLaw([1, 2, 4, 8, 16].map((clients) => ({ clients, perS: byLaw(clients) * vary() })))
    })
    const sigmas = fits.map(({ law }) => law.sigma).toSorted((a, b) => a - b)
    expect(sigmas[10]).toBeGreaterThan(0.025)
    expect(sigmas[10]).toBeLessThan(0.035)
    expect(fits.filter(({ isSettled }) => isSettled).length).toBeGreaterThan(18)
  })
})

describe('a sweep', () => {
  test('is fitted on its smaller half and judged by its larger half', () => {
    const { fittedClients, measuredClients, predictions, bestClients, doubt, ...rest } = scaling({
      perS: (n) => (n > 8 ? byLaw(n) * 0.9 : byLaw(n)),
    })
    expect(measuredClients).toEqual(SIZES)
    expect(fittedClients).toEqual([1, 2, 4, 8])
    expect(predictions.map(({ clients }) => clients)).toEqual([16, 32, 64])
    for (const { error } of predictions) expect(error).toBeCloseTo(1 / 0.9 - 1, 2)
    expect(predictions[2]?.measuredPerS).toBe(Math.round(byLaw(64) * 0.9))
    expect(doubt).toBeNull()
    expect(bestClients).toBe(40)
    expect(rest).toMatchObject({ workload: 'ping', transport: 'tcp', model: 'thread' })
  })

  test('of six sizes leaves two to be predicted', () => {
    const { fittedClients, predictions } = scaling({ perS: byLaw, sizes: SIZES.slice(0, 6) })
    expect(fittedClients).toEqual([1, 2, 4, 8])
    expect(predictions.map(({ clients }) => clients)).toEqual([16, 32])
  })

  test('that the law says too much of is doubted, and says by how much', () => {
    const { predictions, doubt } = scaling({ perS: (n) => (n <= 8 ? 1e4 * n : 8e4) })
    expect(doubt).toBe('predictions-far-off')
    expect(predictions.at(-1)?.error).toBeGreaterThan(5)
  })

  test('that grows faster than its clients is doubted', () => {
    expect(scaling({ perS: (n) => 1000 * n ** 1.4 }).doubt).toBe('predictions-far-off')
  })

  test('without a maximum has none, nor has one where it is far beyond what was measured', () => {
    expect(scaling({ perS: (n) => 1e4 * n }).bestClients).toBeNull()
    const far = { lambdaPerS: 1e6, sigma: 0.01, kappa: 1e-7 }
    expect(scaling({ perS: (n) => throughputBy(far, n) }).bestClients).toBeNull()
  })

  test('in another order is the same', () => {
    expect(scaling({ perS: byLaw, sizes: SIZES.toReversed() })).toEqual(scaling({ perS: byLaw }))
  })

  test('of fewer sizes than six is not one', () => {
    expect(scalingOf(sweepPoints({ perS: byLaw, sizes: SIZES.slice(0, 5) }))).toEqual([])
  })

  test.each([
    ['invalid', { faults: [{ kind: 'server-died', text: 'it died' }] }],
    ['lower bounds', { busyShare: 0.99, generatorCpuMs: 980 }],
    ['of few that were served', { served: 1, faults: [] }],
  ] as const)('says so when too many figures are %s', (_, wrong) => {
    const figures = (clients: number) => (clients > 16 ? wrong : {})
    const { doubt, lambdaPerS, measuredClients, predictions } = scaling({ perS: byLaw, figures })
    expect(doubt).toBe('too-few-sizes')
    expect(lambdaPerS).toBeNull()
    expect(measuredClients).toEqual([1, 2, 4, 8, 16])
    expect(predictions).toEqual([])
  })

  test('of clients that are idle beside a fixed number is none', () => {
    expect(scalingOf(sweepPoints({ perS: byLaw, workload: 'idle' }))).toEqual([])
  })

  test('is one of one model, workload and transport', () => {
    const points = ['thread', 'async'].flatMap((model) => sweepPoints({ perS: byLaw, model }))
    expect(scalingOf(points).map(({ model }) => model)).toEqual(['thread', 'async'])
  })
})
