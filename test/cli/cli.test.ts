// The command line as a person or a script meets it. What cannot be done is said in one sentence that
// names the thing and what to do about it, on standard error; the exit code tells whose fault it is (2:
// the request, 1: the world); and nothing that was there before is touched.

import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { createServer, type Server as NetServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { takeLock } from '../../bench/lock.ts'
import { pointName } from '../../bench/points.ts'
import { PRESETS } from '../../bench/presets.ts'
import { FORMAT_NAMES } from '../../bench/reporters/formats.ts'
import { slugOf } from '../../bench/reporters/text.ts'
import { readResults } from '../../bench/results.ts'
import { CATALOG, isOfDatagrams, STREAM_MODELS } from '../../servers/catalog.ts'
import { closeClients, connectTo, registered } from '../support/client.ts'
import { until } from '../support/conditions.ts'
import { compiled, type Outcome, run } from '../support/program.ts'
import { endServers, startServer, stopCleanly } from '../support/server.ts'

const DONE = 0
const FAILED = 1
const USAGE = 2

const MODEL = CATALOG[0]!.name
const BENCH_MODEL = STREAM_MODELS.at(-1)!.name
const NOBODY = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups']
const NOT_ROOT = 'Only root can become another user to try this.'
const isRoot = process.getuid?.() === 0 && canRun('setpriv', '--version')

const folder = mkdtempSync(join(tmpdir(), 'hubbub-cli-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
afterEach(async () => {
  closeClients()
  await endServers()
})

describe('a slip is named, and the nearest right word', () => {
  test.each([
    ['a command', ['serv'], /unknown command 'serv'/, /serve/],
    [
      'a model',
      ['serve', MODEL.slice(0, -1)],
      /no model "/,
      new RegExp(`did you mean ${MODEL}\\?`),
    ],
    ['a model that is like none', ['serve', 'zzzzzz'], /no model "zzzzzz"/, new RegExp(MODEL)],
    ['a model to be shown', ['models', 'epol'], /no model "epol"/, /did you mean epoll\?/],
    ['an option', ['serve', MODEL, '--lissen', 'x'], /--lissen/, /--listen/],
    ['an option of bench', ['bench', '--modles', 'x'], /--modles/, /--models/],
    ['a model in a list', ['bench', '--models', `${MODEL},asynk`], /no model "asynk"/, /async/],
    ['a workload', ['bench', '--workloads', 'pinh'], /no workload "pinh"/, /ping/],
    ['a transport', ['bench', '--transport', 'unx'], /no transport "unx"/, /unix/],
    ['a proof', ['selfcheck', '--only', 'mutant'], /no proof "mutant"/, /mutants/],
    ['a model of the witness', ['witness', '--models', 'asynk'], /no model "asynk"/, /async/],
    [
      'an option of a model',
      ['bench', '--models', `${MODEL}:spare=8`],
      /no option of a model "spare"/,
      /spares/,
    ],
    ['a command to be helped with', ['help', 'nope'], /no command "nope"/, /bench, serve/],
    ['a format', ['report', 'x.json', '--format', 'markdwon'], /markdwon/, /markdown/],
  ])('%s', async (_, args, names, helps) => {
    const outcome = await run(args)
    expectRefusal(outcome, USAGE)
    expect(outcome.stderr).toMatch(names)
    expect(outcome.stderr).toMatch(helps)
  })
})

describe('a value that is not one', () => {
  test.each([
    ['not a number', ['serve', MODEL, '--max-clients', 'many'], /--max-clients.*"many"/],
    ['a negative number', ['serve', MODEL, '--max-clients', '-1'], /--max-clients/],
    ['half a number', ['serve', MODEL, '--backlog', '1.5'], /--backlog.*"1\.5"/],
    ['no clients at all', ['serve', MODEL, '--port', '0', '--max-clients', '0'], /--max-clients/],
    ['a backlog too long', ['serve', MODEL, '--backlog', '65536'], /--backlog.*1 to 65535/],
    ['a time too long', ['serve', MODEL, '--ping-interval', '61m'], /1ms to 60m/],
    ['no room for output', ['serve', MODEL, '--port', '0', '--send-queue', '0'], /--send-queue/],
    ['not a port', ['serve', MODEL, '--port', 'abc'], /--port/],
    ['a port too high', ['serve', MODEL, '--port', '65536'], /--port/],
    ['not a time', ['serve', MODEL, '--ping-timeout', '5parsecs'], /--ping-timeout.*"5parsecs"/],
    [
      'two places to listen',
      ['serve', MODEL, '--listen', '127.0.0.1:0', '--port', '0'],
      /--listen and --port both say where to listen; give one of them\./,
    ],
    ['not a name', ['serve', MODEL, '--name', 'two words'], /--name/],
    [
      'an address without a port',
      ['serve', MODEL, '--listen', '127.0.0.1'],
      /--listen.*127\.0\.0\.1/,
    ],
    ['an address with a port too high', ['serve', MODEL, '--listen', '127.0.0.1:99999'], /99999/],
    ['IPv6 without brackets', ['serve', MODEL, '--listen', '::1:6667'], /--listen/],
    ['a host name', ['serve', MODEL, '--listen', 'localhost.example:1'], /--listen/],
    ['a socket path too long', ['serve', MODEL, '--listen', `unix:/tmp/${'x'.repeat(150)}`], /107/],
    ['zero clients in a benchmark', ['bench', '--clients', '0'], /--clients.*0/],
    ['clients that are words', ['bench', '--clients', '10,ten'], /--clients.*"ten"/],
    ['a time without a unit', ['serve', MODEL, '--ping-timeout', '10'], /--ping.*"10" has no unit/],
    ['a duration without a unit', ['bench', '--duration', '500'], /--duration.*500ms/],
    ['a duration of nothing', ['bench', '--duration', '0s'], /--duration/],
    ['messages too long', ['bench', '--size', '5000'], /--size/],
    ['more senders than clients', ['bench', '--clients', '5', '--senders', '6'], /senders/],
    ['a rate of nothing', ['bench', '--rate', '0'], /--rate.*from 1/],
    ['a rate and a window', ['bench', '--rate', '9', '--window', '2'], /--rate and --window/],
    ['arrivals without a rate', ['bench', '--arrivals', 'poisson'], /--arrivals needs --rate/],
    ['no ledger where there is none', ['bench', '--no-ledger', '--workloads', 'http'], /http/],
    ['two presets', ['bench', '--quick', '--full'], /--quick.*--full/],
    ['no argument', ['serve'], /model/],
    ['one argument too many', ['serve', MODEL, 'more'], /arguments/],
    ['two files', ['report', 'a.json', 'b.json'], /one file.*2/],
    ['no percentage', ['compare', 'a.json', 'b.json', '--threshold', '5'], /percentage.* 5%/],
    ['a single file to compare', ['compare', 'a.json'], /new/],
    ['an empty password', ['serve', MODEL, '--port', '0', '--password', ''], /--password.*empty/],
  ])('%s', async (_, args, names) => {
    const outcome = await run(args)
    expectRefusal(outcome, USAGE)
    expect(outcome.stderr).toMatch(names)
  })
})

describe('an option that would change nothing is refused, with what it is for', () => {
  const together = STREAM_MODELS.find(({ clientsAtOnce }) => clientsAtOnce > 1)!.name
  const plain = STREAM_MODELS.find((model) => model.clientsAtOnce > 1 && !model.takes)!.name
  const datagrams = CATALOG.find(isOfDatagrams)!.name
  const echo = [together, '--service', 'echo']

  test.each([
    [...echo, '--name', 'chat.example'],
    [...echo, '--password', 'sesame'],
    [...echo, '--accounts', 'accounts'],
    [...echo, '--registration-timeout', '5s'],
    [...echo, '--lab'],
    [together, '--service', 'daytime', '--ping-timeout', '5s'],
    [together, '--root', folder],
    [together, '--allow-put'],
    [together, '--max-upload', '5'],
  ])('by the service: %s %s %s %s', async (...args) => {
    const option = args.findLast((word) => word.startsWith('--'))!
    const service = args.includes('--service') ? args[2] : 'irc'
    const outcome = await run(['serve', ...args])
    expectRefusal(outcome, USAGE)
    expect(outcome.stderr).toMatch(
      new RegExp(
        `^hubbub: ${option} is for --service .*, wh.*; ${service} has no use for it\\.\n$`,
      ),
    )
  })

  test.each([
    [plain, '--spares', '8'],
    [plain, '--workers', '2'],
    [MODEL, '--max-clients', '5'],
    [datagrams, '--max-clients', '5'],
    [datagrams, '--backlog', '5'],
    [datagrams, '--send-queue', '65536'],
    [datagrams, '--ping-timeout', '5s'],
  ])('by the model: %s %s', async (model, option, value) => {
    const outcome = await run(['serve', model, option, value])
    expectRefusal(outcome, USAGE)
    expect(outcome.stderr).toMatch(
      new RegExp(`^hubbub: ${option} is for models that .*; ${model} does not\\.\n$`),
    )
  })

  test('but only warned of when a variable of the environment says it', async () => {
    const server = await startServer(plain, ['--service', 'echo'], {
      env: { HUBBUB_PASSWORD: 'sesame', HUBBUB_ACCOUNTS: 'nowhere', HUBBUB_WORKERS: '3' },
    })
    await stopCleanly(server)
    for (const [variable, option] of [
      ['HUBBUB_PASSWORD', '--password'],
      ['HUBBUB_ACCOUNTS', '--accounts'],
      ['HUBBUB_WORKERS', '--workers'],
    ]) {
      const warning = new RegExp(
        `^hubbub: ${variable} changes nothing here: ${option} is for `,
        'gm',
      )
      expect(server.words().match(warning), server.words()).toHaveLength(1)
    }
  })
})

test('an empty password in the environment is refused as well: nobody could give it', async () => {
  const outcome = await run(['serve', MODEL, '--port', '0'], { env: { HUBBUB_PASSWORD: '' } })
  expectRefusal(outcome, USAGE)
  expect(outcome.stderr).toMatch(/HUBBUB_PASSWORD/)
})

test('no command at all is wrong usage, and gets the help', async () => {
  const { code, stdout, stderr } = await run([])
  expect({ code, stdout }).toEqual({ code: USAGE, stdout: '' })
  expect(stderr).toMatch(/^Usage: hubbub/)
})

describe('an address that cannot be had', () => {
  let other: NetServer
  let taken = ''
  beforeAll(async () => {
    other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const address = other.address()
    taken = `127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  })
  afterAll(() => other.close())

  test.each(STREAM_MODELS.map(({ name }) => name))('in use: %s', async (model) => {
    const outcome = await run(['serve', model, '--listen', taken])
    expectRefusal(outcome, FAILED)
    expect(outcome.stderr).toContain(`${taken} is in use`)
    expect(outcome.stderr).toContain('--listen')
  })

  test.skipIf(!isRoot)(`not allowed${isRoot ? '' : ` (${NOT_ROOT})`}`, async () => {
    const outcome = await run(['serve', MODEL, '--listen', '127.0.0.1:80'], { before: NOBODY })
    expectRefusal(outcome, FAILED)
    expect(outcome.stderr).toMatch(/127\.0\.0\.1:80 is not allowed/)
  })

  test("not this machine's", async () => {
    const outcome = await run(['serve', MODEL, '--listen', '203.0.113.7:6667'])
    expectRefusal(outcome, FAILED)
    expect(outcome.stderr).toContain('203.0.113.7:6667 is not an address of this machine')
  })

  test('in a folder that is not there', async () => {
    const outcome = await run(['serve', MODEL, '--listen', `unix:${folder}/none/socket`])
    expectRefusal(outcome, FAILED)
    expect(outcome.stderr).toContain(`${folder}/none/socket`)
  })

  test('a file that is not a socket is left alone', async () => {
    const path = join(folder, 'precious')
    writeFileSync(path, 'work of years')
    const outcome = await run(['serve', MODEL, '--listen', `unix:${path}`])
    expectRefusal(outcome, FAILED)
    expect(outcome.stderr).toContain(
      `${path} is a file that is not a socket, and was left as it is`,
    )
    expect(readFileSync(path, 'utf8')).toBe('work of years')
  })

  test('a live socket is not taken over, a dead one is, and ours is removed at the end', async () => {
    const path = join(folder, 'socket')
    const first = await startServer(MODEL, ['--listen', `unix:${path}`])
    expectRefusal(await run(['serve', MODEL, '--listen', `unix:${path}`]), FAILED)
    await (await registered(first.address, 'alice')).quit()
    await first.kill()
    expect(statSync(path).isSocket(), 'killed, it leaves its socket').toBe(true)
    const second = await startServer(MODEL, ['--listen', `unix:${path}`])
    expect(statSync(path).mode & 0o077, 'nobody else may connect').toBe(0)
    await (await registered(second.address, 'alice')).quit()
    await stopCleanly(second)
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined()
  })
})

describe('serve', () => {
  test.each(STREAM_MODELS.map(({ name }) => name))(
    '%s says that it is ready in one line of JSON',
    async (model) => {
      const server = await startServer(model)
      expect(server.output().split('\n')).toHaveLength(2)
      expect(JSON.parse(server.output())).toEqual({
        model,
        service: 'irc',
        pid: server.pid,
        listen: expect.stringMatching(/^127\.0\.0\.1:\d+$/),
      })
      await stopCleanly(server)
      expect(server.output().split('\n'), 'nothing more, to the end').toHaveLength(2)
    },
  )

  test('takes its address from HUBBUB_LISTEN, its name from HUBBUB_NAME', async () => {
    const path = join(folder, 'from-environment')
    const server = await startServer(MODEL, [], {
      env: { HUBBUB_LISTEN: `unix:${path}`, HUBBUB_NAME: 'chat.example' },
      listen: null,
    })
    expect(server.address).toBe(`unix:${path}`)
    const client = await connectTo(server.address)
    client.say('PING :a')
    expect(await client.nextLine()).toBe(':chat.example PONG chat.example :a')
    await stopCleanly(server)
  })

  test('takes its port from PORT; an option comes before the environment', async () => {
    const port = await freePort()
    const fromPort = await startServer(MODEL, [], { env: { PORT: `${port}` }, listen: null })
    expect(fromPort.address).toBe(`127.0.0.1:${port}`)
    await stopCleanly(fromPort)
    const byOption = await startServer(MODEL, [], {
      env: { PORT: `${port}`, HUBBUB_LISTEN: `127.0.0.1:${port}` },
    })
    expect(byOption.address).not.toBe(fromPort.address)
    await stopCleanly(byOption)
    const byPort = await startServer(MODEL, ['--port', '0'], {
      env: { PORT: `${port}`, HUBBUB_LISTEN: `127.0.0.1:${port}` },
      listen: null,
    })
    expect(byPort.address).not.toBe(fromPort.address)
    await stopCleanly(byPort)
  })

  test.each([
    ['PORT', '70000'],
    ['HUBBUB_LISTEN', 'somewhere'],
  ])('names the variable %s when it is wrong', async (name, value) => {
    const outcome = await run(['serve', MODEL], { env: { [name]: value } })
    expectRefusal(outcome, USAGE)
    expect(outcome.stderr).toContain(name)
  })

  test('says at Ctrl-C that it drains, and at another one that it ended at once', async () => {
    const server = await startServer(MODEL)
    await registered(server.address, 'stayer') // It does not end its side, and is waited for.
    const said = server.words().length
    server.signal('SIGINT')
    await until('it should say so', () => server.words().endsWith('ends it at once.\n'))
    expect(server.words().slice(said)).toMatch(/^hubbub: Draining, .* Ctrl-C again .*\n$/)
    server.signal('SIGINT')
    expect(await server.ended).toEqual({ code: 1, signal: null })
    expect(server.words()).toMatch(/\nhubbub: Ended at once.*\.\n$/)
    expect(server.output().split('\n')).toHaveLength(2)
  })

  test('asks for the password that it was given', async () => {
    const server = await startServer(MODEL, ['--password', 'sesame'])
    const wrong = await connectTo(server.address)
    wrong.say('NICK alice', 'USER a 0 * :a')
    expect((await wrong.toEnd()).lines.join(' ')).toMatch(/ 464 .*ERROR/)
    wrong.close()
    const right = await (await connectTo(server.address)).register('alice', 'sesame')
    await right.barrier()
    await stopCleanly(server)
  })
})

describe('bench, while another benchmark holds the lock', () => {
  const temporary = mkdtempSync(join(folder, 'locked-'))
  const lock = join(temporary, 'hubbub-bench.lock')
  const file = join(temporary, 'file')
  let release: () => void
  beforeAll(() => {
    release = takeLock(lock)
    writeFileSync(file, '')
  })
  afterAll(() => release())

  // `sequential` talks to one client at a time, and nobody hears what is said in a room.
  const alone = CATALOG.find(({ clientsAtOnce }) => clientsAtOnce === 1)!.name

  test.each([
    ['a model', USAGE, ['--models', 'asynk'], /no model "asynk"/],
    ['a workload', USAGE, ['--workloads', 'pinh'], /no workload "pinh"/],
    ['a number', USAGE, ['--repeats', '0'], /--repeats .* from 1 to 1000/],
    ['a duration', USAGE, ['--duration', '99ms'], /--duration .* from 100ms/],
    ['two presets', USAGE, ['--quick', '--full'], /--quick.*--full/],
    ['a format', USAGE, ['--export', 'json,csx'], /no format "csx"; did you mean csv/],
    ['more senders than clients', USAGE, ['--clients', '2', '--senders', '3'], /3 senders/],
    ['a room for one', USAGE, ['--workloads', 'room', '--clients', '1'], /at least 2 clients/],
    ['nothing that can be run', USAGE, ['--models', alone, '--workloads', 'room'], /nobody hears/],
    ['no folder', USAGE, ['--out', ''], /--out needs a folder/],
    ['a folder that cannot be', FAILED, ['--out', join(file, 'results')], /cannot be written/],
    ['nothing wrong at all', FAILED, [], /another benchmark is running/],
  ])('%s is named first', async (_, code, args, names) => {
    const out = args.includes('--out') ? [] : ['--out', join(temporary, 'results')]
    const outcome = await run(['bench', ...args, ...out], { env: { TMPDIR: temporary } })
    expectRefusal(outcome, code)
    expect(outcome.stderr).toMatch(names)
    expect(readFileSync(lock, 'utf8')).toBe(`${process.pid}\n`)
  })
})

describe('what is printed', () => {
  test('--version is that of the package', async () => {
    const manifest = new URL('../../package.json', import.meta.url)
    const { version } = JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }
    expect(await run(['--version'])).toEqual({ code: DONE, stdout: `${version}\n`, stderr: '' })
  })

  test.each([
    [],
    ['bench'],
    ['serve'],
    ['models'],
    ['report'],
    ['compare'],
    ['witness'],
    ['selfcheck'],
    ['schema'],
  ])('--help %s goes to standard output', async (...command) => {
    const { code, stdout, stderr } = await run([...command, '--help'])
    expect({ code, stderr }).toEqual({ code: DONE, stderr: '' })
    expect(stdout).toMatch(/^Usage: hubbub/)
  })

  test.each([['bench'], ['serve']])(
    '%s --help says the default of every value, and the bounds of every number',
    async (command) => {
      const { stdout } = await run([command, '--help'])
      const entries = stdout.split(/\n(?=  --)/).filter((entry) => /^  --[\w-]+ </.test(entry))
      expect(entries.length).toBeGreaterThanOrEqual(10)
      for (const entry of entries) {
        const text = entry.replaceAll(/\s+/g, ' ')
        expect(text).toContain('default: ')
        if (/<(?:n|bytes|time)>|--clients/.test(text)) {
          expect(text).toMatch(/\(\d\w* to \d+m?, default: /)
        }
      }
    },
  )

  test.each([
    [],
    ['bench'],
    ['serve'],
    ['witness'],
    ['selfcheck'],
    ['get'],
    ['put'],
    ['account'],
    ['models'],
    ['report'],
  ])('--help %s fits into 80 columns, and breaks no default or bound', async (...command) => {
    const { stdout } = await run([...command, '--help'])
    const lines = stdout.split('\n')
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80)
    // Between two parentheses there is a line's end only where they alone are longer than a line.
    const broken = [...stdout.matchAll(/\([^()]*\n[^()]*\)/g)].map(([facts]) => facts)
    for (const facts of broken) expect(facts.replaceAll(/\s+/g, ' ').length).toBeGreaterThan(45)
  })

  test('bench --help says what each preset chooses', async () => {
    const { stdout } = await run(['bench', '--help'])
    const { clients, durationMs } = PRESETS.full.workloads.session
    const table = stdout.slice(stdout.indexOf('By preset'))
    expect(table).toMatch(new RegExp(`repeats .* ${PRESETS.full.repeats}\n`))
    expect(table).toMatch(
      new RegExp(`session .* ${clients.join(',')}: 1s\\+${durationMs / 1000}s\n`),
    )
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
  })

  test('models lists the catalog', async () => {
    const { code, stdout, stderr } = await run(['models'])
    expect({ code, stderr }).toEqual({ code: DONE, stderr: '' })
    for (const { name, summary } of CATALOG) {
      expect(stdout).toContain(name)
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(summary)
    }
  })

  test('models NAME shows one of them, and all of it', async () => {
    const { name, summary, takes } = CATALOG.find((model) => model.takes)!
    const { code, stdout } = await run(['models', name])
    expect(code).toBe(DONE)
    expect(stdout.startsWith(`${name}  `)).toBe(true)
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain(summary)
    expect(stdout).not.toContain('\n\n')
    expect(stdout).toContain(` --${takes![0]}\n`)
    expect(stdout).toContain(` servers/${name}.ts\n`)
    const json = JSON.parse((await run(['models', name, '--json'])).stdout) as { name: string }[]
    expect(json.map((model) => model.name)).toEqual([name])
  })

  test.each(CATALOG)('models $name says what to use it for, in words', async (model) => {
    const shown = (await run(['models', model.name])).stdout.replaceAll(/\s+/g, ' ')
    expect(shown).toContain(` use it for ${model.useFor} `)
    expect(shown).toContain(` not for ${model.notFor} `)
    // The suites' names for what a model cannot are explained nowhere: its reasons are.
    for (const { what, why } of model.cannot) {
      expect(shown).not.toContain(what)
      expect(shown).toContain(why)
    }
    // A bound is said once, and to know none is no bound.
    expect(shown.match(/clients at/g)).toHaveLength(1)
    expect(shown.includes('any number')).toBe(model.clientsMax === Infinity)
  })

  test('models --json lists it for programs: who serves all clients at once says so', async () => {
    const { stdout } = await run(['models', '--json'])
    const listed = JSON.parse(stdout) as { name: string; clientsAtOnce: number | string }[]
    expect(listed.map(({ name, clientsAtOnce }) => [name, clientsAtOnce])).toEqual(
      CATALOG.map(({ name, clientsAtOnce }) => [
        name,
        clientsAtOnce === Infinity ? 'all' : clientsAtOnce,
      ]),
    )
    expect((await run(['models', '--help'])).stdout).toContain('"all"')
  })

  test('no colour codes go to a pipe', async () => {
    expect((await run(['models'])).stdout).not.toContain('\x1b')
  })

  test.skipIf(!canRun('script', '--version'))(
    'colour goes to a terminal, but not under NO_COLOR',
    () => {
      expect(onTerminal({})).toContain('\x1b[')
      expect(onTerminal({ NO_COLOR: '1' })).not.toContain('\x1b[')
    },
  )

  test.skipIf(!canRun('script', '--version'))('lines are no wider than the terminal', () => {
    expect(widest(200)).toBeGreaterThan(60)
    expect(widest(60)).toBeLessThanOrEqual(60)
    expect(widest(0), 'as wide as it likes').toBe(widest(200))
  })

  test.each([
    [['schema'], /^\{\n$/],
    [['bench', '--help'], /^Usage: hubbub bench/],
  ])('a reader that stops early is no failure: %j', (words, first) => {
    // It reads a line, and the rest cannot be written any more.
    const script = '"$@" | (read -r line; printf "%s\\n" "$line"); exit "${PIPESTATUS[0]}"'
    const program = ['-c', script, 'bash', process.execPath, compiled('cli.js'), ...words]
    const { status, stdout, stderr } = spawnSync('bash', program, { encoding: 'utf8' })
    expect(stdout).toMatch(first)
    expect(stderr).toBe('')
    expect(status).toBe(0)
  })

  test('nor is one that does not read at all', () => {
    const script = '"$@" | true; exit "${PIPESTATUS[0]}"'
    for (const words of [['--help'], ['serve', '--help'], ['models']]) {
      const program = ['-c', script, 'bash', process.execPath, compiled('cli.js'), ...words]
      const { status, stderr } = spawnSync('bash', program, { encoding: 'utf8' })
      expect(stderr, words.join(' ')).toBe('')
      expect(status).toBe(0)
    }
  })

  test('schema is a JSON Schema', async () => {
    const { code, stdout } = await run(['schema'])
    expect(code).toBe(DONE)
    expect(JSON.parse(stdout)).toMatchObject({
      $schema: expect.stringContaining('json-schema.org'),
    })
  })
})

describe('bench and report', () => {
  const out = join(folder, 'results')
  let file = ''
  let text = ''
  let outcome: Outcome

  beforeAll(async () => {
    outcome = await run([...SHORTEST_BENCH, '--out', out, '--json'])
    const name = readdirSync(out).find((entry) => entry.endsWith('.json'))
    file = join(out, name ?? '')
    text = readFileSync(file, 'utf8')
  })

  test('prints what it writes; words go to standard error', () => {
    expect(outcome.code, outcome.stderr).toBe(DONE)
    expect(outcome.stdout).toBe(text)
    expect(outcome.stderr).toContain(file)
  })

  test('report prints it again, in every format', async () => {
    const terminal = await run(['report', file])
    expect(terminal).toMatchObject({ code: DONE, stderr: '' })
    expect(terminal.stdout).toContain(BENCH_MODEL)
    expect((await run(['report', file, '--format', 'json'])).stdout).toBe(text)
    expect((await run(['report', file, '--format', 'markdown'])).stdout).toMatch(/^# /)
  })

  test.each(FORMAT_NAMES)('report writes %s', async (format) => {
    const [point] = readResults(file).points
    const which = format === 'hgrm' ? ['--point', slugOf(pointName(point!))] : []
    const printed = await run(['report', file, '--format', format, ...which])
    expect(printed).toMatchObject({ code: DONE, stderr: '' })
    expect(printed.stdout).toContain(BENCH_MODEL)
  })

  test('report --out makes a file, and says where', async () => {
    const path = join(folder, 'table.csv')
    const written = await run(['report', file, '--format', 'csv', '--out', path])
    expect(written).toEqual({ code: DONE, stdout: '', stderr: `Written: ${path}\n` })
    expect(readFileSync(path, 'utf8')).toMatch(/^run_started_at,.*\r\n/)
    expectRefusal(await run(['report', file, '--format', 'csv', '--out', path]), FAILED)
  })

  test('a folder that cannot be made: under a file, and in /proc', async () => {
    for (const under of [file, '/proc']) {
      const refused = await run([...SHORTEST_BENCH, '--out', join(under, 'results')])
      expectRefusal(refused, FAILED)
      expect(refused.stderr).toContain(join(under, 'results'))
    }
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test.skipIf(!isRoot)(`a folder of somebody else${isRoot ? '' : ` (${NOT_ROOT})`}`, async () => {
    const theirs = join(folder, 'theirs')
    mkdirSync(theirs)
    chmodSync(folder, 0o755)
    chmodSync(theirs, 0o755)
    const refused = await run([...SHORTEST_BENCH, '--out', theirs], { before: NOBODY })
    expectRefusal(refused, FAILED)
    expect(refused.stderr).toContain(theirs)
    expect(readdirSync(theirs)).toEqual([])
  })

  test('a file that is not there, is a folder, or is empty', async () => {
    const empty = join(folder, 'empty.json')
    writeFileSync(empty, '')
    for (const path of [join(folder, 'none.json'), folder, empty]) {
      const refused = await run(['report', path])
      expectRefusal(refused, FAILED)
      expect(refused.stderr).toContain(path)
    }
  })

  test('a run compared with itself, in which nothing is proven', async () => {
    const compared = await run(['compare', file, file])
    expect([compared.code, compared.stderr]).toEqual([0, ''])
    expect(compared.stdout).toMatch(/No difference is proven at any of \d+ points?\.\n$/)
  })

  test('what is not a result is named, and the file to give instead', async () => {
    const refused = await run(['report', file.replace(/json$/, 'md')])
    expectRefusal(refused, FAILED)
    expect(refused.stderr).toMatch(/\.md is not a results file of hubbub: .*; name /)
    expect(refused.stderr).toContain(`; name ${file}, which was written with it.`)
    const words = join(folder, 'words.md')
    writeFileSync(words, '# Words\n')
    const other = await run(['report', words])
    expectRefusal(other, FAILED)
    expect(other.stderr).toContain('; name a .json file that `hubbub bench` has written.')
  })

  test('a file that was cut short, damaged, is of another version, or is something else', async () => {
    const bad = join(folder, 'bad.json')
    const versions = text.replace(/"schemaVersion": \d+/, '"schemaVersion": 999')
    const flipped = text.replace(
      /"seed": (\d)/,
      (_, digit: string) => `"seed": ${(Number(digit) + 1) % 10 || 1}`,
    )
    for (const [content, word] of [
      [text.slice(0, 100), /cut short/],
      [text.slice(0, -3), /cut short/],
      [flipped, /damaged/],
      [versions, /version 999/],
      ['{}', /is not a results file of hubbub: it has no schemaVersion; name a \.json file/],
      ['{"a": 1 2}', /not valid JSON/],
      ['[1, 2', /is not a results file of hubbub: it is no JSON object/],
      ['hello', /is not a results file of hubbub/],
      ['\0\xff\xfe', /is not a results file of hubbub/],
    ] as const) {
      expect(content).not.toBe(text)
      writeFileSync(bad, content, 'latin1')
      const refused = await run(['report', bad])
      expectRefusal(refused, FAILED)
      expect(refused.stderr).toContain(bad)
      expect(refused.stderr).toMatch(word)
      expect(readFileSync(bad, 'latin1'), 'it is not touched').toBe(content)
    }
  })
})

/** In a terminal of 60 columns; keys are what is typed there once `when` is to be seen. */
async function benchOnTerminal(
  words: readonly string[],
  when?: RegExp,
  keys = '',
): Promise<string> {
  const command = `stty cols 60 rows 20; exec ${process.execPath} ${compiled('cli.js')} ${words.join(' ')}`
  const env = { PATH: process.env['PATH'], TMPDIR: tmpdir(), TERM: 'xterm-256color' }
  const child = spawn('script', ['-qec', command, '/dev/null'], { env })
  let text = ''
  let isTyped = false
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
    if (isTyped || !when?.test(text)) return
    isTyped = true
    child.stdin.write(keys)
  })
  const [code] = await once(child, 'close')
  return `${text}[exit code ${code}]`
}

describe.skipIf(!canRun('script', '--version'))(
  'progress on a terminal',
  { timeout: 90_000 },
  () => {
    const out = join(folder, 'live')

    test('is drawn in place, fits, and is gone at the end', async () => {
      const text = await benchOnTerminal([...SHORTEST_BENCH, '--out', out])
      expect(text).toContain('[exit code 0]')
      const live = text.slice(text.indexOf('\x1b[?25l'), text.indexOf('\x1b[?25h'))
      expect(live).toMatch(/ 0\/2 {4}0 % /)
      expect(live).toContain(`ping · ${BENCH_MODEL} · 2 clients, repeat 1 of 1`)
      for (const line of stripVTControlCharacters(live).split(/\r?\n/)) {
        expect(line.length).toBeLessThan(60)
      }
      // Erased from its first line on, and what follows is the report.
      expect(text).toMatch(/\x1b\[\d+A\x1b\[\?25h\x1b\[J/)
      expect(text.split('\x1b[?25h')).toHaveLength(2)
      expect(text.slice(text.indexOf('\x1b[?25h'))).not.toContain('━')
    })

    test('is gone after Ctrl-C, too', async () => {
      const long = [...SHORTEST_BENCH, '--duration', '60s', '--repeats', '2', '--out', out]
      const text = await benchOnTerminal(long, /repeat 1 of 2/, '\x03')
      expect(text).toContain('[exit code 130]')
      expect(text).toMatch(/\x1b\[\?25h[^]*Interrupted before anything was measured/)
    })

    test('has no colours under NO_COLOR', () => {
      const command = `stty cols 60; ${process.execPath} ${compiled('cli.js')} ${SHORTEST_BENCH.join(' ')} --out ${out}`
      const env = { PATH: process.env['PATH'], TMPDIR: tmpdir(), TERM: 'xterm', NO_COLOR: '1' }
      const text = execFileSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', env })
      expect(text).toContain('\x1b[?25l')
      expect(text).not.toMatch(/\x1b\[\d*m/)
    })
  },
)

test('progress in a pipe is a line for each task, without escape codes', async () => {
  const { stderr } = await run([...SHORTEST_BENCH, '--out', join(folder, 'piped')])
  expect(stderr).not.toContain('\x1b')
  expect(stderr.split('\n').filter((line) => line.startsWith('['))).toEqual([
    `[1/2] same answers? · ${BENCH_MODEL}: answered`,
    expect.stringMatching(/^\[2\/2\] ping · \w+ · 2 clients, repeat 1 of 1: [\d,.]+ PINGs\/s$/),
  ])
})

function widest(columns: number): number {
  const lines = onTerminal({ NO_COLOR: '1' }, columns).split(/\r?\n/)
  return Math.max(...lines.map((line) => line.length))
}

/** What `hubbub models` shows to somebody at a terminal. */
function onTerminal(env: NodeJS.ProcessEnv, columns = 100): string {
  const command = `stty cols ${columns}; ${process.execPath} ${compiled('cli.js')} models`
  const plain = { PATH: process.env['PATH'], TERM: 'xterm-256color', ...env }
  return execFileSync('script', ['-qec', command, '/dev/null'], { encoding: 'utf8', env: plain })
}

/** One point, a fifth of a second long. */
const SHORTEST_BENCH =
  `bench --models ${BENCH_MODEL} --workloads ping --clients 2 --duration 200ms --warmup 0 --repeats 1`.split(
    ' ',
  )

/** One sentence for a person, and nothing for a program. */
function expectRefusal({ code, stdout, stderr }: Outcome, expected: number): void {
  expect({ code, stdout }, stderr).toEqual({ code: expected, stdout: '' })
  const [sentence, ...hints] = stderr.trimEnd().split('\n')
  expect(sentence).toMatch(/^hubbub: ./)
  expect(sentence!.length).toBeLessThan(600)
  // Besides the sentence there is at most the nearest right word, and where to read on.
  for (const hint of hints) expect(hint).toMatch(/^(?:\(Did you mean .*\?\)|Try --help\.)$/)
  expect(stderr).not.toMatch(/^\s+at |node:internal|fault in hubbub|undefined|\[object/m)
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

function canRun(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
