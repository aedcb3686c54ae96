// What a conversation asks of files, and what it is answered. The conversation performs nothing itself:
// whoever runs it does, in blocking calls or not, and tells it by `answered`.
//
// One request at a time, and each of them a piece: a file of a gigabyte is many thousand requests, and an
// event loop serves others between any two.

export type FileRequest =
  /** Open a file to be sent, and find out its size and its hash. Whatever was open is closed. */
  | { readonly kind: 'open'; readonly name: string }
  /** Send the client some of the open file from `from` on, up to `bytes`. */
  | { readonly kind: 'send'; readonly from: number; readonly bytes: number }
  /** Open a file to be received; or go on with one that was received in part. */
  | {
      readonly kind: 'create'
      readonly name: string
      readonly bytes: number
      readonly sha256: string
    }
  /** Write this at the end of what was received. */
  | { readonly kind: 'append'; readonly piece: Buffer }
  /** All is received: give the file its name, if it has the hash that was announced. */
  | { readonly kind: 'commit' }

export type FileAnswer =
  /** Hashing takes long, and is `at` this byte of so many: ask the same again. */
  | { readonly kind: 'again'; readonly at: number; readonly bytes: number }
  | { readonly kind: 'opened'; readonly bytes: number; readonly sha256: string }
  /** The piece is to be written to the client: `text` has its bytes, as latin1. */
  | { readonly kind: 'piece'; readonly text: string }
  /** So many bytes have been written to the client already; 0: there was no room for any. */
  | { readonly kind: 'sent'; readonly bytes: number }
  /** So much of the file is here from an earlier, broken transfer; mostly 0. */
  | { readonly kind: 'created'; readonly from: number }
  /** What was asked for is done. */
  | { readonly kind: 'done' }
  /** It cannot be done, and the client may know why. */
  | { readonly kind: 'refused'; readonly words: string }
