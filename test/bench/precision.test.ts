import { describe, expect, test } from 'vitest'
import { isPrecise, whyStopped } from '../../bench/precision.ts'
import { repeat } from './sample.ts'

const ASKED = { repeats: 20, precisionShare: 0.03 }

function rates(...perSecond: readonly number[]) {
  return perSecond.map((rate, i) => repeat(i + 1, { perSecond: rate }))
}

describe('a point is precise', () => {
  test('when half its interval is no wider than asked for', () => {
    expect(isPrecise(rates(97, 99, 100, 101, 103), ASKED)).toBe(true)
    expect(isPrecise(rates(96, 99, 100, 101, 103), ASKED)).toBe(false)
    expect(isPrecise(rates(96, 99, 100, 101, 103), { ...ASKED, precisionShare: 0.04 })).toBe(true)
  })

  test('not before five repeats, and never unless it was asked for', () => {
    expect(isPrecise(rates(100, 100, 100, 100), ASKED)).toBe(false)
    expect(isPrecise(rates(100, 100, 100, 100, 100), { ...ASKED, precisionShare: null })).toBe(
      false,
    )
    expect(isPrecise([], ASKED)).toBe(false)
  })

  test('after more repeats, where one of them lies far off', () => {
    expect(isPrecise(rates(100, 101, 99, 100, 60), ASKED)).toBe(false)
    expect(isPrecise(rates(100, 101, 99, 100, 60, 100, 101, 99, 100), ASKED)).toBe(true)
  })
})

test('why a point has no more repeats', () => {
  const precise = rates(99, 100, 100, 101, 102)
  expect(whyStopped(precise, ASKED, false)).toBe('precision')
  expect(whyStopped(precise, ASKED, true)).toBe('fault')
  expect(whyStopped(precise, { ...ASKED, repeats: 5 }, false)).toBe('repeats')
  expect(whyStopped(rates(50, 100, 150), ASKED, false)).toBe('interruption')
  expect(whyStopped([], ASKED, false)).toBe('interruption')
})
