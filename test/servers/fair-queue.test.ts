import { describe, expect, test } from 'vitest'
import { FairQueue } from '../../servers/fair-queue.ts'
import { until } from '../support/conditions.ts'

/** A queue whose work the test ends itself, and what became of it: `+a1` begun, `-a1` refused. */
class Bench {
  readonly log: string[] = []
  readonly queue: FairQueue
  private readonly ends = new Map<string, (failure?: Error) => void>()

  constructor(atATimeMax = 2, waitingMax = 8) {
    this.queue = new FairQueue(atATimeMax, waitingMax)
  }

  /** Work for `a1` belongs to `a`. */
  ask(...names: string[]): void {
    for (const name of names) void this.run(name)
  }

  private async run(name: string): Promise<void> {
    const work = (): Promise<string> => {
      this.log.push(`+${name}`)
      return new Promise((resolve, reject) => {
        this.ends.set(name, (failure) => (failure ? reject(failure) : resolve(name)))
      })
    }
    try {
      const result = await this.queue.run(name[0]!, work)
      if (result === null) this.log.push(`-${name}`)
      else expect(result).toBe(name)
    } catch (error) {
      this.log.push(`!${(error as Error).message}`)
    }
  }

  /** What has happened since the last look, as soon as it is `count` things. */
  async happened(count: number): Promise<string> {
    await until(`${count} things should happen`, () => this.log.length >= count)
    return this.log.splice(0).join(' ')
  }

  /** Ends work that is under way. */
  end(name: string, failure?: Error): void {
    this.ends.get(name)!(failure)
  }
}

describe('a fair queue', () => {
  test('does so much at a time, and the rest in its order', async () => {
    const bench = new Bench()
    bench.ask('a1', 'a2', 'a3', 'a4')
    expect(await bench.happened(2)).toBe('+a1 +a2')
    bench.end('a2')
    expect(await bench.happened(1)).toBe('+a3')
    bench.end('a3')
    expect(await bench.happened(1)).toBe('+a4')
  })

  test('lets who comes later go before those who have more', async () => {
    const bench = new Bench()
    bench.ask('a1', 'a2', 'a3', 'a4', 'a5', 'b1')
    expect(await bench.happened(2)).toBe('+a1 +a2')
    bench.end('a1')
    expect(await bench.happened(1)).toBe('+b1')
    bench.ask('c1')
    bench.end('a2')
    expect(await bench.happened(1)).toBe('+c1')
    bench.end('c1')
    expect(await bench.happened(1)).toBe('+a3')
  })

  test('gives turns to those who have as much under way', async () => {
    const bench = new Bench(1)
    bench.ask('a1', 'a2', 'a3', 'b1', 'b2', 'c1')
    const order = [await bench.happened(1)]
    while (order.length < 6) {
      bench.end(order.at(-1)!.slice(1))
      order.push(await bench.happened(1))
    }
    expect(order).toEqual(['+a1', '+b1', '+c1', '+a2', '+b2', '+a3'])
  })

  test('goes on after work that fails', async () => {
    const bench = new Bench(1)
    bench.ask('a1', 'b1')
    expect(await bench.happened(1)).toBe('+a1')
    bench.end('a1', new Error('broken'))
    expect((await bench.happened(2)).split(' ').toSorted()).toEqual(['!broken', '+b1'])
    bench.end('b1')
    bench.ask('a2')
    expect(await bench.happened(1)).toBe('+a2')
  })

  test('is bounded; of those who have most waiting the last gives way to who has less', async () => {
    const bench = new Bench(1, 4)
    bench.ask('a1', 'a2', 'a3', 'a4', 'a5', 'a6')
    expect(await bench.happened(2)).toBe('+a1 -a6')
    bench.ask('b1')
    expect(await bench.happened(1)).toBe('-a5')
    bench.ask('b2')
    expect(await bench.happened(1)).toBe('-a4')
    bench.ask('b3') // Both have two waiting: nothing is won.
    expect(await bench.happened(1)).toBe('-b3')
    bench.ask('c1')
    expect(await bench.happened(1)).toBe('-a3')
    bench.ask('d1')
    expect(await bench.happened(1)).toBe('-b2')
    bench.ask('e1') // Everybody has one.
    expect(await bench.happened(1)).toBe('-e1')
    bench.end('a1')
    expect(await bench.happened(1)).toBe('+b1')
  })

  test('refuses those who wait, and from then on whoever would have to', async () => {
    const bench = new Bench(1)
    bench.ask('a1', 'a2', 'b1')
    expect(await bench.happened(1)).toBe('+a1')
    bench.queue.refuseWaiting()
    expect((await bench.happened(2)).split(' ').toSorted()).toEqual(['-a2', '-b1'])
    bench.ask('c1')
    expect(await bench.happened(1)).toBe('-c1')
    bench.end('a1')
    await until('there should be room again', () => {
      bench.ask('d1')
      return bench.log.includes('+d1')
    })
  })

  test('remembers nobody who has nothing to do', async () => {
    const bench = new Bench(1, 4)
    bench.ask('a1', 'b1', 'c1')
    for (const name of ['a1', 'b1', 'c1']) {
      expect(await bench.happened(1)).toBe(`+${name}`)
      bench.end(name)
    }
    await until('it should be empty', () => bench.queue.owners === 0)
  })
})
