// The suite that every concurrency model must pass. It is the same for all of them: what differs between
// models is how they do it, and what one cannot do by design is data in the catalog.

import { describe } from 'vitest'
import { STREAM_MODELS } from '../../servers/catalog.ts'
import { VARIANTS } from '../support/variants.ts'
import { bounds } from './conformance/bounds.ts'
import { departures } from './conformance/departures.ts'
import { endings } from './conformance/endings.ts'
import { framing } from './conformance/framing.ts'
import { ordering } from './conformance/ordering.ts'
import { sharing } from './conformance/sharing.ts'
import { transcripts } from './conformance/transcripts.ts'

describe.each(STREAM_MODELS.map((model) => [model.name, model] as const))('%s', (_, model) => {
  describe('the transcripts of PROTOCOL.md', () => transcripts(model))
  describe('bytes and lines', () => framing(model))
  describe('what clients share', () => sharing(model))
  describe('departures', () => departures(model))
  describe('the order of things', () => ordering(model))
  describe('bounds', () => bounds(model))
  describe('endings', () => endings(model))
})

describe.each(VARIANTS.map((model) => [model.name, model] as const))('%s', (_, model) => {
  describe('the order of things', () => ordering(model))
  describe('endings', () => endings(model))
})
