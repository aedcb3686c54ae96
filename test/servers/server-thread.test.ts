// A server that runs in a thread of its own, beside the main thread: what the main thread does when that
// thread fails, or does not return. `sequential` is the model that runs like this.

import { afterEach, expect, test } from 'vitest'
import { closeClients, connectTo, registered } from '../support/client.ts'
import { until, within } from '../support/conditions.ts'
import { cpuMsOf, descriptorsOf, seesProcesses } from '../support/processes.ts'
import { run } from '../support/program.ts'
import { preloading, sabotaged } from '../support/sabotage.ts'
import { endServers, startServer, type TestServer } from '../support/server.ts'
import { inject, straceMissing } from '../support/strace.ts'

const MODEL = 'sequential'
const END_MS_MAX = 2_000
/** drainMs (servers/limits.ts), the grace after it, and some for a busy machine. */
const DRAIN_MS_MAX = 6_000

afterEach(async () => {
  closeClients()
  await endServers()
})

test('the thread fails at its start: one sentence, exit code 1', async () => {
  const failing = `import { isMainThread } from 'node:worker_threads'
    if (!isMainThread) throw new Error('no thread today')`
  const outcome = await run(['serve', MODEL, '--listen', '127.0.0.1:0'], preloading(failing))
  expect(outcome).toMatchObject({ code: 1, stdout: '' })
  expectOneSentence(outcome.stderr, /thread has ended: no thread today$/)
})

test('the thread ends later: one sentence, exit code 1', async () => {
  const server = await startServer(MODEL, [], sabotaged())
  const victim = await registered(server.address, 'victim')
  const saidBefore = server.words()
  victim.say('SABOTAGE exit')
  const end = await within(END_MS_MAX, 'the program should end with its thread', server.ended)
  expect(end).toEqual({ code: 1, signal: null })
  expectOneSentence(server.words().slice(saidBefore.length), /thread has ended: it has returned$/)
  await victim.toEnd()
})

test.skipIf(!seesProcesses)(
  'the thread never returns: SIGTERM ends it all the same, with exit code 0',
  async () => {
    const server = await startServer(MODEL, [], sabotaged())
    const victim = await registered(server.address, 'victim')
    const beforeMs = cpuMsOf(server.pid)
    victim.say('SABOTAGE loop')
    await until('the loop should have begun', () => cpuMsOf(server.pid) - beforeMs > 200)
    expect(await server.stop(DRAIN_MS_MAX)).toEqual({ code: 0, signal: null })
  },
)

test('a client cannot be taken: it is told, nothing of it is left, the next is served', async (context) => {
  if (straceMissing !== null) context.skip(straceMissing)
  const server = await startServer(MODEL)
  await (await registered(server.address, 'first')).quit()
  const before = descriptorsOf(server.pid).length
  const failing = await inject(server.tasks(), 'inject=setsockopt:error=EINVAL')
  for (let round = 0; round < 5; round++) {
    const victim = await connectTo(server.address)
    expect((await victim.toEnd()).lines).toEqual(['ERROR :Internal error'])
    victim.close()
  }
  await failing.end()
  expect(server.words().match(/A client could not be taken: .*EINVAL/g)).toHaveLength(5)
  await (await registered(server.address, 'next')).quit()
  await until('all should be closed', () => descriptorsOf(server.pid).length <= before)
  await stop(server)
})

test('it says once in a second that it cannot accept, however often it tries', async (context) => {
  if (straceMissing !== null) context.skip(straceMissing)
  const server = await startServer(MODEL)
  await (await registered(server.address, 'first')).quit() // It waits for the next now.
  // Each of them is followed by a rest of 100 ms.
  const failing = await inject(server.tasks(), 'inject=accept4:error=EMFILE:when=1..5')
  // The one that it waits for already may come through before the first of them.
  await until('accepting should fail', async () => {
    await (await registered(server.address, 'next')).quit()
    return server.words().includes('Cannot accept for now')
  })
  await (await registered(server.address, 'last')).quit() // Behind all failures.
  await failing.end()
  expect(server.words().match(/Cannot accept for now/g)).toHaveLength(1)
  await stop(server)
})

async function stop(server: TestServer): Promise<void> {
  closeClients()
  expect(await server.stop()).toEqual({ code: 0, signal: null })
}

function expectOneSentence(words: string, sentence: RegExp): void {
  const lines = words.split('\n').filter((line) => line !== '')
  expect(lines).toEqual([expect.stringMatching(sentence)])
}
