// Faults: what goes wrong costs the client it happens to, and nobody else. The same for every model; what
// one does not promise by design is in the catalog.

import { describe } from 'vitest'
import { STREAM_MODELS } from '../../servers/catalog.ts'
import { VARIANTS } from '../support/variants.ts'
import { calls } from './faults/calls.ts'
import { crashes } from './faults/crashes.ts'
import { exhaustion } from './faults/exhaustion.ts'
import { floods } from './faults/floods.ts'
import { kills } from './faults/kills.ts'
import { strangers } from './faults/strangers.ts'

describe.each(STREAM_MODELS.map((model) => [model.name, model] as const))('%s', (_, model) => {
  describe('a conversation that fails', () => crashes(model))
  describe('processes that are killed', () => kills(model))
  describe('not enough of something', () => exhaustion(model))
  describe('very much at a time', () => floods(model))
  describe('system calls that fail', () => calls(model))
  describe('strangers at the door', () => strangers(model))
})

describe.each(VARIANTS.map((model) => [model.name, model] as const))('%s', (_, model) => {
  describe('a conversation that fails', () => crashes(model))
  describe('processes that are killed', () => kills(model))
})
