import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { accountLine, accountsFile, removeFolders } from '../../support/accounts.ts'
import { testFor } from '../../support/capabilities.ts'
import { closeClients, connectTo } from '../../support/client.ts'
import { until } from '../../support/conditions.ts'
import { exchange } from '../../support/exchange.ts'
import { seesProcesses } from '../../support/processes.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

/** Some ten milliseconds: long enough for an answer to come too early. */
const COST = 12
/** Some hundred: of what was sent at the same moment, all is there before the second one is hashed. */
const SLOW_COST = 15

const THROTTLED = 'fail, too many attempts: wait a minute'

export function login(model: ModelInfo): void {
  let server: TestServer

  beforeAll(async () => {
    const names = ['alice', 'bob', 'carol', 'dave', 'zoe']
    const lines = names.map((name) => accountLine(name, `sesame of ${name}`, COST))
    const file = accountsFile(lines.join('') + accountLine('eve', 'café', COST))
    server = await startServer(model.name, ['--service', 'login', '--accounts', file])
  })
  afterEach(closeClients)
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
    removeFolders()
  })

  test('answers in the order of the lines, though some need no hashing', async () => {
    const client = await connectTo(server.address)
    client.say('alice|sesame of alice', 'alice', 'bob|sesame of bob', 'bob|wrong', 'a b|c')
    const answers = []
    for (let i = 0; i < 5; i++) answers.push(await client.nextLine())
    expect(answers).toEqual([
      'success',
      'error: a line is user|password',
      'success',
      'fail',
      'fail',
    ])
  })

  test('answers one that has ended its half, and then ends', async () => {
    const answer = await exchange(server.address, 'ALICE|sesame of alice\nalice|no\n')
    expect(answer.toString()).toBe('success\r\nfail\r\n')
  })

  test('takes a password in any normal form', async () => {
    const answer = await exchange(
      server.address,
      Buffer.from(['café', 'cafe\u0301', 'cafe'].map((word) => `eve|${word}\n`).join('')),
    )
    expect(answer.toString()).toBe('success\r\nsuccess\r\nfail\r\n')
  })

  test('looks at no fourth password for an account, but at those of others', async () => {
    const guesses = Array.from({ length: 8 }, (_, i) => `carol|guess${i}\n`).join('')
    const answer = await exchange(server.address, `${guesses}dave|sesame of dave\n`)
    expect(answer.toString().split('\r\n')).toEqual([
      ...Array.from({ length: 3 }, () => 'fail'),
      ...Array.from({ length: 5 }, () => THROTTLED),
      'success',
      '',
    ])
    expect((await exchange(server.address, 'carol|sesame of carol\n')).toString()).toBe(
      `${THROTTLED}\r\n`,
    )
  })

  testFor(model, { clients: 6 }, 'serves several at a time', async () => {
    const names = ['alice', 'bob', 'dave', 'zoe']
    const answers = await Promise.all(
      names.map((name) => exchange(server.address, `${name}|sesame of ${name}\n`)),
    )
    expect(answers.map(String)).toEqual(names.map(() => 'success\r\n'))
  })

  testFor(
    model,
    { clients: 11 },
    'lets no host’s guesses keep another one waiting',
    async ({ skip }) => {
      skip(process.platform !== 'linux', 'Only Linux has a second address to come from.')
      const file = accountsFile(accountLine('alice', 'sesame', SLOW_COST))
      const slow = await startServer(model.name, ['--service', 'login', '--accounts', file])
      const guessers = await Promise.all(
        Array.from({ length: 10 }, () => connectTo(slow.address, '127.0.0.2')),
      )
      const client = await connectTo(slow.address, '127.0.0.3')
      for (const one of [...guessers, client]) {
        one.say('hello')
        await one.nextLine()
      }
      const answers: string[] = []
      for (const one of [...guessers, client]) one.watch((line) => answers.push(line))
      guessers.forEach((guesser, i) => guesser.say(`nobody${i}|guess`))
      await until('a guess should be answered', () => answers.length > 0)
      client.say('alice|sesame')
      await until('all should be answered', () => answers.length === 11)
      expect(answers.filter((answer) => answer === 'fail')).toHaveLength(10)
      // One or two had been answered, two were under way, and with it perhaps one more: not all ten.
      expect(answers.indexOf('success')).toBeLessThanOrEqual(7)
      await stopCleanly(slow)
    },
  )

  test('has nobody wait for one that leaves while its password is looked at', async () => {
    const client = await connectTo(server.address)
    client.say('zoe|sesame of zoe')
    client.reset()
    expect((await exchange(server.address, 'zoe|sesame of zoe\n')).toString()).toBe('success\r\n')
  })

  test.skipIf(!seesProcesses)('does not show its accounts to whoever lists processes', async () => {
    const client = await connectTo(server.address)
    client.say('alice|sesame of alice')
    expect(await client.nextLine()).toBe('success')
    const lines = [server.pid, ...server.children()].map((pid) =>
      readFileSync(`/proc/${pid}/cmdline`, 'utf8'),
    )
    expect(lines.join('\n')).toContain('login')
    expect(lines.join('\n') + server.words() + server.output()).not.toMatch(/scrypt|sesame/)
  })
}
