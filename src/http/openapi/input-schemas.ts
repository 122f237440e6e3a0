import {
  count,
  executionId,
  type Json,
  object,
  refer,
  request,
  type SchemaName,
  text,
  timestamp,
} from './schema-parts.ts'

/** The schemas of the routes of questions. */
export const inputSchemas: Readonly<Record<SchemaName & `Input${string}`, Json>> = {
  InputPage: object(
    {
      inputs: { type: 'array', items: refer('Input') },
      next: { ...text, description: 'The `after` of the next page; absent on the last.' },
    },
    ['next'],
  ),
  Input: {
    ...object(
      {
        executionId,
        taskId: text,
        inputId: text,
        message: text,
        responseSchema: { type: 'object', description: 'JSON Schema of the answer.' },
        expiresAt: timestamp,
        kind: { enum: ['question', 'approval'] },
        secret: { const: true, description: 'Mask the answer.' },
        index: { ...count, description: 'Of an item or a round.' },
        item: { description: 'The item, if it is small: any JSON.' },
      },
      ['responseSchema', 'expiresAt', 'secret', 'index', 'item'],
    ),
    description: 'An open question to a person. An approval is answered by `true` or `false`.',
  },
  InputAnswer: {
    description: 'One of the two.',
    oneOf: [
      request({ response: { description: 'Any JSON that fits the question.' } }, ['response']),
      request({ decline: { const: true } }, ['decline']),
    ],
  },
}
