// Every conversation that PROTOCOL.md prints, over a real connection to a real server.

import { existsSync, readFileSync } from 'node:fs'
import { afterAll, afterEach } from 'vitest'
import type { ModelInfo } from '../../../servers/catalog.ts'
import { accountLine, accountsFile, removeFolders } from '../../support/accounts.ts'
import { testFor } from '../../support/capabilities.ts'
import { closeClients, connectTo } from '../../support/client.ts'
import { endServers, startServer, stopCleanly, type TestServer } from '../../support/server.ts'
import {
  readTranscripts,
  runTranscript,
  type Transcript,
  type TranscriptClient,
} from '../../transcripts.ts'

const DOCUMENT = new URL('../../../PROTOCOL.md', import.meta.url)

export function transcripts(model: ModelInfo): void {
  const servers = new Map<string, TestServer>()

  /** One server for all transcripts that ask for the same options. */
  const serverWith = async (args: readonly string[]): Promise<TestServer> => {
    const key = args.join(' ')
    const server = servers.get(key) ?? (await startServer(model.name, args))
    servers.set(key, server)
    return server
  }

  /** One file for all transcripts that ask for the same accounts. */
  const files = new Map<string, string>()
  const fileOf = ({ accounts }: Transcript): string => {
    const key = JSON.stringify(accounts)
    const lines = accounts.map(([name, password]) => accountLine(name, password))
    const file = files.get(key) ?? accountsFile(lines.join(''))
    files.set(key, file)
    return file
  }

  afterEach(closeClients)
  afterAll(async () => {
    for (const server of servers.values()) await stopCleanly(server)
    await endServers()
    removeFolders()
  })

  for (const transcript of readTranscripts(
    existsSync(DOCUMENT) ? readFileSync(DOCUMENT, 'utf8') : '',
  )) {
    testFor(model, { clients: transcript.clients.length }, transcript.name, async () => {
      const args = transcript.lab ? ['--lab'] : []
      if (transcript.password !== null) args.push('--password', transcript.password)
      if (transcript.service !== 'irc') args.push('--service', transcript.service)
      if (transcript.accounts.length > 0) args.push('--accounts', fileOf(transcript))
      const { address } = await serverWith(args)
      await runTranscript(transcript, () => openTranscriptClient(address))
    })
  }
}

async function openTranscriptClient(address: string): Promise<TranscriptClient> {
  const client = await connectTo(address)
  return {
    send: (bytes) => client.send(bytes.toString('latin1')),
    nextLine: () => client.nextLine(),
    ended: async () => {
      const { lines } = await client.toEnd()
      return [...lines, client.partial].join('\r\n')
    },
    halfClose: () => client.halfClose(),
    close: () => client.close(),
  }
}
