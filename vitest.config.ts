import { defineConfig } from 'vitest/config'

// These bench tests start servers, or a browser, as processes, so they belong with the suites that do.
const BENCH_WITH_SERVERS = [
  'bench',
  'server',
  'equivalence',
  'pinning',
  'workloads',
  'open-loop',
  'witness',
  'selfcheck',
  'html-browser',
].map((name) => `test/bench/${name}.test.ts`)

const setupFiles = ['test/support/own-temporary-folder.ts']

// Two projects. `unit` is pure or short and runs in threads, many files at a time. `servers` starts real
// servers, so it runs in processes of its own, after the others and two files at a time: more of them that
// fight for two cores would time each other out.
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/{protocol,posix,clients,bench,architecture}/**/*.test.ts'],
          exclude: BENCH_WITH_SERVERS,
          pool: 'threads',
          setupFiles,
        },
      },
      {
        test: {
          name: 'servers',
          include: ['test/{servers,cli,docs}/**/*.test.ts', ...BENCH_WITH_SERVERS],
          pool: 'forks',
          setupFiles,
          maxWorkers: 2,
          sequence: { groupOrder: 1 },
          testTimeout: 30_000,
          hookTimeout: 30_000,
        },
      },
    ],
  },
})
