/** A server could not start. The message is one sentence that says what to do. */
export class ServeError extends Error {
  override readonly name = 'ServeError'
}
