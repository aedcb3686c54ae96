// README is executed: its commands run, its conversation is held, its paths exist, its tables are true. So are
// the tables of SOURCE.md, which is its appendix.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, describe, expect, it, test } from 'vitest'
import { FORMAT_NAMES, FORMATS } from '../../bench/reporters/formats.ts'
import { CATALOG, STREAM_MODELS } from '../../servers/catalog.ts'
import { WORKLOAD_NAMES } from '../../clients/load/contract.ts'
import { connectTo } from '../support/client.ts'
import { run } from '../support/program.ts'
import { endServers, startServer } from '../support/server.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const README = readFileSync(join(ROOT, 'README.md'), 'utf8')
const SOURCE = readFileSync(join(ROOT, 'SOURCE.md'), 'utf8')
const MANIFEST = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  scripts: Record<string, string>
  engines: { node: string }
}

/** The files of servers/ in the order in which README has them read. */
const [, READING_LIST = ''] = /^## Read the source\n[^]*?\n(1\. [^]*?)\n\n/m.exec(README) ?? []
const READING_ORDER = [...READING_LIST.matchAll(/`(servers\/[\w-]+\.ts)`/g)].map(
  ([, path]) => path!,
)

/** The commands in fenced blocks marked `sh`, line by line. */
const COMMANDS = [...README.matchAll(/```sh\n([\s\S]*?)```/g)].flatMap(([, block]) =>
  (block ?? '').trim().split('\n'),
)

/** The arguments of README's `npx hubbub <name> ...`. */
function argumentsOf(name: string): string[] {
  const prefix = `npx hubbub ${name}`
  const command = COMMANDS.find((line) => line === prefix || line.startsWith(`${prefix} `))
  if (command === undefined) throw new Error(`README does not show ${prefix}`)
  return command
    .replace(/"\$\(.*\)"/, '<newest>')
    .split(' ')
    .slice(2)
}

const folder = mkdtempSync(join(tmpdir(), 'hubbub-readme-'))
afterEach(endServers)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('the commands of README', () => {
  it('name scripts of package.json and commands that are tried here', () => {
    expect(COMMANDS.length).toBeGreaterThanOrEqual(6)
    for (const command of COMMANDS) {
      const script = /^npm ci && npm (?:run )?(\w+)$/.exec(command)?.[1]
      if (script === undefined) expect(command).toMatch(/^npx hubbub (models|bench|report|serve)\b/)
      else expect(MANIFEST.scripts).toHaveProperty(script)
    }
  })

  it('ask for the version of Node that package.json asks for', () => {
    expect(README).toContain(`Node ${MANIFEST.engines.node.replace('>=', '')} or later`)
  })

  it('list the models', async () => {
    const { code, stdout } = await run(argumentsOf('models'))
    expect(code).toBe(0)
    for (const { name } of CATALOG) expect(stdout).toContain(name)
  })

  it('run a comparison, and print it again from its file', async () => {
    const bench = await run([...argumentsOf('bench'), '--out', folder])
    expect(bench.code).toBe(0)
    const file = readdirSync(folder).find((name) => name.endsWith('.json'))
    expect(file).toBeDefined()
    const report = await run(
      argumentsOf('report').map((word) => word.replace('<newest>', join(folder, file!))),
    )
    expect(report.code).toBe(0)
    expect(report.stdout).toContain('PINGs')
  }, 90_000)

  it('start a server, and the conversation shown with nc can be held with it', async () => {
    const [, model, ...options] = argumentsOf('serve')
    expect(options).toEqual(['--listen', '127.0.0.1:6667'])
    const server = await startServer(model!)
    const said = /```console\n\$ nc [^\n]*\n([\s\S]*?)```/.exec(README)?.[1]?.trim().split('\n')
    const client = await connectTo(server.address)
    client.say(...said!)
    await client.lineLike(/ 001 ada /)
    await client.lineLike(/ 366 ada #lobby /)
    await client.lineLike(/ PONG hubbub\.local :still there\?$/)
    await client.lineLike(/^ERROR :/)
    await server.stop()
  })

  it('ask without a connection, as shown with nc -u', async (context) => {
    const [, options] = /`npx hubbub serve udp ([^`]*) --port 7007`/.exec(README) ?? []
    const [, shown, answer] = /```console\n\$ ([^\n]*nc -u[^\n]*)\n([\s\S]*?)```/.exec(README) ?? []
    if (spawnSync('nc', ['-h']).error) context.skip('nc is not installed.')
    const server = await startServer('udp', options!.split(' '))
    const command = shown!.replace('127.0.0.1 7007', server.address.replace(':', ' '))
    expect(command).not.toBe(shown)
    expect(spawnSync('sh', ['-c', command], { encoding: 'utf8' }).stdout).toBe(answer)
  })
})

describe('the words of README', () => {
  it('say how many models there are', () => {
    expect([STREAM_MODELS.length, CATALOG.length], 'as README says it').toEqual([8, 9])
    expect(README).toMatch(/^One chat service, .* under eight concurrency models/m)
    expect(README).toContain('a ninth model, `udp`')
  })

  it('send the reader to every model', () => {
    for (const { name } of CATALOG) expect(READING_ORDER).toContain(`servers/${name}.ts`)
  })

  it('lead from file to file as the files themselves do', () => {
    const models = READING_ORDER.slice(READING_ORDER.indexOf('servers/sequential.ts'))
    expect(models.length).toBeGreaterThan(CATALOG.length)
    for (const [i, next] of models.slice(1).entries()) {
      const path = models[i]!
      const source = readFileSync(join(ROOT, path), 'utf8')
      const [, said] = /^\/\/ Read next\W+([\w-]+\.ts)/m.exec(source) ?? []
      expect(`servers/${said}`, `what ${path} says to read next`).toBe(next)
    }
  })

  it('or those of SOURCE.md name every file of servers/', () => {
    for (const path of readdirSync(join(ROOT, 'servers'))) {
      expect(README + SOURCE, 'README and SOURCE.md').toContain(`\`servers/${path}\``)
    }
  })
})

describe('the tables of README and SOURCE.md', () => {
  it('name files that exist', () => {
    const paths = [
      ...`${README}${SOURCE}`.matchAll(/`((?:\w[\w-]*\/)+[\w-]+\.(?:ts|md)|[A-Z]+\.md)`/g),
    ]
    expect(paths.length).toBeGreaterThan(20)
    for (const [, path] of paths) {
      expect(existsSync(join(ROOT, path!)), `they name ${path}`).toBe(true)
    }
  })

  it('have a row for every model and every workload', () => {
    const models = README.slice(README.indexOf('## The models'))
    for (const { name, useFor } of CATALOG) {
      const row = models.split('\n').find((line) => line.startsWith(`| \`${name}\` `))
      expect(row, `the row of ${name}`).toContain(`| ${useFor} `)
    }
    for (const name of WORKLOAD_NAMES) expect(README).toMatch(new RegExp(`^\\| \`${name}\` `, 'm'))
  })

  it('explain words that their files use', () => {
    const [glossary = ''] = /\n\| word [\s\S]*?\n\n/.exec(SOURCE) ?? []
    const rows = [...glossary.matchAll(/^\| ([\w -]+?) +\| .*\| `([\w/.-]+)` +\|$/gm)]
    expect(rows.length).toBeGreaterThanOrEqual(27)
    for (const [, word, path] of rows) {
      const source = readFileSync(join(ROOT, path!), 'utf8')
      expect(source, `${path} uses the word ${word}`).toMatch(new RegExp(`\\b${word}s?\\b`, 'i'))
    }
  })

  it('show a result, and the command that made it', () => {
    const result = /<!-- result table: begin -->([\s\S]*)<!-- result table: end -->/.exec(
      README,
    )?.[1]
    expect(result).toContain('npm start')
    for (const { name } of STREAM_MODELS) expect(result).toContain(name)
  })
})

test('the formats of results/README.md are those that there are', () => {
  const page = readFileSync(join(ROOT, 'results/README.md'), 'utf8')
  const [, table = ''] = /<!-- formats: begin -->([^]*)<!-- formats: end -->/.exec(page) ?? []
  const rows = [...table.matchAll(/^\| `([\w-]+)` +\| (.*?) +\| `\.(\w+)` +\|$/gm)]
  expect(rows.map(([, name, purpose, extension]) => ({ name, purpose, extension }))).toEqual(
    FORMAT_NAMES.map((name) => {
      const { purpose, extension } = FORMATS[name]
      return { name, purpose, extension }
    }),
  )
})
