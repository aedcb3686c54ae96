// The two ways in which a transfer ends without having done it. Each has one sentence for a person.

/** The world, or the server, did not allow it. */
export class TransferFailure extends Error {
  override readonly name = 'TransferFailure'
}

/** No file can be asked for by such a name: nothing was started. */
export class NameError extends Error {
  override readonly name = 'NameError'
}
