import { type Json, object, refer, text } from './schema-parts.ts'

const ms: Json = { type: ['number', 'null'], minimum: 0, description: 'Milliseconds; null if unknown.' }

/** The schemas of forecasts. */
export const forecastSchemas: Readonly<Record<'Forecast' | 'ToolForecast', Json>> = {
  Forecast: object(
    {
      makespanMs: object({ layers: ms, dataflow: ms }),
      criticalPath: { type: ['array', 'null'], items: text },
      criticalPathMs: ms,
      tokenUsage: { anyOf: [refer('TokenUsage'), { type: 'null' }] },
      cost: { type: 'number', minimum: 0, description: 'US dollars; absent if no recorded call had a cost.' },
      tools: { type: 'object', additionalProperties: refer('ToolForecast') },
      unknown: { type: 'array', items: text, description: 'Tools without a recorded call, and tools that plan.' },
      unknownCounts: {
        type: 'array',
        items: text,
        description: '`forEach` and `repeat` tasks whose number of items or rounds is unknown.',
      },
      isTooLarge: { const: true, description: 'Present on a workflow that is too large to be simulated.' },
    },
    ['cost', 'unknownCounts', 'isTooLarge'],
  ),
  ToolForecast: object({
    count: { type: 'integer', minimum: 0, description: 'Recorded calls that succeeded.' },
    p50Ms: ms,
    p90Ms: ms,
  }),
}
