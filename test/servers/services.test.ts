// The small services, under every concurrency model: they know nothing of models, and models nothing of
// them, and so each has to be seen with each.

import { describe } from 'vitest'
import { STREAM_MODELS } from '../../servers/catalog.ts'
import { daytime } from './services/daytime.ts'
import { echo } from './services/echo.ts'
import { file } from './services/file.ts'
import { http } from './services/http.ts'
import { login } from './services/login.ts'
import { upper } from './services/upper.ts'

describe.each(STREAM_MODELS.map((model) => [model.name, model] as const))('%s', (_, model) => {
  describe('echo', () => echo(model))
  describe('upper', () => upper(model))
  describe('daytime', () => daytime(model))
  describe('file', () => file(model))
  describe('login', () => login(model))
  describe('http', () => http(model))
})
