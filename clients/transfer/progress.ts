// How far a transfer is: a bar on a terminal, and nothing anywhere else.

import { Presets, SingleBar } from 'cli-progress'

/** Where words for people go. `process.stderr` is one. */
export interface WordsOut {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export interface Progress {
  /** So many bytes are there now. */
  at(bytes: number): void
  /** It is over; `words` are what remains of it on the terminal. */
  end(words: string): void
}

const SILENT: Progress = { at() {}, end() {} }

/** `from` are the bytes that an earlier transfer has brought: they do not count as fast. */
export function showProgress(err: WordsOut, what: string, bytes: number, from: number): Progress {
  if (err.isTTY !== true) return SILENT
  const bar = new SingleBar(
    {
      format: `${what} {bar} {percentage}% | {rate} | {eta_formatted} left`,
      stream: err as NodeJS.WriteStream,
      barsize: 24,
      hideCursor: true,
      clearOnComplete: true,
      fps: 10,
    },
    Presets.shades_classic,
  )
  const startMs = performance.now()
  const rateAt = (at: number): string => {
    const seconds = Math.max((performance.now() - startMs) / 1000, 0.001)
    return `${spellBytes((at - from) / seconds)}/s`
  }
  let last = from
  bar.start(bytes, from, { rate: rateAt(from) })
  return {
    at(now) {
      last = now
      bar.update(now, { rate: rateAt(now) })
    },
    end(words) {
      bar.stop()
      err.write(`${words} (${spellBytes(last)}, ${rateAt(last)})\n`)
    },
  }
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

export function spellBytes(bytes: number): string {
  const power = bytes < 1 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10))
  const value = bytes / 1024 ** power
  return `${power === 0 ? Math.round(value) : value.toFixed(1)} ${UNITS[power]}`
}
