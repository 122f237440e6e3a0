import { recordUnusable } from '../errors.ts'
import { isJsonObject } from '../json/describe-json.ts'
import { parseJson } from '../json/parse-json.ts'
import type { EventFor, SSEEvent, SSEEventType } from './events.ts'

/** The JSON type of a field. */
type FieldType = 'string' | 'number' | 'array'

/** Fields of every event. */
const HEAD: Readonly<Record<string, FieldType>> = { executionId: 'string', timestamp: 'string' }

/**
 * The fields that state and task table are computed from. Others are not checked, and neither are types that a later version
 * may have added.
 */
const FIELDS: { readonly [Type in SSEEventType]?: { readonly [Name in keyof EventFor<Type>['data']]?: FieldType } } = {
  execution_start: { totalTasks: 'number', layers: 'array' },
  task_start: { taskId: 'string', tool: 'string', attempt: 'number' },
  task_progress: { taskId: 'string', attempt: 'number' },
  token: { taskId: 'string', attempt: 'number', text: 'string' },
  info: { message: 'string' },
  metrics: { taskId: 'string', attempt: 'number' },
  task_retry: { taskId: 'string', attempt: 'number', delayMs: 'number', code: 'string' },
  task_complete: { taskId: 'string', tool: 'string', status: 'string', attempts: 'number', executionTimeMs: 'number' },
  tasks_added: { tasks: 'array', totalTasks: 'number' },
  tasks_removed: { taskIds: 'array', totalTasks: 'number' },
  plan_rejected: { line: 'number', issues: 'array' },
  plan_sealed: { totalTasks: 'number' },
  input_required: { taskId: 'string', inputId: 'string', message: 'string', kind: 'string' },
  input_resolved: { taskId: 'string', inputId: 'string', outcome: 'string' },
  tasks_stopping: { phase: 'string', message: 'string' },
  execution_stopping: { message: 'string' },
  execution_resumed: { cause: 'string', executionTimeMs: 'number' },
  execution_parked: { code: 'string', message: 'string', tasks: 'array' },
  execution_complete: { status: 'string', totalTasks: 'number', totalExecutionTimeMs: 'number' },
}

type Check = readonly [name: string, type: FieldType]

const HEAD_CHECKS: readonly Check[] = Object.entries(HEAD)
const CHECKS: ReadonlyMap<string, readonly Check[]> = new Map(
  Object.entries(FIELDS).map(([type, fields]) => [type, [...HEAD_CHECKS, ...Object.entries(fields)]]),
)

/** Parses the data of a stored event. @throws `RECORD_UNUSABLE` for data that no version of dagstream has stored */
export function parseStored(seq: number, type: SSEEventType, json: string): SSEEvent {
  const data = parseObject(seq, type, json)
  const checks = CHECKS.get(type) ?? HEAD_CHECKS
  for (let at = 0; at < checks.length; at++) {
    const [name, expected] = checks[at] as Check
    if (!isOfType(data[name], expected)) throw damaged(seq, type, `expected \`${name}\` to be of type ${expected}`)
  }
  const event = { type, data } as unknown as SSEEvent
  const fault = findFaultInside(event)
  if (fault !== undefined) throw damaged(seq, type, fault)
  return event
}

/** Checks the members of the lists that the table is computed from. */
function findFaultInside({ type, data }: SSEEvent): string | undefined {
  if (type === 'execution_start' && !data.layers.every(isListOfIds)) return 'expected `layers` to hold lists of ids'
  if (type === 'execution_start' && data.estimatesMs !== undefined && !isListOfTimes(data.estimatesMs)) {
    return 'expected `estimatesMs` to hold numbers'
  }
  if (type === 'tasks_added' && !data.tasks.every(isAddedTask)) return 'expected `tasks` to hold tasks'
  if (type === 'tasks_removed' && !isListOfIds(data.taskIds)) return 'expected `taskIds` to hold ids'
  if (type === 'execution_resumed' && data.continued !== undefined && !isListOfIds(data.continued)) {
    return 'expected `continued` to be a list of ids'
  }
  return undefined
}

function isListOfTimes(value: unknown): boolean {
  return Array.isArray(value) && value.every(time => typeof time === 'number')
}

function isListOfIds(value: unknown): boolean {
  return Array.isArray(value) && value.every(id => typeof id === 'string')
}

function isAddedTask(value: unknown): boolean {
  if (!isJsonObject(value)) return false
  const { taskId, tool, layer, dependsOn } = value
  return typeof taskId === 'string' && typeof tool === 'string' && typeof layer === 'number' && isListOfIds(dependsOn)
}

function parseObject(seq: number, type: SSEEventType, json: string): Record<string, unknown> {
  let data: unknown
  try {
    data = parseJson(json)
  } catch (error) {
    throw damaged(seq, type, 'it is not JSON', error)
  }
  if (isJsonObject(data)) return data
  throw damaged(seq, type, 'it is not a JSON object')
}

function isOfType(value: unknown, type: FieldType): boolean {
  return type === 'array' ? Array.isArray(value) : typeof value === type
}

function damaged(seq: number, type: SSEEventType, fault: string, cause?: unknown): Error {
  return recordUnusable(`Entry ${seq} of the log, of type \`${type}\`, is damaged, ${fault}`, cause)
}
