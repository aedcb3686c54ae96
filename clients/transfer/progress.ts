// How far a transfer is: a bar on a terminal, and nothing anywhere else.

import cliProgress, { Presets, SingleBar } from 'cli-progress'

/** Where words for people go. `process.stderr` is one. */
export interface WordsOut {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export interface Progress {
  /** So much of it is hashed, here or by the server. */
  readonly checked: (at: number, bytes: number) => void
  /** So much of it is there. What is there at the first call does not count as fast: it was there before. */
  readonly moved: (at: number, bytes: number) => void
  /** It is over, if it is not yet; `words` are what remains of it on the terminal. */
  readonly end: (words?: string) => void
}

const SILENT: Progress = { checked() {}, moved() {}, end() {} }

export function showProgress(err: WordsOut, what: string): Progress {
  if (err.isTTY !== true) return SILENT
  let bar: SingleBar | null = null
  let isMoving = false
  /** The first and the last word about bytes that were moved. */
  let first = { at: 0, ms: 0 }
  let last = first

  function begin(label: string, at: number, bytes: number): void {
    bar?.stop()
    bar = barOn(err)
    bar.start(bytes, at, { label, speed: '' })
  }

  /** Bytes in a second; 0: it cannot be said yet. */
  const rate = (): number => ((last.at - first.at) / Math.max(last.ms - first.ms, 1)) * 1000

  return {
    checked(at, bytes) {
      if (isMoving || bar === null) begin(`checking ${what}`, at, bytes)
      isMoving = false
      bar!.update(at)
    },
    moved(at, bytes) {
      last = { at, ms: performance.now() }
      if (!isMoving) {
        first = last
        begin(what, at, bytes)
      }
      isMoving = true
      bar!.update(at, { speed: rate() > 0 ? ` | ${spellSpeed(rate(), bytes - at)}` : '' })
    },
    end(words) {
      bar?.stop()
      bar = null
      if (words === undefined) return
      const speed = rate() > 0 ? `, ${spellBytes(rate())}/s` : ''
      err.write(`${words} (${spellBytes(last.at)}${speed})\n`)
    },
  }
}

function barOn(err: WordsOut): SingleBar {
  const options = {
    format: '{label} {bar} {percentage}%{speed}',
    stream: err as NodeJS.WriteStream,
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    fps: 10,
  }
  return new SingleBar(options, Presets.shades_classic)
}

function spellSpeed(rate: number, bytesLeft: number): string {
  const { TimeFormat } = cliProgress.Format
  const left = TimeFormat(Math.round(bytesLeft / rate), { autopaddingChar: '' }, 1)
  return `${spellBytes(rate)}/s | ${left} left`
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function spellBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`
}
