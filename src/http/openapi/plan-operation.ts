import { type Json, text } from './schema-parts.ts'
import { parameter } from './operation-parts.ts'
import { planLine } from './start-operation.ts'

const NDJSON: Json = {
  'application/x-ndjson': {
    schema: {
      ...text,
      description:
        'A plan that is still being written: options in the first line, if there are any, then a task per line, and last ' +
        '`{"seal": true}` or the end. The answer begins behind the first line.',
    },
  },
}

/** The operation that starts an execution, by a document or by a plan. */
export function planOperation(start: Json): Json {
  const { parameters, requestBody, responses } = start as {
    readonly parameters: readonly Json[]
    readonly requestBody: { readonly content: Json }
    readonly responses: Readonly<Record<string, Json>>
  }
  const resumption = parameter(
    'Plan-Line',
    'header',
    'Of a plan: the number of accepted lines that the body continues behind, with the same `Idempotency-Key`.',
    { type: 'integer', minimum: 0 },
  )
  return {
    ...start,
    parameters: [...parameters, resumption],
    requestBody: { ...requestBody, content: { ...requestBody.content, ...NDJSON } },
    responses: { ...responses, 409: { ...responses['409'], headers: planLine } },
  }
}
