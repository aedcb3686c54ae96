// Which tests a model takes part in. That is for its catalog entry to say, never for its name; and what it
// does not take part in is printed with the catalog's reason.

import { test, type TestContext } from 'vitest'
import type { Capability, ModelInfo } from '../../servers/catalog.ts'

export interface Needs {
  /** Clients that have to be served at the same time. */
  readonly clients?: number
  readonly can?: Capability
}

/** One sentence: why the model cannot do this by design. Null when it can. */
export function whyNot(model: ModelInfo, { clients = 1, can }: Needs): string | null {
  const reasonFor = (what: Capability): string | null =>
    model.cannot.find((limitation) => limitation.what === what)?.why ?? null
  if (clients > model.clientsAtOnce) {
    return reasonFor('serves-clients-together') ?? `It serves ${model.clientsAtOnce} at a time.`
  }
  return can === undefined ? null : reasonFor(can)
}

/** `test`, or `test.skip` with the reason in the name. */
export function testFor(
  model: ModelInfo,
  needs: Needs,
  name: string,
  run: (context: TestContext) => Promise<void>,
  timeoutMs?: number,
): void {
  const reason = whyNot(model, needs)
  if (reason === null) test(name, run, timeoutMs)
  else test.skip(`${name} (not this model: ${reason})`, run)
}

/** As many of `wanted` clients as the model serves at a time. */
export function atMost(model: ModelInfo, wanted: number): number {
  return Math.min(wanted, model.clientsAtOnce)
}
