// The shell: what surrounds a model as a program. It listens, starts the model, says that it is ready,
// and turns signals into a drain. It is the same for every model, and so are its exit codes:
//
//   0    it was asked to end (SIGTERM, SIGINT, SIGHUP) and has drained
//   1    it could not start, or it broke
//
// Standard output carries one line of JSON, for programs: the model, the process, the address. Words for
// people go to standard error.

import { lstatSync, statSync } from 'node:fs'
import { resolve as absolute } from 'node:path'
import {
  type Address,
  exitNow,
  formatAddress,
  type Listener,
  listenOn,
  openFilesMax,
  receiveOn,
} from '../posix/index.ts'
import {
  DEFAULT_PROTOCOL_LIMITS,
  loadService,
  type ProtocolLimits,
  type ServiceName,
  SERVICES,
} from '../protocol/index.ts'
import { readAccounts } from './accounts.ts'
import { isOfDatagrams, type ModelInfo } from './catalog.ts'
import { type FileSettings, PIECE_BYTES_MAX } from './files.ts'
import { DEFAULT_SERVER_LIMITS, RESERVED_DESCRIPTORS, type ServerLimits } from './limits.ts'
import type { Server, Settings } from './model.ts'
import { refuseWaiting } from './passwords.ts'
import { ServeError } from './serve-error.ts'

export interface ServeOptions {
  readonly service: ServiceName
  readonly listen: Address
  readonly serverName: string
  readonly version: string
  readonly password: string | null
  readonly lab: boolean
  /** The file that says who may log in. */
  readonly accounts?: string
  /** For the file service. */
  readonly files?: Omit<FileSettings, 'pieceBytes'>
  /** Those that differ from the defaults. */
  readonly protocolLimits: Partial<ProtocolLimits>
  readonly serverLimits: Partial<ServerLimits>
}

/** Runs a model until a signal ends it. Settles with the exit code; throws ServeError. */
export async function runServer(model: ModelInfo, options: ServeOptions): Promise<number> {
  if (model.platforms !== null && !model.platforms.includes(process.platform)) {
    throw new ServeError(
      `The ${model.name} model needs ${model.platforms.join(' or ')}; this is ${process.platform}.`,
    )
  }
  const settings = settingsOf(model, options)
  const { serve } = await model.load()
  const service = await loadService(options.service)
  process.on('uncaughtException', failAtOnce)
  process.stdout.on('error', () => {}) // Nobody reads it: that is no reason to stop serving.
  process.stderr.on('error', () => {})
  if (isOfDatagrams(model)) await requireDatagrams(model, options.service)
  const listener = listenAt(model, options.listen, settings.server.backlog)
  const server = serve({ listener, settings, service, log: say })
  await server.ready.catch(failAtOnce)
  const ended = endOnSignal(server) // Before anybody can know whom to signal.
  announce(model, options.service, listener.address)
  const code = await ended
  if (listener.fileLeft) {
    say(`The socket's file is left; remove it yourself: ${listener.fileLeft.message}`)
  }
  return code
}

function settingsOf(model: ModelInfo, options: ServeOptions): Settings {
  const asked = options.serverLimits.clientsMax ?? model.clientsMax
  const reserved = RESERVED_DESCRIPTORS + (model.descriptorsFixed ?? 0)
  // Who fetches a file has that one open as well.
  const each = model.descriptorsPerClient + (options.service === 'file' ? 1 : 0)
  const places = Math.floor((openFilesMax() - reserved) / each)
  const room = places - (options.serverLimits.spares ?? 0) // A spare costs what a client costs.
  const clientsMax = Math.min(asked, Math.max(1, room))
  if (clientsMax < asked && options.serverLimits.clientsMax !== undefined) {
    say(
      `The limit of open files (${openFilesMax()}) leaves room for ${clientsMax} clients; raise it with ulimit -n.`,
    )
  }
  const server = { ...DEFAULT_SERVER_LIMITS, ...options.serverLimits, clientsMax }
  return {
    service: options.service,
    serverName: options.serverName,
    version: options.version,
    createdAt: new Date().toUTCString(),
    password: options.password,
    lab: options.lab,
    limits: { ...DEFAULT_PROTOCOL_LIMITS, ...options.protocolLimits },
    server,
    ...(options.files && { files: fileSettings(options.files, server) }),
    ...(options.accounts !== undefined && { accounts: readAccounts(options.accounts) }),
  }
}

function fileSettings(
  files: Omit<FileSettings, 'pieceBytes'>,
  { sendQueueBytesMax }: ServerLimits,
): FileSettings {
  const root = absolute(files.root)
  if (!statSync(root, { throwIfNoEntry: false })?.isDirectory()) {
    throw new ServeError(`${files.root} is not a folder: name one with --root.`)
  }
  // As with answers (replyQueueBytesMax): what waits already, and one more, are no reason to let it go.
  const pieceBytes = Math.max(1, Math.min(PIECE_BYTES_MAX, Math.floor(sendQueueBytesMax / 3)))
  return { ...files, root, pieceBytes }
}

/** Not every service can be had without a connection. */
async function requireDatagrams(model: ModelInfo, asked: ServiceName): Promise<void> {
  if ((await loadService(asked)).datagram) return
  const able: ServiceName[] = []
  for (const { name } of SERVICES) if ((await loadService(name)).datagram) able.push(name)
  throw new ServeError(
    `The ${model.name} model answers datagrams, and ${asked} needs connections: choose --service ${able.join(', ')}.`,
    true,
  )
}

function listenAt(model: ModelInfo, address: Address, backlog: number): Listener {
  try {
    if (!isOfDatagrams(model)) return listenOn(address, { backlog })
    if (address.family !== 'unix') return receiveOn(address)
    throw new ServeError(
      `The ${model.name} model has no Unix-domain sockets: give it an address and a port with --listen.`,
      true,
    )
  } catch (error) {
    // Node's own errors, of looking at a socket's file, have a code as ours have.
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (typeof code !== 'string') throw error
    const where = formatAddress(address)
    switch (code) {
      case 'EADDRINUSE':
        if (address.family === 'unix' && isNoSocket(address.path)) {
          throw new ServeError(
            `${where} is a file that is not a socket, and was left as it is: choose another path with --listen.`,
          )
        }
        throw new ServeError(
          `${where} is in use: stop what listens there, or choose another address with --listen.`,
        )
      case 'EADDRNOTAVAIL':
        throw new ServeError(
          `${where} is not an address of this machine: choose one that is with --listen.`,
        )
      case 'EACCES':
      case 'EPERM':
        throw new ServeError(
          `${where} is not allowed to this user: choose a port from 1024 up, or a folder of yours, with --listen.`,
        )
      case 'ENOENT':
      case 'ENOTDIR':
        throw new ServeError(`The folder of ${where} does not exist: make it first.`)
      default:
        throw new ServeError(
          `Cannot listen on ${where} (${code}): choose another address with --listen.`,
        )
    }
  }
}

/** A socket's file may be gone again by now. */
function isNoSocket(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSocket() === false
}

function announce(model: ModelInfo, service: ServiceName, address: Address): void {
  const listen = formatAddress(address)
  const transport = isOfDatagrams(model) ? 'udp' : undefined // Left out, a stream.
  process.stdout.write(
    `${JSON.stringify({ model: model.name, service, pid: process.pid, listen, transport })}\n`,
  )
  say(`The ${model.name} server listens on ${listen}${transport ? ' (UDP)' : ''}. Ctrl-C ends it.`)
}

function say(sentence: string): void {
  process.stderr.write(`hubbub: ${sentence}\n`)
}

/**
 * A fault that nothing has caught. The process ends without waiting for threads that are blocked in system
 * calls: Node would wait for them, and a server that is neither alive nor gone helps nobody.
 */
function failAtOnce(error: unknown): never {
  say(`This is a fault in hubbub itself: ${error instanceof Error ? error.message : String(error)}`)
  if (process.env['HUBBUB_DEBUG'] && error instanceof Error)
    process.stderr.write(`${error.stack}\n`)
  exitNow(1)
}

/** Whoever was not told everything yet is cut off. */
function endAtOnce(): never {
  say('Ended at once; what waited for clients is lost.')
  exitNow(1)
}

/** The first signal drains, a second one ends the process at once, whatever it is doing. */
function endOnSignal(server: Server): Promise<number> {
  return new Promise((resolve) => {
    let draining = false
    const onSignal = (signal?: NodeJS.Signals): void => {
      if (draining) endAtOnce()
      draining = true
      // Who pressed Ctrl-C is there to read it; a supervisor knows what it has asked for.
      if (signal === 'SIGINT') {
        say('Draining, and waiting for clients to go. Ctrl-C again ends it at once.')
      }
      refuseWaiting()
      server.drain().then(() => resolve(0), failAtOnce)
    }
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, onSignal)
    // A program that is killed cannot end what it has started. The end of a pipe tells us instead, if it
    // has asked for that; otherwise nobody looks at standard input, which may be anything.
    if (process.env['HUBBUB_END_WITH_STDIN'] === '1') {
      process.stdin
        .once('close', () => onSignal())
        .on('error', () => {})
        .resume()
        .unref()
    }
  })
}
