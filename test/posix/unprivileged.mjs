// Listens where an ordinary user may not, with posix/ and with node:net, as an ordinary user.

import { once } from 'node:events'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { listenOn } from '../../dist/posix/index.js'

const NOBODY = 65_534

/** The lowest port that anybody may take: 1024, unless the machine was told otherwise (ip(7)). */
function firstPortForAll() {
  try {
    return Number(readFileSync('/proc/sys/net/ipv4/ip_unprivileged_port_start', 'latin1'))
  } catch {
    return 1024
  }
}

function fieldsOf({ code, errno, syscall, address, port }) {
  return { code, errno, syscall, address, port }
}

async function failures(address, options) {
  let ours
  try {
    listenOn(address, { backlog: 1 }).close()
    throw new Error(`Could listen on ${JSON.stringify(address)}`)
  } catch (error) {
    ours = fieldsOf(error)
  }
  const [theirs] = await once(createServer().listen(options), 'error')
  return { ours, theirs: fieldsOf(theirs) }
}

async function measure(folder) {
  const port = Math.min(80, firstPortForAll() - 1)
  if (port < 1) return { missing: 'On this machine anybody may listen on any port.' }
  const forbidden = join(folder, 'forbidden')
  mkdirSync(forbidden)
  chmodSync(forbidden, 0o555)
  chmodSync(folder, 0o755)
  if (process.getuid() === 0) {
    process.setgroups([])
    process.setgid(NOBODY)
    process.setuid(NOBODY)
  }
  const path = join(forbidden, 'socket')
  return {
    port: await failures({ family: 'ipv4', host: '127.0.0.1', port }, { host: '127.0.0.1', port }),
    file: await failures({ family: 'unix', path }, { path }),
  }
}

console.log(JSON.stringify(await measure(process.argv[2])))
