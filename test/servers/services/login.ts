import { readFileSync } from 'node:fs'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { accountLine, accountsFile, removeFolders } from '../../support/accounts.ts'
import { testFor } from '../../support/capabilities.ts'
import { closeClients, connectTo } from '../../support/client.ts'
import { exchange } from '../../support/exchange.ts'
import { seesProcesses } from '../../support/processes.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

/** Some ten milliseconds: long enough for an answer to come too early. */
const COST = 12

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
      ...Array.from({ length: 5 }, () => 'busy, try again later'),
      'success',
      '',
    ])
    expect((await exchange(server.address, 'carol|sesame of carol\n')).toString()).toBe(
      'busy, try again later\r\n',
    )
  })

  testFor(model, { clients: 6 }, 'serves several at a time', async () => {
    const names = ['alice', 'bob', 'dave', 'zoe']
    const answers = await Promise.all(
      names.map((name) => exchange(server.address, `${name}|sesame of ${name}\n`)),
    )
    expect(answers.map(String)).toEqual(names.map(() => 'success\r\n'))
  })

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
