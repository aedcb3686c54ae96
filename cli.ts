#!/usr/bin/env node
// The command line: options in, one function call out, and nothing else. What a command needs is loaded
// when it is called: a server does not carry the benchmark in its memory.

import {
  Command,
  CommanderError,
  Help,
  InvalidArgumentError,
  Option,
} from '@commander-js/extra-typings'
import { type Address, AddressError, parseAddress } from './posix/address.ts'
import { Failure, UsageError } from './bench/errors.ts'
import { facts, presetTable, timeFacts } from './bench/help.ts'
import {
  type Bounds,
  BOUNDS,
  parseCount,
  parseCounts,
  parseDurationMs,
  parseShare,
  parseWords,
  spellDuration,
} from './bench/options.ts'
import { PACKAGE_VERSION } from './bench/package.ts'
import {
  MESSAGE_BYTES,
  OBJECTIVE_MS,
  PRESETS,
  THRESHOLD_SHARE,
  WINDOW,
  WITNESS,
  WORK_MS,
} from './bench/presets.ts'
import { FORMAT_NAMES, formatTable } from './bench/reporters/formats.ts'
import type { SendersChoice } from './bench/schema.ts'
import { PROOF_NAMES } from './bench/selfcheck/proof.ts'
import { parseSenders } from './bench/senders.ts'
import { checkedWords } from './bench/words.ts'
import { TRANSPORTS, WORKLOAD_NAMES } from './clients/load/contract.ts'
import { NameError, TransferFailure } from './clients/transfer/failure.ts'
import { DEFAULT_PROTOCOL_LIMITS } from './protocol/limits.ts'
import { type ServiceName, SERVICES } from './protocol/services.ts'
import { CATALOG, isOfDatagrams, type ModelInfo } from './servers/catalog.ts'
import { DEFAULT_SERVER_LIMITS } from './servers/limits.ts'
import { SCOPED_OPTIONS, takersOf, whyUseless } from './servers/scopes.ts'
import { ServeError } from './servers/serve-error.ts'
import type { ServeOptions } from './servers/shell.ts'

const EXIT_FAILED = 1
const EXIT_USAGE = 2
const EXIT_INTERRUPTED = 130

const MODEL_NAMES = CATALOG.map(({ name }) => name)
const SERVICE_NAMES = SERVICES.map(({ name }) => name)

/** The port that IRC clients try first (RFC 7194 section 2.1 calls it customary). */
const DEFAULT_PORT = 6667
const DEFAULT_LISTEN = `127.0.0.1:${DEFAULT_PORT}`

/** What --allow-put allows unless told otherwise: 1 GiB. */
const UPLOAD_BYTES_MAX = 2 ** 30

/** What `serve` takes. None of them is a wish that a machine could grant beyond this. */
const SERVE_BOUNDS = {
  port: { min: 0, max: 65_535 },
  // More than a million descriptors is more than Linux gives to a process (fs.nr_open).
  clients: { min: 1, max: 1_000_000 },
  // As many threads as a thousand clients of `thread` have.
  spares: { min: 0, max: 1_000 },
  workers: { min: 1, max: 64 },
  backlog: { min: 1, max: 65_535 },
  // Less would not hold the answers to one chunk of requests, and end clients that do nothing wrong.
  sendQueueBytes: { min: 48 * 1024, max: 2 ** 30 },
  timeMs: { min: 1, max: 3_600_000 },
  uploadBytes: { min: 0, max: 10 ** 15 - 1 }, // Fifteen digits: what the protocol can say.
} as const

/** log2 of scrypt's N. */
const SCRYPT_COST = { min: 1, max: 20, usual: 17 } as const

const TIMES = 'A time is a number and its unit: 500ms, 1.5s or 2m.'

/** A server hashes a file before it says how long it is, and after it has taken it. */
const TRANSFER_TIMEOUT_MS = 60_000
const TRANSFER_TIMEOUT = `how long the server may say nothing${timeFacts(TRANSFER_TIMEOUT_MS, SERVE_BOUNDS.timeMs)}`

const program = new Command('hubbub')
  .description(
    'One chat service under every concurrency model of Node, driven by one load generator, compared in one report.',
  )
  .version(PACKAGE_VERSION)
  .showHelpAfterError('Try --help.')
  .exitOverride()
  .configureOutput({
    writeOut: print,
    outputError: (text, write) => write(text.replace(/^error: /, 'hubbub: ')),
  })
  .configureHelp({
    // One pair of parentheses behind a description is enough: our facts, and the variable's name.
    optionDescription: (option) => new Help().optionDescription(option).replace(') (', ', '),
    boxWrap: wrapWhole,
  })
  .addHelpText(
    'after',
    '\nExit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted.\nData goes to standard output, progress and words to standard error.',
  )

program
  .command('bench')
  .description('run the models under load, and print and keep a comparison')
  .option(
    '--models <list>',
    `models to compare, with commas; process:spares=8 is process with --spares 8${facts('all')}`,
    words,
  )
  .option(
    '--workloads <list>',
    `${WORKLOAD_NAMES.join(', ')}; or all${facts(`${PRESETS.standard.usual.join(', ')}; with --quick not ${PRESETS.standard.usual.filter((name) => !PRESETS.quick.usual.includes(name)).join(', ')}`)}`,
    words,
  )
  .option('--transport <list>', `${TRANSPORTS.join(', ')}${facts('tcp')}`, words)
  .option(
    '--clients <list>',
    `numbers of clients, such as 10,50${facts('by preset', BOUNDS.clients)}`,
    counts,
  )
  .addOption(
    new Option(
      '--sweep <n>',
      `1, 2, 4 and so on to n clients, and a law of scaling fitted to them${facts('no sweep', BOUNDS.sweep)}`,
    )
      .argParser(count)
      .conflicts('clients'),
  )
  .option(
    '--senders <list>',
    `clients that speak in room and crash, compute in mix, stop reading in slow, log in at login: numbers or shares, such as 1,5 or 10%,50%${facts('a quarter, a tenth', BOUNDS.senders)}`,
    senders,
  )
  .option(
    '--work-ms <n>',
    `how long each WORK of mix keeps a CPU busy${facts(WORK_MS, BOUNDS.workMs)}`,
    count,
  )
  .option(
    '--duration <time>',
    `measured time of each run, such as 2s${timeFacts('by preset', BOUNDS.durationMs)}`,
    duration,
  )
  .option(
    '--warmup <time>',
    `time before it, driven but not measured${timeFacts('by preset', BOUNDS.warmupMs)}`,
    duration,
  )
  .option('--repeats <n>', `runs of each combination${facts('by preset', BOUNDS.repeats)}`, count)
  .option(
    '--precision <share>',
    'a point is finished when half its interval is no wider than this, such as 3%; --repeats is the most (default: all repeats)',
    share,
  )
  .option(
    '--size <bytes>',
    `length of a message${facts(MESSAGE_BYTES, BOUNDS.messageBytes)}`,
    count,
  )
  .option(
    '--window <n>',
    `requests in flight on each connection; pipeline and fairness have their own${facts(WINDOW, BOUNDS.window)}`,
    count,
  )
  .option(
    '--rate <list>',
    `open loop: requests sent each second, over all clients, whether earlier ones were answered or not${facts('closed loop', BOUNDS.ratesPerS)}`,
    counts,
  )
  .addOption(
    new Option(
      '--arrivals <how>',
      `with --rate: constant, that is evenly, or poisson, as independent users${facts('constant')}`,
    ).choices(['constant', 'poisson'] as const),
  )
  .option(
    '--objective <time>',
    `capacity: what the 99th percentile of response times may be${timeFacts(OBJECTIVE_MS, BOUNDS.objectiveMs)}`,
    duration,
  )
  .option('--no-ledger', 'prove no answer: to measure what that costs; nothing is ranked')
  .option(
    '--threads <n>',
    `threads of the load generator${facts('a quarter of the cores, four at most', BOUNDS.threads)}`,
    count,
  )
  .option(
    '--seed <n>',
    `seed of the order of runs and of the messages${facts('a random one', BOUNDS.seed)}`,
    count,
  )
  .option('--pin', 'keep load generator and servers on cores of their own (Linux)')
  .addOption(new Option('--quick', PRESETS.quick.summary).conflicts('full'))
  .option('--full', PRESETS.full.summary)
  .addOption(
    new Option('--out <folder>', 'where results are kept').default('results').env('HUBBUB_OUT'),
  )
  .option(
    '--export <list>',
    `formats to write beside JSON and Markdown, as in hubbub report --help${facts('none')}`,
    words,
  )
  .option('--json', 'print the results as JSON instead of tables')
  .addHelpText(
    'after',
    `\n${presetTable()}\nWithout either: ${PRESETS.standard.summary}.\n\n${TIMES}`,
  )
  .action(async ({ quick, full, duration: durationMs, warmup: warmupMs, size, ...options }) => {
    const { rate: ratesPerS, ledger: accounting, objective: objectiveMs } = options
    const { runBench } = await import('./bench/bench.ts')
    const preset = quick ? 'quick' : full ? 'full' : 'standard'
    const transports = options.transport
    process.exitCode = await runBench(
      {
        ...options,
        preset,
        transports,
        durationMs,
        warmupMs,
        messageBytes: size,
        ratesPerS,
        accounting,
        objectiveMs,
      },
      { ...output(), err: process.stderr, signal: interruption() },
    )
  })

program
  .command('serve')
  .description('run a server under one model, until a signal ends it')
  .argument('<model>', MODEL_NAMES.join(', '))
  .addOption(
    new Option(
      '--listen <address>',
      `an address and port, [::1]:6667 or unix:/path; port 0 is any free one${facts(DEFAULT_LISTEN)}`,
    )
      .env('HUBBUB_LISTEN')
      .argParser(address),
  )
  .addOption(
    new Option('--port <n>', `as --listen 127.0.0.1:<n>${facts(DEFAULT_PORT, SERVE_BOUNDS.port)}`)
      .env('PORT')
      .argParser(port),
  )
  .option(
    '--service <name>',
    `what it offers: ${SERVICE_NAMES.join(', ')}${facts('irc; over datagrams, echo')}`,
  )
  .addOption(
    new Option('--name <name>', `${takersOf('name')}: how the server calls itself`)
      .env('HUBBUB_NAME')
      .default('hubbub.local'),
  )
  .addOption(
    new Option(
      '--password <word>',
      `${takersOf('password')}: what clients must give with PASS${facts('none')}`,
    ).env('HUBBUB_PASSWORD'),
  )
  .addOption(
    new Option(
      '--accounts <file>',
      `${takersOf('accounts')}: who may log in, as hubbub account writes it${facts('nobody')}`,
    ).env('HUBBUB_ACCOUNTS'),
  )
  .option(
    '--max-clients <n>',
    `clients at a time; more are told "Server full"${facts('see hubbub models', SERVE_BOUNDS.clients)}`,
    within(SERVE_BOUNDS.clients),
  )
  .option(
    '--spares <n>',
    `${takersOf('spares')}: how many to start in advance, so that clients need not wait for it${facts(DEFAULT_SERVER_LIMITS.spares, SERVE_BOUNDS.spares)}`,
    within(SERVE_BOUNDS.spares),
  )
  .addOption(
    new Option(
      '--workers <n>',
      `${takersOf('workers')}: processes that share the port${facts('one for each core, but two at least', SERVE_BOUNDS.workers)}`,
    )
      .env('HUBBUB_WORKERS')
      .argParser(within(SERVE_BOUNDS.workers)),
  )
  .option(
    '--backlog <n>',
    `connections that the kernel keeps waiting${facts(DEFAULT_SERVER_LIMITS.backlog, SERVE_BOUNDS.backlog)}`,
    within(SERVE_BOUNDS.backlog),
  )
  .option(
    '--send-queue <bytes>',
    `output that may wait for one client${facts(DEFAULT_SERVER_LIMITS.sendQueueBytesMax, SERVE_BOUNDS.sendQueueBytes)}`,
    within(SERVE_BOUNDS.sendQueueBytes),
  )
  .option(
    '--registration-timeout <time>',
    `${takersOf('registrationTimeout')}: for NICK and USER, or for a whole request${timeFacts(DEFAULT_PROTOCOL_LIMITS.registrationTimeoutMs, SERVE_BOUNDS.timeMs)}`,
    time,
  )
  .option(
    '--ping-interval <time>',
    `silence before irc sends a client a PING${timeFacts(DEFAULT_PROTOCOL_LIMITS.pingIntervalMs, SERVE_BOUNDS.timeMs)}`,
    time,
  )
  .option(
    '--ping-timeout <time>',
    `more silence that ends the connection${timeFacts(DEFAULT_PROTOCOL_LIMITS.pingTimeoutMs, SERVE_BOUNDS.timeMs)}`,
    time,
  )
  .option(
    '--root <folder>',
    `${takersOf('root')}: the folder whose files it serves, and nothing outside of it${facts('none')}`,
  )
  .option('--allow-put', `${takersOf('allowPut')}: clients may also write files, and replace them`)
  .option(
    '--max-upload <bytes>',
    `${takersOf('maxUpload')}: the largest that they may write${facts(UPLOAD_BYTES_MAX, SERVE_BOUNDS.uploadBytes)}`,
    within(SERVE_BOUNDS.uploadBytes),
  )
  .option('--lab', `${takersOf('lab')}: add what computes and waits: WORK, WAIT, /work?ms=<n>`)
  .addHelpText(
    'after',
    `\n${TIMES}\nsequential talks to one client at a time; the others wait in the backlog.`,
  )
  .action(async (name, options, command) => {
    const model = modelNamed(name)
    if (!/^[!-9;-~]{1,63}$/.test(options.name)) {
      throw new UsageError('--name must be one word of printable ASCII, without a colon.')
    }
    if (options.password === '') {
      throw new UsageError(
        '--password and HUBBUB_PASSWORD cannot be empty: nobody could enter; leave them out to ask for none.',
      )
    }
    const isGiven = (option: 'listen' | 'port') => command.getOptionValueSource(option) === 'cli'
    const listen = whereToListen(options, isGiven)
    const usual = isOfDatagrams(model) ? 'echo' : 'irc'
    const [service] = checkedWords('service', [options.service ?? usual], SERVICE_NAMES)
    requireUseful(command, model, service!)
    const files = whatToServe(service!, options)
    const accounts = whoMayLogIn(service!, options.accounts)
    const { runServer } = await import('./servers/shell.ts')
    process.exitCode = await runServer(model, {
      service: service!,
      listen,
      serverName: options.name,
      version: `hubbub-${PACKAGE_VERSION}`,
      password: options.password ?? null,
      lab: options.lab ?? false,
      ...(files && { files }),
      ...(accounts !== undefined && { accounts }),
      protocolLimits: given({
        registrationTimeoutMs: options.registrationTimeout,
        pingIntervalMs: options.pingInterval,
        pingTimeoutMs: options.pingTimeout,
      }),
      serverLimits: given({
        clientsMax: options.maxClients,
        backlog: options.backlog,
        spares: options.spares,
        workers: options.workers,
        sendQueueBytesMax: options.sendQueue,
      }),
    })
  })

program
  .command('get')
  .description('fetch a file from a file server')
  .argument('<address>', 'where it listens, such as 127.0.0.1:6667', address)
  .argument('<name>', 'the file, as the server calls it')
  .option('--out <path>', `where to put it: a file, or a folder for it${facts('this folder')}`)
  .option('--force', 'replace what is there')
  .option('--timeout <time>', TRANSFER_TIMEOUT, time)
  .addHelpText('after', '\nA transfer that was broken off goes on when the command is repeated.')
  .action(async (from, name, { out, force, timeout }) => {
    const { get } = await import('./clients/transfer/get.ts')
    process.exitCode = await transfer(timeout, (connecting) =>
      get(
        { ...connecting, address: from, name, out: out ?? null, force: force ?? false },
        process.stderr,
      ),
    )
  })

program
  .command('put')
  .description('send a file to a file server that takes files (--allow-put)')
  .argument('<address>', 'where it listens, such as 127.0.0.1:6667', address)
  .argument('<file>', 'the file here')
  .option(
    '--as <name>',
    `how the server is to call it; folder/ keeps its last name${facts('its last name')}`,
  )
  .option('--timeout <time>', TRANSFER_TIMEOUT, time)
  .addHelpText('after', '\nA transfer that was broken off goes on when the command is repeated.')
  .action(async (to, file, { as: name, timeout }) => {
    const { put } = await import('./clients/transfer/put.ts')
    process.exitCode = await transfer(timeout, (connecting) =>
      put({ ...connecting, address: to, file, name: name ?? null }, process.stderr),
    )
  })

const account = program
  .command('account')
  .description('add, change, remove and list the accounts of the services irc and login')

for (const [verb, what] of [
  ['add', 'add an account; its password is asked for, or read from standard input'],
  ['passwd', 'change the password of an account'],
] as const) {
  account
    .command(verb)
    .description(what)
    .argument('<name>')
    .addOption(accountsOption())
    .addOption(passwordStdinOption())
    .addOption(costOption())
    .action(async (name, { accounts, passwordStdin = false, cost = SCRYPT_COST.usual }) => {
      const { add, passwd } = await import('./servers/account-command.ts')
      const perform = verb === 'add' ? add : passwd
      const terminal = { input: process.stdin, words: process.stderr }
      await perform(name, { accounts, passwordStdin, cost }, terminal)
    })
}

account
  .command('remove')
  .description('remove an account')
  .argument('<name>')
  .addOption(accountsOption())
  .action(async (name, { accounts }) => {
    const { remove } = await import('./servers/account-command.ts')
    remove(name, accounts, process.stderr)
  })

account
  .command('list')
  .description('print the names of the accounts')
  .addOption(accountsOption())
  .action(async ({ accounts }) => {
    const { list } = await import('./servers/account-command.ts')
    print(list(accounts))
  })

program
  .command('models')
  .description('list the concurrency models, or show one')
  .argument('[name]', MODEL_NAMES.join(', '))
  .option('--json', 'as JSON; clientsAtOnce is a number, or "all"')
  .action(async (name, { json }) => {
    const { catalogToJson, renderCatalog, renderEntry } =
      await import('./bench/reporters/catalog.ts')
    const chosen = name === undefined ? CATALOG : [modelNamed(name)]
    if (json) print(catalogToJson(chosen))
    else
      print(
        name === undefined ? renderCatalog(chosen, output()) : renderEntry(chosen[0]!, output()),
      )
  })

program
  .command('report')
  .description('print the results of an earlier run again, or write them in another format')
  .argument('<file>', 'a file that hubbub bench has written')
  .option('--format <format>', `what it is written for, see below${facts('terminal')}`)
  .option(
    '--out <path>',
    `a new file, or a folder, where it has the run’s name${facts('standard output')}`,
  )
  .option('--point <name>', `hgrm: which one, such as ping-epoll-12-clients${facts('all')}`)
  .allowExcessArguments()
  .addHelpText('after', `\n${formatTable()}`)
  .action(async (file, { format: word = 'terminal', out, point }, { args }) => {
    if (args.length > 1) throw new UsageError(`report prints one file; ${args.length} are named.`)
    const [format] = checkedWords('format', [word], FORMAT_NAMES)
    const { report } = await import('./bench/report.ts')
    process.exitCode = await report(
      file,
      { format: format!, out, point },
      { ...output(), err: process.stderr },
    )
  })

program
  .command('compare')
  .description(
    'compare two runs: what has become faster or slower, and whether that is more than chance',
  )
  .argument('<old>', 'a file that hubbub bench has written')
  .argument('<new>', 'another one')
  .option(
    '--threshold <share>',
    `what is worse by more than this, and proven, ends with exit code 1${facts(`${THRESHOLD_SHARE * 100}%`)}`,
    share,
  )
  .addOption(
    new Option('--format <format>', 'what it is written for')
      .choices(['terminal', 'markdown', 'json'] as const)
      .default('terminal' as const),
  )
  .option('--json', 'as --format json')
  .addHelpText(
    'after',
    '\nTen repeats on each side (bench --full) find what is 10 % slower; three can prove nothing.',
  )
  .action(async (before, after, { threshold = THRESHOLD_SHARE, format, json }) => {
    const { compare } = await import('./bench/compare.ts')
    const options = { thresholdShare: threshold, format: json ? 'json' : format } as const
    process.exitCode = compare(before, after, options, output())
  })

program
  .command('witness')
  .description('let autocannon and the load generator drive every model’s http, and compare')
  .option('--models <list>', `models to compare, with commas${facts('all')}`, words)
  .option(
    '--clients <n>',
    `connections${facts(WITNESS.clients, BOUNDS.clients)}`,
    within(BOUNDS.clients),
  )
  .option(
    '--duration <time>',
    `measured time of each run${timeFacts(WITNESS.durationMs, BOUNDS.durationMs)}`,
    duration,
  )
  .option(
    '--repeats <n>',
    `runs of each model under each of the two${facts(WITNESS.repeats, BOUNDS.repeats)}`,
    within(BOUNDS.repeats),
  )
  .option('--json', 'print the comparison as JSON instead of a table')
  .addHelpText('after', `\n${TIMES}`)
  .action(async ({ duration: durationMs, ...options }) => {
    const { runWitness } = await import('./bench/witness.ts')
    process.exitCode = await runWitness(
      { ...WITNESS, ...options, ...given({ durationMs }) },
      { ...output(), err: process.stderr, signal: interruption() },
    )
  })

program
  .command('selfcheck')
  .description('prove on this machine that the instruments of the benchmark measure what they say')
  .option('--only <list>', `proofs, with commas: ${PROOF_NAMES.join(', ')}${facts('all')}`, words)
  .option('--json', 'print the findings as JSON instead of tables')
  .addHelpText('after', '\nExit code 0 only when every proof passes.')
  .action(async (options) => {
    const { runSelfcheck } = await import('./bench/selfcheck.ts')
    process.exitCode = await runSelfcheck(options, {
      ...output(),
      err: process.stderr,
      signal: interruption(),
    })
  })

program
  .command('schema')
  .description('print the JSON Schema of the results')
  .action(async () => {
    const { resultsJsonSchema } = await import('./bench/results.ts')
    print(`${JSON.stringify(resultsJsonSchema(), null, 2)}\n`)
  })

program
  .command('help')
  .description('display help for a command')
  .argument('[command]')
  .action((name) => {
    const known = program.commands.map((command) => command.name())
    const chosen = name && checkedWords('command', [name], known)[0]
    const about = program.commands.find((command) => command.name() === chosen) ?? program
    about.help()
  })

/** Facts in parentheses at the end of a description are read at a glance: they are not broken at its margin. */
function wrapWhole(text: string, columns: number): string {
  const help = new Help()
  const behind = / \([^()]*\)$/.exec(text)?.[0] ?? ''
  const lines = help.boxWrap(text.slice(0, text.length - behind.length), columns)
  const last = lines.slice(lines.lastIndexOf('\n') + 1)
  if (last.length + behind.length <= columns) return lines + behind
  return `${lines}\n${help.boxWrap(behind.trim(), columns)}`
}

/** What would change nothing is a mistake on the command line; the environment may be meant for others. */
function requireUseful(
  command: Pick<Command, 'options' | 'getOptionValueSource'>,
  model: ModelInfo,
  service: ServiceName,
): void {
  for (const option of SCOPED_OPTIONS) {
    const why = whyUseless(option, model, service)
    const { long, envVar } = command.options.find((one) => one.attributeName() === option)!
    const source = command.getOptionValueSource(option)
    if (why !== null && source === 'cli') throw new UsageError(`${long} ${why}`)
    if (why !== null && source === 'env') {
      process.stderr.write(`hubbub: ${envVar} changes nothing here: ${long} ${why}\n`)
    }
  }
}

function modelNamed(name: string): ModelInfo {
  const [known] = checkedWords('model', [name], MODEL_NAMES)
  return CATALOG.find((model) => model.name === known)!
}

/** The file service must be told its folder. */
function whatToServe(
  service: ServiceName,
  told: {
    readonly root?: string | undefined
    readonly allowPut?: true | undefined
    readonly maxUpload?: number | undefined
  },
): ServeOptions['files'] {
  if (service !== 'file') return undefined
  if (!told.root) throw new UsageError('The file service needs --root, the folder to serve.')
  if (told.maxUpload !== undefined && !told.allowPut) {
    throw new UsageError('--max-upload bounds what --allow-put allows; give both.')
  }
  return {
    root: told.root,
    allowPut: told.allowPut ?? false,
    uploadBytesMax: told.maxUpload ?? UPLOAD_BYTES_MAX,
  }
}

function accountsOption() {
  return new Option('--accounts <file>', 'where they are kept')
    .default('accounts')
    .env('HUBBUB_ACCOUNTS')
}

function passwordStdinOption() {
  return new Option(
    '--password-stdin',
    'do not ask, but take the line that comes on standard input',
  )
}

function costOption() {
  return new Option('--cost <n>', 'log2 of the cost of the hash, for tests that cannot wait')
    .env('HUBBUB_SCRYPT_COST')
    .argParser(within(SCRYPT_COST))
    .hideHelp()
}

/** Only two services know accounts, and one of them is nothing without. */
function whoMayLogIn(service: ServiceName, file: string | undefined): string | undefined {
  if (service !== 'irc' && service !== 'login') return undefined
  if (file === '' || (service === 'login' && file === undefined)) {
    throw new UsageError('The login service needs --accounts, the file that hubbub account writes.')
  }
  return file
}

/** An option comes before the environment; of the two variables, the one that says more does. */
function whereToListen(
  told: { readonly listen?: Address | undefined; readonly port?: Address | undefined },
  isGiven: (option: 'listen' | 'port') => boolean,
): Address {
  if (isGiven('listen') && isGiven('port')) {
    throw new UsageError('--listen and --port both say where to listen; give one of them.')
  }
  const chosen = isGiven('port') ? told.port : (told.listen ?? told.port)
  return chosen ?? parseAddress(DEFAULT_LISTEN)
}

// Readers of option values. What they throw is a usage error that names the option.

function count(text: string): number {
  return reading(() => parseCount('it', text))
}

/** A reader that also keeps to bounds. */
function within({ min, max }: Bounds): (text: string) => number {
  return (text) => {
    const value = count(text)
    if (value >= min && value <= max) return value
    throw new InvalidArgumentError(`It takes ${min} to ${max}.`)
  }
}

function time(text: string): number {
  const ms = duration(text)
  const { min, max } = SERVE_BOUNDS.timeMs
  if (ms >= min && ms <= max) return ms
  throw new InvalidArgumentError(`It takes ${spellDuration(min)} to ${spellDuration(max)}.`)
}

function counts(text: string): number[] {
  return reading(() => parseCounts('it', text))
}

function words(text: string): string[] {
  return reading(() => parseWords('it', text))
}

function senders(text: string): SendersChoice[] {
  return reading(() => parseWords('it', text).map((word) => parseSenders('it', word)))
}

function duration(text: string): number {
  return reading(() => parseDurationMs(text))
}

function share(text: string): number {
  return reading(() => parseShare(text))
}

function address(text: string): Address {
  return reading(() => parseAddress(text))
}

function port(text: string): Address {
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

/** Where data goes, and how wide that is: nobody knows of a pipe, and some terminals say 0. */
function output() {
  return { out: print, columns: process.stdout.columns || undefined }
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

/** Runs a transfer. Whoever interrupts it is told what is left of it. */
async function transfer(
  timeoutMs = TRANSFER_TIMEOUT_MS,
  run: (connecting: { timeoutMs: number; signal: AbortSignal }) => Promise<void>,
): Promise<number> {
  const signal = interruption()
  try {
    await run({ timeoutMs, signal })
    return 0
  } catch (error) {
    if (!signal.aborted) throw error
    const kept = error instanceof TransferFailure && error.message.startsWith('Interrupted')
    process.stderr.write(`hubbub: ${kept ? error.message : 'Interrupted.'}\n`)
    return EXIT_INTERRUPTED
  }
}

/** No stack trace reaches a user, except that of a fault of ours, which is worth reporting. */
function explain(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE
  if (error instanceof UsageError || error instanceof Failure) {
    process.stderr.write(`hubbub: ${error.message}\n`)
    return error.exitCode
  }
  if (error instanceof TransferFailure || error instanceof NameError) {
    process.stderr.write(`hubbub: ${error.message}\n`)
    return error instanceof NameError ? EXIT_USAGE : EXIT_FAILED
  }
  if (error instanceof ServeError) {
    process.stderr.write(`hubbub: ${error.message}\n`)
    return error.isWrongUsage ? EXIT_USAGE : EXIT_FAILED
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
