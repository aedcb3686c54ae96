import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { RegistrationState } from '../../protocol/index.ts'
import { REGISTRATION, REGISTRATION_EVENTS, REGISTRATION_STATES } from '../../protocol/index.ts'
import { registrationEvent } from '../../protocol/registration.ts'
import { Loopback } from './loopback.ts'

describe('the table of registration', () => {
  test('has every event in every state, and leads only to states it has', () => {
    expect(Object.keys(REGISTRATION)).toEqual([...REGISTRATION_STATES])
    for (const state of REGISTRATION_STATES) {
      expect(Object.keys(REGISTRATION[state])).toEqual([...REGISTRATION_EVENTS])
      for (const event of REGISTRATION_EVENTS) {
        const { action, next } = REGISTRATION[state][event]
        expect(REGISTRATION_STATES).toContain(next)
        if (action === '451' || action === '462') expect(next).toBe(state)
        // Nobody is registered but by the action that checks the password.
        expect(action === 'admit').toBe(next === 'registered' && state !== 'registered')
      }
    }
  })

  test('lets every state be reached, and from every state registration', () => {
    expect(reachable('new').size).toBe(REGISTRATION_STATES.length)
    for (const state of REGISTRATION_STATES) expect(reachable(state)).toContain('registered')
    expect([...reachable('registered')]).toEqual(['registered'])
  })

  test('takes commands for events', () => {
    expect(registrationEvent('NICK', ['x'])).toBe('NICK')
    expect(registrationEvent('CAP', ['ls', '302'])).toBe('CAP')
    expect(registrationEvent('CAP', ['end'])).toBe('CAP END')
    expect(registrationEvent('CAP', [])).toBe('CAP')
    expect(registrationEvent('constructor', [])).toBe('other')
  })

  test('does in the server what registration says in words', () => {
    const said = fc.constantFrom(
      'PASS x',
      'NICK alice',
      'USER a 0 * :A',
      'CAP LS',
      'CAP END',
      'MOTD',
    )
    fc.assert(
      fc.property(fc.array(said, { maxLength: 12 }), (lines) => {
        const client = new Loopback().connect()
        let [hasNick, hasUser, isNegotiating, isRegistered] = [false, false, false, false]
        for (const line of lines) {
          const answer = client.say(line).join('\n')
          const isRefused = / 451 | 462 /.test(answer)
          if (line === 'MOTD') expect(isRefused).toBe(!isRegistered)
          else if (line.startsWith('USER')) expect(isRefused).toBe(hasUser)
          else if (line.startsWith('PASS')) expect(isRefused).toBe(isRegistered)
          else expect(isRefused).toBe(false)
          if (line.startsWith('NICK')) hasNick = true
          if (line.startsWith('USER')) hasUser = true
          if (line === 'CAP LS') isNegotiating = true
          if (line === 'CAP END') isNegotiating = false
          const isWelcome = !isRegistered && hasNick && hasUser && !isNegotiating
          expect(answer.includes(' 001 ')).toBe(isWelcome)
          isRegistered ||= isWelcome
        }
      }),
      { numRuns: 500 },
    )
  })
})

function reachable(from: RegistrationState): ReadonlySet<RegistrationState> {
  const reached = new Set([from])
  for (const state of reached) {
    for (const event of REGISTRATION_EVENTS) reached.add(REGISTRATION[state][event].next)
  }
  return reached
}
