// hubbub put: sends a file to a server that takes files. The server keeps what arrived of a transfer that was
// broken off, and says from where to go on.

import { type FileHandle, open } from 'node:fs/promises'
import { basename } from 'node:path'
import {
  asFailure,
  Connection,
  type ConnectionOptions,
  reasonOf,
  requireName,
} from './connection.ts'
import { TransferFailure } from './failure.ts'
import { hashFile } from './hash.ts'
import { showProgress, type WordsOut } from './progress.ts'

export interface PutOptions extends ConnectionOptions {
  /** The file here. */
  readonly file: string
  /** How the server is to call it; null: by its last name. */
  readonly name: string | null
}

const PIECE_BYTES = 64 * 1024

/** Throws TransferFailure and NameError. */
export async function put(options: PutOptions, err: WordsOut): Promise<void> {
  const name = options.name ?? basename(options.file)
  requireName(name)
  const file = await openToRead(options.file)
  try {
    const { bytes, sha256 } = await hashFile(file, options.signal)
    const connection = await Connection.open(options)
    try {
      const line = await connection.ask(`PUT ${bytes} ${sha256} ${name}`)
      const [, from] = /^SEND (\d{1,15})$/.exec(line) ?? []
      if (from === undefined || Number(from) > bytes) {
        throw new TransferFailure('The server does not speak this protocol.')
      }
      await send(connection, file, { name, bytes, from: Number(from), signal: options.signal }, err)
      connection.close()
    } finally {
      connection.abandon()
    }
  } catch (error) {
    throw asFailure(error)
  } finally {
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
  err: WordsOut,
): Promise<void> {
  const progress = showProgress(err, name, bytes, from)
  // It may say before the end that it can take no more.
  const answer = connection.line()
  const seen = { answer: false }
  const onAnswer = (): void => {
    seen.answer = true
  }
  answer.then(onAnswer, onAnswer)
  try {
    const piece = Buffer.allocUnsafe(PIECE_BYTES)
    for (let at = from; at < bytes && !seen.answer;) {
      const { bytesRead } = await file.read(piece, 0, Math.min(PIECE_BYTES, bytes - at), at)
      if (bytesRead === 0) throw new TransferFailure(`${name} has become shorter meanwhile.`)
      await connection.write(Buffer.from(piece.subarray(0, bytesRead)))
      progress.at((at += bytesRead))
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
    file = await open(path, 'r')
  } catch (error) {
    throw new TransferFailure(`Cannot read ${path}. ${reasonOf(error)}`)
  }
  if ((await file.stat()).isFile()) return file
  await file.close()
  throw new TransferFailure(`${path} is not a file.`)
}
