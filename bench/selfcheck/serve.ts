// The entry file of a server of the self-check: it starts, says that it is ready and ends as `hubbub serve` does.
//
//     node serve.js <name> --listen 127.0.0.1:0

import { formatAddress, listenOn, parseAddress } from '../../posix/index.ts'
import { BROKEN } from './broken-servers.ts'
import { NullServer } from './null-server.ts'
import { QueueServer } from './queue-server.ts'

/** More than the clients of any self-check, who all come at once. */
const BACKLOG = 1024
/** The longest wait in the kernel, and how long the loop goes on before signals and timers have their turn. */
const WAIT_MS = 5
const SIGNALS_MS = 20

const SERVERS: Readonly<Record<string, typeof NullServer>> = {
  null: NullServer,
  queue: QueueServer,
  ...BROKEN,
}

const [, , name = '', , address = ''] = process.argv
const listener = listenOn(parseAddress(address), { backlog: BACKLOG })
const server = new SERVERS[name]!(listener)

function serve(): void {
  const until = performance.now() + SIGNALS_MS
  do server.turn(WAIT_MS)
  while (performance.now() < until)
  setImmediate(serve)
}

function end(): void {
  process.exit(0)
}

process.once('SIGTERM', end)
// It ends with whoever has started it, however that ends.
process.stdin.once('close', end).resume()
const ready = { model: name, pid: process.pid, listen: formatAddress(listener.address) }
process.stdout.write(`${JSON.stringify(ready)}\n`)
serve()
