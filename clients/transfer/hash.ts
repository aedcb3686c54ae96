// The hash of a file here.

import { createHash } from 'node:crypto'
import type { FileHandle } from 'node:fs/promises'

const PIECE_BYTES = 256 * 1024

/** Reads the whole file: how long it is, and its SHA-256 in hex. `onHashed` is told how far it is. */
export async function hashFile(
  file: FileHandle,
  signal: AbortSignal,
  onHashed: (at: number, bytes: number) => void,
): Promise<{ bytes: number; sha256: string }> {
  const hash = createHash('sha256')
  const piece = Buffer.allocUnsafe(PIECE_BYTES)
  const { size } = await file.stat()
  let bytes = 0
  for (;;) {
    signal.throwIfAborted()
    const { bytesRead } = await file.read(piece, 0, PIECE_BYTES, bytes)
    if (bytesRead === 0) return { bytes, sha256: hash.digest('hex') }
    hash.update(piece.subarray(0, bytesRead))
    bytes += bytesRead
    onHashed(bytes, Math.max(bytes, size))
  }
}
