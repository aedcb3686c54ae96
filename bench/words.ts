// Words from outside, checked against those that are known; a wrong one is named, and the nearest right one.

import { distance } from 'fastest-levenshtein'
import { UsageError } from './errors.ts'

/** Each of the words once, in their order. Throws a UsageError for one that is not known. */
export function checkedWords<Word extends string>(
  what: string,
  words: readonly string[],
  known: readonly Word[],
): Word[] {
  const checked = words.map((word) => {
    const match = known.find((candidate) => candidate === word)
    if (match === undefined) throw new UsageError(unknownWord(what, word, known))
    return match
  })
  if (checked.length === 0) throw new UsageError(`No ${what} is named; there are ${list(known)}.`)
  return [...new Set(checked)]
}

function unknownWord(what: string, word: string, known: readonly string[]): string {
  const lower = word.toLowerCase()
  const near = known
    .map((candidate) => ({ candidate, far: distance(lower, candidate) }))
    .toSorted((a, b) => a.far - b.far)[0]
  const unknown = `There is no ${what} ${quote(word)}`
  // More than a third of its letters changed is another word, not a slip.
  return near && near.far <= Math.max(1, Math.ceil(near.candidate.length / 3))
    ? `${unknown}; did you mean ${near.candidate}?`
    : `${unknown}; there are ${list(known)}.`
}

function list(words: readonly string[]): string {
  return words.join(', ')
}

/** Input from outside, made safe for a terminal and short enough for a sentence. */
export function quote(text: string): string {
  const shown = text.length > 40 ? `${text.slice(0, 40)}…` : text
  return JSON.stringify(shown)
}
