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
  description: 'The longest an attempt may take, ms; 0 for no timeout.',
})

/** The fields of the retry policy of a tool or a task. */
export const RETRY_SCHEMAS: Readonly<
  Record<'maxAttempts' | 'initialDelayMs' | 'factor' | 'maxDelayMs' | 'jitter', NumberSchema>
> = Object.freeze({
  maxAttempts: { type: 'integer', minimum: 1, maximum: 100, default: 1, description: 'Attempts in all.' },
  initialDelayMs: { type: 'number', minimum: 0, default: 1000, description: 'Before the second attempt, ms.' },
  factor: {
    type: 'number',
    minimum: 1,
    default: 2,
    description: 'Each further delay is this many times the one before.',
  },
  maxDelayMs: { type: 'number', minimum: 0, default: 10_000, description: 'No delay is longer, ms.' },
  jitter: { type: 'number', minimum: 0, maximum: 1, default: 0.1, description: 'The share by which a delay varies.' },
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
