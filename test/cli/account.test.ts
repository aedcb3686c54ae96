// `hubbub account`, as a person and as a script would use it.

import { spawn, spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { costOf, verifyNow } from '../../servers/passwords.ts'
import { accountLine, accountsFile, newFolder, removeFolders } from '../support/accounts.ts'
import { compiled, endPrograms, type Outcome, run, spawnProgram } from '../support/program.ts'

afterEach(() => {
  endPrograms()
  removeFolders()
})

const CHEAP = { HUBBUB_SCRYPT_COST: '4' }
const ALICE = accountLine('alice', 'sesame')

/** Runs `hubbub account <args>` with this on its standard input. */
async function account(args: readonly string[], input: string | Buffer = ''): Promise<Outcome> {
  const child = spawnProgram(['account', ...args], { env: CHEAP, stdin: 'pipe' })
  let [stdout, stderr] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.stdin!.on('error', () => {}) // It need not read it all.
  child.stdin!.end(input)
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout, stderr }
}

function hashIn(path: string, name: string): string {
  const line = readFileSync(path, 'utf8')
    .split('\n')
    .find((one) => one.startsWith(`${name}:`))
  return line!.slice(name.length + 1)
}

describe('hubbub account', () => {
  test('adds, lists and removes', async () => {
    const path = join(newFolder(), 'accounts')
    const at = ['--accounts', path]
    for (const [name, input] of [
      ['alice', 'sesame\n'],
      ['Bob', 'sesame'],
    ] as const) {
      const { code, stdout, stderr } = await account(['add', name, ...at], input)
      expect([code, stdout, stderr]).toEqual([0, '', expect.stringContaining(`${name} can log in`)])
      expect(verifyNow({ password: 'sesame', hash: hashIn(path, name) })).toBe('right')
    }
    expect(costOf(hashIn(path, 'alice'))).toBe(4)
    expect(await account(['list', ...at])).toMatchObject({ code: 0, stdout: 'alice\nBob\n' })
    expect((await account(['remove', 'bob', ...at])).code).toBe(0)
    expect(await account(['list', ...at])).toMatchObject({ code: 0, stdout: 'alice\n' })
  })

  test('changes a password, and nothing else', async () => {
    const path = accountsFile(`# the first\n${ALICE}# the second\n${accountLine('bob', 'x')}`)
    const before = readFileSync(path, 'utf8')
    const outcome = await account(['passwd', 'ALICE', '--accounts', path], 'open\n')
    expect(outcome).toMatchObject({
      code: 0,
      stdout: '',
      stderr: expect.stringMatching(
        /^hubbub: The password of ALICE is another now; .*started again/,
      ),
    })
    const hash = hashIn(path, 'alice')
    expect(verifyNow({ password: 'open', hash })).toBe('right')
    expect(readFileSync(path, 'utf8')).toBe(before.replace(ALICE, `alice:${hash}\n`))
  })

  test('costs as much as it should, unless a test says otherwise', async () => {
    const path = join(newFolder(), 'accounts')
    const child = spawnProgram(['account', 'add', 'alice', '--accounts', path], { stdin: 'pipe' })
    child.stdin!.end('sesame\n')
    await new Promise((resolve) => child.once('close', resolve))
    expect(costOf(hashIn(path, 'alice'))).toBe(17)
  })

  test.each([
    ['nothing', ''],
    ['an empty line', '\n'],
    ['two lines', 'sesame\nsesame\n'],
    ['129 bytes', `${'x'.repeat(129)}\n`],
    ['very much', 'x'.repeat(1 << 20)],
    ['NUL', 'a\0b\n'],
    ['what is not UTF-8', Buffer.from([0x61, 0xff, 0x0a])],
  ])('takes no password that is %s', async (_, input) => {
    const path = accountsFile(ALICE)
    const { code, stderr } = await account(['add', 'bob', '--accounts', path], input)
    expect(code).toBe(1)
    expect(stderr).toMatch(/^hubbub: A password is one line of UTF-8, of 1 to 128 bytes/)
    expect(readFileSync(path, 'utf8')).toBe(ALICE)
    expect(readdirSync(dirname(path))).toEqual(['accounts'])
  })

  test.each([
    ['a name that is there', ['add', 'ALICE'], /already/],
    ['a name that cannot be', ['add', 'a|b'], /cannot be a name/],
    ['a name that is not there', ['remove', 'bob'], /no account bob/],
    ['a new password for nobody', ['passwd', 'bob'], /no account bob/],
  ])('refuses %s', async (_, args, why) => {
    const path = accountsFile(ALICE)
    const { code, stderr } = await account([...args, '--accounts', path], 'sesame\n')
    expect(code).toBe(1)
    expect(stderr).toMatch(why)
    expect(stderr).not.toContain('    at ')
  })

  test('names file and line of what is damaged, and touches nothing; so does a server', async () => {
    const path = accountsFile(`${ALICE}bob:$scrypt$ln=4\n`)
    const text = readFileSync(path, 'utf8')
    for (const command of [
      ['account', 'list', '--accounts', path],
      ['account', 'remove', 'alice', '--accounts', path],
      ['account', 'add', 'carol', '--accounts', path],
      ['account', 'passwd', 'alice', '--accounts', path],
      ['serve', 'async', '--listen', '127.0.0.1:0', '--accounts', path],
      ['serve', 'async', '--listen', '127.0.0.1:0', '--service', 'login', '--accounts', path],
    ]) {
      const { code, stdout, stderr } = await run(command)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toContain(`hubbub: ${path}:2: the hash is damaged`)
      expect(readFileSync(path, 'utf8')).toBe(text)
    }
  })

  test('is needed by login, and by nobody but irc else', async () => {
    const path = accountsFile(ALICE)
    const bare = await run(['serve', 'async', '--service', 'login'])
    expect([bare.code, bare.stderr]).toEqual([2, expect.stringContaining('needs --accounts')])
    const stray = await run(['serve', 'async', '--service', 'echo', '--accounts', path])
    expect([stray.code, stray.stderr]).toEqual([2, expect.stringContaining('irc or login')])
    const none = await run(['serve', 'async', '--accounts', `${path}x`])
    expect([none.code, none.stderr]).toEqual([1, expect.stringContaining('hubbub account add')])
  })

  test('takes no password from the command line', async () => {
    const path = join(newFolder(), 'accounts')
    expect((await account(['add', 'alice', 'sesame', '--accounts', path], 'x\n')).code).toBe(2)
    expect((await run(['account', 'add', '--help'])).stdout).not.toMatch(/cost|password <|=/)
  })
})

/** Types a line at each question; gives what the terminal has shown, and the exit code. */
async function typed(path: string, ...lines: string[]): Promise<{ shown: string; code: unknown }> {
  const command = `${process.execPath} ${compiled('cli.js')} account add alice --accounts ${path}`
  const child = spawn('script', ['-qec', command, '/dev/null'], {
    env: { ...process.env, ...CHEAP },
  })
  let shown = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text
    if (/(?:for alice|again): $/.test(shown)) child.stdin.write(lines.shift() ?? '')
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { shown, code }
}

// script(1) gives the program a terminal.
const hasScript = spawnSync('script', ['--version']).error === undefined

describe.skipIf(!hasScript)(`at a terminal${hasScript ? '' : ' (script is not installed)'}`, () => {
  test('asks twice, and shows nothing of it', async () => {
    const path = join(newFolder(), 'accounts')
    const { shown, code } = await typed(path, 'sexame\x7f\x7f\x7f\x7fsame\r', 'sesame\r')
    expect(shown).toContain('can log in')
    expect(shown).not.toMatch(/s[a-z]*same/)
    expect(code).toBe(0)
    expect(verifyNow({ password: 'sesame', hash: hashIn(path, 'alice') })).toBe('right')
  })

  test.each([
    ['two different passwords', ['sesame\r', 'sesam\r'], 1, /two different passwords/],
    ['the end of input', ['\x04'], 1, /No password was given/],
    ['Ctrl-C', ['ses\x03'], 130, /Password for alice: /],
  ])('does nothing after %s', async (_, lines, code, said) => {
    const path = accountsFile('# nobody\n')
    const outcome = await typed(path, ...lines)
    expect(outcome.shown).toMatch(said)
    expect(outcome.code).toBe(code)
    expect(readFileSync(path, 'utf8')).toBe('# nobody\n')
    writeFileSync(path, '')
  })
})
