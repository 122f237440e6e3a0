import { systemClock } from '../../clock.ts'
import { sleep } from '../../sleep.ts'
import { stringifyJson } from '../../json/stringify-json.ts'
import type { HttpToolsOptions } from '../../integrations/http/http-options.ts'
import { humanAskTool } from '../../tools/human-ask.ts'
import type { Tool, ToolContext } from '../../tools/tool.ts'
import { createHttpTools } from './http-tools.ts'

/**
 * The tools that need no module, no server and no key.
 * @param http options of the HTTP tools; without them only GET requests to public addresses
 * @throws `INVALID_OPTION`
 */
export function createBuiltinTools(http?: HttpToolsOptions): readonly Tool[] {
  return [...OFFLINE_TOOLS, ...createHttpTools(http)]
}

/** Tools that need no setup. */
const OFFLINE_TOOLS: readonly Tool[] = [
  humanAskTool,
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
    async execute({ ms, value }, { signal }) {
      await sleep(systemClock, Number(ms), signal)
      return value ?? null
    },
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

function fail({ message, times }: Record<string, unknown>, { attempt }: ToolContext): string {
  if (times !== undefined && attempt > (times as number)) return `succeeded in attempt ${attempt}`
  throw new Error((message as string | undefined) ?? 'this tool always fails')
}
