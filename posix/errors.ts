// Failed system calls become errors of the shape that Node's own net and fs throw, so that code which
// handles those handles these: `code` ('EADDRINUSE'), `errno` (negative), `syscall`, `address`, `port`.

import { getSystemErrorName } from 'node:util'

/** A system call that failed. `code` and `syscall` are always there; the rest where it makes sense. */
export class SystemError extends Error {
  override readonly name = 'SystemError'
  readonly code: string
  /** Negative, as Node has it. */
  readonly errno: number
  readonly syscall: string
  readonly address: string | undefined
  readonly port: number | undefined

  constructor(errno: number, syscall: string, subject?: { address: string; port?: number }) {
    const code = getSystemErrorName(-errno)
    const port = subject?.port === undefined ? '' : `:${subject.port}`
    super(`${syscall} ${code}${subject ? ` ${subject.address}${port}` : ''}`)
    this.code = code
    this.errno = -errno
    this.syscall = syscall
    this.address = subject?.address
    this.port = subject?.port
  }
}

/** This platform has no such call. The message is one sentence that names the call and the platform. */
export class UnsupportedError extends Error {
  override readonly name = 'UnsupportedError'
  readonly code = 'ENOSYS'

  constructor(call: string) {
    super(`${call} does not exist on ${process.platform}.`)
  }
}
