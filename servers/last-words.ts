// Why a connection has ended, in words for the others.

/** The reason others are told when a connection ended without a QUIT. */
export const CONNECTION_CLOSED = 'Connection closed'

/** The reason others are told when a connection failed. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'Connection reset by peer'
  if (code === 'ETIMEDOUT') return 'Write timed out'
  return typeof code === 'string' ? `Connection failed (${code})` : 'Internal error'
}
