// The switchboard against owners that are written down here: for orders of events that real ones come to
// once in many thousand clients.

import { afterEach, expect, test } from 'vitest'
import { AGAIN, close, IoBuffer, recvNow, sendNow } from '../../posix/index.ts'
import { loadService } from '../../protocol/index.ts'
import { frame, GONE, LINE } from '../../servers/link.ts'
import { type Link, Switchboard } from '../../servers/switchboard.ts'
import { until } from '../support/conditions.ts'
import { SETTINGS } from '../support/settings.ts'

const memory = new IoBuffer(1 << 16)
let open: Switchboard | undefined
const owners = new Set<Owner>()

afterEach(() => {
  for (const owner of owners) owner.end()
  open?.shutdown()
  open = undefined
})

/** The other end of a link. */
class Owner {
  readonly link: Link
  heard = ''

  constructor(link: Link) {
    this.link = link
    owners.add(this)
  }

  /** The hub's process can read it from now on, but has not done so when this returns. */
  say(...frames: string[]): void {
    const count = memory.write(frames.join(''), 0)
    expect(sendNow(this.link.ownersEnd, memory, 0, count)).toBe(count)
  }

  hear(): string {
    const count = recvNow(this.link.ownersEnd, memory, 0, memory.length)
    if (count !== AGAIN) this.heard += memory.read(0, count)
    return this.heard
  }

  end(): void {
    if (owners.delete(this)) close(this.link.ownersEnd)
  }
}

async function joined(nick: string): Promise<Owner> {
  const { link } = open!.start(
    () => null,
    () => {},
  )
  const owner = new Owner(link)
  open!.connect(link, '127.0.0.1')
  for (const line of [`NICK ${nick}`, `USER ${nick} 0 * :x`, 'JOIN #room']) {
    owner.say(frame(LINE, line))
  }
  await until('it should be in the room', () => owner.hear().includes(' 366 '))
  return owner
}

/** What a member of the room is told when another's owner ends, after `last`. */
async function toldOf(last: (leaver: Owner) => void): Promise<string> {
  open = new Switchboard(SETTINGS, await loadService('irc'), () => {})
  const [watcher, leaver] = [await joined('watcher'), await joined('leaver')]
  last(leaver)
  open.bury(leaver.link)
  leaver.end()
  await until('it should be told', () => watcher.hear().includes(' QUIT '))
  return /:leaver!\S+ QUIT :(.*)\r\n/.exec(watcher.heard)?.[1] ?? ''
}

test('why a client has gone is read before the end of its owner counts, and is told', async () => {
  const told = await toldOf((leaver) => leaver.say(frame(GONE, 'Quit: bye')))
  expect(told).toBe('Quit: bye')
})

test('an owner that has ended without a word is told to the others, too', async () => {
  expect(await toldOf(() => {})).toBe('Connection lost')
})
