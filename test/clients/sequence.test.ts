import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SequenceLedger } from '../../clients/load/sequence.ts'

function enter(numbers: readonly number[]): SequenceLedger {
  const ledger = new SequenceLedger(1)
  for (const number of numbers) ledger.accept(0, number)
  return ledger
}

describe('the ledger', () => {
  test.each([
    ['all in order', [0, 1, 2, 3], { received: 4, lost: 0, duplicated: 0, reordered: 0 }],
    ['one missing', [0, 1, 3], { received: 3, lost: 1, duplicated: 0, reordered: 0 }],
    ['the first missing', [2], { received: 1, lost: 2, duplicated: 0, reordered: 0 }],
    ['one twice', [0, 1, 1, 2], { received: 3, lost: 0, duplicated: 1, reordered: 0 }],
    ['two swapped', [0, 2, 1, 3], { received: 4, lost: 0, duplicated: 0, reordered: 1 }],
    ['a late one twice', [1, 0, 0], { received: 2, lost: 0, duplicated: 1, reordered: 1 }],
    ['backwards', [3, 2, 1, 0], { received: 4, lost: 0, duplicated: 0, reordered: 3 }],
  ])('%s', (_what, numbers, totals) => {
    expect(enter(numbers)).toMatchObject(totals)
  })

  test('gives up what does not come, and takes it when it comes all the same', () => {
    const ledger = enter([0, 1])
    ledger.giveUp(0, 4)
    expect(ledger).toMatchObject({ received: 2, lost: 2 })
    expect(ledger.next[0]).toBe(4)
    ledger.giveUp(0, 3)
    expect(ledger.accept(0, 2)).toBe(true)
    expect(ledger.accept(0, 2)).toBe(false)
    expect(ledger).toMatchObject({ received: 3, lost: 1, reordered: 1, duplicated: 1 })
  })

  test('agrees with a set, whatever arrives in whatever order', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(60), { maxLength: 200 }), (numbers) => {
        const ledger = enter(numbers)
        const distinct = new Set(numbers)
        const next = Math.max(-1, ...numbers) + 1
        expect(ledger.next[0]).toBe(next)
        expect(ledger.received).toBe(distinct.size)
        expect(ledger.lost).toBe(next - distinct.size)
        expect(ledger.duplicated).toBe(numbers.length - distinct.size)
        let highest = -1
        const late = [...distinct].filter((number) => {
          const isLate = number < highest
          highest = Math.max(highest, number)
          return isLate
        })
        expect(ledger.reordered).toBe(late.length)
      }),
    )
  })

  test('tells first arrivals from others', () => {
    const ledger = new SequenceLedger(1)
    expect([0, 2, 1, 1, 2].map((number) => ledger.accept(0, number))).toEqual([
      true,
      true,
      true,
      false,
      false,
    ])
  })

  test('keeps streams apart', () => {
    const ledger = new SequenceLedger(2)
    ledger.accept(0, 1)
    ledger.accept(1, 0)
    expect(ledger).toMatchObject({ received: 2, lost: 1, duplicated: 0, reordered: 0 })
  })

  test('a stream that begins anew forgets what it missed', () => {
    const ledger = new SequenceLedger(1)
    ledger.accept(0, 5)
    ledger.restart(0, 9)
    ledger.accept(0, 2)
    expect(ledger).toMatchObject({ received: 1, lost: 5, duplicated: 1, reordered: 0 })
    ledger.accept(0, 9)
    expect(ledger).toMatchObject({ received: 2, lost: 5 })
  })

  test('stays small when a server forgets nearly everything', () => {
    const ledger = new SequenceLedger(1)
    ledger.accept(0, 2 ** 30)
    expect(ledger).toMatchObject({ received: 1, lost: 2 ** 30 })
    ledger.accept(0, 7)
    ledger.accept(0, 2 ** 29)
    // Within its memory a late one is reordered; beyond it, nobody knows better than "again".
    expect(ledger).toMatchObject({ received: 2, reordered: 1, duplicated: 1 })
  })
})
