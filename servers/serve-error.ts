/** A server could not start. The message is one sentence that says what to do. */
export class ServeError extends Error {
  override readonly name = 'ServeError'
  /** Whether it was the request, and not the world, that was wrong. */
  readonly isWrongUsage: boolean

  constructor(message: string, isWrongUsage = false) {
    super(message)
    this.isWrongUsage = isWrongUsage
  }
}
