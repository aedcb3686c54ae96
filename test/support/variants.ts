// Models with options that change how they are made up inside. What such an option can break they have to
// pass again: the names are as the benchmark has them, and `startServer` takes them.

import { type ModelInfo, STREAM_MODELS } from '../../servers/catalog.ts'

/** Fewer than the clients of most tests, so that clients find spares ready, starting, and none. */
const SPARES = 2

export const VARIANTS: readonly ModelInfo[] = STREAM_MODELS.filter(({ takes }) =>
  takes?.includes('spares'),
).map((model) => Object.assign({}, model, { name: `${model.name}:spares=${SPARES}` }))
