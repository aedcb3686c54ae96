// `hubbub account`: adds, changes, removes and lists the accounts of a file. A password comes from standard
// input, never from the command line, which everybody on the machine can read and the shell keeps.

import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { asPassword, isAccountName, PASSWORD_BYTES_MAX } from '../protocol/index.ts'
import {
  accountNames,
  addAccount,
  changeAccount,
  removeAccount,
  requireKnown,
  requireNew,
} from './accounts.ts'
import { hashPassword } from './passwords.ts'
import { ServeError } from './serve-error.ts'

/** Where a password comes from, and where words for people go. */
export interface Terminal {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly words: NodeJS.WritableStream
}

export interface PasswordOptions {
  readonly accounts: string
  /** Do not ask: the password is the line that comes. */
  readonly passwordStdin: boolean
  /** log2 of scrypt's N. */
  readonly cost: number
}

export async function add(
  name: string,
  options: PasswordOptions,
  terminal: Terminal,
): Promise<void> {
  const { accounts: path } = options
  if (!isAccountName(name)) {
    throw new ServeError(
      `"${name}" cannot be a name: it takes letters and digits, and . _ - behind the first, 32 at most.`,
    )
  }
  requireNew(path, name) // Nobody types a password twice to learn that.
  addAccount(path, name, await newHash(name, options, terminal))
  terminal.words.write(
    `hubbub: ${name} can log in now; a server that runs has to be started again.\n`,
  )
}

/** Changes a password. */
export async function passwd(
  name: string,
  options: PasswordOptions,
  terminal: Terminal,
): Promise<void> {
  const { accounts: path } = options
  requireKnown(path, name)
  changeAccount(path, name, await newHash(name, options, terminal))
  terminal.words.write(
    `hubbub: The password of ${name} is another now; a server that runs has to be started again.\n`,
  )
}

export function remove(name: string, path: string, words: NodeJS.WritableStream): void {
  removeAccount(path, name)
  words.write(`hubbub: ${name} is removed; a server that runs has to be started again.\n`)
}

/** The names, one in a line. */
export function list(path: string): string {
  return accountNames(path)
    .map((name) => `${name}\n`)
    .join('')
}

/** The hash of a password that is given now. */
async function newHash(
  name: string,
  { passwordStdin, cost }: PasswordOptions,
  terminal: Terminal,
): Promise<string> {
  const asks = terminal.input.isTTY === true && !passwordStdin
  const given = asks ? await ask(name, terminal) : await readLine(terminal.input)
  const password = asPassword(given)
  if (password === null) {
    throw new ServeError(
      `A password is one line of UTF-8, of 1 to ${PASSWORD_BYTES_MAX} bytes, without NUL.`,
    )
  }
  return hashPassword(password, cost)
}

/** Asks twice: what nobody sees is easily mistyped. Gives the bytes as latin1. */
async function ask(name: string, { input, words }: Terminal): Promise<string> {
  const first = await question(`Password for ${name}: `, input, words)
  const second = await question('The same again: ', input, words)
  if (first !== second)
    throw new ServeError('These were two different passwords; nothing is changed.')
  return Buffer.from(first, 'utf8').toString('latin1')
}

/** One line from a terminal, which is not shown. Editing it works as ever: that is readline's doing. */
function question(
  text: string,
  input: Terminal['input'],
  words: NodeJS.WritableStream,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() })
    const reader = createInterface({ input, output: nowhere, terminal: true, historySize: 0 })
    words.write(text)
    let answer: string | null = null
    reader.once('line', (line) => {
      answer = line
      reader.close()
    })
    // The terminal does not make a signal of it while readline has it. It is one.
    reader.once('SIGINT', () => {
      reader.close()
      process.kill(process.pid, 'SIGINT')
    })
    reader.once('close', () => {
      words.write('\n')
      if (answer !== null) resolve(answer)
      else reject(new ServeError('No password was given; nothing is changed.'))
    })
  })
}

/** All that comes, without the end of its one line, as latin1. Of what is too long, no more is read. */
async function readLine(input: NodeJS.ReadableStream): Promise<string> {
  let text = ''
  for await (const chunk of input as AsyncIterable<Buffer>) {
    text += chunk.toString('latin1')
    if (text.length > 4 * PASSWORD_BYTES_MAX) break
  }
  return text.replace(/\r?\n$/, '')
}
