// What the load generator is asked for, and what it answers. Plain data: it crosses threads, and bench/
// builds on it.

/** What connections are made of. */
export const TRANSPORTS = ['tcp', 'unix', 'udp'] as const
export type Transport = (typeof TRANSPORTS)[number]

/**
 * When requests are sent. `closed`: a client waits for its answer before it asks again, so a slow server is
 * asked less often. The others are open loops: requests come at a rate that the server has no part in, evenly
 * (`constant`) or as those of many independent users do (`poisson`).
 */
export const ARRIVALS = ['closed', 'constant', 'poisson'] as const
export type Arrivals = (typeof ARRIVALS)[number]

/** What is counted: one of them, and many. */
export interface Unit {
  readonly one: string
  readonly many: string
}

export interface WorkloadInfo {
  /** The service that it drives. */
  readonly service: string
  readonly transports: readonly Transport[]
  readonly unit: Unit
  /** What the clients with a part of their own do meanwhile, if that is counted apart. */
  readonly beside: Unit | null
  /** The share of the clients that has a part of its own: `senders`, unless told otherwise; 0: all are alike. */
  readonly sendersShare: number
  /** Unless told otherwise so many of them, however many others there are. */
  readonly sendersUsual?: number
  /** No more than these, because the service would refuse them. */
  readonly sendersMax?: number
  /** Requests in flight on each connection, where that is what the workload is about. */
  readonly window?: number
  /** With fewer clients served together it measures nothing, and why that is so. */
  readonly together: { readonly clientsMin: number; readonly why: string }
  /** Processes of the server are killed in it: each conversation must run in one that the others survive. */
  readonly killsProcesses?: true
  /** Clients keep their connections. If not, they come and go, and even a server of one at a time serves all. */
  readonly clientsStay: boolean
  /** What one arrival of an open loop is, in a few words; null: it has no open loop. */
  readonly arrival: string | null
  /** What one client says is delivered to all others: operations are deliveries, arrivals are messages. */
  readonly fansOut: boolean
  /** It consists of several runs of another workload against the same server; bench/ knows which. */
  readonly isStaged: boolean
  /** Its requests carry messages that prove themselves, and it can be run without that. */
  readonly hasMessages: boolean
  /**
   * Whose operations are as many at any time of a closed loop, and how many each of them has in flight; null:
   * nobody's, as in a room, where deliveries are counted and bursts are sent.
   */
  readonly keepsInFlight: {
    readonly who: 'all' | 'senders' | 'others'
    readonly each: 'window' | 'one'
  } | null
}

/** `wait`: how long the server is asked to wait. As long as a disk, or another server, takes to answer. */
export const WAIT_MS = 10

/** `login`: the account of each client that logs in. The server must have them; anybody may know them. */
export function loginOf(client: number): { user: string; password: string } {
  return { user: `bench${client}`, password: 'measured by many' }
}

/** `file`: what is fetched. The server must have it, with the bytes of fileBytes(). A MiB is what is counted. */
export const FILE_NAME = 'bench.bin'
export const FILE_BYTES = 1 << 20

const STREAMS = ['tcp', 'unix'] as const
const ALONE = { clientsMin: 1, why: '' } as const

const PING = { one: 'PING', many: 'PINGs' } as const

/** What most workloads are: clients of the chat who all do the same, on connections that they keep. */
const USUAL = {
  service: 'irc',
  transports: STREAMS,
  beside: null,
  sendersShare: 0,
  together: ALONE,
  clientsStay: true,
  arrival: null,
  fansOut: false,
  isStaged: false,
  hasMessages: true,
  keepsInFlight: null,
} as const

const ALL_KEEP_A_WINDOW = { keepsInFlight: { who: 'all', each: 'window' } } as const
const ALL_KEEP_ONE = { keepsInFlight: { who: 'all', each: 'one' } } as const
const SENDERS_KEEP_A_WINDOW = { keepsInFlight: { who: 'senders', each: 'window' } } as const

/** The workloads. What they need to know of each other's differences stands here, and nowhere by name. */
export const WORKLOADS = {
  ping: { ...USUAL, ...ALL_KEEP_A_WINDOW, unit: PING, arrival: 'a PING, on the next connection' },
  pipeline: { ...USUAL, ...ALL_KEEP_A_WINDOW, unit: PING, window: 16 },
  fairness: { ...USUAL, ...ALL_KEEP_A_WINDOW, unit: PING, window: 4 },
  room: {
    ...USUAL,
    unit: { one: 'delivery', many: 'deliveries' },
    sendersShare: 1 / 4,
    together: { clientsMin: 2, why: 'nobody hears what is said in a room' },
    arrival: 'a message of the next speaker, delivered to all others',
    fansOut: true,
  },
  session: {
    ...USUAL,
    ...ALL_KEEP_ONE,
    unit: { one: 'session', many: 'sessions' },
    clientsStay: false,
    arrival: 'a new session, which waits while no place is free',
  },
  capacity: {
    ...USUAL,
    unit: PING,
    isStaged: true,
    together: { clientsMin: 2, why: 'whatever others ask at a rate would wait for ever' },
  },
  slow: {
    ...USUAL,
    unit: { one: 'delivery', many: 'deliveries' },
    // Much is said at a time: the kernel alone takes megabytes for a client that does not read.
    window: 16,
    sendersShare: 1 / 10,
    together: { clientsMin: 3, why: 'nobody hears what is said beside one who does not listen' },
  },
  crash: {
    ...USUAL,
    // Which of its processes holds which TCP connection, Linux tells.
    transports: ['tcp'],
    unit: { one: 'delivery', many: 'deliveries' },
    sendersShare: 1 / 4,
    together: { clientsMin: 3, why: 'nobody is there to notice that another is gone' },
    killsProcesses: true,
  },
  echo: {
    ...USUAL,
    service: 'echo',
    transports: TRANSPORTS,
    unit: { one: 'echo', many: 'echoes' },
    arrival: 'a message, on the next connection',
    ...ALL_KEEP_A_WINDOW,
  },
  mix: {
    ...USUAL,
    keepsInFlight: { who: 'others', each: 'window' },
    unit: PING,
    beside: { one: 'WORK', many: 'WORKs' },
    arrival: 'a PING of the next client that does not compute',
    sendersShare: 1 / 10,
    together: { clientsMin: 2, why: 'nobody is there to feel the work of another' },
  },
  wait: { ...USUAL, ...ALL_KEEP_A_WINDOW, unit: { one: 'WAIT', many: 'WAITs' } },
  idle: {
    ...USUAL,
    ...SENDERS_KEEP_A_WINDOW,
    unit: PING,
    sendersShare: 1,
    sendersUsual: 50,
    arrival: 'a PING of the next active client',
    together: { clientsMin: 2, why: 'nobody is idle beside another' },
  },
  login: {
    ...USUAL,
    ...SENDERS_KEEP_A_WINDOW,
    service: 'login',
    hasMessages: false,
    unit: { one: 'login', many: 'logins' },
    beside: { one: 'line', many: 'lines' },
    arrival: 'a login of the next client that logs in',
    sendersShare: 1 / 10,
    sendersMax: 16,
    together: { clientsMin: 2, why: 'nobody is there to feel the logins of another' },
  },
  http: {
    ...USUAL,
    service: 'http',
    unit: { one: 'answer', many: 'answers' },
    hasMessages: false,
    arrival: 'a request, on the next connection',
    ...ALL_KEEP_A_WINDOW,
  },
  file: {
    ...USUAL,
    ...ALL_KEEP_ONE,
    service: 'file',
    unit: { one: 'MiB', many: 'MiB' },
    hasMessages: false,
    arrival: 'a file, on the next connection that fetches none',
  },
} as const satisfies Readonly<Record<string, WorkloadInfo>>

export type WorkloadName = keyof typeof WORKLOADS
export const WORKLOAD_NAMES = Object.keys(WORKLOADS) as WorkloadName[]

/** The entry of a workload, of which every field may be anything that the table allows. */
export function workloadInfo(name: WorkloadName): WorkloadInfo {
  return WORKLOADS[name]
}

/** One run of the generator against one server. All times are in the unit their name ends with. */
export interface LoadSpec {
  readonly workload: WorkloadName
  /**
   * The server: `127.0.0.1:6667`, `[::1]:6667` or `unix:/path`, as posix/address.ts reads it; and `udp:`
   * before an IP address, where datagrams are meant.
   */
  readonly address: string
  /** Connections kept open at the same time (`session`: sessions that run at the same time). */
  readonly clients: number
  /**
   * How many of the clients have a part of their own. `room`, `crash`: they speak; all listen. `mix`: they compute.
   * `slow`: they stop reading.
   * `idle`: they are not. `login`: they log in.
   */
  readonly senders: number
  readonly arrivals: Arrivals
  /** Open loop: arrivals each second, over all connections; null in a closed loop. */
  readonly ratePerS: number | null
  /**
   * Closed loop: requests in flight on each connection; `room`: messages per barrier; `file`: one, whatever it
   * says. An open loop has a bound of its own (IN_FLIGHT_MAX, arrivals.ts).
   */
  readonly window: number
  /** Length of the text after the colon of each PING or PRIVMSG; `echo`: without its CR LF. At least 24. */
  readonly messageBytes: number
  /**
   * Whether every answer is proved and entered in the ledger. Without it nobody knows whether anything was
   * lost or changed: it is there to measure what the ledger costs.
   */
  readonly accounting: boolean
  /** `session`: PINGs answered before the client quits. */
  readonly pingsPerSession: number
  /** `mix`: how long each WORK keeps a CPU of the server busy. */
  readonly workMs: number
  /** Driven, but not measured. */
  readonly warmupMs: number
  /** The measured window. */
  readonly durationMs: number
  /** Setting up ends when every client is registered, or when none has been for this long. */
  readonly setupStallMs: number
  /** After the window: how long answers that are still outstanding are waited for. */
  readonly drainMs: number
  /** Worker threads that the connections are spread over. */
  readonly threads: number
  /** Seed of message bodies and nicknames. */
  readonly seed: number
}

/** The phases of a run, in their order. `hold`: load has stopped, every connection is still open. */
export type LoadPhase = 'setup' | 'warmup' | 'measure' | 'hold' | 'finish'

export interface LoadHooks {
  /** Called when the phase begins on all threads; `hold` lasts until the returned promise settles. */
  readonly onPhase?: (phase: LoadPhase) => void | Promise<void>
  /** Ends the run early: the promise of `runLoad` rejects with the signal's reason. */
  readonly signal?: AbortSignal
  /** Operations so far, about four times a second, for a progress display. */
  readonly onProgress?: (operations: number) => void
}

/** Times of one kind, as a histogram of nanoseconds; it can be merged with others of its kind. */
export interface Times {
  readonly count: number
  readonly minNs: number
  readonly p50Ns: number
  /** Null when fewer than ten times lie above it: it would be one of them by chance. */
  readonly p90Ns: number | null
  readonly p99Ns: number | null
  readonly p999Ns: number | null
  readonly maxNs: number
  readonly meanNs: number
  /** HdrHistogram V2, compressed, base64: what `hdr-histogram-js` and HdrHistogram's tools decode. */
  readonly hdr: string
}

/**
 * Every request and every delivery is accounted for. On a stream anything but zero in the last five is a
 * fault. Datagrams may be lost, and may overtake each other.
 */
export interface Ledger {
  /**
   * Requests sent over the whole run, warm-up included: PINGs; in a room its PRIVMSGs, without the
   * barriers. `sent` (room: × the other members) = received + outstanding + lost + what was in flight
   * on connections that failed.
   */
  readonly sent: number
  /** Requests answered (ping, session), or messages delivered (room), over the whole run. */
  readonly received: number
  /**
   * Requests or deliveries still missing after the drain, on connections that stayed open. Each barrier
   * that was never answered counts as one more.
   */
  readonly outstanding: number
  /** Sequence numbers that were skipped; datagrams also: that were not answered for a second. */
  readonly lost: number
  readonly duplicated: number
  readonly reordered: number
  /**
   * Lines whose content is not what was sent, that are no answer to anything, or that answer sooner than
   * what they answer can have been done.
   */
  readonly corrupt: number
}

/** How well an open loop kept to its schedule. */
interface Schedule {
  /** Arrivals that were due in the window, each second. */
  readonly offeredPerS: number
  /** Arrivals that were sent in the window, each second. Less, when connections had no room for more. */
  readonly sentPerS: number
  /** How late the generator was: from when an arrival was due, and had a connection with room, to its sending. */
  readonly lag: Times
}

/** Of each message. */
export interface Receivers {
  readonly first: Times
  readonly median: Times
  readonly last: Times
}

/**
 * How evenly clients were answered within the measured window; of those with a part of their own, or without, only
 * those whose operations are counted. Who was left waiting got nothing, and counts.
 */
export interface Fairness {
  /** Jain's index of the clients' operations, from 1/clients (one got everything) to 1 (all got the same). */
  readonly jain: number
  /** What the client with the fewest got, over what the median client got; 0 where that is nothing. */
  readonly worstOverMedian: number
}

export interface LoadResult {
  readonly spec: LoadSpec
  /** Clients that got a first answer from the server: connecting alone is not being served. */
  readonly served: number
  /**
   * Clients that the server refused in so many words (`ERROR :...`, or an error reply such as 433), by
   * its words. `session`: each refused attempt.
   */
  readonly refused: Readonly<Record<string, number>>
  /** Clients that connected and were never answered. */
  readonly unserved: number
  /** What the workload counts (its unit), if it ended within the measured window. */
  readonly operations: number
  /** Length of the measured window as the threads had it, each from when it noticed its beginning. */
  readonly elapsedNs: number
  /** The same as the schedule of an open loop has it: what is due is counted from step to step. */
  readonly scheduledNs: number
  /**
   * ping: request to answer. room: sending to delivery at each receiver. session: connect to the end
   * of the connection. From the actual sending, always. What was under
   * way when the window ended is in here too, at the time that it took in the end or, if it is still
   * missing after the drain, has taken so far; so there are a few more times than operations.
   */
  readonly serviceTime: Times
  /**
   * Open loop: the same from the intended sending, so that who had to wait because others before him did is
   * not left out (coordinated omission). Arrivals that could not even be sent are in here, at the time that
   * they had waited when the window ended.
   */
  readonly responseTime: Times | null
  /** Open loop: what was due and what was sent in the window, and how late. */
  readonly schedule: Schedule | null
  /**
   * `room`: from sending (open loop: from when it was due) to the first, the median and the last receiver of each
   * message. Null with several threads, which do not know the order of each other's deliveries.
   */
  readonly receivers: Receivers | null
  /** session: connect to the first answer: what a client waits before anyone talks to it. */
  readonly firstAnswerTime: Times | null
  /** The same of what the clients with a part of their own did, where that is counted apart. */
  readonly beside: { readonly operations: number; readonly serviceTime: Times } | null
  /** Null where clients come and go, or have no answers of their own, or where there are fewer than two. */
  readonly fairness: Fairness | null
  readonly ledger: Ledger
  /**
   * `crash`: clients whose connection ended within the measured window or behind it, which is in no other figure of
   * errors; when the last of the others had been told that the last of them is gone (QUIT), and when as many new
   * clients had been welcomed. In milliseconds since the window began; null when it did not come to that.
   */
  readonly losses: {
    readonly clients: number
    readonly toldAtMs: number | null
    readonly replacedAtMs: number | null
  } | null
  /** `slow`: what became of those who stopped reading. Their connections are in no other figure of this kind. */
  readonly slow: {
    readonly readers: number
    readonly letGo: Readonly<Record<string, number>>
  } | null
  /** Connections that failed or were closed by the other side during the run, by cause. */
  readonly errors: Readonly<Record<string, number>>
  /** The generator's own state: is it the limit? */
  readonly generator: {
    readonly threads: number
    /** Share of the measured window that the busiest thread did not spend waiting: 0 to 1. */
    readonly busyShare: number
    /** CPU time of all generator threads in the measured window. */
    readonly cpuMs: number
  }
}
