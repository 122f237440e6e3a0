import { setTimeout as sleep } from 'node:timers/promises'
import type { Tool, ToolContext } from '../tools/tool.ts'

/** Tools that need nothing from outside: enough to try a workflow offline. */
export const builtinTools: readonly Tool[] = [
  {
    name: 'echo',
    description: 'Returns its arguments.',
    readOnly: true,
    inputSchema: { type: 'object' },
    execute: args => args,
  },
  {
    name: 'wait',
    description: 'Returns `value` (default null) after `ms` milliseconds.',
    readOnly: true,
    // It says itself how long it takes.
    timeoutMs: 0,
    inputSchema: {
      type: 'object',
      properties: { ms: { type: 'number', minimum: 0, maximum: 86_400_000 }, value: {} },
      required: ['ms'],
      additionalProperties: false,
    },
    execute: ({ ms, value }, { signal }) => sleep(ms as number, value ?? null, { signal }),
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
    inputSchema: {
      type: 'object',
      properties: { parts: { type: 'array' }, separator: { type: 'string' } },
      required: ['parts'],
      additionalProperties: false,
    },
    execute: ({ parts, separator }) =>
      (parts as unknown[])
        .map(part => (typeof part === 'string' ? part : JSON.stringify(part)))
        .join((separator as string | undefined) ?? '\n'),
  },
]

function fail({ message, times }: Record<string, unknown>, { attempt }: ToolContext): string {
  if (times !== undefined && attempt > (times as number)) return `succeeded in attempt ${attempt}`
  throw new Error((message as string | undefined) ?? 'this tool always fails')
}
