// Passwords: hashed with scrypt (RFC 7914), which is slow and takes much memory on purpose, so that who has
// stolen the hashes has to pay for each guess. So does the server, for each log-in: that is why hashing is
// counted, queued and refused here like any other costly thing.
//
// A hash is written in the PHC string format, the parameters in it, so that they can be raised later:
//
//     $scrypt$ln=17,r=8,p=1$salt$hash        ln: log2 of N; salt and hash in base64 without padding

import { randomBytes, scrypt, scryptSync, type ScryptOptions, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import type { Guess, Verdict } from '../protocol/index.ts'
import { FairQueue } from './fair-queue.ts'

/** RFC 7914 asks for a salt that does not repeat; 16 bytes at random do not. */
const SALT_BYTES = 16
const HASH_BYTES = 32

/**
 * Hashes at a time. Each of them occupies one of the four threads of libuv's pool, which files, names and
 * the accept loop of `thread` and `process` need as well, and 128 MiB of memory at the usual cost.
 */
const HASHES_MAX = 2
/** Those that wait for their turn. With 0.4 s for each, the last one of them waits for 13 s. */
const WAITING_MAX = 64

/** The cost of new hashes: N = 2^17, 128 MiB and about 0.4 s. OWASP's cheat sheet asks for it. */
export const DEFAULT_COST = 17

/** Hashes a password. `cost`: log2 of N. */
export function hashPassword(password: string, cost = DEFAULT_COST): string {
  const salt = randomBytes(SALT_BYTES)
  const parameters = { ln: cost, r: 8, p: 1 }
  const hash = scryptSync(inBytes(password), salt, HASH_BYTES, optionsOf(parameters))
  return `$scrypt$ln=${cost},r=8,p=1$${base64(salt)}$${base64(hash)}`
}

/** Whether a text is a hash that this file can verify. */
export function isPasswordHash(text: string): boolean {
  return parse(text) !== null
}

/** log2 of the N that a hash was made with. */
export function costOf(hash: string): number {
  return Number(PHC.exec(hash)?.[1] ?? DEFAULT_COST)
}

/**
 * Whether the guess is right, in a blocking call. `busy` when it could not be found out: hashing takes memory
 * on purpose, and there may be none.
 */
export function verifyNow({ password, hash }: Omit<Guess, 'host'>): Verdict {
  const known = parse(hash)
  if (known === null) return 'wrong'
  const { salt, expected, options } = known
  try {
    const computed = scryptSync(inBytes(password), salt, expected.length, options)
    return timingSafeEqual(computed, expected) ? 'right' : 'wrong'
  } catch {
    return 'busy'
  }
}

const scryptInPool = promisify<Buffer, Buffer, number, ScryptOptions, Buffer>(scrypt)
/** Whoever guesses at passwords makes the others wait for a hash that is being made, not for all of his. */
const hashes = new FairQueue(HASHES_MAX, WAITING_MAX)

/**
 * The same on libuv's thread pool: the event loop goes on. `busy` also when too many are waiting already.
 * It never rejects.
 */
export async function verify({ password, hash, host }: Guess): Promise<Verdict> {
  const known = parse(hash)
  if (known === null) return 'wrong'
  const { salt, expected, options } = known
  const hashOne = (): Promise<Buffer> =>
    scryptInPool(inBytes(password), salt, expected.length, options)
  try {
    const computed = await hashes.run(host, hashOne)
    if (computed === null) return 'busy'
    return timingSafeEqual(computed, expected) ? 'right' : 'wrong'
  } catch {
    return 'busy'
  }
}

/** The server ends, and would wait for every hash that was still to be made: those that wait get none. */
export function refuseWaiting(): void {
  hashes.refuseWaiting()
}

interface Known {
  readonly salt: Buffer
  readonly expected: Buffer
  readonly options: ScryptOptions
}

/** Our own have 16 bytes of salt and 32 of hash; those of other programs may have from 8, and 32 to 64. */
const PHC =
  /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,2}),p=(\d)\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{43,86})$/
/** A hash that needs more memory than this for one log-in was not made for a server: N = 2^20 with r = 8. */
const MEMORY_BYTES_MAX = 2 ** 30

function parse(text: string): Known | null {
  const [, ln, r, p, salt, hash] = PHC.exec(text) ?? []
  if (salt === undefined || hash === undefined) return null
  const parameters = { ln: Number(ln), r: Number(r), p: Number(p) }
  if (parameters.ln < 1 || parameters.r < 1 || parameters.p < 1) return null
  if (128 * 2 ** parameters.ln * parameters.r > MEMORY_BYTES_MAX) return null
  return {
    salt: Buffer.from(salt, 'base64'),
    expected: Buffer.from(hash, 'base64'),
    options: optionsOf(parameters),
  }
}

function optionsOf({ ln, r, p }: { ln: number; r: number; p: number }): ScryptOptions {
  const N = 2 ** ln
  // What it needs is 128 N r (RFC 7914 section 2), and p times 128 r on top; Node's own limit is 32 MiB.
  return { N, r, p, maxmem: 128 * r * (N + p + 8) }
}

/** Passwords come from the wire: latin1, one character for one byte. */
function inBytes(password: string): Buffer {
  return Buffer.from(password, 'latin1')
}

function base64(bytes: Buffer): string {
  return bytes.toString('base64').replace(/=+$/, '')
}
