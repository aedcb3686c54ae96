// Every transcript of PROTOCOL.md, played against the protocol in memory.

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type HubOptions, SERVICES } from '../../protocol/index.ts'
import type { Transcript, TranscriptClient } from '../transcripts.ts'
import { readTranscripts, runTranscript } from '../transcripts.ts'
import { Loopback } from './loopback.ts'
import { Visit, worldOf } from './services/visit.ts'

const transcripts = readTranscripts(
  readFileSync(new URL('../../PROTOCOL.md', import.meta.url), 'utf8'),
)

describe('the transcripts of PROTOCOL.md', () => {
  test.each(transcripts.map((transcript) => [transcript.name, transcript] as const))(
    '%s',
    async (_, transcript) => {
      await runTranscript(transcript, openerFor(transcript))
    },
  )

  test('there are enough of them, and most need one client only', () => {
    expect(transcripts.length).toBeGreaterThanOrEqual(30)
    expect(transcripts.filter(({ clients }) => clients.length === 1).length).toBeGreaterThan(15)
  })
})

describe('the reader and the runner', () => {
  test('resolve escapes, repetitions and line ends', () => {
    const [transcript] = readTranscripts(
      block('name="x"', 'C: a\\0\\xff<3 bc><cut>', 'C: é<LF>', 'C: plain'),
    )
    expect(transcript?.steps.map(({ text }) => text)).toEqual([
      'a\0\xffbcbcbc',
      '\xc3\xa9\n',
      'plain\r\n',
    ])
  })

  test.each([
    [block('name="x" colour="red"', 'C: a'), /what is "colour"/],
    [block('', 'C: a'), /no name/],
    [block('name="x" registered="alice bob"', 'C: a'), /nobody here/],
    [block('name="x"', 'carol> a'), /nobody here/],
    ['```irc name="x"\nC: a', /does not end/],
    [block('name="x"', 'C: a') + '\n' + block('name="x"', 'C: a'), /two transcripts/],
  ])('refuse %j', (markdown, message) => {
    expect(() => readTranscripts(markdown)).toThrow(message)
  })

  test.each([
    ['a wrong line', ['C: PING :a', 'S: :hubbub.local PONG hubbub.local :b'], /line 3.*expected/s],
    [
      'a missing line',
      ['C: PONG', 'S: :hubbub.local PONG hubbub.local :b'],
      /line 3.*has to come/s,
    ],
    ['a line too many', ['C: PING :a'], /not in the transcript/],
    ['an end that does not come', ['C: PING :a', 'S: <end>'], /end the connection/],
    ['an end too early', ['C: QUIT', 'S: <any>', 'S: <end>', 'C: PING :a'], /has ended/],
  ])('find %s', async (_, lines, message) => {
    const [transcript] = readTranscripts(block('name="x"', ...lines))
    await expect(
      runTranscript(transcript as Transcript, openerFor(transcript as Transcript)),
    ).rejects.toThrow(message)
  })
})

function openerFor(transcript: Transcript): () => Promise<TranscriptClient> {
  const { lab, password, accounts: entries } = transcript
  const accounts = entries.length === 0 ? null : { entries, dummy: '' }
  if (transcript.service !== 'irc') return visitorFor(transcript, { lab, password, accounts })
  const server = new Loopback({ lab, password, accounts })
  return () => Promise.resolve(connect(server))
}

function visitorFor(
  { service: name }: Transcript,
  options: Partial<HubOptions>,
): () => Promise<TranscriptClient> {
  const { load } = SERVICES.find((service) => service.name === name)!
  return async () => {
    const visit = new Visit(worldOf((await load()).service, options))
    return {
      ...reading(visit),
      send: (bytes) => visit.send(bytes.toString('latin1')),
      halfClose: () => visit.leave(),
      close: () => visit.leave(),
    }
  }
}

/** In memory everything has happened when send() returns: a line that is not there never comes. */
function connect(server: Loopback): TranscriptClient {
  const client = server.connect()
  return {
    ...reading(client),
    send: (bytes) => client.write(bytes),
    halfClose: () => client.drop(),
    close: () => client.drop(),
  }
}

function reading(client: {
  received: string
  readonly ended: boolean
}): Pick<TranscriptClient, 'nextLine' | 'ended'> {
  return {
    nextLine: () => {
      const end = client.received.indexOf('\r\n')
      if (end === -1) return Promise.reject(new Error('nothing was received'))
      const line = client.received.slice(0, end)
      client.received = client.received.slice(end + 2)
      return Promise.resolve(line)
    },
    ended: () =>
      client.ended
        ? Promise.resolve(client.received)
        : Promise.reject(new Error(client.received || 'still connected')),
  }
}

/** A document that is one block. */
function block(info: string, ...lines: string[]): string {
  return ['```irc ' + info, ...lines, '```'].join('\n')
}
