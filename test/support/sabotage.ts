// Servers with a fault in them. What they load before everything else reaches their threads and processes, too.

import { compiledUrl, type RunOptions } from './program.ts'
/** A client's word makes its conversation fail (sabotage.mjs). `more`: other options of Node. */
export function sabotaged(...more: string[]): RunOptions {
  const sabotage = new URL('./sabotage.mjs', import.meta.url).href
  return {
    env: {
      NODE_OPTIONS: ['--import', sabotage, ...more].join(' '),
      HUBBUB_TEST_CONVERSATION: compiledUrl('protocol/conversation.js'),
      HUBBUB_TEST_HUB: compiledUrl('protocol/hub.js'),
    },
  }
}

/** Has this code run in every thread and process before everything else. */
export function preloading(code: string): RunOptions {
  const NODE_OPTIONS = `--import "data:text/javascript,${encodeURIComponent(code)}"`
  return { env: { NODE_OPTIONS } }
}
