// How many of the clients have a part of their own, as it is asked for: `5` of them, or `10%`.

import { UsageError } from './errors.ts'
import type { SendersChoice } from './schema.ts'
import { quote } from './words.ts'

/** Throws a UsageError. */
export function parseSenders(what: string, text: string): SendersChoice {
  const [, count, percent] = /^(?:(\d{1,9})|(\d{1,3}(?:\.\d{1,3})?)%)$/.exec(text.trim()) ?? []
  if (count !== undefined) return { count: Number(count) }
  if (percent !== undefined && Number(percent) > 0 && Number(percent) <= 100) {
    return { share: Number((Number(percent) / 100).toPrecision(6)) }
  }
  throw new UsageError(
    `${quote(text)} is no number of clients and no share of them; ${what} takes such as 5 or 10%.`,
  )
}

/** `5`, or `10%`. */
export function spellSenders(choice: SendersChoice): string {
  if ('count' in choice) return String(choice.count)
  return `${Number((choice.share * 100).toPrecision(6))}%`
}

/** How many of so many clients these are; 0 where the share is that of less than half a client. */
export function sendersOf(choice: SendersChoice, clients: number): number {
  return 'count' in choice ? choice.count : Math.round(choice.share * clients)
}
