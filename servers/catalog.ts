// The catalog: every concurrency model there is, as data. The command line, the benchmark and the suite
// that every model must pass read it, and none of them knows a model by name. To add a model, write its
// file and add an entry here.

import { availableParallelism } from 'node:os'
import type { Serve } from './model.ts'

/** Something that a model cannot do by design, not by mistake. */
interface Limitation {
  /** Which capability: the suite that every model must pass looks these up by name. */
  readonly what: Capability
  /** One sentence for people. */
  readonly why: string
}

export type Capability =
  /** Clients that are connected at the same time are served at the same time. */
  | 'serves-clients-together'
  /** A conversation that crashes, or never ends, costs its own client only. */
  | 'isolates-crashes'
  /** A client that computes (WORK) leaves the others their share of the machine. */
  | 'computes-apart'
  /** A client that waits (WAIT) does not make others wait. */
  | 'waits-apart'

/** An option of `serve` that not every model has a use for. */
type ModelOption = 'spares' | 'workers'

/** What a server's addresses may be made of. */
type Transport = 'tcp' | 'unix' | 'udp'

export interface ModelInfo {
  readonly name: string
  /** One sentence: what it is. */
  readonly summary: string
  /** What it is the right one for, and what the wrong one. Its own file says more, and why. */
  readonly useFor: string
  readonly notFor: string
  /** The two questions that every concurrency model answers. */
  readonly conversationsRun: string
  readonly reachHubBy: string
  /** Where readers may know it from. */
  readonly ancestor: string
  /** How many clients it talks to at a time; the others wait in the backlog. */
  readonly clientsAtOnce: number
  /** Clients that are admitted unless told otherwise; what each costs is why it differs. */
  readonly clientsMax: number
  /** Descriptors that each client costs the server's own process. */
  readonly descriptorsPerClient: number
  /** Descriptors that it costs by itself, more than RESERVED_DESCRIPTORS has room for. */
  readonly descriptorsFixed?: number
  readonly cannot: readonly Limitation[]
  /** The options that it takes, besides those that all models take. */
  readonly takes?: readonly ModelOption[]
  /** What it serves over; left out, either kind of stream. */
  readonly transports?: readonly Transport[]
  /** Conversations run in processes of their own, apart from the hub: when one is killed the others live on. */
  readonly inProcesses?: boolean
  /** Platforms it runs on, or null for all that posix/ knows. */
  readonly platforms: readonly NodeJS.Platform[] | null
  readonly load: () => Promise<{ serve: Serve }>
}

/** What is the same for all models that are one loop. */
const ONE_LOOP: Limitation = {
  what: 'isolates-crashes',
  why: 'A conversation that throws is caught, but one that never ends stops the loop for all.',
}
const ONE_CPU: Limitation = {
  what: 'computes-apart',
  why: 'While one client computes, the loop turns for nobody.',
}

export const CATALOG: readonly ModelInfo[] = [
  {
    name: 'sequential',
    summary: 'One client at a time, in blocking calls; the others wait in the backlog.',
    useFor: 'requests that are short and rare, or must not overlap',
    notFor: 'a chat: two people can never be in a room together',
    conversationsRun: 'one at a time, in blocking calls, in one thread',
    reachHubBy: 'a call',
    ancestor: 'socketserver.TCPServer; UNP, iterative server',
    clientsAtOnce: 1,
    clientsMax: 1,
    descriptorsPerClient: 1,
    cannot: [
      {
        what: 'serves-clients-together',
        why: 'It accepts the next client when the last one is gone.',
      },
      {
        what: 'isolates-crashes',
        why: 'The one thread is everybody’s: a conversation that never ends is the last one.',
      },
      { what: 'computes-apart', why: 'While it computes, nobody is accepted.' },
      { what: 'waits-apart', why: 'While it waits, nobody is accepted.' },
    ],
    platforms: null,
    load: () => import('./sequential.ts'),
  },
  {
    name: 'process',
    summary: 'One operating-system process for each client, in blocking calls.',
    useFor: 'a few conversations that must not be able to harm each other',
    notFor: 'many clients: each is a new Node, some 15 MiB and 130 ms of CPU',
    conversationsRun: 'each in a process of its own, in blocking calls',
    reachHubBy: 'a socketpair to the parent',
    ancestor: 'socketserver.ForkingTCPServer; UNP, one child per client',
    clientsAtOnce: Infinity,
    clientsMax: 300, // 15 MiB of memory each, and a process.
    descriptorsPerClient: 3, // Its end of the link; while it is handed over, the client's and the child's.
    cannot: [],
    takes: ['spares'],
    inProcesses: true,
    platforms: null,
    load: () => import('./process.ts'),
  },
  {
    name: 'thread',
    summary: 'One worker thread for each client, in blocking calls.',
    useFor: 'some hundred conversations that compute; blocking libraries',
    notFor: 'many clients: each is a new isolate, some 13 MiB and 100 ms of CPU',
    conversationsRun: 'each in a worker thread of its own, in blocking calls',
    reachHubBy: 'a socketpair to the main thread',
    ancestor: 'socketserver.ThreadingTCPServer; UNP, one thread per client',
    clientsAtOnce: Infinity,
    clientsMax: 1000, // 13 MiB of memory each.
    descriptorsPerClient: 10, // The client, both ends of the link, and what Node opens for each worker.
    cannot: [],
    takes: ['spares'],
    platforms: null,
    load: () => import('./thread.ts'),
  },
  {
    name: 'async',
    summary: 'One event loop for all clients, with the callbacks of node:net.',
    useFor: 'many clients, mostly idle, little to compute: most of the web',
    notFor: 'what keeps a CPU busy for milliseconds: everybody waits for it',
    conversationsRun: 'all in one event loop, a piece at a time, in callbacks',
    reachHubBy: 'a call',
    ancestor: 'asyncio; UNP, select server; every Node server',
    clientsAtOnce: Infinity,
    clientsMax: 15_000,
    descriptorsPerClient: 1,
    cannot: [ONE_LOOP, ONE_CPU],
    platforms: null,
    load: () => import('./async.ts'),
  },
  {
    name: 'poll',
    summary: 'One loop of ours for all clients, over poll(2).',
    useFor: 'some hundred clients, on any Unix',
    notFor: 'thousands of clients: the idle ones cost time in every turn',
    conversationsRun: 'all in one loop of ours, a piece at a time, when their descriptor is ready',
    reachHubBy: 'a call',
    ancestor: 'select and poll servers; UNP, select server',
    clientsAtOnce: Infinity,
    clientsMax: 15_000,
    descriptorsPerClient: 1,
    cannot: [ONE_LOOP, ONE_CPU],
    platforms: null,
    load: () => import('./poll.ts'),
  },
  {
    name: 'epoll',
    summary: 'One loop of ours for all clients, over epoll(7).',
    useFor: 'thousands of clients, mostly idle, on Linux',
    notFor: 'what keeps a CPU busy for milliseconds: everybody waits for it',
    conversationsRun: 'all in one loop of ours, a piece at a time, when their descriptor is ready',
    reachHubBy: 'a call',
    ancestor: 'selectors.EpollSelector; nginx, redis, libuv',
    clientsAtOnce: Infinity,
    clientsMax: 15_000,
    descriptorsPerClient: 1,
    cannot: [ONE_LOOP, ONE_CPU],
    platforms: ['linux'],
    load: () => import('./epoll.ts'),
  },
  {
    name: 'pool',
    summary: 'One event loop for all clients, and a thread pool for what takes a CPU.',
    useFor: 'many clients, of whom some compute now and then: passwords, pictures',
    notFor: 'nothing to compute (see async), or nothing else (see thread)',
    conversationsRun: 'all in one event loop, a piece at a time, in callbacks',
    reachHubBy: 'a call',
    ancestor: '“don’t block the event loop”: a web server with background workers',
    clientsAtOnce: Infinity,
    clientsMax: 15_000,
    descriptorsPerClient: 1,
    descriptorsFixed: 7 * availableParallelism(), // What Node opens for each worker.
    cannot: [ONE_LOOP],
    platforms: null,
    load: () => import('./pool.ts'),
  },
  {
    name: 'cluster',
    summary: 'One event loop for each core, in processes that share the port.',
    useFor: 'more clients, or more to compute, than one core has time for',
    notFor: 'little load, or a chat of all with all: their hub is one loop still',
    conversationsRun: 'many in each of a few processes, in event loops',
    reachHubBy: 'a link to the primary process, one for each worker',
    ancestor: 'UNP, pre-forked children that share the listener; nginx; node:cluster',
    clientsAtOnce: Infinity,
    clientsMax: 15_000,
    descriptorsPerClient: 1, // In its worker; and they may all be in one.
    takes: ['workers'],
    cannot: [
      {
        what: 'isolates-crashes',
        why: 'A conversation that never ends, or ends its process, takes the others in that process along.',
      },
      {
        what: 'computes-apart',
        why: 'While one client computes, those in its process wait; only the other processes go on.',
      },
    ],
    inProcesses: true,
    platforms: null,
    load: () => import('./cluster.ts'),
  },
  {
    name: 'udp',
    summary: 'One loop answers datagrams, in blocking calls. There are no connections.',
    useFor: 'one short question, one short answer, and a client that can ask again',
    notFor: 'where nothing may be lost, doubled or out of order',
    conversationsRun: 'nowhere: a datagram is answered by itself, and forgotten',
    reachHubBy: 'nothing: nobody is there to be told anything',
    ancestor: 'socketserver.UDPServer; UNP, dg_echo',
    clientsAtOnce: Infinity,
    clientsMax: Infinity, // It does not know them.
    descriptorsPerClient: 0,
    cannot: [
      {
        what: 'isolates-crashes',
        why: 'An answer that throws is caught, but one that never ends is the last one.',
      },
      { what: 'computes-apart', why: 'While it answers one datagram, the others wait.' },
      { what: 'waits-apart', why: 'While it answers one datagram, the others wait.' },
    ],
    transports: ['udp'],
    platforms: null,
    load: () => import('./udp.ts'),
  },
]

/** Those whose clients connect: the chat needs that. */
export const STREAM_MODELS = CATALOG.filter((model) => !isOfDatagrams(model))

export function isOfDatagrams({ transports }: ModelInfo): boolean {
  return transports?.includes('udp') ?? false
}
