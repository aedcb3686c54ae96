// Micro-benchmarks of the protocol: framing, parsing, formatting, fan-out, PING to PONG. A program of
// its own (`npm run bench:micro`), so it writes to stdout; and the one file in bench/ that may import
// protocol/, because here the protocol itself is what is measured, without any server around it.
//
// Every task does a batch of operations, and the table divides by their number: a single one takes less
// time than reading the clock does. What an operation needs is made beforehand; what it gives is added
// up, so that the compiler cannot leave it out.
//
// A well-known parser from npm stands beside ours on the same lines. The comparison is fair only in part:
// it collects tags and prefix, which a server has no use for, and ours puts the command in upper case.

import type { Bench } from 'tinybench'
import {
  IrcConversation,
  DEFAULT_PROTOCOL_LIMITS,
  IrcHub,
  LineReader,
  formatNumeric,
  parseMessage,
  wireLine,
} from '../protocol/index.ts'
import type { HubOptions } from '../protocol/index.ts'

const OPERATIONS = 1_000
const LINES_PER_CHUNK = 100
const MEMBERS = 10_000

const OPTIONS: HubOptions = {
  serverName: 'hubbub.local',
  version: 'hubbub',
  lab: false,
  createdAt: 'just now',
  password: null,
  limits: DEFAULT_PROTOCOL_LIMITS,
}

/** 64 bytes with CR LF, as the load generator's are. */
const PING_LINE = Buffer.from('PING :'.padEnd(62, 'x') + '\r\n')
const PRIVMSG_LINE = Buffer.from('PRIVMSG #room :'.padEnd(62, 'x') + '\r\n')

/** As many different lines as operations, each a slice of one chunk, as framing makes them. */
const LINES = sliced(OPERATIONS)
const SENDERS = LINES.map((_, index) => `nick${index}!user@127.0.0.1`)
const OUTPUT = Buffer.alloc(64 * 1024)

/** What is compared with of irc-message-ts. */
type ForeignParser = (line: string) => { readonly params: readonly string[] } | null

/** One task does OPERATIONS of something, and gives a number that depends on each of them. */
type Batch = () => number

let sink = 0
const operationsOf = new Map<string, number>()

function measure(bench: Bench, name: string, operations: number, batch: Batch): void {
  operationsOf.set(name, operations)
  bench.add(name, () => {
    sink += batch()
  })
}

function measureFraming(bench: Bench): void {
  const reader = new LineReader()
  const take = (chunk: Buffer) => {
    let bytes = 0
    reader.push(chunk.toString('latin1'))
    for (let line = reader.next(); line !== null; line = reader.next()) {
      bytes += typeof line === 'string' ? line.length : 0
    }
    return bytes
  }
  measureInChunks(bench, 'framing', PRIVMSG_LINE, take)
}

function measurePingPong(bench: Bench): void {
  const conversation = new IrcConversation(OPTIONS, 0)
  conversation.identify('alice', true)
  measureInChunks(bench, 'PING to PONG, both as bytes', PING_LINE, (chunk) => {
    let bytes = 0
    conversation.receive(chunk, 0)
    for (let next = conversation.nextEffect(); next !== null; next = conversation.nextEffect()) {
      if (next.kind === 'reply') bytes += OUTPUT.write(next.text, 'latin1')
    }
    return bytes
  })
}

/** The same lines one by one and a hundred at a time; counted is the line. */
function measureInChunks(
  bench: Bench,
  name: string,
  line: Buffer,
  take: (chunk: Buffer) => number,
): void {
  for (const lines of [1, LINES_PER_CHUNK]) {
    const chunk = Buffer.concat(Array.from({ length: lines }, () => line))
    measure(bench, `${name}, ${lines} to a chunk`, OPERATIONS, () => {
      let bytes = 0
      for (let done = 0; done < OPERATIONS; done += lines) bytes += take(chunk)
      return bytes
    })
  }
}

function measureParsing(bench: Bench, parse: ForeignParser): void {
  measure(bench, 'parsing', OPERATIONS, () => {
    let params = 0
    for (const line of LINES) params += parseMessage(line).params.length
    return params
  })
  measure(bench, 'parsing by irc-message-ts', OPERATIONS, () => {
    let params = 0
    for (const line of LINES) params += parse(line)?.params.length ?? 0
    return params
  })
}

/** To bytes: V8 puts strings together only when somebody looks at them. */
function measureFormatting(bench: Bench): void {
  measure(bench, 'formatting a numeric, to bytes', OPERATIONS, () => {
    let bytes = 0
    for (const sender of SENDERS) {
      const line = formatNumeric('hubbub.local', 'alice', 'ERR_NOSUCHNICK', sender)
      bytes += OUTPUT.write(line, 'latin1')
    }
    return bytes
  })
  measure(bench, 'formatting a relayed line, to bytes', OPERATIONS, () => {
    let bytes = 0
    for (const [index, sender] of SENDERS.entries()) {
      bytes += OUTPUT.write(wireLine(`:${sender} ${LINES[index] ?? ''}`), 'latin1')
    }
    return bytes
  })
}

function measureFanOut(bench: Bench): void {
  const hub = new IrcHub<{ received: number }>(OPTIONS)
  const members = Array.from({ length: MEMBERS }, () => ({ received: 0 }))
  for (const [index, member] of members.entries()) {
    hub.connect(member, '127.0.0.1', 0)
    for (const line of [`NICK n${index}`, 'USER u 0 * :r', 'JOIN #room'])
      hub.receive(member, line, 0)
  }
  const sender = members[0] as { received: number }
  measure(bench, `a message to ${MEMBERS} members as one effect`, OPERATIONS, () => {
    let effects = 0
    for (const line of LINES) effects += hub.receive(sender, line, 0).length
    return effects
  })
  measure(bench, `each of the ${MEMBERS} receivers of that effect`, MEMBERS, () => {
    for (const effect of hub.receive(sender, LINES[0] ?? '', 0)) {
      if (effect.kind !== 'send') continue
      for (const member of effect.to) {
        if (member !== effect.except) member.received += effect.text.length
      }
    }
    return members[1]?.received ?? 0
  })
}

function sliced(count: number): string[] {
  const numbered = Array.from({ length: count }, (_, index) =>
    `PRIVMSG #room :message number ${index} `.padEnd(62, 'x'),
  )
  const chunk = Buffer.from(numbered.join('\r\n')).toString('latin1')
  return numbered.map((_, index) => chunk.slice(index * 64, index * 64 + 62))
}

/** Both are development dependencies: whoever installed the package alone does not have them. */
async function developmentDependencies() {
  try {
    return await Promise.all([import('tinybench'), import('irc-message-ts')])
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    return null
  }
}

async function main(): Promise<void> {
  const loaded = await developmentDependencies()
  if (loaded === null) {
    console.error(
      'The micro-benchmarks need tinybench and irc-message-ts, which are not installed: ' +
        'run `npm install` in a clone of the repository.',
    )
    process.exitCode = 1
    return
  }
  const [tinybench, { parse }] = loaded
  const bench = new tinybench.Bench({ time: 900, warmupTime: 250 })
  measureFraming(bench)
  measureParsing(bench, parse)
  measureFormatting(bench)
  measureFanOut(bench)
  measurePingPong(bench)
  const warnings: string[] = []
  bench.addEventListener('warning', ({ task, reason }) => {
    warnings.push(`warning: "${task?.name}" is close to the limits of the clock (${reason})`)
  })
  await bench.run()
  console.table(
    bench.table((task) => {
      const operations = operationsOf.get(task.name) ?? 1
      const { result } = task
      if (result.state !== 'completed') return { task: task.name, 'ns each': result.state }
      const { latency } = result
      const nsEach = (ms: number) => Number(((ms * 1e6) / operations).toFixed(1))
      return {
        task: task.name,
        'ns each': nsEach(latency.p50),
        '± %': Number(latency.rme.toFixed(2)),
        'p99 ns each': nsEach(latency.p99),
        'million/s': Number((1e3 / ((latency.p50 * 1e6) / operations)).toFixed(2)),
        batches: latency.samplesCount,
      }
    }),
  )
  for (const warning of warnings) console.log(warning)
  console.log(`Medians of batches on Node ${process.version}. (${sink} things were counted.)`)
}

await main()
