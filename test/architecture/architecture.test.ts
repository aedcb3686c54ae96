// The architecture, enforced: who may import whom, who may touch the process, and that the models, which
// are there to be compared, are written to be compared. Exceptions are data, each with its reason.

import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { CATALOG, STREAM_MODELS } from '../../servers/catalog.ts'
import { methodsOf, type Reference, referencesOf, tokensOf } from './tokens.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** Which folders a folder may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  posix: [],
  servers: ['protocol', 'posix'],
  clients: ['protocol', 'posix'],
  bench: ['clients'],
  'cli.ts': ['protocol', 'posix', 'servers', 'clients', 'bench'],
}

interface Exception {
  readonly from: string
  readonly to: string
  readonly reason: string
}

const IMPORT_EXCEPTIONS: readonly Exception[] = [
  { from: 'bench/', to: 'servers/catalog.ts', reason: 'It compares what the catalog lists.' },
  { from: 'bench/lock.ts', to: 'posix/', reason: 'Only the kernel forgets a lock with its owner.' },
  { from: 'bench/pinning.ts', to: 'posix/', reason: 'Node cannot choose the cores of a thread.' },
  {
    from: 'bench/selfcheck/',
    to: 'posix/',
    reason: 'Its servers do nothing else than the system calls.',
  },
  { from: 'bench/micro.ts', to: 'protocol/', reason: 'It measures the protocol’s own functions.' },
]

/** Who may read the command line, print, or end the process. */
const PROCESS_EXCEPTIONS: readonly (Exception & { readonly to: 'argv' | 'stdout' | 'exit' })[] = [
  { from: 'cli.ts', to: 'stdout', reason: 'It is the program.' },
  { from: 'cli.ts', to: 'exit', reason: 'It is the program.' },
  { from: 'servers/shell.ts', to: 'stdout', reason: 'It says that the server is ready.' },
  { from: 'servers/owner.ts', to: 'argv', reason: 'It is the entry file of a child process.' },
  {
    from: 'servers/cluster-worker.ts',
    to: 'argv',
    reason: 'It is the entry file of a child process.',
  },
  ...(['argv', 'stdout', 'exit'] as const).map((to) => ({
    from: 'bench/selfcheck/serve.ts',
    to,
    reason: 'It is the entry file of a child process, and says that it is ready.',
  })),
]

/** Files that ship with the repository only, and may use what users do not install. */
const DEVELOPERS_FILES: ReadonlySet<string> = new Set(['bench/micro.ts'])

const HEADER_FIELDS = [
  'Model',
  'Conversations run',
  'They reach the hub by',
  'What blocks what',
  'Backpressure',
  'If its code dies',
  'When to use it',
  'Leaves out',
  'Stands on',
  'Read next',
]

/** One sitting. */
const MODEL_LINES_MAX = 260

/** Wider comments do not fit beside each other. */
const HEAD_COLUMNS_MAX = 110

interface Import extends Reference {
  readonly from: string
  /** A path of ours, `servers/link.ts`; or the name of a package. */
  readonly to: string
  readonly isOurs: boolean
}

const SOURCES: readonly string[] = Object.keys(MAY_IMPORT).flatMap((name) =>
  name.endsWith('.ts') ? [name] : sourcesIn(name),
)
const TEXT: ReadonlyMap<string, string> = new Map(
  SOURCES.map((path) => [path, readFileSync(join(ROOT, path), 'utf8')]),
)
const IMPORTS: readonly Import[] = SOURCES.flatMap((from) =>
  referencesOf(TEXT.get(from) as string).map((reference) => resolve(from, reference)),
)
const MODELS: readonly string[] = IMPORTS.filter(
  ({ from, kind }) => from === 'servers/catalog.ts' && kind === 'dynamic import',
).map(({ to }) => to)

describe('imports', () => {
  test('there are some, and each of ours exists', () => {
    expect(IMPORTS.length).toBeGreaterThan(100)
    const missing = IMPORTS.filter(({ isOurs, to }) => isOurs && !TEXT.has(to))
    expect(missing.map(describeImport)).toEqual([])
  })

  test('all of them can be known without running the program', () => {
    const computed = IMPORTS.filter(({ target }) => target === null)
    expect(computed.map(describeImport)).toEqual([])
  })

  test('go in the directions that they may go', () => {
    const wrong = IMPORTS.filter(({ isOurs }) => isOurs).filter(({ from, to }) => {
      const [mine, theirs] = [folderOf(from), folderOf(to)]
      return mine !== theirs && !MAY_IMPORT[mine]!.includes(theirs) && !isExcepted(from, to)
    })
    expect(wrong.map(describeImport)).toEqual([])
  })

  test('every exception is needed', () => {
    const idle = IMPORT_EXCEPTIONS.filter(
      (exception) => !IMPORTS.some(({ from, to }) => isCase(exception, from, to)),
    )
    expect(idle).toEqual([])
  })

  test('a model imports no model', () => {
    expect(MODELS).toHaveLength(CATALOG.length)
    const wrong = IMPORTS.filter(({ from, to }) => MODELS.includes(from) && MODELS.includes(to))
    expect(wrong.map(describeImport)).toEqual([])
  })

  test('the protocol does no I/O: of Node it knows types only', () => {
    const wrong = IMPORTS.filter(
      ({ from, to, isType }) => folderOf(from) === 'protocol' && to.startsWith('node:') && !isType,
    )
    expect(wrong.map(describeImport)).toEqual([])
  })

  test('only posix/ calls koffi', () => {
    const callers = IMPORTS.filter(({ to }) => to === 'koffi')
    expect([...new Set(callers.map(({ from }) => folderOf(from)))]).toEqual(['posix'])
  })

  test('Node is imported by its full names, and every package is one that users install', () => {
    const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
    }
    const strangers = IMPORTS.filter(
      ({ from, isOurs, to }) =>
        !isOurs && !to.startsWith('node:') && !(to in dependencies) && !DEVELOPERS_FILES.has(from),
    )
    expect(strangers.map(describeImport)).toEqual([])
  })
})

describe('the process', () => {
  const uses = SOURCES.flatMap((path) =>
    ['argv', 'stdout', 'exit'].flatMap((what) =>
      usesOf(path, what).map((line) => ({ path, what, line })),
    ),
  )

  test('its arguments, standard output and end belong to a few', () => {
    const wrong = uses.filter(
      ({ path, what }) => !PROCESS_EXCEPTIONS.some(({ from, to }) => from === path && to === what),
    )
    expect(wrong).toEqual([])
  })

  test('every exception is needed', () => {
    const idle = PROCESS_EXCEPTIONS.filter(
      ({ from, to }) => !uses.some(({ path, what }) => path === from && what === to),
    )
    expect(idle).toEqual([])
  })
})

test(`the head of a server’s file is at most ${HEAD_COLUMNS_MAX} columns wide`, () => {
  const heads = SOURCES.filter((path) => folderOf(path) === 'servers').map((path) => {
    const [head = ''] = /^(?:\/\/.*\n)*/.exec(TEXT.get(path) as string) ?? []
    return { path, columns: Math.max(...head.split('\n').map((line) => line.length)) }
  })
  expect(heads.filter(({ columns }) => columns > HEAD_COLUMNS_MAX)).toEqual([])
})

describe('models are written to be compared', () => {
  const streams = STREAM_MODELS.map(({ name }) => `servers/${name}.ts`)
  /** What all models of streams have below them tells nothing of any of them. */
  const common = streams
    .map(foundationOf)
    .reduce((shared, files) => shared.filter((file) => files.includes(file)))

  describe.each(MODELS)('%s', (path) => {
    const lines = (TEXT.get(path) as string).split('\n')
    const header = lines.slice(
      0,
      lines.findIndex((line) => !line.startsWith('//')),
    )

    test('opens with the same fields in the same order, and says something in each', () => {
      const starts = HEADER_FIELDS.map((field) =>
        header.findIndex((line) => line.startsWith(`// ${field} `)),
      )
      expect(starts, HEADER_FIELDS.join(' · ')).toEqual(starts.toSorted((a, b) => a - b))
      expect(starts[0]).toBe(0)
      const empty = HEADER_FIELDS.filter(
        (field, i) => !/\w/.test((header[starts[i]!] ?? '').slice(`// ${field} `.length)),
      )
      expect(empty, 'fields that are missing or empty').toEqual([])
    })

    test('says in its header and in the catalog when to use it, and when not', () => {
      const name = posix.basename(path, '.ts')
      const model = CATALOG.find((one) => one.name === name)
      expect(header[0]).toMatch(new RegExp(`^// Model +${name}: .`))
      expect(header.join('\n')).toMatch(/^\/\/ When to use it +\w[^]*^\/\/ +When not: \w/m)
      // Both fit into a line of a terminal, behind their label.
      expect(model!.useFor).toMatch(/^.{20,78}$/)
      expect(model!.notFor).toMatch(/^.{20,78}$/)
    })

    test('names all that it stands on, but what every model stands on', () => {
      const field = /^\/\/ Stands on +([^]*?)^\/\/ Read next/m.exec(header.join('\n'))?.[1] ?? ''
      const named = [...field.matchAll(/[\w-]+\.ts/g)].map(([file]) => `servers/${file}`)
      const stands = foundationOf(path).filter((file) => !common.includes(file))
      expect(named.toSorted()).toEqual(stands.toSorted())
    })

    test('names a file to read next', () => {
      const [next] =
        /[\w-]+\.ts/.exec(header.find((line) => line.startsWith('// Read next')) ?? '') ?? []
      expect(existsSync(join(ROOT, 'servers', next ?? 'none'))).toBe(true)
    })

    test(`can be read in one sitting: ${MODEL_LINES_MAX} lines at most`, () => {
      expect(lines.length).toBeLessThanOrEqual(MODEL_LINES_MAX)
    })
  })

  test('what two of them both have, they have in the same order', () => {
    const methods = MODELS.map((path) => ({ path, names: methodsOf(TEXT.get(path) as string) }))
    expect(methods.flatMap(({ names }) => names).length).toBeGreaterThan(20)
    for (const { path, names } of methods) {
      for (const other of methods) {
        const mine = names.filter((name) => other.names.includes(name))
        const theirs = other.names.filter((name) => names.includes(name))
        expect(mine, `${path} and ${other.path}`).toEqual(theirs)
      }
    }
  })
})

function sourcesIn(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => posix.join(folder, name.replaceAll('\\', '/')))
}

/** Where a reference leads. Compiled files (`./owner.js`, `../../dist/x.js`) lead to their source. */
function resolve(from: string, reference: Reference): Import {
  const target = reference.target ?? ''
  if (!target.startsWith('.')) return { ...reference, from, to: packageOf(target), isOurs: false }
  const path = posix.join(dirname(from), target).replace(/^dist\//, '')
  return { ...reference, from, to: path.replace(/\.js$/, '.ts'), isOurs: true }
}

/** The files of servers/ that a file needs, and those that these need. */
function foundationOf(path: string): string[] {
  const found = new Set([path])
  for (const file of found) {
    for (const { from, to } of IMPORTS) {
      if (from === file && folderOf(to) === 'servers') found.add(to)
    }
  }
  return [...found].filter((file) => file !== path)
}

/** `@scope/name/deep` is in the package `@scope/name`. */
function packageOf(target: string): string {
  if (target.startsWith('node:')) return target
  return target
    .split('/')
    .slice(0, target.startsWith('@') ? 2 : 1)
    .join('/')
}

function folderOf(path: string): string {
  return path.split('/')[0] as string
}

function isCase({ from, to }: Exception, path: string, target: string): boolean {
  return path.startsWith(from) && target.startsWith(to)
}

function isExcepted(from: string, to: string): boolean {
  return IMPORT_EXCEPTIONS.some((exception) => isCase(exception, from, to))
}

function describeImport({ from, line, kind, target }: Import): string {
  return `${from}:${line} (${kind} of ${target ?? 'something computed'})`
}

/** The lines at which a source uses `process.<what>`, or imports it by its name. */
function usesOf(path: string, what: string): number[] {
  const tokens = tokensOf(TEXT.get(path) as string)
  const isUsed = (at: number): boolean =>
    tokens[at - 1]?.text === '.' && tokens[at - 2]?.text === 'process'
  const isImported = (at: number): boolean => {
    const from = tokens.findIndex(({ text }, i) => i > at && text === 'from')
    const between = new Set(tokens.slice(at, from).map(({ text }) => text))
    return tokens[from + 1]?.text === 'node:process' && !between.has('{') && between.has('}')
  }
  return tokens
    .filter(({ text }, at) => text === what && (isUsed(at) || isImported(at)))
    .map(({ line }) => line)
}
