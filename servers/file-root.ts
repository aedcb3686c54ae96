// The folder whose files are served, and nothing outside of it.
//
// A name comes from anybody. It is not enough to look at its text, nor to ask the file system where a path
// leads before it is opened: between the question and the opening somebody may put a symbolic link there.
// So a path is never opened as a whole. Each folder on the way is opened by its one name in the folder
// before it (openat(2)), and no link is followed at any step: what is open at the end is inside, because no
// step could lead out. `..` could, and no name that is taken here has it.
//
// What is left: a hard link or a mount, which only somebody can make who may write there anyway.

import { constants, fstatSync, openSync, type Stats } from 'node:fs'
import { close, openAt, renameAt, SystemError, unlinkAt } from '../posix/index.ts'

/** The longest name of one file or folder, in bytes: NAME_MAX of Linux, and of most file systems. */
const COMPONENT_BYTES_MAX = 255

/** How files are called that are not whole yet. Nobody can ask for one. */
const PART_PREFIX = '.hubbub-'
const partName = (id: string): string => `${PART_PREFIX}${id}.part`

/** There is nothing of that name that we would serve. Why, the client does not learn. */
export class NoSuchFile extends Error {}

export interface OpenFile {
  /** To be closed by `close` of posix/. */
  readonly fd: number
  readonly stats: Stats
}

/** Every method throws NoSuchFile, or a SystemError when the machine is at fault. */
export class FileRoot {
  private readonly folder: number

  /** Opens the folder, for as long as this thread lives. It may be a link: whoever starts us has chosen it. */
  constructor(path: string) {
    // By node:fs, which closes it when a worker ends, however it ends.
    this.folder = openSync(path, constants.O_RDONLY | constants.O_DIRECTORY)
  }

  /** Opens a regular file to be read. */
  open(name: string): OpenFile {
    return this.inFolder(name, (folder, last) => openRegular(folder, last, constants.O_RDONLY))
  }

  /** Opens what is to become this file, beside it, to be appended to. `id` is what sets it apart from others. */
  openPart(name: string, id: string): OpenFile {
    return this.inFolder(name, (folder, last) => {
      requireReplaceable(folder, last)
      return openRegular(
        folder,
        partName(id),
        constants.O_CREAT | constants.O_RDWR | constants.O_APPEND,
      )
    })
  }

  /** Whether that is still its name: somebody else may have given it the final one since we opened it. */
  isPart(name: string, id: string, fd: number): boolean {
    const { dev, ino } = fstatSync(fd)
    try {
      const there = this.inFolder(name, (folder) =>
        openRegular(folder, partName(id), constants.O_RDONLY),
      )
      close(there.fd)
      return there.stats.ino === ino && there.stats.dev === dev
    } catch (error) {
      if (error instanceof NoSuchFile) return false
      throw error
    }
  }

  /** Gives it the name, and replaces what had that name. */
  commitPart(name: string, id: string): void {
    this.inFolder(name, (folder, last) => renameAt(folder, partName(id), last))
  }

  removePart(name: string, id: string): void {
    this.inFolder(name, (folder) => unlinkAt(folder, partName(id)))
  }

  /** Walks to the folder of a file, does something there, and closes what was opened on the way. */
  private inFolder<Result>(name: string, act: (folder: number, last: string) => Result): Result {
    const names = componentsOf(name)
    const last = names.pop()!
    let folder = this.folder
    try {
      for (const each of names) {
        const next = openAt(folder, each, constants.O_RDONLY | constants.O_DIRECTORY)
        if (folder !== this.folder) close(folder)
        folder = next
      }
      return act(folder, last)
    } catch (error) {
      throw error instanceof SystemError && IS_NOT_THERE.has(error.code) ? new NoSuchFile() : error
    } finally {
      if (folder !== this.folder) close(folder)
    }
  }
}

/** What openat(2) says of names that lead to nothing, to a link, through a file, or where we may not go. */
const IS_NOT_THERE = new Set(
  'ENOENT ENOTDIR ELOOP EACCES ENAMETOOLONG EISDIR ENXIO EINVAL EILSEQ'.split(' '),
)

/** The names of which a path consists. Throws NoSuchFile when it is not one that we would open. */
function componentsOf(path: string): string[] {
  const names = path.split('/')
  if (!names.every(isComponent)) throw new NoSuchFile()
  return names
}

function isComponent(name: string): boolean {
  return (
    name !== '' && // An absolute path begins with one of those.
    name !== '.' &&
    name !== '..' &&
    Buffer.byteLength(name) <= COMPONENT_BYTES_MAX &&
    // A NUL ends a name early, others spoil a terminal or a log, and to some systems \ is a slash.
    !/[\p{Cc}\\]/u.test(name) &&
    !name.toLowerCase().startsWith(PART_PREFIX)
  )
}

/** A FIFO or a device is opened without waiting, seen to be no regular file, and closed again. */
function openRegular(folder: number, name: string, flags: number): OpenFile {
  const fd = openAt(folder, name, flags)
  try {
    const stats = fstatSync(fd)
    if (!stats.isFile()) throw new NoSuchFile()
    return { fd, stats }
  } catch (error) {
    close(fd)
    throw error
  }
}

/** Only regular files are replaced; and who learns that first need not send it all first. */
function requireReplaceable(folder: number, name: string): void {
  try {
    close(openRegular(folder, name, constants.O_RDONLY).fd)
  } catch (error) {
    if (!(error instanceof SystemError && error.code === 'ENOENT')) throw error
  }
}
