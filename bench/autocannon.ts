// autocannon, driven so that its figure can stand beside ours.

import { get } from 'node:http'
import autocannon, { type Options, type Result } from 'autocannon'

/** What a generator has seen: how fast, and what was wrong. */
export interface Figure {
  readonly answersPerS: number
  readonly wrong: readonly string[]
}

export interface Shooting {
  /** Of a server whose `GET /` always has the same body. */
  readonly address: string
  readonly connections: number
  readonly warmupMs: number
  readonly durationMs: number
}

/** A process for each of hundreds of connections, on a busy machine. */
const CONNECTING_MS_MAX = 60_000

/** Settles when it was measured. Rejects with the reason of `signal`, or when there is no server. */
export async function shoot(shooting: Shooting, signal: AbortSignal): Promise<Figure> {
  const { address, connections } = shooting
  const url = `http://${address}/`
  const expectBody = await pageAt(url)
  const { answersPerS, result } = await measure({ url, connections, expectBody }, shooting, signal)
  const { errors, timeouts, mismatches, non2xx } = result
  const counts = { errors, timeouts, mismatches, 'other statuses': non2xx }
  const wrong = Object.entries(counts).filter(([, count]) => count > 0)
  return {
    answersPerS: answersPerS ?? 0,
    wrong: [
      ...wrong.map(([what, count]) => `${count} ${what}`),
      ...(answersPerS === null ? [`not all of ${connections} connections were answered`] : []),
    ],
  }
}

interface Shots {
  /** Null: it never came to that. */
  readonly answersPerS: number | null
  readonly result: Result
}

/**
 * Its own clock starts before it connects, and so would count the time that a model needs to take clients in.
 * Here the clock starts when every connection was answered, and a warm-up after that, as in our generator.
 */
function measure(
  options: Options & { connections: number },
  { warmupMs, durationMs }: Shooting,
  signal: AbortSignal,
): Promise<Shots> {
  return new Promise((resolve, reject) => {
    let answersPerS: number | null = null
    let answers = 0
    const answered = new Set<object>()
    const begin = () => {
      const [fromMs, from] = [performance.now(), answers]
      setTimeout(() => {
        answersPerS = ((answers - from) / (performance.now() - fromMs)) * 1000
        running.stop()
      }, durationMs)
    }
    const duration = Math.ceil((CONNECTING_MS_MAX + warmupMs + durationMs) / 1000)
    const running = autocannon({ ...options, duration }, (error: unknown, result: Result) => {
      signal.removeEventListener('abort', stop)
      if (signal.aborted) reject(signal.reason)
      else if (error) reject(error)
      else resolve({ answersPerS, result })
    })
    const stop = () => running.stop()
    signal.addEventListener('abort', stop)
    running.on('response', (client) => {
      answers++
      if (answered.size === options.connections) return
      answered.add(client)
      if (answered.size === options.connections) setTimeout(begin, warmupMs)
    })
  })
}

/** Fetched once, on a connection of its own that does not stay: a server may have no second one. */
function pageAt(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      let body = ''
      response.setEncoding('latin1').on('data', (text: string) => (body += text))
      response.on('end', () => resolve(body))
    })
    request.on('error', reject)
  })
}
