import { describe, expect, test, vi } from 'vitest'
import type { HubEffect } from '../../protocol/index.ts'
import { IrcHub } from '../../protocol/index.ts'
import { Loopback, OPTIONS } from './loopback.ts'

// 10,000 who join one channel are told 50 million names: seconds, and more on a busy machine.
vi.setConfig({ testTimeout: 60_000 })

/** A hub whose clients are their numbers, with `count` of them registered as n0, n1, ... */
function crowd(count: number, host = '127.0.0.1'): IrcHub<number> {
  const hub = new IrcHub<number>(OPTIONS)
  for (let id = 0; id < count; id++) {
    hub.connect(id, host, 0)
    hub.receive(id, `NICK n${id}`, 0)
    hub.receive(id, `USER n${id} 0 * :n`, 0)
  }
  return hub
}

function only(effects: readonly HubEffect<number>[]): HubEffect<number> & { kind: 'send' } {
  expect(effects).toHaveLength(1)
  const [effect] = effects
  if (effect?.kind !== 'send') throw new Error(`not a send: ${effect?.kind}`)
  return effect
}

describe('fan-out', () => {
  test('to 10,000 members is one effect', () => {
    const hub = crowd(10_000)
    for (let id = 0; id < 10_000; id++) hub.receive(id, 'JOIN #all', 0)
    const message = only(hub.receive(7, 'PRIVMSG #all :hello', 0))
    expect(message.text).toBe(':n7!n7@127.0.0.1 PRIVMSG #all :hello\r\n')
    expect(message.except).toBe(7)
    expect([...message.to]).toEqual(Array.from({ length: 10_000 }, (_, id) => id))
    // Not a copy: the next message carries the very same collection.
    expect(only(hub.receive(8, 'PRIVMSG #all :hello', 0)).to).toBe(message.to)
  })

  test('of a QUIT is one effect to all peers of all channels, each once', () => {
    const hub = crowd(5)
    for (const id of [0, 1, 2]) hub.receive(id, 'JOIN #a', 0)
    for (const id of [0, 1, 3]) hub.receive(id, 'JOIN #b', 0)
    const quit = only(hub.disconnect(0, 'Connection lost'))
    expect([...quit.to].toSorted((a, b) => a - b)).toEqual([1, 2, 3])
    expect(quit.text).toBe(':n0!n0@127.0.0.1 QUIT :Connection lost\r\n')
    expect(hub.disconnect(0, 'again')).toEqual([])
    expect(hub.clients).toBe(4)
  })

  test('of a NICK reaches the client and all peers, each once', () => {
    const hub = crowd(4)
    for (const id of [0, 1, 2]) hub.receive(id, 'JOIN #a', 0)
    for (const id of [0, 1]) hub.receive(id, 'JOIN #b', 0)
    const [nick, identify] = hub.receive(0, 'NICK zero', 0)
    if (nick?.kind !== 'send') throw new Error('not a send')
    expect([...nick.to].toSorted((a, b) => a - b)).toEqual([0, 1, 2])
    expect(identify).toEqual({ kind: 'identify', to: 0, nick: 'zero', registered: true })
  })

  test('names with a host that looks like a parameter stay one word', () => {
    const hub = crowd(1, '::1')
    expect(only(hub.receive(0, 'WHOIS n0', 0)).text).toContain(' 311 n0 n0 n0 0::1 * :n\r\n')
  })
})

describe('the end of a client', () => {
  test('evicted: ERROR in so many words to it, QUIT to its peers', () => {
    const hub = crowd(2)
    for (const id of [0, 1]) hub.receive(id, 'JOIN #a', 0)
    const [close, quit] = hub.evict(0, 'SendQ exceeded')
    expect(close).toEqual({ kind: 'close', to: 0, text: 'ERROR :SendQ exceeded\r\n' })
    expect(quit).toMatchObject({
      kind: 'send',
      except: null,
      text: ':n0!n0@127.0.0.1 QUIT :SendQ exceeded\r\n',
    })
    expect(hub.evict(0, 'SendQ exceeded')).toEqual([])
    expect(hub.disconnect(0, 'gone')).toEqual([])
    expect(hub.receive(0, 'JOIN #a', 0)).toEqual([])
  })

  test('of everybody: ERROR in so many words, and nothing else', () => {
    const hub = crowd(3)
    for (const id of [0, 1, 2]) hub.receive(id, 'JOIN #a', 0)
    hub.connect(3, 'somewhere', 0)
    expect(hub.shutdown('Server shutting down')).toEqual(
      [0, 1, 2, 3].map((to) => ({ kind: 'close', to, text: 'ERROR :Server shutting down\r\n' })),
    )
    expect(hub.clients).toBe(0)
    expect(hub.disconnect(1, 'gone')).toEqual([])
  })

  test('before it registered is nobody else’s business', () => {
    const hub = crowd(1)
    hub.connect(1, 'somewhere', 0)
    hub.receive(1, 'NICK late', 0)
    expect(hub.disconnect(1, 'gone')).toEqual([])
    hub.receive(0, 'NICK late', 0)
    expect(only(hub.receive(0, 'WHOIS late', 0)).text).toContain(' 311 late ')
  })

  test('gives back its nickname and its empty channels', () => {
    const server = new Loopback()
    const alice = server.register('alice')
    alice.say('JOIN #mine', 'MODE #mine +k secret')
    alice.drop()
    const next = server.register('ALICE')
    expect(next.say('JOIN #Mine')).toContain(':hubbub.local 353 ALICE = #Mine :@ALICE')
  })
})

describe('bounds', () => {
  test('channels per client: 405', () => {
    const client = new Loopback({}, { channelsPerClientMax: 2 }).register('alice')
    expect(client.say('JOIN #a,#b,#c').at(-1)).toBe(
      ':hubbub.local 405 alice #c :You have joined too many channels',
    )
    client.say('PART #a')
    expect(client.say('JOIN #c')[0]).toBe(':alice!alice@127.0.0.1 JOIN #c')
  })

  test('entries of WHO and LIST: 416', () => {
    const server = new Loopback({}, { listedMax: 2 })
    for (const nick of ['a', 'b', 'c']) server.register(nick).say(`JOIN #${nick}`)
    const client = server.register('d')
    expect(client.say('WHO').map(numeric)).toEqual(['352', '352', '416', '315'])
    expect(client.say('LIST').map(numeric)).toEqual(['321', '322', '322', '416', '323'])
  })

  test('a topic is cut between characters', () => {
    const client = new Loopback().register('alice')
    client.say('JOIN #a', `TOPIC #a :x${'\xc3\xa9'.repeat(200)}`)
    expect(client.say('TOPIC #a')[0]).toBe(`:hubbub.local 332 alice #a :x${'\xc3\xa9'.repeat(164)}`)
  })

  test('the names of a large channel come in lines that fit, and are all there', () => {
    const hub = crowd(1_000)
    let last: readonly HubEffect<number>[] = []
    for (let id = 0; id < 1_000; id++) last = hub.receive(id, 'JOIN #all', 0)
    const lines = last.flatMap((effect) =>
      effect.kind === 'send' ? effect.text.split('\r\n') : [],
    )
    const named = lines.filter((line) => line.includes(' 353 '))
    expect(named.every((line) => line.length <= 510)).toBe(true)
    // And not in more lines than it takes: another name would not have fitted.
    expect(named.slice(0, -1).every((line) => line.length > 500)).toBe(true)
    const names = named.flatMap((line) => line.slice(line.lastIndexOf(':') + 1).split(' '))
    expect(names.toSorted()).toEqual(
      Array.from({ length: 1_000 }, (_, id) => (id === 0 ? '@n0' : `n${id}`)).toSorted(),
    )
  })

  test('WHOIS shows as many channels as fit', () => {
    const client = new Loopback().register('alice')
    for (let index = 0; index < 20; index++) client.say(`JOIN #${index}-${'c'.repeat(45)}`)
    const line = client.say('WHOIS alice').find((one) => numeric(one) === '319')
    expect(line?.length).toBeLessThanOrEqual(510)
    expect(line?.split('@#').length).toBeGreaterThan(5)
    expect(line?.endsWith('c')).toBe(true)
  })

  test('many unknown modes get few answers', () => {
    const client = new Loopback().register('alice')
    client.say('JOIN #a')
    const answers = client.say('MODE #a +ABCDEFGHIJKLMNOPQRSTUVWXYZ\xc3\xa9')
    expect(answers.map(numeric)).toEqual(['472', '472', '472', '472'])
    expect(client.say('MODE #a +\xc3\xa9')).toEqual([
      ':hubbub.local 472 alice ? :is unknown mode char to me',
    ])
  })
})

describe('names that objects know', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])('%s', (name) => {
    const server = new Loopback()
    const other = server.register('other')
    expect(other.say(`WHOIS ${name}`)[0]).toContain(' 401 ')
    expect(other.say(`PRIVMSG #${name} :x`)[0]).toContain(' 403 ')
    expect(other.say(name)[0]).toContain(' 421 ')
    const client = server.register(name)
    client.say(`JOIN #${name}`)
    other.say(`JOIN #${name}`)
    client.take()
    other.say(`PRIVMSG #${name} :hello`)
    expect(client.take()).toEqual([`:other!other@127.0.0.1 PRIVMSG #${name} :hello`])
    client.say(name)
    expect(server.hub.clients).toBe(2)
  })
})

describe('the message of the day', () => {
  test('is sent at the welcome and when it is asked for', () => {
    const client = new Loopback({ motd: ['Be kind.', ''] }).register('alice')
    expect(client.say('MOTD')).toEqual([
      ':hubbub.local 375 alice :- hubbub.local Message of the day -',
      ':hubbub.local 372 alice :- Be kind.',
      ':hubbub.local 372 alice :- ',
      ':hubbub.local 376 alice :End of MOTD command',
    ])
  })
})

describe('times', () => {
  test('are those of the caller’s clock', () => {
    const server = new Loopback()
    const client = server.register('alice')
    client.say('JOIN #a')
    server.nowMs += 7_400
    client.say('TOPIC #a :x')
    expect(client.say('TOPIC #a')[1]).toContain(' 333 alice #a alice!alice@127.0.0.1 1700000007')
    expect(client.say('MODE #a')[1]).toContain(' 329 alice #a 1700000000')
    expect(client.say('WHOIS alice').find((line) => numeric(line) === '317')).toContain(
      ' alice 7 1700000000 ',
    )
    expect(client.say('TIME')[0]).toContain(':2023-11-14T22:13:27.400Z')
  })
})

function numeric(line: string): string | undefined {
  return line.split(' ')[1]
}
