// Every workload against real servers of its service, over every transport: all of it must be right.

import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { runBench } from '../../bench/bench.ts'
import { serveCommand } from '../../bench/package.ts'
import { readResults } from '../../bench/results.ts'
import type { Point } from '../../bench/results.ts'
import { DEFAULT_PATIENCE } from '../../bench/server.ts'
import { TRANSPORTS, WORKLOADS } from '../../clients/load/contract.ts'
import { runLoad, WORKLOAD_NAMES, workloadInfo } from '../../clients/load/index.ts'
import { loadService, SERVICES } from '../../protocol/index.ts'
import { CATALOG } from '../../servers/catalog.ts'

// Accounts are made as at any time, but for a hash of a login that takes no time.
process.env['HUBBUB_SCRYPT_COST'] = '4'

const folder = mkdtempSync(join(tmpdir(), 'hubbub-workloads-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** For each transport a model that takes all clients at once, and is quick to take them. */
const MODELS = TRANSPORTS.map((transport) =>
  CATALOG.find(
    ({ clientsAtOnce, descriptorsPerClient, transports = ['tcp', 'unix'] }) =>
      clientsAtOnce === Infinity && descriptorsPerClient <= 1 && transports.includes(transport),
  ),
)

async function measure(
  workload: string,
  transport: string,
  model: string,
  ratesPerS?: readonly number[],
): Promise<Point[]> {
  const out = mkdtempSync(join(folder, 'run-'))
  const quiet = { out: () => {}, err: { write: () => {} }, signal: new AbortController().signal }
  await runBench(
    {
      models: [model],
      workloads: [workload],
      transports: [transport],
      clients: [10],
      durationMs: 300,
      warmupMs: 100,
      // So long that a search finds something on a busy machine, too.
      objectiveMs: 2000,
      repeats: 1,
      ratesPerS,
      out,
    },
    quiet,
    {
      catalog: CATALOG,
      serverCommand: serveCommand,
      runLoad,
      lockPath: join(folder, 'lock'),
      patience: DEFAULT_PATIENCE,
    },
  )
  const file = readdirSync(out).find((name) => name.endsWith('.json'))
  return readResults(join(out, file!)).points
}

const CASES = WORKLOAD_NAMES.flatMap((workload) =>
  WORKLOADS[workload].transports.map((transport) => ({
    workload,
    transport,
    model: workloadInfo(workload).killsProcesses
      ? CATALOG.find(({ inProcesses }) => inProcesses)!.name
      : MODELS[TRANSPORTS.indexOf(transport)]!.name,
  })),
)

test.each(CASES)(
  '$workload over $transport',
  { timeout: 60_000 },
  async ({ workload, transport, model }) => {
    const [point] = await measure(workload, transport, model)
    expect(point?.faults).toEqual([])
    expect(point).toMatchObject({
      workload,
      transport,
      model,
      status: expect.stringMatching(/valid|lower/),
    })
    expect(point?.summary?.served).toBe(10)
    expect(point?.summary?.throughputPerS.median).toBeGreaterThan(0)
  },
)

test.each(CASES.filter(({ workload }) => workloadInfo(workload).arrival !== null))(
  '$workload over $transport at a rate',
  { timeout: 60_000 },
  async ({ workload, transport, model }) => {
    const [point] = await measure(workload, transport, model, [100])
    expect(point?.faults).toEqual([])
    expect(point).toMatchObject({ arrivals: 'constant', ratePerS: 100 })
    const { schedule, responseTime, serviceTime } = point!.summary!
    // Arrivals of a window that begins and ends at any moment of a hundredth of a second.
    expect(Math.abs(schedule!.offeredPerS - 100)).toBeLessThan(100 / 20)
    expect(responseTime!.count).toBeGreaterThan(0)
    expect(responseTime!.maxNs).toBeGreaterThanOrEqual(serviceTime.p50Ns)
  },
)

test('every workload drives a service that there is, and datagrams only one that answers them', async () => {
  for (const { service, transports } of Object.values(WORKLOADS)) {
    const info = SERVICES.find(({ name }) => name === service)
    expect(info, service).toBeDefined()
    const { datagram } = await loadService(info!.name)
    expect(datagram !== undefined, service).toBe(transports.includes('udp' as never))
  }
})
