import {
  chmodSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { accountNames, addAccount, readAccounts, removeAccount } from '../../servers/accounts.ts'
import { costOf, verifyNow } from '../../servers/passwords.ts'
import {
  accountLine,
  accountsFile,
  CHEAP_COST,
  newFolder,
  removeFolders,
} from '../support/accounts.ts'

afterEach(removeFolders)

const ALICE = accountLine('alice', 'sesame')
const BOB = accountLine('Bob', 'open')
const HASH = ALICE.trim().slice('alice:'.length)

describe('reading', () => {
  test('takes accounts, comments and blank lines', () => {
    const { entries, dummy } = readAccounts(accountsFile(`# ours\n\n${ALICE}  \n#x:y\n${BOB}`))
    expect(entries.map(([name]) => name)).toEqual(['alice', 'Bob'])
    expect(verifyNow({ password: 'sesame', hash: entries[0]![1] })).toBe('right')
    expect(costOf(dummy)).toBe(CHEAP_COST)
    expect(verifyNow({ password: 'sesame', hash: dummy })).toBe('wrong')
  })

  test('gives a name that is not there the cost of the newest account', () => {
    const path = accountsFile(accountLine('a', 'x', 5) + accountLine('b', 'x', 6))
    expect(costOf(readAccounts(path).dummy)).toBe(6)
    expect(costOf(readAccounts(accountsFile('')).dummy)).toBe(17)
  })

  test.each([
    ['a line cut short', ALICE + BOB.slice(0, -10), 2, /hash is damaged/],
    ['a hash of another kind', `${ALICE}bob:$2b$12$abc\n`, 2, /hash is damaged/],
    ['a line without a colon', `alice\n${BOB}`, 1, /name:hash/],
    ['a name that cannot be', `al ice:${HASH}\n`, 1, /name:hash/],
    ['no name', `:${HASH}\n`, 1, /name:hash/],
    ['a name twice', `${ALICE}\n${BOB}${ALICE.replace('alice', 'ALICE')}`, 4, /second account/],
    ['the rest of a torn block', `${ALICE}\0\0\0\0`, 2, /name:hash/],
    ['line ends of another system', ALICE.replace('\n', '\r\n'), 1, /hash is damaged/],
  ])('refuses %s, and says where', (_, text, line, why) => {
    const path = accountsFile(text)
    expect(() => readAccounts(path)).toThrow(`${path}:${line}: `)
    expect(() => readAccounts(path)).toThrow(why)
    // Nobody "mends" it by adding to it, either.
    expect(() => addAccount(path, 'carol', HASH)).toThrow(`${path}:${line}: `)
    expect(() => removeAccount(path, 'alice')).toThrow(`${path}:${line}: `)
    expect(readFileSync(path, 'utf8')).toBe(text)
    expect(readdirSync(dirname(path))).toEqual(['accounts'])
  })

  test('refuses every file that a write was cut short in, but for whole lines', () => {
    const text = ALICE + BOB
    for (let bytes = 1; bytes < text.length; bytes++) {
      const isWhole = [ALICE.length - 1, ALICE.length, text.length - 1].includes(bytes)
      const reading = () => readAccounts(accountsFile(text.slice(0, bytes)))
      if (isWhole) expect(reading).not.toThrow()
      else expect(reading).toThrow(/accounts:[12]: /)
    }
    removeFolders()
  })

  test('names what is not there, or is no file of accounts', () => {
    const folder = newFolder()
    expect(() => readAccounts(join(folder, 'none'))).toThrow(/There is no accounts file .*none/)
    expect(() => readAccounts(folder)).toThrow(/cannot be read \(EISDIR\)/)
    const big = join(folder, 'big')
    writeFileSync(big, Buffer.alloc(17 * 2 ** 20, '#'))
    expect(() => readAccounts(big)).toThrow(/it is no accounts file/)
  })
})

describe('writing', () => {
  test('makes the file, for its owner alone', () => {
    const path = join(newFolder(), 'accounts')
    addAccount(path, 'alice', HASH)
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readFileSync(path, 'utf8')).toBe(`alice:${HASH}\n`)
  })

  test('keeps everything else as it is', () => {
    const path = accountsFile(`# ours\n\n${ALICE}# the end, without a line end`)
    chmodSync(path, 0o644)
    addAccount(path, 'carol', HASH)
    removeAccount(path, 'ALICE')
    expect(readFileSync(path, 'utf8')).toBe(
      `# ours\n\n# the end, without a line end\ncarol:${HASH}\n`,
    )
    expect(accountNames(path)).toEqual(['carol'])
    expect(statSync(path).mode & 0o777).toBe(0o600)
    expect(readdirSync(dirname(path))).toEqual(['accounts'])
  })

  test('refuses a name that is there, and one that is not', () => {
    const path = accountsFile(ALICE)
    expect(() => addAccount(path, 'Alice', HASH)).toThrow(/an account alice .* already/)
    expect(() => removeAccount(path, 'bob')).toThrow(/no account bob/)
    expect(() => removeAccount(`${path}x`, 'bob')).toThrow(/There is no accounts file/)
    expect(readFileSync(path, 'utf8')).toBe(ALICE)
    expect(readdirSync(dirname(path))).toEqual(['accounts'])
  })

  test('replaces the file that a link leads to, and keeps the link', () => {
    const path = accountsFile(ALICE)
    const link = join(newFolder(), 'link')
    symlinkSync(path, link)
    addAccount(link, 'carol', HASH)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(accountNames(path)).toEqual(['alice', 'carol'])
  })

  test('waits for nobody: while somebody else writes, it is refused', () => {
    const path = accountsFile(ALICE)
    writeFileSync(`${path}.new`, 'half of it')
    expect(() => addAccount(path, 'carol', HASH)).toThrow(/accounts\.new is there/)
    expect(readFileSync(path, 'utf8')).toBe(ALICE)
    expect(readFileSync(`${path}.new`, 'utf8')).toBe('half of it')
  })

  test('that cannot be done leaves nothing behind', () => {
    const path = join(newFolder(), 'none', 'accounts')
    expect(() => addAccount(path, 'carol', HASH)).toThrow(/cannot be written \(ENOENT\)/)
    expect(existsSync(path)).toBe(false)
  })
})
