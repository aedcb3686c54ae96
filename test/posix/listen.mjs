// Listens on the address it is given, and says how that went: for attempts that must not be able to
// keep the tests waiting.

import { listenOn, parseAddress } from '../../dist/posix/index.js'

try {
  const listener = listenOn(parseAddress(process.argv[2]), { backlog: 1 })
  listener.stop()
  listener.close()
  console.log(JSON.stringify({ listened: true }))
} catch ({ code, syscall, address }) {
  console.log(JSON.stringify({ code, syscall, address }))
}
