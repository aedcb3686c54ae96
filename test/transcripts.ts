// Transcripts: the conversations that PROTOCOL.md prints, read from it and played.
//
// The document explains the notation to its readers. This file is the other half: `readTranscripts`
// takes the fenced `irc` blocks out of the Markdown, and `runTranscript` plays one of them against
// anything that can be opened: the protocol in memory, or any server over a real connection.
//
// Lines are compared exactly and in order for each client. Between clients only what one of them has to
// see before the next step is waited for. At the end every client that is still connected sends a PING,
// and the next line it gets has to be the PONG: a server that says more than the transcript is wrong.

export interface Transcript {
  readonly name: string
  /** Line of the document that the block begins at. */
  readonly documentLine: number
  /** Everybody who takes part. One client: also a server that serves one at a time can play it. */
  readonly clients: readonly string[]
  /** Those who are registered, under their name, before the first step. */
  readonly registered: readonly string[]
  /** It needs a server that has the computing commands. */
  readonly lab: boolean
  /** It needs a server that asks for this password. */
  readonly password: string | null
  /** It needs a server with these accounts: names and passwords. */
  readonly accounts: readonly (readonly [name: string, password: string])[]
  /** What the server offers: `irc`, unless the transcript says otherwise. */
  readonly service: string
  readonly steps: readonly Step[]
}

interface Step {
  readonly kind: 'send' | 'expect' | 'end'
  readonly client: string
  readonly documentLine: number
  /**
   * What is sent, what the line has to be, or what may be left before the end: latin1, escapes resolved;
   * `<any>` is still in it.
   */
  readonly text: string
}

/** One connection to whatever is tested. */
export interface TranscriptClient {
  send(bytes: Buffer): void | Promise<void>
  /** The next line without its CR LF, as latin1. It has to reject when none comes. */
  nextLine(): Promise<string>
  /** Resolves when the server has ended the connection, with what came before and is no line. */
  ended(): Promise<string>
  /** Ends its half of the connection. */
  halfClose(): void
  close(): void
}

/** All transcripts of a document, in their order. Throws at whatever it does not understand. */
export function readTranscripts(markdown: string): Transcript[] {
  const transcripts: Transcript[] = []
  const lines = markdown.split('\n')
  for (let at = 0; at < lines.length; at++) {
    const info = /^```irc\b(.*)$/.exec(lines[at] as string)?.[1]
    if (info === undefined) continue
    const end = lines.indexOf('```', at + 1)
    if (end === -1) throw new Error(`line ${at + 1}: the block does not end`)
    transcripts.push(readBlock(info, lines.slice(at + 1, end), at + 1))
    at = end
  }
  const names = transcripts.map(({ name }) => name)
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw new Error(`two transcripts are called "${repeated}"`)
  return transcripts
}

function readBlock(info: string, lines: readonly string[], documentLine: number): Transcript {
  const attributes = readAttributes(info, documentLine)
  const registered = words(attributes.get('registered'))
  const named = [...registered, ...words(attributes.get('fresh'))]
  const clients = named.length === 0 ? ['client'] : named
  const name = attributes.get('name')
  if (name === undefined) throw new Error(`line ${documentLine}: the transcript has no name`)
  return {
    name,
    documentLine,
    clients,
    registered,
    lab: attributes.has('lab'),
    password: attributes.get('password') ?? null,
    service: attributes.get('service') ?? 'irc',
    accounts: words(attributes.get('accounts')).map(readAccount),
    steps: lines
      .map((line, index) => ({ line, documentLine: documentLine + 1 + index }))
      .filter(({ line }) => line.trim() !== '')
      .map((one) => readStep(one.line, one.documentLine, clients)),
  }
}

const ATTRIBUTES: ReadonlySet<string> = new Set([
  'name',
  'registered',
  'fresh',
  'lab',
  'password',
  'accounts',
  'service',
])

function readAttributes(info: string, documentLine: number): Map<string, string> {
  const attributes = new Map<string, string>()
  const rest = info.replace(/(\w+)(?:="([^"]*)")?/g, (_, key: string, value: string = '') => {
    if (!ATTRIBUTES.has(key)) throw new Error(`line ${documentLine}: what is "${key}"?`)
    attributes.set(key, value)
    return ''
  })
  if (rest.trim() !== '') throw new Error(`line ${documentLine}: what is "${rest.trim()}"?`)
  return attributes
}

function readStep(line: string, documentLine: number, clients: readonly string[]): Step {
  const [, single, who, arrow, rest] = /^(?:([CS]):|(\w+)([<>]))(?: (.*))?$/.exec(line) ?? []
  const client = who ?? clients[0] ?? ''
  const isKnown = who === undefined ? clients.length === 1 : clients.includes(who)
  if ((single ?? who) === undefined || !isKnown) {
    throw new Error(`line ${documentLine}: nobody here says "${line}"`)
  }
  const text = rest ?? ''
  const isSent = single === 'C' || arrow === '>'
  if (isSent) return { kind: 'send', client, documentLine, text: sentBytes(text) }
  if (text.endsWith('<end>')) {
    return { kind: 'end', client, documentLine, text: resolve(text.slice(0, -5)) }
  }
  return { kind: 'expect', client, documentLine, text: resolve(text) }
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(' ').filter((word) => word !== '')
}

/** `name:password`. */
function readAccount(word: string): [name: string, password: string] {
  const [name = '', password = ''] = word.split(':')
  return [name, password]
}

function sentBytes(text: string): string {
  if (text.endsWith('<cut>')) return resolve(text.slice(0, -5))
  if (text.endsWith('<LF>')) return `${resolve(text.slice(0, -4))}\n`
  return `${resolve(text)}\r\n`
}

/** Repetitions and escapes: `<3 ab>` is `ababab`, `\xff` is one byte. The result is latin1. */
function resolve(text: string): string {
  return Buffer.from(text)
    .toString('latin1')
    .replace(/<(\d+) ([^>]+)>/g, (_, times: string, what: string) => what.repeat(Number(times)))
    .replace(/\\(?:x([0-9a-f]{2})|([0rn\\]))/g, (_, hex: string | undefined, letter: string) =>
      hex === undefined ? (ESCAPES.get(letter) as string) : String.fromCharCode(parseInt(hex, 16)),
    )
}

const ESCAPES: ReadonlyMap<string, string> = new Map([
  ['0', '\0'],
  ['r', '\r'],
  ['n', '\n'],
  ['\\', '\\'],
])

/** Plays the transcript. Rejects with the line of the document at which it went otherwise. */
export async function runTranscript(
  transcript: Transcript,
  open: () => Promise<TranscriptClient>,
): Promise<void> {
  const connected = new Map<string, TranscriptClient>()
  try {
    for (const name of transcript.clients) {
      const client = await open()
      connected.set(name, client)
      if (transcript.registered.includes(name)) await register(client, name, transcript.password)
    }
    for (const step of transcript.steps) await play(step, connected, transcript)
    if (transcript.service === 'irc') {
      for (const [name, client] of connected) await hearNothingMore(client, name, transcript)
      for (const client of connected.values()) await leave(client, transcript)
    } else for (const [name, client] of connected) await hangUp(client, name, transcript)
  } finally {
    for (const client of connected.values()) client.close()
  }
}

async function play(
  step: Step,
  connected: Map<string, TranscriptClient>,
  transcript: Transcript,
): Promise<void> {
  const client = connected.get(step.client)
  const where = `"${transcript.name}", line ${step.documentLine}, ${step.client}`
  if (client === undefined) throw new Error(`${where}: its connection has ended`)
  if (step.kind === 'send') await client.send(Buffer.from(step.text, 'latin1'))
  else if (step.kind === 'end') {
    await hearTheEnd(client, step.text, `${where}: the server has to end the connection here`)
    client.close()
    connected.delete(step.client)
  } else {
    const line = await explain(client.nextLine(), `${where}: there has to come ${step.text}`)
    if (!isMatch(line, step.text)) {
      throw new Error(`${where}:\n  expected ${readable(step.text)}\n  received ${readable(line)}`)
    }
  }
}

/** The welcome is not compared: there is a transcript for that. */
async function register(
  client: TranscriptClient,
  name: string,
  password: string | null,
): Promise<void> {
  const pass = password === null ? '' : `PASS ${password}\r\n`
  await client.send(Buffer.from(`${pass}NICK ${name}\r\nUSER ${name} 0 * :${name}\r\n`))
  for (let line = ''; !/^\S+ (?:422|376) /.test(line);) {
    line = await explain(client.nextLine(), `${name} could not register`)
    if (/^(?:\S+ 4(?!22)|ERROR)/.test(line)) throw new Error(`${name} could not register: ${line}`)
  }
}

/** Nothing more was said than the transcript says. */
async function hearNothingMore(
  client: TranscriptClient,
  name: string,
  transcript: Transcript,
): Promise<void> {
  const where = `"${transcript.name}", at its end, ${name}`
  await client.send(Buffer.from('PING :the end of the transcript\r\n'))
  const line = await explain(client.nextLine(), `${where}: there has to come a PONG`)
  if (!line.endsWith(' :the end of the transcript')) {
    throw new Error(`${where}: received, but not in the transcript: ${readable(line)}`)
  }
}

/** Nothing more was said either, by a service that ends when its client does. */
async function hangUp(
  client: TranscriptClient,
  name: string,
  transcript: Transcript,
): Promise<void> {
  client.halfClose()
  await hearTheEnd(client, '', `"${transcript.name}", at its end, ${name}: there has to be an end`)
}

async function hearTheEnd(client: TranscriptClient, left: string, where: string): Promise<void> {
  const rest = await explain(client.ended(), where)
  if (rest !== left) {
    throw new Error(`${where}\n  expected ${readable(left)}\n  received ${readable(rest)}`)
  }
}

/** So that the name is free for the next transcript. Those who are still there see the others go. */
async function leave(client: TranscriptClient, { name }: Transcript): Promise<void> {
  const where = `"${name}", after its end`
  await client.send(Buffer.from('QUIT\r\n'))
  for (let line = ''; !line.startsWith('ERROR ');) {
    line = await explain(client.nextLine(), `${where}: there has to come an ERROR after QUIT`)
  }
  await hearTheEnd(client, '', `${where}: the connection has to end after QUIT`)
}

async function explain<T>(promise: Promise<T>, message: string): Promise<T> {
  try {
    return await promise
  } catch (cause) {
    throw new Error(`${message} (${cause instanceof Error ? cause.message : String(cause)})`, {
      cause,
    })
  }
}

function isMatch(line: string, pattern: string): boolean {
  const parts = pattern.split('<any>').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  return new RegExp(`^${parts.join('.+')}$`, 's').test(line)
}

/** Bytes that a terminal would not show, escaped as in a transcript. */
function readable(text: string): string {
  return text.replace(
    /[^\x20-\x7e]/g,
    (byte) => `\\x${byte.charCodeAt(0).toString(16).padStart(2, '0')}`,
  )
}
