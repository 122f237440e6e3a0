import { count, type Json, object, request, text, timestamp } from './schema-parts.ts'

/** The schemas of task details, graphs and read tokens. */
export const detailSchemas: Readonly<
  Record<'TaskDetails' | 'ExecutionGraph' | 'ReadTokenRequest' | 'ReadToken', Json>
> = {
  TaskDetails: object(
    {
      taskId: text,
      tool: text,
      status: { enum: ['pending', 'running', 'waiting', 'success', 'error', 'skipped', 'cancelled'] },
      arguments: {
        description:
          'Any JSON: the resolved arguments of its attempts, secrets masked. Absent before the first attempt, and if the tool is not available.',
      },
      argumentsBytes: { ...count, description: 'In place of arguments over 1 MiB.' },
      output: { description: 'Any JSON, of a task that succeeded.' },
      outputBytes: { ...count, description: 'In place of an output over 64 KiB.' },
      outputPreview: text,
      outputPath: text,
      attempts: {
        type: 'array',
        items: object(
          {
            attempt: { type: 'integer', minimum: 1 },
            startedAt: timestamp,
            endedAt: timestamp,
            error: text,
            code: text,
            interrupted: { const: true },
          },
          ['endedAt', 'error', 'code', 'interrupted'],
        ),
      },
    },
    ['tool', 'arguments', 'argumentsBytes', 'output', 'outputBytes', 'outputPreview', 'outputPath'],
  ),
  ExecutionGraph: object({
    tasks: {
      type: 'array',
      items: object(
        {
          taskId: text,
          tool: text,
          dependsOn: { type: 'array', items: text },
          when: { ...text, description: 'CEL expression.' },
          runOn: { enum: ['failure', 'settled'] },
          children: { enum: ['forEach', 'repeat', 'workflow'] },
          approve: { const: true },
          optional: { const: true },
        },
        ['when', 'runOn', 'children', 'approve', 'optional'],
      ),
    },
  }),
  ReadTokenRequest: request({
    expiresMs: { type: 'integer', minimum: 1, maximum: 2_592_000_000, default: 3_600_000 },
  }),
  ReadToken: object({ token: text, expiresAt: timestamp }),
}
