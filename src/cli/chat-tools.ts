import { createChatTool } from '../tools/llm/chat-tool.ts'
import { OpenRouterProvider } from '../tools/llm/openrouter-provider.ts'
import { failure } from '../tools/llm/stream-error.ts'
import { createUndiciFetch } from '../tools/llm/undici-fetch.ts'
import type { Tool } from '../tools/tool.ts'
import { type CliProcess, UsageError } from './console.ts'
import type { LlmOptions } from './read-config.ts'

/**
 * `llm:chat`, which asks OpenRouter, or the endpoint of `OPENROUTER_BASE_URL`; `undefined` without `OPENROUTER_API_KEY`.
 * @throws UsageError for a base URL that is none; it does not show it
 */
export function findChatTool(env: CliProcess['env'], llm: LlmOptions = {}): Tool | undefined {
  const apiKey = env['OPENROUTER_API_KEY']?.trim()
  const baseURL = env['OPENROUTER_BASE_URL']?.trim()
  if (!apiKey) return undefined
  try {
    // Read here, not by the provider: what a command line sees of the environment is what it is given.
    const provider = new OpenRouterProvider({
      ...llm,
      apiKey,
      fetch: createUndiciFetch(() => env),
      ...(baseURL && { baseURL }),
    })
    return createChatTool(provider) as unknown as Tool
  } catch {
    throw new UsageError('Expected OPENROUTER_BASE_URL to be an http or https URL without a password')
  }
}

/** The same, or nothing. A wrong setting fails the tasks that ask the model, and no others. */
export function createChatTools(env: CliProcess['env'], llm: LlmOptions = {}): Tool[] {
  try {
    const tool = findChatTool(env, llm)
    return tool === undefined ? [] : [tool]
  } catch (error) {
    const execute = (): never => {
      throw failure('INVALID_REQUEST', (error as Error).message)
    }
    return [{ ...(createChatTool(new OpenRouterProvider()) as unknown as Tool), execute }]
  }
}
