// hubbub get: fetches a file. What arrives is written to a part beside its place, and gets its name when it
// is whole and has the hash that was announced. A transfer that was broken off goes on with that part: its
// name has the hash in it, so it is never the part of something else.

import { constants } from 'node:fs'
import { type FileHandle, link, open, rename, stat, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { lockFile } from '../../posix/index.ts'
import {
  asFailure,
  codeOf,
  Connection,
  type ConnectionOptions,
  reasonOf,
  requireName,
} from './connection.ts'
import { TransferFailure } from './failure.ts'
import { hashFile } from './hash.ts'
import { type Progress, showProgress, spellBytes, type WordsOut } from './progress.ts'

export interface GetOptions extends ConnectionOptions {
  /** The file, as the server calls it. */
  readonly name: string
  /** Where to put it: a file, or a folder for it. Null: this folder. */
  readonly out: string | null
  /** Whether to replace what is there. */
  readonly force: boolean
}

/** What the server announces. */
interface Announced {
  readonly bytes: number
  readonly sha256: string
}

/** Throws TransferFailure and NameError. */
export async function get(options: GetOptions, err: WordsOut): Promise<void> {
  requireName(options.name)
  const target = await targetOf(options)
  await requireFree(target, options.force)
  const progress = showProgress(err, basename(options.name))
  const connection = await Connection.open(options, progress.checked)
  try {
    const announced = await announcement(connection, options.name, 0)
    const part = `${target}.${announced.sha256.slice(0, 16)}.part`
    const file = await openPart(part)
    try {
      await receive(connection, file, part, announced, options, progress)
      connection.close()
      await verify(file, part, announced, options.signal, progress)
    } finally {
      await file.close()
    }
    await giveName(part, target, options.force)
    progress.end(options.name)
  } catch (error) {
    throw asFailure(error)
  } finally {
    progress.end()
    connection.abandon()
  }
}

async function announcement(
  connection: Connection,
  name: string,
  from: number,
): Promise<Announced> {
  const line = await connection.ask(`GET ${from} ${name}`)
  const [, bytes, sha256] = /^SIZE (\d{1,15}) ([0-9a-f]{64})$/.exec(line) ?? []
  if (sha256 === undefined) throw new TransferFailure('The server does not speak this protocol.')
  return { bytes: Number(bytes), sha256 }
}

async function receive(
  connection: Connection,
  file: FileHandle,
  part: string,
  announced: Announced,
  { name, signal }: GetOptions,
  progress: Progress,
): Promise<void> {
  const { bytes, sha256 } = announced
  let at = (await file.stat()).size
  if (at > bytes) {
    await file.truncate(0)
    at = 0
  }
  if (at > 0) {
    const again = await announcement(connection, name, at)
    if (again.sha256 !== sha256) throw new TransferFailure(`${name} has changed; try again.`)
  }
  try {
    progress.moved(at, bytes)
    connection.say('OK')
    for await (const piece of connection.bytes(bytes - at)) {
      for (let done = 0; done < piece.length;) {
        done += (await file.write(piece, done, piece.length - done, at + done)).bytesWritten
      }
      at += piece.length
      progress.moved(at, bytes)
    }
  } catch (error) {
    progress.end(`${name}, not whole`)
    const kept = `${spellBytes(at)} of ${spellBytes(bytes)} are kept in ${part}: the same command goes on.`
    if (signal.aborted) throw new TransferFailure(`Interrupted. ${kept}`)
    throw new TransferFailure(`${reasonOf(error)} ${kept}`)
  }
}

async function verify(
  file: FileHandle,
  part: string,
  { bytes, sha256 }: Announced,
  signal: AbortSignal,
  progress: Progress,
): Promise<void> {
  const arrived = await hashFile(file, signal, progress.checked)
  if (arrived.bytes === bytes && arrived.sha256 === sha256) return file.sync()
  await unlink(part)
  throw new TransferFailure(
    'What arrived does not have the hash that was announced, and is removed; try again.',
  )
}

/** Into a folder a file goes under its own name, as with cp. */
async function targetOf({ name, out }: GetOptions): Promise<string> {
  const own = basename(name)
  if (out === null) return own
  const isFolder = (await stat(out).catch(() => null))?.isDirectory() === true
  if (out.endsWith('/') && !isFolder) {
    throw new TransferFailure(`${out} is not a folder: make it first.`)
  }
  return isFolder ? join(out, own) : out
}

async function requireFree(target: string, force: boolean): Promise<void> {
  const there = await stat(target).catch(() => null)
  if (there?.isDirectory() === true) {
    throw new TransferFailure(`${target} is a folder: name a file with --out.`)
  }
  if (there !== null && !force) throw exists(target)
}

function exists(target: string): TransferFailure {
  return new TransferFailure(`${target} exists: replace it with --force, or use --out.`)
}

async function openPart(part: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
  const file = await open(part, flags).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') {
      throw new TransferFailure(`${dirname(part)} is not there: make it first.`)
    }
    throw new TransferFailure(`Cannot write ${part}: ${reasonOf(error)}`)
  })
  if ((await file.stat()).isFile() && lockFile(file.fd)) return file
  await file.close()
  throw new TransferFailure(`${part} is being written by somebody else.`)
}

async function giveName(part: string, target: string, force: boolean): Promise<void> {
  if (!force) {
    try {
      await link(part, target) // Unlike rename(2), this replaces nothing.
      return await unlink(part)
    } catch (error) {
      if (codeOf(error) === 'EEXIST') throw exists(target)
      // Not every file system has links.
    }
  }
  await rename(part, target)
}
