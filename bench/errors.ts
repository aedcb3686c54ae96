// The two ways in which a command ends without doing what it was asked for. Each carries one sentence
// for a person, which names the thing and says what to do; the command line prints it after `hubbub: `
// and needs no stack trace. Anything else that is thrown is a bug in hubbub itself.

/** The request cannot be understood: nothing was started. Exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
  readonly exitCode = 2
}

/** The request is clear, but the world does not allow it: a file, a folder, a lock. Exit code 1. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly exitCode = 1
}

/** `code` of an error of a system call, such as ENOENT; undefined for any other value. */
export function systemErrorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' ? error.code : undefined
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
