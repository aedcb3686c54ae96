#!/usr/bin/env node
// The command line: options in, one function call out, and nothing else. What a command needs is loaded
// when it is called: a server does not carry the benchmark in its memory.

import { Command, CommanderError, InvalidArgumentError, Option } from '@commander-js/extra-typings'
import { AddressError, parseAddress } from './posix/address.ts'
import { Failure, UsageError } from './bench/errors.ts'
import {
  checkedWords,
  parseCount,
  parseCounts,
  parseDurationMs,
  parseWords,
} from './bench/options.ts'
import { PACKAGE_VERSION } from './bench/package.ts'
import { PRESETS } from './bench/presets.ts'
import { CATALOG } from './servers/catalog.ts'
import { ServeError } from './servers/serve-error.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2

const MODEL_NAMES = CATALOG.map(({ name }) => name)

const program = new Command('hubbub')
  .description(
    'One chat service under four concurrency models, driven by one load generator, compared in one report.',
  )
  .version(PACKAGE_VERSION)
  .showHelpAfterError('Try --help.')
  .exitOverride()
  .configureOutput({
    outputError: (text, write) => write(text.replace(/^error: /, 'hubbub: ')),
  })
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\nData goes to standard output, progress and words to standard error.',
  )

program
  .command('bench')
  .description('run the models under load, and print and keep a comparison')
  .option('--models <list>', `models to compare, with commas (default: all of them)`, words)
  .option('--workloads <list>', 'workloads: ping, room, session (default: all)', words)
  .option('--clients <list>', 'numbers of clients, such as 10,50', counts)
  .option('--senders <n>', 'room: how many of the clients speak (default: a quarter)', count)
  .option('--duration <time>', 'measured time of each run, such as 2s', duration)
  .option('--warmup <time>', 'time before it that is driven but not measured', duration)
  .option('--repeats <n>', 'runs of each combination', count)
  .option('--size <bytes>', 'length of a message', count)
  .option('--window <n>', 'requests in flight on each connection', count)
  .option('--threads <n>', 'threads of the load generator', count)
  .option('--seed <n>', 'seed of the order of runs and of the messages', count)
  .addOption(new Option('--quick', PRESETS.quick.summary).conflicts('full'))
  .option('--full', PRESETS.full.summary)
  .addOption(
    new Option('--out <folder>', 'where results are kept').default('results').env('HUBBUB_OUT'),
  )
  .option('--json', 'print the results as JSON instead of tables')
  .addHelpText('after', `\nWithout --quick or --full: ${PRESETS.standard.summary}.`)
  .action(async ({ quick, full, duration: durationMs, warmup: warmupMs, size, ...options }) => {
    const { runBench } = await import('./bench/bench.ts')
    const preset = quick ? 'quick' : full ? 'full' : 'standard'
    process.exitCode = await runBench(
      { ...options, preset, durationMs, warmupMs, messageBytes: size },
      { out: print, err: process.stderr, signal: interruption() },
    )
  })

program
  .command('serve')
  .description('run the chat server under one model, until a signal ends it')
  .argument('<model>', MODEL_NAMES.join(', '))
  .addOption(
    new Option(
      '--listen <address>',
      '127.0.0.1:6667, [::1]:6667 or unix:/path; port 0 is any free one',
    )
      .env('HUBBUB_LISTEN')
      .argParser(address),
  )
  .addOption(new Option('--port <n>', 'as --listen 127.0.0.1:<n>').env('PORT').argParser(port))
  .addOption(
    new Option('--name <name>', 'how the server calls itself')
      .env('HUBBUB_NAME')
      .default('hubbub.local'),
  )
  .addOption(
    new Option('--password <word>', 'what clients must give with PASS').env('HUBBUB_PASSWORD'),
  )
  .option('--max-clients <n>', 'clients at a time; more are told "Server full"', positive)
  .option('--backlog <n>', 'connections that the kernel keeps waiting', count)
  .option('--send-queue <bytes>', 'output that may wait for one client', positive)
  .option('--registration-timeout <time>', 'for NICK and USER, such as 10s', duration)
  .option('--ping-interval <time>', 'silence before a client is sent a PING', duration)
  .option('--ping-timeout <time>', 'silence after it that ends the connection', duration)
  .option('--lab', 'add the commands WORK <ms> and WAIT <ms>')
  .action(async (name, options) => {
    const [chosen] = checkedWords('model', [name], MODEL_NAMES)
    const model = CATALOG.find((candidate) => candidate.name === chosen)!
    if (!/^[!-9;-~]{1,63}$/.test(options.name)) {
      throw new UsageError('--name must be one word of printable ASCII, without a colon.')
    }
    const { runServer } = await import('./servers/shell.ts')
    process.exitCode = await runServer(model, {
      listen: options.listen ?? options.port ?? DEFAULT_ADDRESS,
      serverName: options.name,
      version: `hubbub-${PACKAGE_VERSION}`,
      password: options.password ?? null,
      lab: options.lab ?? false,
      protocolLimits: given({
        registrationTimeoutMs: options.registrationTimeout,
        pingIntervalMs: options.pingInterval,
        pingTimeoutMs: options.pingTimeout,
      }),
      serverLimits: given({
        clientsMax: options.maxClients,
        backlog: options.backlog,
        sendQueueBytesMax: options.sendQueue,
      }),
    })
  })

program
  .command('models')
  .description('list the concurrency models')
  .option('--json', 'as JSON')
  .action(async ({ json }) => {
    const { renderCatalog } = await import('./bench/reporters/catalog.ts')
    print(json ? `${JSON.stringify(CATALOG, null, 2)}\n` : renderCatalog(CATALOG))
  })

program
  .command('report')
  .description('print the results of an earlier run again')
  .argument('<file>', 'a file that hubbub bench has written')
  .addOption(
    new Option('--format <format>', 'terminal, markdown or json')
      .choices(['terminal', 'markdown', 'json'] as const)
      .default('terminal' as const),
  )
  .action(async (file, { format }) => {
    const { report } = await import('./bench/report.ts')
    process.exitCode = await report(file, format, { out: print })
  })

program
  .command('schema')
  .description('print the JSON Schema of the results')
  .action(async () => {
    const { resultsJsonSchema } = await import('./bench/results.ts')
    print(`${JSON.stringify(resultsJsonSchema(), null, 2)}\n`)
  })

/** Port 6667 is the one that IRC clients try first (RFC 7194 section 2.1 calls it customary). */
const DEFAULT_ADDRESS = parseAddress('127.0.0.1:6667')

// Readers of option values. What they throw is a usage error that names the option.

function count(text: string): number {
  return reading(() => parseCount('it', text))
}

/** None at all would be a server that nobody can use. */
function positive(text: string): number {
  return reading(() => {
    const value = parseCount('it', text)
    if (value === 0) throw new UsageError('0 is too few; it takes a number from 1 up.')
    return value
  })
}

function counts(text: string): number[] {
  return reading(() => parseCounts('it', text))
}

function words(text: string): string[] {
  return reading(() => parseWords('it', text))
}

function duration(text: string): number {
  return reading(() => parseDurationMs(text))
}

function address(text: string): ReturnType<typeof parseAddress> {
  return reading(() => parseAddress(text))
}

function port(text: string): ReturnType<typeof parseAddress> {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError(`"${text}" is not a port.`)
  return address(`127.0.0.1:${text}`)
}

function reading<Value>(read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (error instanceof UsageError || error instanceof AddressError) {
      throw new InvalidArgumentError(error.message)
    }
    throw error
  }
}

/** Only those that were given: an absent option must not overwrite a default. */
function given<Options extends Record<string, number | undefined>>(
  options: Options,
): { [Name in keyof Options]?: number } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Name in keyof Options]?: number
  }
}

function print(text: string): void {
  // Whoever reads it may stop early (`hubbub schema | head`): that is no failure.
  process.stdout.once('error', (error: NodeJS.ErrnoException) => {
    process.exit(error.code === 'EPIPE' ? 0 : EXIT_FAILED)
  })
  process.stdout.write(text)
}

/** Aborts at the first Ctrl-C or SIGTERM; a second one ends the process at once. */
function interruption(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (controller.signal.aborted) process.exit(130)
      controller.abort(new Error('interrupted'))
    })
  }
  return controller.signal
}

/** No stack trace reaches a user, except that of a fault of ours, which is worth reporting. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (error instanceof UsageError || error instanceof Failure) {
    process.stderr.write(`hubbub: ${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof ServeError) {
    process.stderr.write(`hubbub: ${error.message}\n`)
    return EXIT_FAILED
  }
  process.stderr.write(
    `hubbub: This is a fault in hubbub itself: ${error instanceof Error ? error.message : String(error)}\n`,
  )
  if (process.env['HUBBUB_DEBUG'] && error instanceof Error)
    process.stderr.write(`${error.stack}\n`)
  return EXIT_FAILED
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = explain(error)
}
