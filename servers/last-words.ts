// The lines that a server says outside of the protocol's course: to a client that it cannot take, and to
// one whose conversation broke.

export const SERVER_FULL = 'ERROR :Server full\r\n'
export const INTERNAL_ERROR = 'ERROR :Internal error\r\n'

/** The reason others are told when a connection ended without a QUIT. */
export const CONNECTION_CLOSED = 'Connection closed'

/** The reason others are told when a connection failed. */
export function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'Connection reset by peer'
  if (code === 'ETIMEDOUT') return 'Write timed out'
  return typeof code === 'string' ? `Connection failed (${code})` : 'Internal error'
}
