// Runs of the generator against chat servers of the tests: one for each run, stopped when the test is over.

import { afterEach } from 'vitest'
import {
  type LoadHooks,
  type LoadResult,
  type LoadSpec,
  runLoad,
} from '../../clients/load/index.ts'
import { ChatServer, type Faults } from './chat-server.ts'

/** The server of the last run. */
export let server: ChatServer | undefined

afterEach(async () => {
  await server?.stop()
  server = undefined
})

export async function startChat(faults?: Faults, path?: string): Promise<ChatServer> {
  return (server = await ChatServer.start(faults, path))
}

/** Drives a new server with these faults; its address goes into the specification, unless that has one. */
export async function loadChat(
  faults: Faults,
  spec: LoadSpec,
  hooks?: LoadHooks,
): Promise<LoadResult> {
  const { address } = await startChat(faults)
  return runLoad({ ...spec, address: spec.address || address }, hooks)
}
