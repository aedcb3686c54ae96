// Whom to drive, and by what: an address as posix/address.ts reads it, with `udp:` before it for datagrams.

import { type Address, AddressError, parseAddress } from '../../posix/index.ts'
import type { Transport } from './contract.ts'

export interface Target {
  readonly address: Address
  readonly transport: Transport
}

const UDP = 'udp:'

/** Throws AddressError. */
export function parseTarget(text: string): Target {
  if (!text.startsWith(UDP)) {
    const address = parseAddress(text)
    return { address, transport: address.family === 'unix' ? 'unix' : 'tcp' }
  }
  const address = parseAddress(text.slice(UDP.length))
  if (address.family === 'unix') {
    throw new AddressError(`"${text}" is not an address: write udp:127.0.0.1:7 or udp:[::1]:7.`)
  }
  return { address, transport: 'udp' }
}
