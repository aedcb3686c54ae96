import { describe, expect, test } from 'vitest'
import { WORKLOAD_NAMES } from '../../clients/load/index.ts'
import { UsageError } from '../../bench/errors.ts'
import type { BenchOptions } from '../../bench/options.ts'
import type { PlannedModel } from '../../bench/plan.ts'
import {
  parseCount,
  parseCounts,
  parseDurationMs,
  parseWords,
  resolveConfig,
  spellDuration,
} from '../../bench/options.ts'
import { parseSenders, spellSenders } from '../../bench/senders.ts'
import { model } from './sample.ts'

const MODELS = ['sequential', 'process', 'thread', 'async']
const CATALOG: readonly PlannedModel[] = [
  ...MODELS.map((name) => ({ ...model(name), takes: name === 'process' ? ['spares'] : [] })),
  { ...model('udp'), transports: ['udp'] },
]

function resolve(options: Partial<BenchOptions>) {
  return resolveConfig({ out: 'results', ...options }, CATALOG)
}

/** What is run: models, and workloads. */
function names(options: Partial<BenchOptions>) {
  const { models, workloads } = resolve(options)
  return [models, workloads.map(({ name }) => name)]
}

function swept(sweep: number) {
  return resolve({ sweep, workloads: ['ping', 'room'] }).workloads.map(({ clients }) => clients)
}

function loop(options: Partial<BenchOptions>) {
  const { arrivals, ratesPerS, accounting } = resolve({ workloads: ['ping'], ...options })
  return { arrivals, ratesPerS, accounting }
}

describe('a configuration', () => {
  test('without options is the standard preset with all models and workloads', () => {
    const config = resolve({})
    expect(config.preset).toBe('standard')
    expect(config.models).toEqual(MODELS)
    expect(config.workloads.map(({ name }) => name)).toEqual(['ping', 'room', 'session', 'mix'])
    expect(config.seed).not.toBe(resolve({}).seed)
  })

  test('takes what is asked for over what the preset says', () => {
    const config = resolve({
      preset: 'quick',
      clients: [5, 7, 5],
      durationMs: 300,
      repeats: 9,
      seed: 0,
    })
    expect(config.workloads.map(({ clients }) => clients)).toEqual([
      [5, 7],
      [5, 7],
      [5, 7],
    ])
    expect(config.workloads.every(({ durationMs }) => durationMs === 300)).toBe(true)
    expect(config.repeats).toBe(9)
    expect(config.seed).toBe(0)
  })

  test('sweeps powers of two, from the least that a workload takes', () => {
    expect(swept(64)).toEqual([
      [1, 2, 4, 8, 16, 32, 64],
      [2, 4, 8, 16, 32, 64],
    ])
    expect(swept(100)[0]).toEqual([1, 2, 4, 8, 16, 32, 64, 100])
    expect(() => swept(32)).toThrow('--sweep must be a whole number from 64 to 20000, not 32.')
  })

  test('has windows by workload, so that one run has PINGs alone and in a pipeline', () => {
    const workloads = ['ping', 'pipeline']
    expect(resolve({ workloads }).workloads.map(({ window }) => window)).toEqual([1, 16])
    const { workloads: wider } = resolve({ workloads, window: 2 })
    expect(wider.map(({ window }) => window)).toEqual([2, 16])
  })

  test('of all workloads has those that the transports allow', () => {
    expect(names({ workloads: ['all'] })[1]).toEqual(WORKLOAD_NAMES)
    expect(names({ workloads: ['all'], transports: ['udp'] })[1]).toEqual(['echo'])
  })

  test('takes a model more than once, with options of its own', () => {
    expect(
      resolve({ models: ['process', 'process:spares=08', 'process:spares=8'] }).models,
    ).toEqual(['process', 'process:spares=8'])
  })

  test('is a closed loop unless there is a rate; then each once, and evenly unless told otherwise', () => {
    expect(loop({})).toEqual({ arrivals: 'closed', ratesPerS: [], accounting: true })
    expect(loop({ ratesPerS: [5, 7, 5], accounting: false })).toEqual({
      arrivals: 'constant',
      ratesPerS: [5, 7],
      accounting: false,
    })
    expect(loop({ ratesPerS: [5], arrivals: 'poisson' }).arrivals).toBe('poisson')
  })

  test('leaves out models and workloads that cannot use the transport, unless they are named', () => {
    expect(names({ transports: ['unix'] })).toEqual([MODELS, ['ping', 'room', 'session', 'mix']])
    expect(names({ transports: ['udp'] })).toEqual([['udp'], ['echo']])
    expect(names({ transports: ['udp', 'tcp'], workloads: ['echo'] })[0]).toEqual([
      ...MODELS,
      'udp',
    ])
    expect(names({ models: ['udp'] })[0]).toEqual(['udp'])
  })

  test.each([
    [{ models: ['asink'] }, 'There is no model "asink"; did you mean async?'],
    [{ models: ['Thread'] }, 'There is no model "Thread"; did you mean thread?'],
    [
      { models: ['fibre'] },
      'There is no model "fibre"; there are sequential, process, thread, async, udp.',
    ],
    [{ workloads: ['pong'] }, 'There is no workload "pong"; did you mean ping?'],
    [{ models: ['\x1b[31m'] }, 'There is no model "\\u001b[31m"; there are'],
    [{ models: [] }, 'No model is named; there are'],
    [{ clients: [0] }, '--clients must be a whole number from 1 to 20000, not 0.'],
    [{ clients: [2.5] }, '--clients must be a whole number'],
    [{ clients: [Number.NaN] }, 'not NaN'],
    [{ clients: [] }, 'clients needs a number'],
    [{ messageBytes: 23 }, '--size must be a whole number from 24 to 400, not 23.'],
    [{ durationMs: 99 }, '--duration must be from 100ms to 60m, not 99ms.'],
    [{ repeats: 0 }, '--repeats must be'],
    [{ seed: 2 ** 32 }, '--seed must be'],
    [
      { precision: 0.03, repeats: 5 },
      '--precision can stop a point after 5 repeats at the soonest',
    ],
    [{ precision: 0.03, repeats: 10, ratesPerS: [500] }, 'which --rate decides; give one of them.'],
    [{ precision: 0, repeats: 10 }, '--precision must be from 0.1% to 50%.'],
    [{ out: '' }, '--out needs a folder, such as results.'],
    [
      { workloads: ['ping', 'session'], senders: [{ count: 2 }] },
      '--senders is for workloads where some clients',
    ],
    [
      { clients: [10], senders: [{ count: 11 }] },
      '11 senders need at least as many clients, but there are 10.',
    ],
    [{ clients: [5, 1] }, 'room needs at least 2 clients'],
    [{ clients: [1], workloads: ['room'] }, 'room needs at least 2 clients'],
    [{ ratesPerS: [0] }, '--rate must be a whole number from 1 to 10000000, not 0.'],
    [{ ratesPerS: [] }, '--rate needs a number'],
    [{ ratesPerS: [100], window: 4 }, '--rate and --window exclude each other'],
    [{ arrivals: 'poisson' }, '--arrivals needs --rate'],
    [{ workloads: ['http'], accounting: false }, '--no-ledger is not for http'],
    [
      { workloads: ['login'], clients: [50], senders: [{ count: 17 }] },
      'login takes 16 senders at most',
    ],
    [
      { workloads: ['mix'], clients: [50, 10], senders: [{ share: 0.5 }, { share: 0.02 }] },
      '2% of 10 clients is nobody; ask for a larger share, or for more clients.',
    ],
    [{ senders: [{ count: 0 }] }, '--senders must be a whole number from 1 to 20000, not 0.'],
    [
      { workloads: ['pipeline', 'fairness'], window: 8 },
      '--window would change nothing: pipeline has 16, fairness has 4.',
    ],
    [{ workloads: ['mix'], workMs: 2001 }, '--work-ms must be a whole number from 1 to 2000'],
    [{ workloads: ['ping'], workMs: 20 }, '--work-ms is for the workload mix; add'],
    [{ transports: ['unx'] }, 'There is no transport "unx"; did you mean unix?'],
    [{ transports: ['udp'], workloads: ['ping'] }, 'ping goes over tcp or unix, not over udp.'],
    [{ models: ['proces:spares=8'] }, 'There is no model "proces"; did you mean process?'],
    [{ models: ['process:spare=8'] }, 'no option of a model "spare"; did you mean spares?'],
    [{ models: ['async:spares=8'] }, 'async takes no spares.'],
    [{ models: ['process:spares=many'] }, 'spares takes a number from 0 to 300: write it like'],
    [{ models: ['process:spares'] }, 'write it like process:spares=8.'],
    [{ models: ['process:'] }, 'There is no option of a model ""'],
  ] as const)('refuses %o', (options, sentence) => {
    expect(() => resolve(options)).toThrow(UsageError)
    expect(() => resolve(options)).toThrow(sentence)
  })
})

describe('words of the command line', () => {
  test.each([
    ['2s', 2000],
    ['500ms', 500],
    ['0', 0],
    ['1.5s', 1500],
    ['2m', 120_000],
  ])('%s lasts %d ms', (text, ms) => expect(parseDurationMs(text)).toBe(ms))

  test.each([
    [0, '0'],
    [99, '99ms'],
    [1234, '1234ms'],
    [1500, '1.5s'],
    [90_000, '90s'],
    [3_600_000, '60m'],
  ])('%d ms are spelt %s, which is read again', (ms, text) => {
    expect(spellDuration(ms)).toBe(text)
    expect(parseDurationMs(text)).toBe(ms)
  })

  test.each(['1500', '2', '0.5'])('%s is no duration without its unit', (text) => {
    expect(() => parseDurationMs(text)).toThrow(
      `"${text}" has no unit; write ${text}ms for milliseconds or ${text}s for seconds.`,
    )
  })

  test.each(['', 'soon', '2h', '-1s', '1e3', 's'])('"%s" is no duration', (text) => {
    expect(() => parseDurationMs(text)).toThrow(UsageError)
  })

  test.each([
    ['5', { count: 5 }, '5'],
    ['10%', { share: 0.1 }, '10%'],
    ['7.0%', { share: 0.07 }, '7%'],
    ['0.5%', { share: 0.005 }, '0.5%'],
  ])('%s are so many senders: %o', (text, choice, spelt) => {
    expect(parseSenders('--senders', text)).toEqual(choice)
    expect(spellSenders(choice)).toBe(spelt)
  })

  test.each(['', '-1', '0%', '101%', '1.5', '%', '1/10'])('"%s" are no senders', (text) => {
    expect(() => parseSenders('--senders', text)).toThrow(/; --senders takes such as 5 or 10%\.$/)
  })

  test('lists take commas and spaces', () => {
    expect(parseCounts('--clients', '10, 50')).toEqual([10, 50])
    expect(parseWords('--models', 'a,,b ')).toEqual(['a', 'b'])
    expect(() => parseWords('--models', ' , ')).toThrow('--models needs a value')
  })

  test.each(['ten', '', '-1', '1.5', '0x10', '9'.repeat(40)])('"%s" is no count', (text) => {
    expect(() => parseCount('--clients', text)).toThrow(
      /is not a whole number; --clients takes one/,
    )
  })
})
