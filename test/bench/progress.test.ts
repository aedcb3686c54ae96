// Progress: the words, what of them fits, and what is left on the screen of a terminal that is drawn on,
// made narrower, and given back.

import { describe, expect, test } from 'vitest'
import { LiveBlock } from '../../bench/live-block.ts'
import type { WordsOut } from '../../bench/progress.ts'
import { openProgress } from '../../bench/progress.ts'
import type { LiveState, Outcome } from '../../bench/reporters/live.ts'
import { liveLines } from '../../bench/reporters/live.ts'
import { painter } from '../../bench/reporters/text.ts'
import type { Task } from '../../bench/time-left.ts'
import { TimeLeft } from '../../bench/time-left.ts'

const PLAIN = painter(false)
const TABLE = 'ping · 12 clients'

function outcome(model: string, perS: number | null, table = TABLE): Outcome {
  const [workload, size] = table.split(' · ')
  return {
    name: `${workload} · ${model} · ${size}`,
    words: perS === null ? 'invalid' : `${perS.toLocaleString('en-US')} PINGs/s`,
    figure: perS === null ? null : { table, model, perS, unit: 'PINGs' },
  }
}

const STATE: LiveState = {
  done: 24,
  total: 52,
  leftMs: 55_300,
  doing: 'ping · cluster · 12 clients, repeat 2 of 2',
  table: TABLE,
  model: 'cluster',
  outcomes: [
    outcome('poll', 142_000),
    outcome('cluster', 80_000),
    outcome('session', 5000, 'session · 8 clients'),
    outcome('thread', null),
    outcome('poll', 145_000),
    outcome('async', 102_000),
  ],
}

function shown(columns: number, rows = 40, state: Partial<LiveState> = {}): string[] {
  return liveLines({ ...STATE, ...state }, { columns, rows }, PLAIN)
}

describe('what is shown', () => {
  test('in 100 columns', () => {
    expect(shown(100).join('\n')).toBe(
      `
━━━━━━━━━━━━━━━━━━──────────────────────  24/52   46 %  1 min left
ping · cluster · 12 clients, repeat 2 of 2

ping · async · 12 clients   102,000 PINGs/s  first
ping · poll · 12 clients    145,000 PINGs/s  +2.1 % from before
ping · thread · 12 clients          invalid

ping · 12 clients so far, k PINGs/s
poll      144  ████████████████████████████████████████
async     102  ████████████████████████████▍
cluster  80.0  ██████████████████████▎`,
    )
  })

  test('in 40 columns', () => {
    expect(shown(40).join('\n')).toBe(
      `
━━━━━━───────  24/52   46 %  1 min left
ping · cluster · 12 clients, repeat 2 …

ping · async · 12 cli…  102,000 PINGs/s
ping · poll · 12 clie…  145,000 PINGs/s
ping · thread · 12 cl…          invalid

ping · 12 clients so far, k PINGs/s
poll      144  ████████████████████████
async     102  █████████████████
cluster  80.0  █████████████▍`,
    )
  })

  test.each([200, 100, 80, 60, 40, 30, 20])('is narrower than %d columns', (columns) => {
    for (const line of shown(columns)) expect(line.length).toBeLessThan(columns)
    expect(shown(columns).join(' ')).toContain('24/52')
  })

  test.each([40, 12, 9, 8, 5, 3, 2])('leaves a row of %d for the cursor', (rows) => {
    const lines = shown(80, rows)
    expect(lines.length).toBeLessThan(rows)
    // Half a ranking would be read as one.
    const ranked = lines.filter((line) => line.includes('█'))
    expect([0, 3]).toContain(ranked.length)
  })

  test.each([
    [400, 'nearly done'],
    [1000, '1 s left'],
    [12_400, '13 s left'],
    [31_000, '35 s left'],
    [61_000, '1 min 5 s left'],
    [121_000, '2 min 10 s left'],
    [600_000, '10 min left'],
    [7_260_000, '2 h 1 min left'],
  ])('%d ms: %s', (leftMs, words) => {
    expect(shown(100, 40, { leftMs })[1]).toMatch(new RegExp(`  ${words}$`))
  })

  test('at the beginning there is nothing to rank, and no time known', () => {
    const lines = shown(80, 40, { done: 0, outcomes: [], leftMs: null, table: null, model: null })
    expect(lines).toEqual(['', `${'─'.repeat(40)}   0/52    0 %`, STATE.doing])
  })

  test('colour says nothing that is not said without it', () => {
    const coloured = liveLines(STATE, { columns: 80, rows: 40 }, painter(true)).join('\n')
    expect(coloured).toContain('\x1b[')
    expect(coloured.replaceAll(/\x1b\[\d+m/g, '')).toBe(shown(80).join('\n'))
  })
})

function task(kind: string, expectedMs = 1000): Task {
  return { kind, expectedMs }
}

describe('the time left', () => {
  test('is what was expected, until something is known', () => {
    const left = new TimeLeft([task('a'), task('b', 3000)])
    expect(left.leftMs(0)).toBeNull()
    left.begin(0)
    expect(left.leftMs(0)).toBe(4000)
    expect(left.leftMs(500), 'goes down with the clock').toBe(3500)
    expect(left.leftMs(9000), 'and never below nothing').toBe(0)
  })

  test('follows what tasks take, each of its kind', () => {
    const round = ['fast', 'slow']
    const left = new TimeLeft([...round, ...round, ...round, ...round].map((kind) => task(kind)))
    let now = 0
    for (let i = 0; i < 6; i++) {
      left.begin(now)
      now += i % 2 === 0 ? 1000 : 9000
      left.end(now)
    }
    left.begin(now)
    // A round of 10 s is left, and 2 s of the surprise are not believed yet.
    expect(left.leftMs(now)!).toBeGreaterThan(7000)
    expect(left.leftMs(now)!).toBeLessThan(13_000)
  })

  test('does not jump because of one odd task', () => {
    const left = new TimeLeft(Array.from({ length: 100 }, (_, i) => task(`kind ${i}`)))
    let now = 0
    let before = 0
    for (let i = 0; i < 50; i++) {
      left.begin(now)
      before = left.leftMs(now)!
      now += i === 40 ? 8000 : 1000
      left.end(now)
      const change = left.leftMs(now)! - before
      // Seven seconds late, and 59 tasks left that may take longer as well: it is believed step by step.
      expect(Math.abs(change + 1000)).toBeLessThan(i >= 40 && i < 43 ? 9000 : 1500)
    }
    expect(left.leftMs(now)! / 50_000).toBeCloseTo(1, 0)
  })

  test('is not said as long as nobody knows; then tasks are taken to be like each other', () => {
    const left = new TimeLeft(Array.from({ length: 5 }, () => ({ kind: '', expectedMs: null })))
    left.begin(0)
    expect(left.leftMs(0)).toBeNull()
    left.begin(1500) // A part of it.
    left.end(2000)
    expect(left.leftMs(2000)).toBe(8000)
  })

  test('is less by what is skipped', () => {
    const left = new TimeLeft([task('a'), ...Array.from({ length: 9 }, () => task('b'))])
    left.begin(0)
    left.end(1000)
    for (let i = 0; i < 9; i++) left.skip()
    expect(left.leftMs(1000)!).toBeLessThan(100)
  })
})

/** A terminal that breaks lines that are too long, also those that it shows already when it gets narrower. */
class Screen implements WordsOut {
  readonly isTTY = true
  columns = 80
  rows = 24
  /** Lines as they were written, without the breaks. */
  #lines: string[] = ['']
  #row = 0
  #column = 0
  isCursorShown = true
  bytes = ''

  write(text: string): void {
    this.bytes += text
    for (const [token] of text.matchAll(/\x1b\[\??\d*[A-Za-z]|[^]/gu)) this.#perform(token)
  }

  /** What is to be seen. */
  get text(): string {
    return this.#lines.join('\n')
  }

  /** A terminal that reflows keeps lines whole, and shows each in as many rows as it needs. */
  #perform(token: string): void {
    if (token === '\n') this.#down()
    else if (token === '\r') this.#column = 0
    else if (token === '\x1b[K') this.#line = this.#line.slice(0, this.#column)
    else if (token === '\x1b[J') {
      this.#line = this.#line.slice(0, this.#column)
      this.#lines.length = this.#row + 1
    } else if (token === '\x1b[?25l') this.isCursorShown = false
    else if (token === '\x1b[?25h') this.isCursorShown = true
    else if (/^\x1b\[\d+A$/.test(token)) this.#up(Number(token.slice(2, -1)))
    else if (token.startsWith('\x1b')) throw new Error(`unknown: ${JSON.stringify(token)}`)
    else {
      this.#line = this.#line.slice(0, this.#column) + token + this.#line.slice(this.#column + 1)
      this.#column++
    }
  }

  #down(): void {
    this.#row++
    this.#column = 0
    if (this.#row === this.#lines.length) this.#lines.push('')
  }

  /** By rows of the screen, of which a line may take several. */
  #up(rows: number): void {
    let left = rows
    while (left > 0) {
      this.#row--
      left -= Math.max(1, Math.ceil(this.#line.length / this.columns))
    }
    expect(left, 'it ends at the beginning of a line').toBe(0)
    expect(this.#row).toBeGreaterThanOrEqual(0)
  }

  get #line(): string {
    return this.#lines[this.#row] ?? ''
  }

  set #line(text: string) {
    this.#lines[this.#row] = text
  }
}

describe('the lines on a terminal', () => {
  test('are drawn over, and erased at the end', () => {
    const screen = new Screen()
    screen.write('before\n')
    const block = new LiveBlock(screen)
    expect(screen.isCursorShown).toBe(false)
    block.draw(['one', 'two', 'three'])
    expect(screen.text).toBe('before\none\ntwo\nthree\n')
    block.draw(['1', 'two and more'])
    expect(screen.text).toBe('before\n1\ntwo and more\n')
    block.close()
    expect(screen.text).toBe('before\n')
    expect(screen.isCursorShown).toBe(true)
  })

  test('are not written again when they are the same', () => {
    const screen = new Screen()
    const block = new LiveBlock(screen)
    block.draw(['one', 'two'])
    const { bytes } = screen
    block.draw(['one', 'two'])
    expect(screen.bytes).toBe(bytes)
    block.close()
  })

  test('what is said stays above them', () => {
    const screen = new Screen()
    const block = new LiveBlock(screen)
    block.draw(['one', 'two'])
    block.say('something went wrong')
    block.draw(['one', 'two'])
    expect(screen.text).toBe('something went wrong\none\ntwo\n')
    block.close()
    expect(screen.text).toBe('something went wrong\n')
  })

  test('leave nothing behind where the terminal has broken them', () => {
    const screen = new Screen()
    screen.write('before\n')
    const block = new LiveBlock(screen)
    block.draw(['x'.repeat(79), '', 'short'])
    screen.columns = 30
    block.draw(['y'.repeat(29), 'short'])
    expect(screen.text).toBe(`before\n${'y'.repeat(29)}\nshort\n`)
    block.close()
    expect(screen.text).toBe('before\n')
  })
})

describe('where it goes', () => {
  const PLACE = { table: TABLE, model: 'poll', repeat: 'repeat 1 of 2' }
  const FIGURE = { table: TABLE, model: 'poll', perS: 142_000, unit: 'PINGs' }

  function go(err: WordsOut): void {
    const progress = openProgress(err, 3)
    progress.begin('same answers? · poll')
    progress.end('same answers? · poll', 'answered')
    progress.begin('ping · poll · 12 clients', PLACE)
    progress.end('ping · poll · 12 clients', '142,000 PINGs/s', FIGURE)
    progress.skip('ping · dies · 12 clients', 'left out, it is invalid already')
    progress.say('hubbub: that is all')
    progress.close()
  }

  test('to a file: a line for each task, without escape codes', () => {
    let text = ''
    go({ write: (more: string) => (text += more) })
    expect(text).toBe(
      '[1/3] same answers? · poll: answered\n' +
        '[2/3] ping · poll · 12 clients, repeat 1 of 2: 142,000 PINGs/s\n' +
        '[3/3] ping · dies · 12 clients: left out, it is invalid already\n' +
        'hubbub: that is all\n',
    )
  })

  test('to a terminal: only what was said is left', () => {
    const screen = new Screen()
    go(screen)
    expect(screen.bytes).toContain('3/3  100 %')
    expect(screen.text).toBe('hubbub: that is all\n')
    expect(screen.isCursorShown).toBe(true)
  })

  test('to a narrow terminal: what is said is broken between words', () => {
    const screen = new Screen()
    screen.columns = 20
    const progress = openProgress(screen, 1)
    progress.say('hubbub: the server did not start')
    progress.close()
    expect(screen.text).toBe('hubbub: the server\n  did not start\n')
  })

  test('to a terminal that cannot redraw: as to a file', () => {
    const term = process.env['TERM']
    process.env['TERM'] = 'dumb'
    try {
      const screen = new Screen()
      go(screen)
      expect(screen.bytes).not.toContain('\x1b')
      expect(screen.text).toContain('[2/3] ping')
    } finally {
      if (term === undefined) delete process.env['TERM']
      else process.env['TERM'] = term
    }
  })
})
