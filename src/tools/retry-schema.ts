/** The allowed values of a number in an option or a document. Also a valid JSON Schema. */
export interface NumberSchema {
  readonly type: 'number' | 'integer'
  readonly minimum: number
  readonly maximum?: number
  readonly default?: number
  readonly description: string
}

/** Milliseconds, 0 included. */
export const TIMEOUT_SCHEMA: NumberSchema = Object.freeze({
  type: 'number',
  minimum: 0,
  description: 'Maximum time of an attempt, ms; 0 for no timeout.',
})

/** The fields of the retry policy of a tool or a task. */
export const RETRY_SCHEMAS: Readonly<
  Record<'maxAttempts' | 'initialDelayMs' | 'factor' | 'maxDelayMs' | 'jitter', NumberSchema>
> = Object.freeze({
  maxAttempts: { type: 'integer', minimum: 1, maximum: 100, default: 1, description: 'Maximum number of attempts.' },
  initialDelayMs: { type: 'number', minimum: 0, default: 1000, description: 'Delay before the second attempt, ms.' },
  factor: {
    type: 'number',
    minimum: 1,
    default: 2,
    description: 'Factor by which each further delay grows.',
  },
  maxDelayMs: { type: 'number', minimum: 0, default: 10_000, description: 'Maximum delay, ms.' },
  jitter: { type: 'number', minimum: 0, maximum: 1, default: 0.1, description: 'Random part of a delay, 0–1.' },
})

/** Whether `value` is a finite number within the bounds. */
export function matchesNumber(schema: NumberSchema, value: unknown): value is number {
  if (typeof value !== 'number' || !Number.isFinite(value)) return false
  if (schema.type === 'integer' && !Number.isInteger(value)) return false
  return value >= schema.minimum && (schema.maximum === undefined || value <= schema.maximum)
}

/** The same bounds in words: `an integer from 1 to 100`. */
export function describeNumber({ type, minimum, maximum }: NumberSchema): string {
  const kind = type === 'integer' ? 'an integer' : 'a finite number'
  return maximum === undefined ? `${kind} ≥ ${minimum}` : `${kind} from ${minimum} to ${maximum}`
}
