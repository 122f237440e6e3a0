import { createChatTool } from '../../integrations/llm/chat-tool.ts'
import { createPlanTool } from '../../integrations/llm/plan/plan-tool.ts'
import { OpenRouterProvider } from '../../integrations/llm/openrouter-provider.ts'
import type { LLMProvider } from '../../integrations/llm/provider.ts'
import { failure } from '../../integrations/llm/stream-error.ts'
import { createUndiciFetch } from '../../integrations/llm/undici-fetch.ts'
import type { Tool } from '../../tools/tool.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import type { LlmOptions } from './read-config.ts'

/** `llm:chat`, with the provider of `findProvider`. @throws as it does */
export function findChatTool(env: CliProcess['env'], llm: LlmOptions = {}): Tool | undefined {
  const provider = findProvider(env, llm)
  return provider && (createChatTool(provider) as unknown as Tool)
}

/**
 * OpenRouter, or the endpoint of `OPENROUTER_BASE_URL`; `undefined` without `OPENROUTER_API_KEY`.
 * @throws UsageError for an invalid base URL, which it does not quote
 */
export function findProvider(env: CliProcess['env'], llm: LlmOptions = {}): LLMProvider | undefined {
  const apiKey = env['OPENROUTER_API_KEY']?.trim()
  const baseURL = env['OPENROUTER_BASE_URL']?.trim()
  if (!apiKey) return undefined
  try {
    // Read here, not by the provider: the command line uses only its injected environment.
    return new OpenRouterProvider({
      ...llm,
      apiKey,
      fetch: createUndiciFetch(() => env),
      ...(baseURL && { baseURL }),
    })
  } catch {
    throw new UsageError('Expected OPENROUTER_BASE_URL to be an http or https URL without a password')
  }
}

/** It and `llm:plan`, or nothing. A wrong setting fails only the calls of these tools. */
export function createChatTools(env: CliProcess['env'], llm: LlmOptions = {}): Tool[] {
  try {
    const provider = findProvider(env, llm)
    return provider === undefined ? [] : createTools(provider)
  } catch (error) {
    const execute = (): never => {
      throw failure('INVALID_REQUEST', (error as Error).message)
    }
    return createTools(new OpenRouterProvider()).map(tool => ({ ...tool, execute }))
  }
}

function createTools(provider: LLMProvider): Tool[] {
  return [createChatTool(provider) as unknown as Tool, createPlanTool(provider) as unknown as Tool]
}
