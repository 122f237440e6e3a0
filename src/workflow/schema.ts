import { TOOL_NAME_PATTERN } from '../tools/registry.ts'
import { RETRY_SCHEMAS, TIMEOUT_SCHEMA } from '../tools/retry-schema.ts'
import { LIMITS } from './document.ts'
import { RECORDED_ID_PATTERN, TASK_ID_PATTERN } from './references.ts'

/** The keywords of JSON Schema that the document's schema uses and `shape.ts` supports. */
export interface ShapeSchema {
  readonly $schema?: string
  readonly title?: string
  readonly description?: string
  /** Of a string with a pattern: the hint for a value that does not match. */
  readonly $comment?: string
  readonly default?: unknown
  readonly type: 'object' | 'array' | 'string' | 'number' | 'integer'
  /** Requires `additionalProperties: false`: other properties are refused. */
  readonly properties?: Readonly<Record<string, ShapeSchema>>
  readonly additionalProperties?: false
  readonly required?: readonly string[]
  /** Supported only in this form: these properties exclude each other. */
  readonly not?: { readonly required: readonly [string, string] }
  readonly items?: ShapeSchema
  readonly maxItems?: number
  readonly maxLength?: number
  readonly pattern?: string
  readonly minimum?: number
  readonly maximum?: number
}

/** No lone surrogate, which UTF-8 cannot encode. */
const pattern = '^\\P{Cs}*$'
const name: ShapeSchema = { type: 'string', maxLength: 200, pattern, description: 'For people.' }
const description: ShapeSchema = { type: 'string', maxLength: 8192, pattern, description: 'For people and models.' }
const dependencies: ShapeSchema = { type: 'array', items: { type: 'string' } }

const task: ShapeSchema = {
  type: 'object',
  required: ['id', 'tool'],
  additionalProperties: false,
  not: { required: ['dependsOn', 'depends_on'] },
  properties: {
    id: {
      type: 'string',
      pattern: TASK_ID_PATTERN,
      description: '1–200 characters, no control character, `[` or `]`, and neither `.` nor `..`',
      $comment: "An id is a step of the path to the task's output: `.` and `..` would lead elsewhere",
    },
    tool: { type: 'string', pattern: TOOL_NAME_PATTERN, description: '1–200 characters, no control character' },
    arguments: { type: 'object', default: {}, description: 'JSON; its strings may hold references.' },
    dependsOn: { ...dependencies, description: 'Ids of tasks that must succeed first, beside those referred to.' },
    depends_on: { ...dependencies, description: 'Another spelling of `dependsOn`.' },
    timeoutMs: TIMEOUT_SCHEMA,
    retry: {
      type: 'object',
      additionalProperties: false,
      properties: RETRY_SCHEMAS,
      description: 'When and how often a failed attempt is followed by another.',
    },
    estimatedMs: {
      type: 'number',
      minimum: 0,
      default: 1,
      description: 'How long the task may take; orders `dataflow`.',
    },
    name,
    description,
  },
}

/** The JSON Schema (2020-12) of a workflow, which the checks interpret and the package publishes. */
export const workflowSchema: ShapeSchema = deepFreeze({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'dagstream workflow',
  type: 'object',
  required: ['tasks'],
  additionalProperties: false,
  properties: {
    name,
    description,
    tasks: { type: 'array', maxItems: LIMITS.maxTasks, items: task },
    $schema: { type: 'string', description: 'Where this schema is, for editors. Ignored otherwise.' },
  },
})

/** The schema of a name or description in a recorded document: earlier versions accepted lone surrogates. */
function widen(schema: ShapeSchema): ShapeSchema {
  const { pattern: _, ...wide } = schema
  return wide
}

const recordedTexts = { name: widen(name), description: widen(description) }
const recordedId: ShapeSchema = { type: 'string', pattern: RECORDED_ID_PATTERN }
const recordedTask: ShapeSchema = { ...task, properties: { ...task.properties, ...recordedTexts, id: recordedId } }

/** The schema of recorded documents: wider than `workflowSchema` where earlier versions accepted more. */
export const recordedSchema: ShapeSchema = deepFreeze({
  ...workflowSchema,
  properties: { ...recordedTexts, tasks: { type: 'array', maxItems: LIMITS.maxTasks, items: recordedTask } },
})

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null) deepFreeze(member as object)
  return Object.freeze(value)
}
