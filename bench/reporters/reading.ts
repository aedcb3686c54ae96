// What a table says, in words: only what its numbers say, and nothing about why. Pure.

import { usable } from '../points.ts'
import type { Point } from '../schema.ts'
import { WORKLOAD_WORDS } from '../workloads.ts'
import { formatAmount } from './numbers.ts'

/** One or two sentences about the points of one table, which come fastest first. */
export function readTable(points: readonly Point[]): string {
  const ranked = points.filter(({ rank }) => rank !== null)
  const sentences = [
    ranked.length > 0 ? leaderSentence(ranked) : 'No model has a valid figure here.',
  ]
  const bounded = points.filter(({ status }) => status === 'lower-bound')
  if (bounded.length > 0) sentences.push(boundSentence(bounded))
  return sentences.join(' ')
}

function leaderSentence(ranked: readonly Point[]): string {
  const leaders = ranked.filter(({ rank }) => rank === 1)
  const others = ranked.filter(({ rank }) => rank !== 1)
  const [best] = leaders
  if (!best) return ''
  const figure = `${formatAmount(rateOf(best))} ${WORKLOAD_WORDS[best.workload].many}/s`
  if (others.length === 0 && leaders.length === 1) {
    return `${best.model} alone has a valid figure: ${figure}.`
  }
  const head =
    leaders.length === 1
      ? `${best.model} is the fastest with ${figure}`
      : `${names(leaders)} lead, and their repeats overlap: no order among them can be told`
  if (others.length === 0) return `${head}.`
  const times = others.map(
    (point) => `${ratio(best, point)} times ${point.model}${asterisk(point)}`,
  )
  const joint = leaders.length === 1 ? ': ' : `; ${best.model} has `
  return `${head}${joint}${list(times)}.${sharedSentence(others)}`
}

/** Ranks that are shared further down. */
function sharedSentence(others: readonly Point[]): string {
  const ranks = [...new Set(others.filter((point) => point.rankShared).map(({ rank }) => rank))]
  return ranks
    .map((rank) => ` ${names(others.filter((point) => point.rank === rank))} overlap.`)
    .join('')
}

function boundSentence(bounded: readonly Point[]): string {
  const isOne = bounded.length === 1
  return `${names(bounded)} ${isOne ? 'is' : 'are'} not ranked: the load generator was the limit.`
}

/** A figure from fewer clients than the others had is not to be read as one from all of them. */
function asterisk({ summary, clients }: Point): string {
  if (!summary || summary.served >= clients) return ''
  return ` (which served ${summary.served} of ${clients})`
}

function ratio(best: Point, other: Point): string {
  const slower = rateOf(other)
  if (slower === 0) return 'endlessly many'
  const times = rateOf(best) / slower
  return times >= 10 ? formatAmount(Math.round(times)) : times.toFixed(times < 1.095 ? 2 : 1)
}

function rateOf(point: Point): number {
  return usable(point)?.throughputPerS.median ?? 0
}

function names(points: readonly Point[]): string {
  return list(points.map(({ model }) => model))
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
