import { LIMITS } from '../document.ts'
import type { ShapeSchema } from '../shape/shape-schema.ts'

/** A condition in CEL. */
export const condition: ShapeSchema = { type: 'string' }

export const tolerance: ShapeSchema = {
  type: ['integer', 'string'],
  minimum: 0,
  pattern: '^(?:100(?:\\.0+)?|[0-9]{1,2}(?:\\.[0-9]+)?)%$',
  default: 0,
  description: 'the number of items that may fail, or a share of them such as `"10%"`',
}

export const forEach: ShapeSchema = {
  type: ['array', 'string', 'object'],
  maxItems: LIMITS.maxItems,
  minProperties: 1,
  additionalProperties: { type: ['array', 'string'], maxItems: LIMITS.maxItems },
  description: 'an array, a reference to one, or an object of arrays, whose product is taken',
}

export const repeat: ShapeSchema = {
  type: 'object',
  required: ['maxTimes'],
  additionalProperties: false,
  properties: {
    until: { ...condition, description: 'CEL over `result`, `index` and `input`; ends the repetition if true.' },
    everyMs: {
      type: 'number',
      minimum: 0,
      maximum: 86_400_000,
      default: 0,
      description: 'Delay after the first round, ms.',
    },
    factor: {
      type: 'number',
      minimum: 1,
      default: 1,
      description: 'Factor by which each further delay grows, up to a day.',
    },
    maxTimes: { type: 'integer', minimum: 1, maximum: 1000, description: 'Maximum number of rounds.' },
    onExhausted: {
      enum: ['fail', 'keep'],
      default: 'fail',
      description: 'Whether the task fails or keeps its last result if `until` was never true.',
    },
  },
  description: 'Repeats the task, one round after another.',
}

export const cache: ShapeSchema = {
  type: 'object',
  required: ['ttlMs'],
  additionalProperties: false,
  properties: {
    ttlMs: { type: 'number', minimum: 0, description: 'Maximum age of a remembered output, ms.' },
    key: { description: 'JSON with references that stands for the arguments.' },
    effects: { type: 'boolean', default: false, description: 'Required of a tool that is not read-only.' },
  },
  description: 'Takes the output of an earlier call of the same tool with the same arguments.',
}

const expiresMs: ShapeSchema = {
  type: 'number',
  minimum: 0,
  description: 'How long the question is open, ms; it declines then. Default: no bound.',
}

export const approve: ShapeSchema = {
  type: ['boolean', 'string', 'object'],
  additionalProperties: false,
  properties: {
    message: { type: 'string', description: 'The question. Its text may hold references.' },
    expiresMs,
  },
  default: false,
  description: 'true, the question to a person, or an object of `message` and `expiresMs`',
}
