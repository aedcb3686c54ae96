// A parent that has a child in an endless loop. The child asks to die with its parent, unless it is told
// to be `immortal`. (It loops for half a minute at most: a test that failed must not leave it for ever.)

import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { dieWithParent } from '../../dist/posix/index.js'

const [role, mode = 'mortal'] = process.argv.slice(2)
const LOOP_MS = 30_000

if (role === 'parent') {
  spawn(process.execPath, [fileURLToPath(import.meta.url), 'child', mode], {
    stdio: ['ignore', 'inherit', 'inherit'],
  })
} else {
  if (mode === 'mortal') dieWithParent()
  process.stdout.write(JSON.stringify({ pid: process.pid }) + '\n', () => {
    for (const end = performance.now() + LOOP_MS; performance.now() < end;);
  })
}
