// What posix/ does to the process it runs in: its descriptors, its limits, its children.

import { getPriority } from 'node:os'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, test, vi } from 'vitest'
import {
  accept,
  close,
  connect,
  EpollSelector,
  listenOn,
  openFilesMax,
  socket,
  socketpair,
} from '../../posix/index.ts'
import { straced, straceMissing } from '../support/strace.ts'
import { Child, resultOf } from './children.ts'
import { stateOf, until } from './conditions.ts'
import { socketFolder } from './transports.ts'

vi.setConfig({ testTimeout: 20_000 })

const LOOPBACK = { family: 'ipv4', host: '127.0.0.1', port: 0 } as const
const folder = socketFolder()

describe('descriptors', () => {
  test('are not inherited by a child, unless they are handed to it', async (context) => {
    context.skip(process.platform !== 'linux', 'Only Linux lists descriptors by what they are.')
    const listener = listenOn(LOOPBACK, { backlog: 1 })
    const client = socket('ipv4')
    connect(client, listener.address)
    const accepted = accept(listener.fd)
    const [one, other] = socketpair()
    const selector = new EpollSelector()
    const ours = [listener.fd, client, accepted, one, other]

    const child = spawn(
      process.execPath,
      [
        '-e',
        `const fs = require('node:fs')
         for (const fd of fs.readdirSync('/proc/self/fd')) {
           try { console.log(fs.readlinkSync('/proc/self/fd/' + fd)) } catch {}
         }`,
      ],
      // Handed over on purpose, so that the list is known to show what is there.
      { stdio: ['ignore', 'pipe', 'inherit', other] },
    )
    const inherited = (await text(child.stdout!)).split('\n')
    const seen = ours.filter((fd) => inherited.includes(readlinkSync(`/proc/self/fd/${fd}`)))
    expect(seen).toStrictEqual([other])
    selector.close()
    for (const fd of ours) close(fd)
  })

  test('are marked close-on-exec from the start, whatever made them', async (context) => {
    context.skip(process.platform !== 'linux', 'Only Linux shows the flags of a descriptor.')
    expect(await resultOf(new URL('exec-flags.mjs', import.meta.url))).toStrictEqual({
      socket: true,
      listener: true,
      accepted: true,
      socketpair: true,
      epoll: true,
    })
  })

  test('are all given back: 1,000 clients accepted and closed, 100 failures of each kind', async () => {
    const { before, after, clients, failures } = (await resultOf(
      new URL('descriptors.mjs', import.meta.url),
      [folder],
    )) as Record<'before' | 'after', string[]> & { clients: number; failures: string[] }
    expect(clients).toBe(1000)
    expect(new Set(failures)).toStrictEqual(
      new Set(['EADDRINUSE', 'EADDRNOTAVAIL', 'ENOENT', 'ECONNREFUSED', 'AddressError']),
    )
    expect(after).toStrictEqual(before)
  })

  test('are closed once each', async (context) => {
    context.skip(straceMissing !== null, straceMissing ?? '')
    const log = join(folder, 'closes')
    const script = new URL('descriptors.mjs', import.meta.url)
    await resultOf(script, [folder], straced(log, 'trace=close'))
    const closes = readFileSync(log, 'latin1').split('\n')
    expect(closes.filter((line) => line.includes('= 0')).length).toBeGreaterThan(2000)
    expect(closes.filter((line) => line.includes('EBADF'))).toStrictEqual([])
  })

  test('that were closed belong to nobody, and then to the next', async () => {
    expect(await resultOf(new URL('closed-numbers.mjs', import.meta.url))).toStrictEqual({
      closedTwice: { code: 'EBADF', syscall: 'close' },
      received: { code: 'EBADF', syscall: 'recv' },
      sent: { code: 'EBADF', syscall: 'send' },
      // POSIX gives the lowest free number: that is why closing twice is dangerous.
      isReused: true,
    })
  })
})

describe('a process that may open few files', () => {
  const OPEN_FILES = 64

  test('knows how many, gets EMFILE as from node:fs, and accepts again when it has room', async (context) => {
    context.skip(process.platform === 'win32', 'There is no ulimit.')
    const ulimit = ['sh', '-c', `ulimit -n ${OPEN_FILES}; exec "$@"`, 'sh']
    const result = (await resultOf(
      new URL('few-descriptors.mjs', import.meta.url),
      [],
      ulimit,
    )) as Record<string, unknown>
    const { theirs, ...ours } = result
    expect(theirs).toMatchObject({ code: 'EMFILE', syscall: 'open' })
    const { errno } = theirs as { errno: number }
    expect(ours).toStrictEqual({
      openFilesMax: OPEN_FILES,
      socket: { code: 'EMFILE', errno, syscall: 'socket' },
      socketpair: { code: 'EMFILE', errno, syscall: 'socketpair' },
      accept: { code: 'EMFILE', errno, syscall: 'accept' },
      iteration: { code: 'EMFILE', errno, syscall: 'accept' },
      ...(process.platform === 'linux' && {
        epoll: { code: 'EMFILE', errno, syscall: 'epoll_create1' },
      }),
      acceptedAfterwards: 'hello',
      isOver: true,
    })
  })

  test('says how many it may open, here as the shell does', () => {
    const shell = spawnSync('sh', ['-c', 'ulimit -n'], { encoding: 'utf8' }).stdout.trim()
    expect(openFilesMax()).toBe(shell === 'unlimited' ? openFilesMax() : Number(shell))
    expect(openFilesMax()).toBeGreaterThan(2)
  })
})

describe('dieWithParent', () => {
  test('ends a process in an endless loop when its parent is killed', async (context) => {
    context.skip(process.platform !== 'linux', 'prctl(2) exists on Linux only.')
    const parent = new Child(new URL('mortal.mjs', import.meta.url), ['parent'])
    const { pid } = (await parent.says()) as { pid: number }
    try {
      await until('the child loops', () => stateOf(pid) === 'R')
      parent.kill('SIGKILL')
      // A zombie is dead, even where nobody buries it.
      await until('the child has ended', () => ['', 'Z', 'X'].includes(stateOf(pid)))
    } finally {
      if (stateOf(pid) !== '') process.kill(pid, 'SIGKILL')
    }
  })

  test('and without it, it lives on: the loop itself does not end', async (context) => {
    context.skip(process.platform !== 'linux', 'prctl(2) exists on Linux only.')
    const parent = new Child(new URL('mortal.mjs', import.meta.url), ['parent', 'immortal'])
    const { pid } = (await parent.says()) as { pid: number }
    try {
      await until('the child loops', () => stateOf(pid) === 'R')
      parent.kill('SIGKILL')
      await until('the parent has ended', () => ['', 'Z'].includes(stateOf(parent.pid)))
      await until('the child loops still', () => stateOf(pid) === 'R')
    } finally {
      process.kill(pid, 'SIGKILL')
    }
  })
})

describe('lowerPriority', () => {
  test('lets the calling thread only go after others', async (context) => {
    context.skip(process.platform !== 'linux', 'Niceness is of threads on Linux only.')
    const child = new Child(new URL('nice.mjs', import.meta.url), [])
    expect(await child.says()).toEqual({ main: getPriority(), thread: getPriority() + 7 })
  })
})
