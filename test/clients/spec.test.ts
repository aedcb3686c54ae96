import { describe, expect, test } from 'vitest'
import { checkSpec, type LoadSpec, LoadSpecError, runLoad } from '../../clients/load/index.ts'
import { AddressError, openFilesMax } from '../../posix/index.ts'

const SPEC: LoadSpec = {
  workload: 'room',
  address: '127.0.0.1:6667',
  clients: 10,
  senders: 2,
  arrivals: 'closed',
  ratePerS: null,
  accounting: true,
  window: 1,
  messageBytes: 64,
  pingsPerSession: 10,
  workMs: 1,
  warmupMs: 0,
  durationMs: 100,
  setupStallMs: 100,
  drainMs: 100,
  threads: 1,
  seed: 1,
}

describe('a specification', () => {
  test('that makes sense is accepted', () => {
    expect(() => checkSpec(SPEC)).not.toThrow()
    expect(() => checkSpec({ ...SPEC, address: 'unix:/tmp/chat' })).not.toThrow()
    expect(() => checkSpec({ ...SPEC, workload: 'echo', address: 'udp:[::1]:7' })).not.toThrow()
  })

  test.each<[field: string, change: Record<string, unknown>]>([
    ['workload', { workload: 'pong' }],
    ['workload', { workload: undefined }],
    ['clients', { clients: 0 }],
    ['clients', { clients: 1.5 }],
    ['clients', { clients: '10' }],
    ['clients', { clients: 1e9 }],
    ['clients', { clients: 1, senders: 1 }],
    ['senders', { senders: 0 }],
    ['senders', { senders: 11 }],
    ['senders', { workload: 'login', clients: 100, senders: 17 }],
    ['clients', { workload: 'mix', clients: 1, senders: 1 }],
    ['arrivals', { workload: 'ping', arrivals: 'sometimes', ratePerS: 100 }],
    ['ratePerS', { workload: 'ping', ratePerS: 100 }],
    ['ratePerS', { workload: 'ping', arrivals: 'constant' }],
    ['ratePerS', { workload: 'ping', arrivals: 'poisson', ratePerS: 0 }],
    ['ratePerS', { workload: 'ping', arrivals: 'poisson', ratePerS: NaN }],
    ['ratePerS', { workload: 'ping', arrivals: 'constant', ratePerS: '100' }],
    ['ratePerS', { workload: 'ping', arrivals: 'constant', ratePerS: 1e9 }],
    ['accounting', { accounting: 1 }],
    ['accounting', { workload: 'http', accounting: false }],
    ['window', { window: 0 }],
    ['window', { window: NaN }],
    ['messageBytes', { messageBytes: 23 }],
    ['messageBytes', { messageBytes: 500 }],
    ['warmupMs', { warmupMs: -1 }],
    ['durationMs', { durationMs: 0 }],
    ['durationMs', { durationMs: Infinity }],
    ['setupStallMs', { setupStallMs: 0 }],
    ['drainMs', { drainMs: -1 }],
    ['threads', { threads: 0 }],
    ['threads', { threads: 11 }],
    ['seed', { seed: -1 }],
    ['seed', { seed: 2 ** 32 }],
    ['address', { address: '127.0.0.1:0' }],
    ['address', { workload: 'echo', address: 'udp:127.0.0.1:0' }],
    ['address', { address: 'udp:127.0.0.1:7' }],
    ['pingsPerSession', { workload: 'session', pingsPerSession: 0 }],
  ])('is refused in one sentence that names %s: %j', async (field, change) => {
    const spec = { ...SPEC, ...change } as LoadSpec
    expect(() => checkSpec(spec)).toThrow(LoadSpecError)
    expect(() => checkSpec(spec)).toThrow(new RegExp(`^${field} is .*\\.$`))
    await expect(runLoad(spec)).rejects.toThrow(LoadSpecError)
  })

  test.each([
    [{ clients: 10_000, senders: 10_000 }, 'pairs'],
    [{ clients: 10_000, senders: 1, window: 4096 }, 'in flight'],
  ])('that would not fit is refused: %j', (change, why) => {
    expect(() => checkSpec({ ...SPEC, ...change })).toThrow(LoadSpecError)
    expect(() => checkSpec({ ...SPEC, ...change })).toThrow(why)
  })

  test.skipIf(openFilesMax() > 100_000)('that needs more sockets than there are is refused', () => {
    expect(() => checkSpec({ ...SPEC, clients: 100_000, senders: 1 })).toThrow(/^clients .*ulimit/)
  })

  test('of an open loop takes any rate between one in a quarter of an hour and ten million', () => {
    for (const ratePerS of [0.001, 0.5, 5000, 10_000_000]) {
      const open = { workload: 'ping', arrivals: 'poisson', ratePerS } as const
      expect(() => checkSpec({ ...SPEC, ...open })).not.toThrow()
    }
  })

  test('fields that a workload does not read may say anything', () => {
    expect(() =>
      checkSpec({ ...SPEC, workload: 'ping', senders: 0, pingsPerSession: 0 }),
    ).not.toThrow()
  })

  test('the address is one that can be written on a command line', () => {
    expect(() => checkSpec({ ...SPEC, address: 'localhost' })).toThrow(AddressError)
    expect(() => checkSpec({ ...SPEC, address: 'udp:unix:/tmp/echo' })).toThrow(AddressError)
  })
})
