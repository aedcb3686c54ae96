// hubbub put: sends a file to a server that takes files. The server keeps what arrived of a transfer that was
// broken off, and says from where to go on.

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
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
import { type Progress, showProgress, type WordsOut } from './progress.ts'

export interface PutOptions extends ConnectionOptions {
  /** The file here. */
  readonly file: string
  /** How the server is to call it; `folder/`, or null: by its last name. */
  readonly name: string | null
}

const PIECE_BYTES = 64 * 1024

/** Throws TransferFailure and NameError. */
export async function put(options: PutOptions, err: WordsOut): Promise<void> {
  const { name: given, file: path } = options
  const isWhole = given !== null && !given.endsWith('/')
  const name = isWhole ? given : `${given ?? ''}${basename(path)}`
  requireName(name)
  const file = await openToRead(path)
  const progress = showProgress(err, basename(name))
  try {
    const { bytes, sha256 } = await hashFile(file, options.signal, progress.checked)
    const connection = await Connection.open(options, progress.checked)
    try {
      const line = await connection.ask(`PUT ${bytes} ${sha256} ${name}`)
      const [, from] = /^SEND (\d{1,15})$/.exec(line) ?? []
      if (from === undefined || Number(from) > bytes) {
        throw new TransferFailure('The server does not speak this protocol.')
      }
      const what = { name, bytes, from: Number(from), signal: options.signal }
      await send(connection, file, what, progress)
      connection.close()
    } finally {
      connection.abandon()
    }
  } catch (error) {
    throw asFailure(error)
  } finally {
    progress.end()
    await file.close()
  }
}

interface What {
  readonly name: string
  readonly bytes: number
  readonly from: number
  readonly signal: AbortSignal
}

async function send(
  connection: Connection,
  file: FileHandle,
  { name, bytes, from, signal }: What,
  progress: Progress,
): Promise<void> {
  // It may say before the end that it can take no more.
  const answer = connection.line()
  const seen = { answer: false }
  const onAnswer = (): void => {
    seen.answer = true
  }
  answer.then(onAnswer, onAnswer)
  try {
    progress.moved(from, bytes)
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    for (let at = from; at < bytes && !seen.answer;) {
      const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, bytes - at), at)
      if (bytesRead === 0) throw new TransferFailure(`${name} has become shorter meanwhile.`)
      await connection.write(Buffer.from(piece.subarray(0, bytesRead)))
      progress.moved((at += bytesRead), bytes)
    }
    if ((await answer) !== 'DONE') {
      throw new TransferFailure('The server does not speak this protocol.')
    }
    progress.end(name)
  } catch (error) {
    progress.end(`${name}, not whole`)
    const kept = 'The server keeps what has arrived: the same command goes on.'
    if (signal.aborted) throw new TransferFailure(`Interrupted. ${kept}`)
    if (error instanceof TransferFailure) throw error
    throw new TransferFailure(`${reasonOf(error)} ${kept}`)
  }
}

async function openToRead(path: string): Promise<FileHandle> {
  let file: FileHandle
  try {
    // A FIFO would have us wait for somebody who writes to it.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    const isMissing = ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '')
    const why = isMissing ? 'is not there: look at its path' : `cannot be read: ${reasonOf(error)}`
    throw new TransferFailure(`${path} ${why.replace(/\.?$/, '.')}`)
  }
  const stats = await file.stat()
  if (stats.isFile()) return file
  await file.close()
  if (!stats.isDirectory()) throw new TransferFailure(`${path} is not a regular file.`)
  throw new TransferFailure(`${path} is a folder: put sends one file at a time.`)
}
