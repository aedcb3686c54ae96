// Connections from programs that speak something else, by mistake or on purpose.

import * as fc from 'fast-check'
import { afterEach, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor } from '../../support/capabilities.ts'
import { Canaries } from '../../support/canaries.ts'
import { closeClients, connectTo } from '../../support/client.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

const SEED = 20_812
/** Streams of bytes that are tried on each model. Process clients cost a tenth of a second. */
const STREAMS = 25

const TLS_CLIENT_HELLO = Buffer.concat([
  Buffer.from('160301012e0100012a0303', 'hex'),
  Buffer.alloc(291, 0x5a),
]).toString('latin1')

export function strangers(model: ModelInfo): void {
  afterEach(async () => {
    closeClients()
    await endServers()
  })

  test('TLS and HTTP are told that this is neither, and nothing they said comes back', async () => {
    const server = await startServer(model.name)
    for (const [said, answer] of [
      [TLS_CLIENT_HELLO, 'ERROR :Closing link: (This port does not speak TLS)'],
      [
        'POST / HTTP/1.1\r\nHost: x\r\n\r\nNICK forged\r\n',
        'ERROR :Closing link: (This port does not speak HTTP)',
      ],
      ['GET / HTTP/1.0\r\n\r\n', 'ERROR :Closing link: (This port does not speak HTTP)'],
    ] as const) {
      const client = await connectTo(server.address)
      client.send(said)
      expect((await client.toEnd(1_000)).lines).toEqual([answer])
      client.close()
    }
    await stopCleanly(server)
  })

  testFor(
    model,
    { clients: 3 },
    'any bytes at all: the others do not notice',
    async () => {
      const server = await startServer(model.name, ['--lab'])
      const canaries = await Canaries.start(server.address)
      await talkNonsense(server)
      await canaries.sang(5)
      await canaries.stop()
      await stopCleanly(server)
    },
    60_000,
  )

  test.skipIf(model.clientsAtOnce >= 3)('any bytes at all: the next client is served', async () => {
    const server = await startServer(model.name, ['--lab'])
    await talkNonsense(server)
    const next = await connectTo(server.address)
    await (await next.register('next')).barrier()
    await stopCleanly(server)
  })
}

/** Pieces of what might be said, in random order, and bytes that mean nothing. */
const nonsense = fc
  .array(
    fc.oneof(
      fc
        .uint8Array({ minLength: 1, maxLength: 600 })
        .map((bytes) => Buffer.from(bytes).toString('latin1')),
      fc.constantFrom(
        'NICK ',
        'USER a 0 * :b',
        'JOIN #',
        'PRIVMSG ',
        'MODE #canary ',
        ':',
        ' ',
        '\r\n',
        '\n',
        '\0',
        'PING ',
      ),
      fc.constantFrom(
        'JOIN #canary\r\n',
        'NICK canary0\r\n',
        'LIST\r\n',
        'WHO *\r\n',
        'PART #canary\r\n',
        'CAP LS\r\n',
      ),
    ),
    { minLength: 1, maxLength: 40 },
  )
  .map((pieces) => pieces.join(''))

async function talkNonsense(server: TestServer): Promise<void> {
  await fc.assert(
    fc.asyncProperty(nonsense, fc.boolean(), (bytes, isRude) => sayNonsense(server, bytes, isRude)),
    { seed: SEED, numRuns: STREAMS },
  )
}

/** Says it, and leaves: politely, after the server has ended the connection too, or with a reset. */
async function sayNonsense(server: TestServer, bytes: string, isRude: boolean): Promise<void> {
  const client = await connectTo(server.address)
  client.send(bytes)
  if (isRude) return client.reset()
  client.halfClose()
  await client.toEnd()
  client.close()
}
