// Two canaries sit in a room and talk to each other, fifty numbered messages a second each, while somebody
// harms the server or one of its other clients. Whatever happens, each hears the other's messages: every
// one, once, in order, and soon.

import { type Client, registered } from './client.ts'
import { until } from './conditions.ts'

const INTERVAL_MS = 20

export class Canaries {
  readonly #pair: [Canary, Canary]
  readonly #singing: NodeJS.Timeout

  private constructor(pair: [Canary, Canary]) {
    this.#pair = pair
    this.#singing = setInterval(() => {
      for (const canary of pair) canary.sing()
    }, INTERVAL_MS)
  }

  static async start(address: string): Promise<Canaries> {
    const [one, other] = await Promise.all([
      registered(address, 'canary0'),
      registered(address, 'canary1'),
    ])
    await one.join('#canary')
    await other.join('#canary')
    return new Canaries([new Canary(one), new Canary(other)])
  }

  /** Waits until they have exchanged this many more messages, both ways: the server is well. */
  async sang(messages: number): Promise<void> {
    const [one, other] = this.#pair
    const goals = [one.heard.length + messages, other.heard.length + messages]
    await until(
      'the canaries should hear each other',
      () => one.heard.length >= goals[0]! && other.heard.length >= goals[1]!,
    )
  }

  /** Ends it. Throws unless each has heard everything, and nothing later than `delayMsMax`. */
  async stop(delayMsMax = 2_000): Promise<void> {
    clearInterval(this.#singing)
    const [one, other] = this.#pair
    await until(
      'the canaries should hear the last of each other',
      () => one.heard.length >= other.sung && other.heard.length >= one.sung,
    )
    for (const canary of this.#pair) canary.check(delayMsMax)
    for (const canary of this.#pair) await canary.client.quit()
  }
}

class Canary {
  readonly client: Client
  readonly heard: number[] = []
  sung = 0
  #slowestMs = 0

  constructor(client: Client) {
    this.client = client
    client.watch((line) => {
      const [, number, saidMs] = / PRIVMSG #canary :(\d+) ([\d.]+)$/.exec(line) ?? []
      if (number === undefined) return
      this.heard.push(Number(number))
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - Number(saidMs))
    })
  }

  sing(): void {
    if (this.client.ending === null) {
      this.client.say(`PRIVMSG #canary :${this.sung++} ${performance.now()}`)
    }
  }

  check(delayMsMax: number): void {
    const wrong = this.heard.findIndex((number, i) => number !== i)
    if (wrong !== -1) {
      throw new Error(`Instead of message ${wrong} a canary heard ${this.heard[wrong]}`)
    }
    if (this.client.ending !== null) throw new Error(`A canary's connection: ${this.client.ending}`)
    if (this.#slowestMs > delayMsMax) {
      throw new Error(`A canary heard a message ${this.#slowestMs.toFixed()} ms late`)
    }
  }
}
