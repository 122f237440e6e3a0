import { expect } from 'vitest'
import { OpenRouterProvider, type ProviderParams, type StreamError } from '../../../src/integrations/llm/index.ts'
import { textOf } from './stream-rig.ts'

/** What stands in every request and must stand in no error. */
export const SECRETS = ['sk-or-v1-0123456789abcdef', 'organisation-secret', 'what the user asks']

/** Asks an endpoint by way of undici; no secret may stand in what comes of it. */
export async function ask(
  baseURL: string,
  params: ProviderParams = {},
): Promise<{ error: StreamError | undefined; text: string; types: string[] }> {
  const provider = new OpenRouterProvider({ apiKey: SECRETS[0] ?? '', headers: { 'x-org': SECRETS[1] ?? '' }, baseURL })
  const events = []
  for await (const event of provider.generateStream(SECRETS[2] ?? '', params)) events.push(event)
  const last = events.at(-1)
  const shown = JSON.stringify(last)
  for (const secret of SECRETS) expect(shown).not.toContain(secret)
  return {
    error: last?.type === 'error' ? last.data : undefined,
    text: textOf(events),
    types: events.map(({ type }) => type),
  }
}
