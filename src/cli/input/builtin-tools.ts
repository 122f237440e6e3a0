import { setTimeout as sleep } from 'node:timers/promises'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { HttpToolsOptions } from '../../integrations/http/http-options.ts'
import { createChatTool } from '../../integrations/llm/chat-tool.ts'
import { OpenRouterProvider } from '../../integrations/llm/openrouter-provider.ts'
import { failure } from '../../integrations/llm/stream-error.ts'
import { createUndiciFetch } from '../../integrations/llm/undici-fetch.ts'
import type { Tool, ToolContext } from '../../tools/tool.ts'
import { type CliProcess, UsageError } from '../process/console.ts'
import { createHttpTools } from './http-tools.ts'
import type { LlmOptions } from './read-config.ts'

/**
 * The tools that need no module and no server.
 * @param http options of the HTTP tools; without them only GET requests to public addresses
 * @throws `INVALID_OPTION`
 */
export function createBuiltinTools(
  http: HttpToolsOptions | undefined,
  env: CliProcess['env'],
  llm: LlmOptions = {},
): readonly Tool[] {
  return [...OFFLINE_TOOLS, ...createHttpTools(http), ...createChatTools(env, llm)]
}

/** Tools that need no setup. */
const OFFLINE_TOOLS: readonly Tool[] = [
  {
    name: 'echo',
    description: 'Returns its arguments.',
    readOnly: true,
    exactNumbers: true,
    inputSchema: { type: 'object' },
    execute: args => args,
  },
  {
    name: 'wait',
    description: 'Returns `value` (default null) after `ms` milliseconds.',
    readOnly: true,
    exactNumbers: true,
    // The tool's argument bounds its duration.
    timeoutMs: 0,
    inputSchema: {
      type: 'object',
      properties: { ms: { type: 'number', minimum: 0, maximum: 86_400_000 }, value: {} },
      required: ['ms'],
      additionalProperties: false,
    },
    execute: ({ ms, value }, { signal }) => sleep(Number(ms), value ?? null, { signal }),
  },
  {
    name: 'fail',
    description: 'Fails with `message`; with `times`, only in that many attempts, so that a retry can succeed.',
    readOnly: true,
    inputSchema: {
      type: 'object',
      properties: { message: { type: 'string' }, times: { type: 'integer', minimum: 0 } },
      additionalProperties: false,
    },
    execute: fail,
  },
  {
    name: 'text:join',
    description: 'Joins `parts` into one text, with `separator` (default: a line feed) between them.',
    readOnly: true,
    exactNumbers: true,
    inputSchema: {
      type: 'object',
      properties: { parts: { type: 'array' }, separator: { type: 'string' } },
      required: ['parts'],
      additionalProperties: false,
    },
    execute: ({ parts, separator }) =>
      (parts as unknown[])
        .map(part => (typeof part === 'string' ? part : stringifyJson(part)))
        .join((separator as string | undefined) ?? '\n'),
  },
]

/**
 * `llm:chat`, which calls OpenRouter, or the endpoint of `OPENROUTER_BASE_URL`; `undefined` without `OPENROUTER_API_KEY`.
 * @throws UsageError for an invalid base URL, which it does not quote
 */
export function findChatTool(env: CliProcess['env'], llm: LlmOptions = {}): Tool | undefined {
  const apiKey = env['OPENROUTER_API_KEY']?.trim()
  const baseURL = env['OPENROUTER_BASE_URL']?.trim()
  if (!apiKey) return undefined
  try {
    // Read here, not by the provider: the command line uses only its injected environment.
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

/** A wrong setting fails only the calls of this tool. */
function createChatTools(env: CliProcess['env'], llm: LlmOptions): Tool[] {
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

function fail({ message, times }: Record<string, unknown>, { attempt }: ToolContext): string {
  if (times !== undefined && attempt > (times as number)) return `succeeded in attempt ${attempt}`
  throw new Error((message as string | undefined) ?? 'this tool always fails')
}
