// What a table says, in words: only what its numbers say, and nothing about why. Pure.

import { intervalOf, pointName, REPEATS_RANKED_MIN, usable } from '../points.ts'
import type { Point, Warning, WarningKind } from '../schema.ts'
import { WORKLOAD_WORDS } from '../workloads.ts'
import { isSaturated } from '../verdict.ts'
import { formatAmount, scaleOfTimes } from './numbers.ts'
import { list } from './text.ts'

/** One or two sentences about the points of one table, which come fastest first. */
export function readTable(points: readonly Point[], repeatsAsked: number): string {
  if (points.some(({ arrivals }) => arrivals !== 'closed')) return readOpenLoop(points)
  const ranked = points.filter(({ rank }) => rank !== null)
  const bounded = points.filter(({ status }) => status === 'lower-bound')
  const single = points.filter(({ status, rank }) => status === 'valid' && rank === null)
  const [only] = points
  if (only?.status === 'valid' && points.length === 1)
    return `${only.model} does ${figureOf(only)}.`
  if (ranked.length === 0) {
    return [emptySentence(points, single), ...boundSentence(bounded)].join(' ')
  }
  return [
    leaderSentence(ranked, single),
    ...sharedSentences(ranked),
    ...boundSentence(bounded),
    ...singleSentence(single, repeatsAsked),
  ].join(' ')
}

/** Points of an open loop come in the order of their 99th percentile. */
function readOpenLoop(points: readonly Point[]): string {
  const measured = points.filter((point) => usable(point) !== null)
  if (measured.length === 0) return emptySentence(points, [])
  const late = measured.filter(({ status }) => status === 'lower-bound')
  const saturated = measured.filter(isSaturated)
  const able = measured.filter((point) => !saturated.includes(point))
  const verb = saturated.length === 1 ? 'does' : 'do'
  return [
    ...(saturated.length > 0 ? [`${names(saturated)} ${verb} not keep up.`] : []),
    ...(able.length > 0
      ? [`${names(able)} ${able.length === 1 ? 'keeps' : 'keep'} up${soonest(able)}.`]
      : []),
    ...(late.length > 0 ? [`The load generator was late at ${names(late)}.`] : []),
  ].join(' ')
}

/** Nothing about who is better: nobody knows the spread of a percentile. */
function soonest(able: readonly Point[]): string {
  const figures = able.flatMap(({ model, summary }) => {
    const ns = summary?.responseTime?.p99Ns ?? null
    if (ns === null) return []
    const { unit, divisor } = scaleOfTimes([ns])
    return [`${formatAmount(ns / divisor)} ${unit} (${model})`]
  })
  if (figures.length < 2) return ''
  return `; the 99th percentile of response times goes from ${figures[0]} to ${figures.at(-1)}`
}

/** What makes figures less certain than their digits look, in a few words. */
const CAUTIONS: Readonly<Partial<Record<WarningKind, string>>> = {
  'machine-busy': 'other programs ran meanwhile',
  'spread-wide': 'some repeats differ widely',
  outliers: 'single repeats lie far off',
  'steady-state-missing': 'some rates were still changing',
}

/** A sentence when there are warnings about the points of a table, which stand far below it; or none. */
export function caution(points: readonly Point[], warnings: readonly Warning[]): string[] {
  const own = new Set(points.map(pointName))
  const words = warnings
    .filter(({ points: about }) => about.some((name) => own.has(name)))
    .flatMap(({ kind }) => CAUTIONS[kind] ?? [])
  return words.length > 0 ? [`But ${list(words)}: see the warnings.`] : []
}

/** `2 of 5 repeats`: what there is, of what was asked for. */
export function repeatsOf(repeats: number, asked: number): string {
  return asked === 1 ? '1 repeat' : `${repeats} of ${asked} repeats`
}

function emptySentence(points: readonly Point[], single: readonly Point[]): string {
  if (single.some((point) => (usable(point)?.repeats ?? 0) >= REPEATS_RANKED_MIN)) {
    return 'Nothing is ranked: no answer was proved.'
  }
  if (single.length > 0) return `Nothing is ranked: that takes ${REPEATS_RANKED_MIN} repeats.`
  const wasRun = points.some(({ status }) => status !== 'cannot' && status !== 'interrupted')
  return wasRun ? 'No model has a valid figure here.' : 'Nothing was measured here.'
}

function leaderSentence(ranked: readonly Point[], single: readonly Point[]): string {
  const leaders = ranked.filter(({ rank }) => rank === 1)
  const others = ranked.filter(({ rank }) => rank !== 1)
  const best = leaders[0]!
  if (ranked.length === 1) {
    const what = single.length > 0 ? 'the repeats to be ranked' : 'a valid figure'
    return `${named(best)} alone has ${what}: ${figureOf(best)}.`
  }
  if (leaders.length > 1) {
    const chain = chainOf(leaders)
    const order = chain === '' ? 'order' : 'other order'
    const head = `${names(leaders)} lead, and their intervals overlap${chain}: no ${order} among them can be told`
    if (others.length === 0) return `${head}.`
    const times = others.map((other) => `${ratio(best, other)} times that of ${named(other)}`)
    return `${head}; the median of ${best.model} is ${list(times)}.`
  }
  const times = others.map((other) => `${ratio(best, other)} times ${named(other)}`)
  const among = single.length > 0 ? 'Of those ranked, ' : ''
  return `${among}${named(best)} is the fastest with ${figureOf(best)}: ${list(times)}.`
}

/** Ranks that are shared, apart from the first. */
function sharedSentences(ranked: readonly Point[]): string[] {
  const shared = ranked.filter(({ rank, rankShared }) => rankShared && rank !== 1)
  const ranks = [...new Set(shared.map(({ rank }) => rank))]
  return ranks.map((rank) => {
    const points = shared.filter((point) => point.rank === rank)
    return `${names(points)} overlap${chainOf(points)}.`
  })
}

/** Not all who share a rank overlap with each other: one may with the next, and that one with a third. */
function chainOf(points: readonly Point[]): string {
  const aboveBelow = new Map<string, Point[]>()
  for (const point of points) {
    const below = names(points.filter((other) => isAbove(point, other)))
    if (below !== '') aboveBelow.set(below, [...(aboveBelow.get(below) ?? []), point])
  }
  if (aboveBelow.size === 0) return ''
  const known = [...aboveBelow].map(([below, above], i) => {
    const verb = i > 0 ? '' : above.length === 1 ? 'is ' : 'are '
    return `${names(above)} ${verb}above ${below}`
  })
  return ` from one to the next (though ${known.join('; ')})`
}

function isAbove(point: Point, other: Point): boolean {
  return (intervalOf(point)?.low ?? 0) > (intervalOf(other)?.high ?? Infinity)
}

function boundSentence(bounded: readonly Point[]): string[] {
  if (bounded.length === 0) return []
  const verb = bounded.length === 1 ? 'is' : 'are'
  return [`${names(bounded)} ${verb} not ranked: the load generator was the limit.`]
}

/** Those of a single repeat may be faster than the fastest: nobody can tell. */
function singleSentence(single: readonly Point[], repeatsAsked: number): string[] {
  if (single.length === 0) return []
  const verb = single.length === 1 ? 'is' : 'are'
  return [`${names(single)} ${verb} not ranked: ${repeatsOf(1, repeatsAsked)}.`]
}

/** A figure from fewer clients than the others had is not to be read as one from all of them. */
function named({ model, summary, clients }: Point): string {
  if (!summary || summary.served >= clients) return model
  return `${model} (which served ${summary.served} of ${clients})`
}

function figureOf(point: Point): string {
  return `${formatAmount(rateOf(point))} ${WORKLOAD_WORDS[point.workload].many}/s`
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
