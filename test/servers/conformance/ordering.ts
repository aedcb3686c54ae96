// PING is a barrier: whoever has seen the answer to it has seen the effects of everything that was said
// before, by anybody. So when a sender has its PONG after a message, and only then a receiver says PING,
// the receiver has the message when it has its own PONG. Clients rely on it, and so does the benchmark's
// ledger; and it is what a model that moves conversations apart is most likely to get wrong.

import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { testFor } from '../../support/capabilities.ts'
import { type Client, closeClients, members, registered } from '../../support/client.ts'
import { within, PATIENCE_MS } from '../../support/conditions.ts'
import { delayReceiving, straceMissing } from '../../support/strace.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'

const SENDERS = 3
const RECEIVERS = 3
const ROUNDS = 150

export function ordering(model: ModelInfo): void {
  let server: TestServer
  beforeAll(async () => {
    // Nobody here is too slow: whoever gets no CPU for a tenth of a second is not let go for what piles up.
    server = await startServer(model.name, ['--lab', '--send-queue', `${16 << 20}`])
  })
  afterEach(closeClients)
  afterAll(async () => {
    await stopCleanly(server)
    await endServers()
  })

  testFor(
    model,
    { clients: SENDERS + RECEIVERS },
    'a message is there before the PONG that follows it',
    async () => {
      await passThroughBarriers(server, { cut: false, noise: false })
    },
  )

  testFor(
    model,
    { clients: SENDERS + RECEIVERS + 1 },
    'so it is under load, and when requests arrive in pieces',
    async () => {
      await passThroughBarriers(server, { cut: true, noise: true })
    },
  )

  // Between the moment in which a server learns that there is something to read and the moment in which it
  // reads, others go on. strace(1) makes that moment long enough to be hit every time.
  testFor(
    model,
    { clients: 2 },
    'so it is for a PING of which one half comes before the message and one after it',
    async (context) => {
      if (straceMissing !== null) context.skip(straceMissing)
      const sender = await (await registered(server.address, 'sender')).join('#halves')
      const before = new Set(server.tasks())
      const receiver = await (await registered(server.address, 'receiver')).join('#halves')
      const own = server.tasks().filter((task) => !before.has(task))
      if (own.length === 0) context.skip('Its conversations have no threads of their own.')
      await sender.barrier()
      // It may have been started before its client came, so all of them are made slow but the hub's.
      const delaying = await delayReceiving(server.tasks().filter((task) => task !== server.pid))
      try {
        for (let round = 0; round < 5; round++) {
          receiver.send('PIN')
          await sender.barrier() // The first half has arrived by now.
          sender.say(`PRIVMSG #halves :${round}`)
          await sender.barrier()
          receiver.send(`G :second half ${round}\r\n`)
          const lines = await receiver.linesTo(new RegExp(`:second half ${round}$`))
          expect(lines[0]).toMatch(new RegExp(` PRIVMSG #halves :${round}$`))
        }
      } finally {
        await delaying.end()
      }
    },
  )

  test('what a client says during a WORK or a WAIT is answered after it', async () => {
    const client = await registered(server.address, 'alice')
    client.say('WAIT 60', 'PING :a', 'TOPIC #none', 'WORK 20', 'PING :b', 'WAIT 0', 'PING :c')
    await new Promise(setImmediate)
    client.say('PING :later')
    const lines = await client.linesTo(/ :later$/)
    expect(lines.map((line) => line.replace(/^:hubbub.local /, ''))).toEqual([
      'WAIT 60',
      'PONG hubbub.local :a',
      '403 alice #none :No such channel',
      'WORK 20',
      'PONG hubbub.local :b',
      'WAIT 0',
      'PONG hubbub.local :c',
      'PONG hubbub.local :later',
    ])
  })

  testFor(
    model,
    { clients: 2, can: 'waits-apart' },
    'a client in a WAIT hears others, and keeps nobody waiting',
    async () => {
      const [alice, bob] = (await members(server.address, 2, '#wait', 'waiter')) as [Client, Client]
      alice.say('WAIT 1000', 'PING :after')
      await new Promise(setImmediate)
      bob.say('PRIVMSG #wait :during')
      await bob.barrier()
      expect(await alice.nextLine()).toMatch(/ PRIVMSG #wait :during$/)
      expect(await alice.linesTo(/:after$/)).toEqual([
        ':hubbub.local WAIT 1000',
        ':hubbub.local PONG hubbub.local :after',
      ])
    },
  )

  testFor(
    model,
    { clients: 2, can: 'computes-apart' },
    'a client in a WORK keeps nobody waiting',
    async () => {
      const [alice, bob] = (await members(server.address, 2, '#work', 'worker')) as [Client, Client]
      alice.say('WORK 1500')
      for (let i = 0; i < 5; i++) await bob.barrier()
      await expect(alice.nextLine(1)).rejects.toThrow()
      expect(await alice.nextLine()).toBe(':hubbub.local WORK 1500')
    },
  )
}

/** Senders and receivers, all of them at the same time, for many rounds. */
async function passThroughBarriers(
  server: TestServer,
  { cut, noise }: { cut: boolean; noise: boolean },
): Promise<void> {
  const senders = await members(server.address, SENDERS, '#order', 'sender')
  const receivers = (await members(server.address, RECEIVERS, '#order', 'receiver')).map(
    (client) => new Receiver(client),
  )
  for (const sender of senders) await sender.barrier()
  const stopNoise = noise
    ? makeNoise(await (await registered(server.address, 'noise')).join('#order'))
    : null
  await Promise.all(
    senders.map(async (sender, index) => {
      for (let round = 0; round < ROUNDS; round++) {
        const message = `${index}/${round}`
        await sayWithBarrier(sender, `PRIVMSG #order :${message}\r\n`, cut ? round : 0)
        await Promise.all(
          receivers.map(async (receiver) => {
            await receiver.barrier(cut)
            expect(receiver.messages.has(message), `${message} should be there`).toBe(true)
          }),
        )
      }
    }),
  )
  stopNoise?.()
  for (const { messages } of receivers) {
    for (let index = 0; index < SENDERS; index++) {
      const ofSender = [...messages].filter((message) => message.startsWith(`${index}/`))
      expect(ofSender).toEqual(Array.from({ length: ROUNDS }, (_, round) => `${index}/${round}`))
    }
  }
}

/** Message and PING in one write, or in two that meet somewhere within. */
async function sayWithBarrier(sender: Client, message: string, cutAt: number): Promise<void> {
  const bytes = `${message}PING :sent\r\n`
  const at = cutAt % bytes.length
  if (at > 0) sender.send(bytes.slice(0, at))
  if (at > 0) await new Promise(setImmediate)
  sender.send(bytes.slice(at))
  await sender.lineLike(/ PONG \S+ :sent$/)
}

/** One that several senders ask at the same time whether their messages have come. */
class Receiver {
  readonly messages = new Set<string>()
  readonly #client: Client
  readonly #waiting = new Map<string, () => void>()
  #barriers = 0
  /** The first part of a PING is sent already. */
  #begun = false

  constructor(client: Client) {
    this.#client = client
    client.watch((line) => {
      const [, what, text] = /^\S+ (PONG|PRIVMSG) \S+ :(.*)$/.exec(line) ?? []
      if (what === 'PRIVMSG') this.messages.add(text as string)
      if (what === 'PONG') this.#waiting.get(text as string)?.()
    })
  }

  /** With `cut`, the next PING is begun right after this one, and ended when it is asked for. */
  async barrier(cut: boolean): Promise<void> {
    const token = `${this.#barriers++}`
    const answered = new Promise<void>((resolve) => this.#waiting.set(token, resolve))
    this.#client.send(`${this.#begun ? 'G' : 'PING'} :${token}\r\n`)
    this.#begun = false
    await within(PATIENCE_MS, 'a receiver should get its PONG', answered)
    this.#waiting.delete(token)
    if (!cut || this.#begun) return
    this.#client.send('PIN')
    this.#begun = true
  }
}

/** Keeps eight messages under way in the room until it is stopped. */
function makeNoise(client: Client): () => void {
  let isOver = false
  const more = (): void => {
    if (!isOver) client.say(`PRIVMSG #order :noise ${'x'.repeat(200)}`, 'PING :noise')
  }
  client.watch((line) => {
    if (line.endsWith(' :noise')) more()
  })
  for (let i = 0; i < 8; i++) more()
  return () => {
    isOver = true
  }
}
