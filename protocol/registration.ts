// Registration: what a client must say before it may talk, as a table.
//
// A client has to give a nickname (NICK) and a user name (USER), in either order, and may give a
// password (PASS) before the last of them. CAP LS or CAP REQ opens capability negotiation, which
// suspends registration until CAP END (IRCv3, "Capability Negotiation"). So the state is which of the
// two are there, and whether negotiation is open; with both and closed, the client is registered.
//
// An event is a command that was accepted: a NICK that is refused with 433 is none. QUIT, PING and PONG
// are missing because they mean the same in every state.
//
// A PASS or AUTHENTICATE that logs in to an account has to be verified, which takes long. There is no state
// for that: till then nothing later of this client is looked at, so registration waits by itself.

import { asciiUpper } from './names.ts'

export const REGISTRATION_STATES = [
  'new',
  'named',
  'introduced',
  'negotiating',
  'negotiatingNamed',
  'negotiatingIntroduced',
  'negotiatingReady',
  'registered',
] as const
export type RegistrationState = (typeof REGISTRATION_STATES)[number]

export const REGISTRATION_EVENTS = [
  'PASS',
  'NICK',
  'USER',
  'CAP',
  'AUTHENTICATE',
  'CAP END',
  'other',
] as const
export type RegistrationEvent = (typeof REGISTRATION_EVENTS)[number]

/**
 * - `serve`: perform the command.
 * - `admit`: perform it, check the password, welcome the client; or 464 and the end.
 * - `451`, `462`: refuse it with that numeric; the state stays.
 */
type RegistrationAction = 'serve' | 'admit' | '451' | '462'

interface Transition {
  readonly action: RegistrationAction
  readonly next: RegistrationState
}

type Row = Readonly<Record<RegistrationEvent, Transition>>

export const REGISTRATION: Readonly<Record<RegistrationState, Row>> = {
  new: {
    PASS: serve('new'),
    NICK: serve('named'),
    USER: serve('introduced'),
    CAP: serve('negotiating'),
    AUTHENTICATE: refuse451('new'),
    'CAP END': serve('new'),
    other: refuse451('new'),
  },
  named: {
    PASS: serve('named'),
    NICK: serve('named'),
    USER: admit(),
    CAP: serve('negotiatingNamed'),
    AUTHENTICATE: refuse451('named'),
    'CAP END': serve('named'),
    other: refuse451('named'),
  },
  introduced: {
    PASS: serve('introduced'),
    NICK: admit(),
    USER: refuse462('introduced'),
    CAP: serve('negotiatingIntroduced'),
    AUTHENTICATE: refuse451('introduced'),
    'CAP END': serve('introduced'),
    other: refuse451('introduced'),
  },
  negotiating: {
    PASS: serve('negotiating'),
    NICK: serve('negotiatingNamed'),
    USER: serve('negotiatingIntroduced'),
    CAP: serve('negotiating'),
    AUTHENTICATE: serve('negotiating'),
    'CAP END': serve('new'),
    other: refuse451('negotiating'),
  },
  negotiatingNamed: {
    PASS: serve('negotiatingNamed'),
    NICK: serve('negotiatingNamed'),
    USER: serve('negotiatingReady'),
    CAP: serve('negotiatingNamed'),
    AUTHENTICATE: serve('negotiatingNamed'),
    'CAP END': serve('named'),
    other: refuse451('negotiatingNamed'),
  },
  negotiatingIntroduced: {
    PASS: serve('negotiatingIntroduced'),
    NICK: serve('negotiatingReady'),
    USER: refuse462('negotiatingIntroduced'),
    CAP: serve('negotiatingIntroduced'),
    AUTHENTICATE: serve('negotiatingIntroduced'),
    'CAP END': serve('introduced'),
    other: refuse451('negotiatingIntroduced'),
  },
  negotiatingReady: {
    PASS: serve('negotiatingReady'),
    NICK: serve('negotiatingReady'),
    USER: refuse462('negotiatingReady'),
    CAP: serve('negotiatingReady'),
    AUTHENTICATE: serve('negotiatingReady'),
    'CAP END': admit(),
    other: refuse451('negotiatingReady'),
  },
  registered: {
    PASS: refuse462('registered'),
    NICK: serve('registered'),
    USER: refuse462('registered'),
    CAP: serve('registered'),
    AUTHENTICATE: serve('registered'),
    'CAP END': serve('registered'),
    other: serve('registered'),
  },
}

/** Which event a command is. Of its parameters only CAP's first one matters. */
export function registrationEvent(command: string, params: readonly string[]): RegistrationEvent {
  switch (command) {
    case 'PASS':
    case 'NICK':
    case 'USER':
    case 'AUTHENTICATE':
      return command
    case 'CAP':
      return asciiUpper(params[0] ?? '') === 'END' ? 'CAP END' : 'CAP'
    default:
      return 'other'
  }
}

/** The table's moves from one state to another as a Mermaid state diagram; PROTOCOL.md shows it. */
export function registrationDiagram(): string {
  const moves = REGISTRATION_STATES.flatMap((state) =>
    REGISTRATION_EVENTS.filter((event) => REGISTRATION[state][event].next !== state).map(
      (event) => `    ${state} --> ${REGISTRATION[state][event].next}: ${event}`,
    ),
  )
  return ['stateDiagram-v2', '    [*] --> new', ...moves, '    registered --> [*]'].join('\n')
}

/** The whole table in Markdown, with what stays in its state; PROTOCOL.md shows it. */
export function registrationTable(): string {
  const rows = REGISTRATION_STATES.map((state) =>
    ([state] as string[]).concat(
      REGISTRATION_EVENTS.map((event) => cell(REGISTRATION[state][event], state)),
    ),
  )
  const header = ['state', ...REGISTRATION_EVENTS]
  return [header, header.map(() => '---'), ...rows].map(tableRow).join('\n')
}

function tableRow(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function cell({ action, next }: Transition, state: RegistrationState): string {
  if (action === '451' || action === '462') return action
  return next === state ? 'stays' : next
}

function serve(next: RegistrationState): Transition {
  return { action: 'serve', next }
}

function admit(): Transition {
  return { action: 'admit', next: 'registered' }
}

function refuse451(state: RegistrationState): Transition {
  return { action: '451', next: state }
}

function refuse462(state: RegistrationState): Transition {
  return { action: '462', next: state }
}
