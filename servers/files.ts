// Performing what conversations ask of files (protocol/files.ts). Each request is a piece of work that
// takes a moment: hash 32 KiB, send as much, append what has come. So one client's gigabyte is no reason for
// another one to wait.
//
// There are two ways to perform the same: in a call (`performNow`), for models that block anyway and for
// loops on poll(2) or epoll(7), which have nothing better: to those calls a regular file is always ready,
// also when its disk is not. There the kernel also sends the bytes, where it can: they never come here. And
// on libuv's thread pool (`perform`), for loops of node:net. Opening, renaming and removing is done in calls
// in both: they take microseconds.

import { createHash, type Hash } from 'node:crypto'
import { fsync, fsyncSync, fstatSync, read, readSync, type Stats, write, writeSync } from 'node:fs'
import { promisify } from 'node:util'
import type { FileAnswer, FileRequest } from '../protocol/index.ts'
import { AGAIN, close, hasSendFile, lockFile, SystemError } from '../posix/index.ts'
import { FileRoot, NoSuchFile } from './file-root.ts'

export interface FileSettings {
  /** The folder, as an absolute path. */
  readonly root: string
  /** Whether clients may write. */
  readonly allowPut: boolean
  /** The largest file that they may write. */
  readonly uploadBytesMax: number
  /** The longest piece that is handed back to be written, so that it is not too much at a time. */
  readonly pieceBytes: number
}

/**
 * What is read at a time. More is faster for one client (64 KiB by half again, under `async`), and takes more
 * memory with a hundred of them: each has a piece here, and two on their way. SHA-256 takes 0.1 ms for it.
 */
export const PIECE_BYTES_MAX = 32 * 1024

/** sendfile(2) of more keeps its thread from looking at the clock and at its link for longer. */
const SENDFILE_BYTES = 1024 * 1024

/** To whom the kernel sends a file. */
interface FileSink {
  /** How many bytes were sent; 0 is the end of the file, AGAIN that there is no room now. */
  sendFile(file: number, from: number, bytes: number): number
}

/** The system calls that take long. */
type Io =
  | { readonly kind: 'read'; readonly fd: number; readonly into: Buffer; readonly from: number }
  | { readonly kind: 'write'; readonly fd: number; readonly bytes: Buffer }
  | { readonly kind: 'sync'; readonly fd: number }
  /** Somebody else has begun it: wait until that is done. Blocking calls are done before anybody can see. */
  | { readonly kind: 'join'; readonly others: Promise<void> }

/** The work on one request: it gives the calls to be made one by one, and takes what they return. */
type Work = Generator<Io, FileAnswer, number>

/** A file that is being sent. */
interface Sending {
  readonly kind: 'sending'
  readonly fd: number
  readonly stats: Stats
  hashing: Hashing | null
}

/** A file that is being received. `name` and `id` are how FileRoot knows it. */
interface Receiving {
  readonly kind: 'receiving'
  readonly fd: number
  readonly name: string
  readonly id: string
  readonly bytes: number
  readonly sha256: string
  hashing: Hashing | null
}

/**
 * A file that is being hashed. A hundred clients that ask for the same new file hash it together: whoever
 * has its turn does the next piece.
 */
class Hashing {
  private readonly hash: Hash = createHash('sha256')
  /** So much of it is hashed. */
  at = 0
  /** How many clients wait for it. */
  sessions = 0
  /** Settles when the piece that is being read now is hashed, or will not be. */
  reading: Promise<void> | null = null
  private stopReading: () => void = () => {}
  private digest: string | null = null

  begin(): void {
    this.reading = new Promise((resolve) => (this.stopReading = resolve))
  }

  add(piece: Buffer): void {
    this.hash.update(piece)
    this.at += piece.length
  }

  end(): void {
    this.reading = null
    this.stopReading()
  }

  get sha256(): string {
    return (this.digest ??= this.hash.digest('hex'))
  }
}

/** What one client does with files. At most one is open at a time. */
export class FileSession {
  private readonly settings: FileSettings
  private file: Sending | Receiving | null = null
  /** Room for a piece, while a file is open. */
  private memory: Buffer | null = null
  /** What we read a piece for. */
  private reading: Hashing | null = null
  /** A request is being performed, and what is open has to stay open. */
  private busy = false
  private ended = false

  constructor(settings: FileSettings) {
    this.settings = settings
  }

  /**
   * Performs a request in blocking calls. With `client` the bytes of a file go to it by sendfile(2), where
   * that exists; without it they are in the answer. Throws what writing to the client throws.
   */
  performNow(request: FileRequest, client?: FileSink): FileAnswer {
    if (request.kind === 'send' && client !== undefined && hasSendFile) {
      const sent = this.sendTo(client, request.from, request.bytes)
      if (sent !== null) return sent
    }
    try {
      const work = this.work(request)
      let step = work.next()
      while (step.done !== true) step = work.next(performIoNow(step.value))
      return step.value
    } catch (error) {
      return this.refusal(request, error)
    }
  }

  /** The same, while others are served. */
  async perform(request: FileRequest): Promise<FileAnswer> {
    this.busy = true
    try {
      const work = this.work(request)
      let step = work.next()
      while (step.done !== true) step = work.next(await performIo(step.value))
      return step.value
    } catch (error) {
      return this.refusal(request, error)
    } finally {
      this.busy = false
      if (this.ended) this.close()
    }
  }

  /** The client is gone. What was received of a file stays, for the next time. */
  end(): void {
    this.ended = true
    if (!this.busy) this.close()
  }

  private *work(request: FileRequest): Work {
    switch (request.kind) {
      case 'open':
        return yield* this.open(request.name)
      case 'send':
        return yield* this.send(request.from, request.bytes)
      case 'create':
        return this.create(request)
      case 'append':
        return yield* this.append(request.piece)
      case 'commit':
        break
    }
    return yield* this.commit()
  }

  private *open(name: string): Work {
    if (this.file?.kind !== 'sending' || this.file.hashing === null) {
      this.close()
      const { fd, stats } = rootAt(this.settings.root).open(name)
      this.file = { kind: 'sending', fd, stats, hashing: null }
    }
    const { file } = this
    const known = file.hashing === null ? hashes.of(file.stats) : undefined
    if (known !== undefined) return { kind: 'opened', bytes: file.stats.size, sha256: known }
    file.hashing ??= hashes.begin(file.stats)
    if (yield* this.hashPiece(file.fd, file.hashing, file.stats.size)) {
      return { kind: 'again', at: file.hashing.at, bytes: file.stats.size }
    }
    const { sha256 } = file.hashing
    hashes.end(file.stats, file.hashing)
    file.hashing = null
    if (!isSame(file.stats, fstatSync(file.fd))) return this.changed()
    hashes.keep(file.stats, sha256)
    return { kind: 'opened', bytes: file.stats.size, sha256 }
  }

  /** Hashes the next piece of a file. True when more is left. */
  private *hashPiece(fd: number, hashing: Hashing, end: number): Generator<Io, boolean, number> {
    if (hashing.at === end) return false
    if (hashing.reading !== null) {
      yield { kind: 'join', others: hashing.reading }
      return true
    }
    this.memory ??= Buffer.allocUnsafeSlow(PIECE_BYTES_MAX)
    const into = this.memory.subarray(0, Math.min(this.memory.length, end - hashing.at))
    hashing.begin()
    this.reading = hashing
    const count = yield { kind: 'read', fd, into, from: hashing.at }
    hashing.add(into.subarray(0, count))
    this.stopReading()
    if (count === 0) throw new FileChanged()
    return hashing.at < end
  }

  private *send(from: number, bytes: number): Work {
    const { file } = this
    if (file?.kind !== 'sending') throw new NoSuchFile()
    this.memory ??= Buffer.allocUnsafeSlow(PIECE_BYTES_MAX)
    const into = this.memory.subarray(0, Math.min(bytes, this.settings.pieceBytes))
    const count = yield { kind: 'read', fd: file.fd, into, from }
    if (count === 0) throw new FileChanged()
    if (count === bytes) this.close()
    return { kind: 'piece', text: into.toString('latin1', 0, count) }
  }

  /** Null: this file cannot be sent so. */
  private sendTo(client: FileSink, from: number, bytes: number): FileAnswer | null {
    const { file } = this
    if (file?.kind !== 'sending') return null
    let count: number
    try {
      count = client.sendFile(file.fd, from, Math.min(bytes, SENDFILE_BYTES))
    } catch (error) {
      if (error instanceof SystemError && error.code === 'EINVAL') return null
      throw error
    }
    if (count === AGAIN) return { kind: 'sent', bytes: 0 }
    if (count === 0) return this.changed()
    if (count === bytes) this.close()
    return { kind: 'sent', bytes: count }
  }

  private changed(): FileAnswer {
    this.close()
    return refused('The file has changed meanwhile; try again')
  }

  private create({ name, bytes, sha256 }: FileRequest & { kind: 'create' }): FileAnswer {
    const { allowPut, uploadBytesMax, root } = this.settings
    if (!allowPut) return refused('This server takes no files')
    if (bytes > uploadBytesMax) return refused(`This server takes ${uploadBytesMax} bytes at most`)
    this.close()
    // The same name and content have the same part, whoever sends it: that is how it is found again.
    const id = createHash('sha256').update(`${bytes} ${sha256} ${name}`).digest('hex').slice(0, 32)
    const { fd } = rootAt(root).openPart(name, id)
    this.file = { kind: 'receiving', fd, name, id, bytes, sha256, hashing: null }
    // The lock ends with the descriptor. Only with the lock it is certain how long the part is, and that it is
    // one: somebody else may have appended to it since we opened it, and may have committed it.
    if (!lockFile(fd) || !rootAt(root).isPart(name, id, fd)) {
      this.close()
      return refused('Somebody else is sending this file')
    }
    const at = fstatSync(fd).size
    if (at <= bytes) return { kind: 'created', from: at }
    this.discard()
    return refused('What was here of the file was of no use and is removed; try again')
  }

  private *append(piece: Buffer): Work {
    const { file } = this
    if (file?.kind !== 'receiving') throw new NoSuchFile()
    for (let at = 0; at < piece.length;) {
      at += yield { kind: 'write', fd: file.fd, bytes: piece.subarray(at) }
    }
    return { kind: 'done' }
  }

  private *commit(): Work {
    const { file } = this
    if (file?.kind !== 'receiving') throw new NoSuchFile()
    file.hashing ??= new Hashing()
    if (yield* this.hashPiece(file.fd, file.hashing, file.bytes)) {
      return { kind: 'again', at: file.hashing.at, bytes: file.bytes }
    }
    if (file.hashing.sha256 !== file.sha256) {
      this.discard()
      return refused('The bytes do not have the hash that was announced')
    }
    // Before the name: a name that survives a power failure must not stand for less than all the bytes.
    yield { kind: 'sync', fd: file.fd }
    rootAt(this.settings.root).commitPart(file.name, file.id)
    this.close()
    return { kind: 'done' }
  }

  /** What failed, in words for the client: none of ours, and no path. */
  private refusal(request: FileRequest, error: unknown): FileAnswer {
    const isOurFault = !(error instanceof NoSuchFile || error instanceof FileChanged)
    const code = isOurFault && error instanceof Error && 'code' in error ? String(error.code) : ''
    if (isOurFault && code === '') throw error
    // A disk that is full must not stay so for the sake of what could not be finished.
    if (IS_FULL.has(code)) this.discard()
    if (error instanceof FileChanged) return this.changed()
    this.close()
    if (IS_FULL.has(code)) return refused('The disk is full')
    if (code === 'EMFILE' || code === 'ENFILE') return refused('The server is busy; try again')
    if (isOurFault) return refused(`The file cannot be used (${code})`)
    return refused(
      request.kind === 'open'
        ? 'There is no such file'
        : 'No file can be put under this name: choose another, in a folder that is there',
    )
  }

  private discard(): void {
    const { file } = this
    if (file?.kind === 'receiving') {
      try {
        rootAt(this.settings.root).removePart(file.name, file.id)
      } catch {
        // Somebody else has removed it, or its folder.
      }
    }
    this.close()
  }

  /** Also when the read has failed: others wait for their turn. */
  private stopReading(): void {
    this.reading?.end()
    this.reading = null
  }

  private close(): void {
    const { file } = this
    this.stopReading()
    if (file?.kind === 'sending' && file.hashing !== null) hashes.end(file.stats, file.hashing)
    this.file = null
    this.memory = null
    if (file !== null) close(file.fd)
  }
}

const IS_FULL = new Set(['ENOSPC', 'EDQUOT', 'EFBIG'])

/** It has become shorter while we read it. */
class FileChanged extends Error {}

function refused(words: string): FileAnswer {
  return { kind: 'refused', words }
}

function performIoNow(io: Io): number {
  switch (io.kind) {
    case 'read':
      return readSync(io.fd, io.into, 0, io.into.length, io.from)
    case 'write':
      return writeSync(io.fd, io.bytes)
    case 'sync':
      fsyncSync(io.fd)
      break
    case 'join':
  }
  return 0
}

const readInPool = promisify(read)
const writeInPool = promisify(write)
const syncInPool = promisify(fsync)

async function performIo(io: Io): Promise<number> {
  switch (io.kind) {
    case 'read':
      return (await readInPool(io.fd, io.into, 0, io.into.length, io.from)).bytesRead
    case 'write':
      return (await writeInPool(io.fd, io.bytes)).bytesWritten
    case 'sync':
      await syncInPool(io.fd)
      break
    case 'join':
      await io.others
  }
  return 0
}

/** The root is opened once in each thread. */
let root: { readonly path: string; readonly folder: FileRoot } | null = null
function rootAt(path: string): FileRoot {
  if (root?.path !== path) root = { path, folder: new FileRoot(path) }
  return root.folder
}

/** Hashes that are known. Each thread and each process has its own: they share nothing. */
class Hashes {
  /** In the order in which they were used last. */
  private readonly known = new Map<string, string>()
  private readonly hashing = new Map<string, Hashing>()

  /** Hashes a file, or has a part in it when others do so already. */
  begin(stats: Stats): Hashing {
    const key = keyOf(stats)
    const hashing = this.hashing.get(key) ?? new Hashing()
    this.hashing.set(key, hashing)
    hashing.sessions++
    return hashing
  }

  /** The caller does not need it any more. */
  end(stats: Stats, hashing: Hashing): void {
    if (--hashing.sessions === 0) this.hashing.delete(keyOf(stats))
  }

  of(stats: Stats): string | undefined {
    const key = keyOf(stats)
    const sha256 = this.known.get(key)
    if (sha256 !== undefined) {
      this.known.delete(key)
      this.known.set(key, sha256)
    }
    return sha256
  }

  keep(stats: Stats, sha256: string): void {
    // A change within the same tick of the file system's clock would not show in its time. (git calls such
    // a file "racily clean".) Two seconds are the coarsest that a file system has, that of FAT.
    if (Date.now() - Math.max(stats.mtimeMs, stats.ctimeMs) < 2_000) return
    this.known.set(keyOf(stats), sha256)
    if (this.known.size <= HASHES_MAX) return
    for (const oldest of this.known.keys()) {
      this.known.delete(oldest)
      break
    }
  }
}

/** About 200 bytes each. */
const HASHES_MAX = 1_000
const hashes = new Hashes()

function keyOf({ dev, ino, size, mtimeMs, ctimeMs }: Stats): string {
  return `${dev} ${ino} ${size} ${mtimeMs} ${ctimeMs}`
}

function isSame(one: Stats, other: Stats): boolean {
  return keyOf(one) === keyOf(other)
}
