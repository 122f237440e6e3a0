import { TOOL_NAME_PATTERN } from '../tools/registry.ts'
import { RETRY_SCHEMAS, TIMEOUT_SCHEMA } from '../tools/retry-schema.ts'
import { LIMITS } from './document.ts'
import { RECORDED_ID_PATTERN, TASK_ID_PATTERN } from './references.ts'
import type { RefusedField, ShapeSchema } from './shape/shape-schema.ts'
import { approve, cache, condition, forEach, repeat, tolerance } from './words/word-schemas.ts'

/** No lone surrogate, which UTF-8 cannot encode. */
const pattern = '^\\P{Cs}*$'
const name: ShapeSchema = {
  type: 'string',
  maxLength: 200,
  pattern,
  description: 'A label for people; no effect on the execution.',
}
const description: ShapeSchema = {
  type: 'string',
  maxLength: 8192,
  pattern,
  description: 'A text for people and models; no effect on the execution.',
}
const dependencies: ShapeSchema = { type: 'array', items: { type: 'string' } }

/** The name of a registered workflow: a segment of a URL path and the name of a file. */
export const WORKFLOW_NAME_PATTERN: string = '^(?!(?:schema|validate)$)[A-Za-z0-9_.-]{1,100}$'

/** The schema of workflows whose tasks may hold workflows by the reference `nested`. */
function describeTask(nested: ShapeSchema['$ref'] & string): ShapeSchema {
  return {
    type: 'object',
    required: ['id'],
    anyOf: [
      {
        required: ['tool'],
        $comment: '`tool` is the name of a tool to call, `workflow` another workflow to run',
      },
      { required: ['workflow'] },
    ],
    additionalProperties: false,
    dependentSchemas: {
      depends_on: { properties: { dependsOn: refuse('Keep `dependsOn`') } },
      workflow: {
        properties: {
          tool: refuse('Keep `tool` to call a tool, `workflow` to run a workflow'),
          retry: refuse('`retry` belongs on the tasks of the workflow'),
          cache: refuse('`cache` belongs on the tasks of the workflow'),
        },
      },
      repeat: { properties: { forEach: refuse('Nest one in a `workflow` of the other') } },
      concurrency: { required: ['forEach'], $comment: '`concurrency` bounds the items of a `forEach`' },
      tolerate: { required: ['forEach'], $comment: '`tolerate` counts the failed items of a `forEach`' },
      default: {
        required: ['optional'],
        properties: { optional: { const: true } },
        $comment: 'Add `"optional": true`: `default` stands for the output of an optional task that fails',
      },
    },
    properties: {
      id: {
        type: 'string',
        pattern: TASK_ID_PATTERN,
        description: '1–200 characters, no control character, `[` or `]`, and neither `.` nor `..`',
        $comment: "An id is a step of the path to the task's output: `.` and `..` would lead elsewhere",
      },
      tool: { type: 'string', pattern: TOOL_NAME_PATTERN, description: '1–200 characters, no control character' },
      workflow: {
        anyOf: [{ type: 'string' }, { $ref: nested }],
        description: 'a workflow, or the name of a registered one',
      },
      arguments: {
        type: 'object',
        default: {},
        description:
          'JSON whose strings may contain references: the arguments of the tool, or the input of the `workflow`.',
      },
      dependsOn: { ...dependencies, description: 'Ids of tasks that must end first, in addition to referenced ones.' },
      depends_on: { ...dependencies, description: 'Another spelling of `dependsOn`.' },
      timeoutMs: TIMEOUT_SCHEMA,
      retry: {
        type: 'object',
        additionalProperties: false,
        properties: RETRY_SCHEMAS,
        description: 'Whether, when and how often a failed attempt is repeated.',
      },
      estimatedMs: {
        type: 'number',
        minimum: 0,
        default: 1,
        description: 'Expected duration of the task, ms; `dataflow` starts longer paths first.',
      },
      name,
      description,
      when: { ...condition, description: 'CEL condition; if it is false, the task is skipped.' },
      runOn: {
        enum: ['success', 'failure', 'settled'],
        default: 'success',
        description: 'Statuses of its dependencies with which the task runs.',
      },
      approve,
      optional: { type: 'boolean', default: false, description: 'Whether a failure of the task is tolerated.' },
      default: {
        description: 'JSON that dependents receive as the output if the optional task fails; null if absent.',
      },
      forEach,
      concurrency: {
        type: 'integer',
        minimum: 1,
        description: 'Maximum number of items of `forEach` that run at the same time.',
      },
      tolerate: tolerance,
      repeat,
      cache,
    },
  }
}

function refuse(hint: string): RefusedField {
  return { not: {}, $comment: hint }
}

function describeDocument(task: ShapeSchema): ShapeSchema {
  const tasks: ShapeSchema = { type: 'array', maxItems: LIMITS.maxTasks, items: task }
  return {
    type: 'object',
    required: ['tasks'],
    additionalProperties: false,
    properties: {
      name,
      description,
      tasks,
      finally: { ...tasks, description: 'Tasks that run after all others, whatever their status.' },
      finallyTimeoutMs: {
        ...TIMEOUT_SCHEMA,
        description: 'Maximum time for all `finally` tasks together, ms; 0 for no bound.',
      },
      inputSchema: { type: 'object', description: 'JSON Schema of the input.' },
      output: { description: 'JSON with references: the output of the workflow.' },
    },
  }
}

/** The JSON Schema (2020-12) of a workflow, which the checks interpret and the package publishes. */
export const workflowSchema: ShapeSchema = deepFreeze(withEditorFields(describeDocument(describeTask('#'))))

function withEditorFields(document: ShapeSchema): ShapeSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: 'urn:dagstream:workflow',
    title: 'dagstream workflow',
    ...document,
    properties: {
      ...document.properties,
      $schema: { type: 'string', description: 'Location of this schema, for editors. Ignored otherwise.' },
    },
  }
}

/** The schema of a name or description in a recorded document: earlier versions accepted lone surrogates. */
function widen(schema: ShapeSchema): ShapeSchema {
  const { pattern: _, ...wide } = schema
  return wide
}

const recordedTexts = { name: widen(name), description: widen(description) }
const recordedId: ShapeSchema = { type: 'string', pattern: RECORDED_ID_PATTERN }

function describeRecorded(): ShapeSchema {
  const task = describeTask('#/$defs/workflow')
  const document = describeDocument({ ...task, properties: { ...task.properties, ...recordedTexts, id: recordedId } })
  const $schema: ShapeSchema = { type: 'string' }
  const properties = { ...document.properties, ...recordedTexts, $schema }
  const workflows: ShapeSchema = { type: 'object', additionalProperties: { $ref: '#/$defs/workflow' } }
  return {
    ...document,
    properties: { ...properties, workflows },
    $defs: { workflow: { ...document, properties } },
  }
}

/**
 * The schema of recorded documents: wider than `workflowSchema` where earlier versions accepted more. `workflows` holds
 * the registered workflows that the document names.
 */
export const recordedSchema: ShapeSchema = deepFreeze(describeRecorded())

function deepFreeze<T extends object>(value: T): T {
  for (const member of Object.values(value))
    if (typeof member === 'object' && member !== null) deepFreeze(member as object)
  return Object.freeze(value)
}
