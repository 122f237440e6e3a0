import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import { isFailureShown, isLarge, isShown } from '../shown-tasks.ts'
import { toDagView } from '../views.ts'
import type { AgUiEvent, AgUiPatch } from './ag-ui-event.ts'
import { formatActivityId } from './ids.ts'

/** A line of a log in the activity. */
export interface LineView {
  readonly level: string
  readonly message: string
}

/** The whole of the activity: the execution, and each shown task that has changed. */
export function toActivity(state: ExecutionState): AgUiEvent {
  const tasks: [string, unknown][] = []
  for (const task of state.tasks.values()) {
    if (task.status !== 'pending' && isListed(state, task)) tasks.push([task.taskId, viewTask(task)])
  }
  const content = { ...toDagView(state), tasks: Object.fromEntries(tasks) }
  const { executionId } = state
  const messageId = formatActivityId(executionId)
  return { type: 'ACTIVITY_SNAPSHOT', messageId, activityType: 'dagstream', content, replace: true }
}

/** The change of the activity by a change of a task. */
export function toTaskChange(state: ExecutionState, taskId: string, line?: LineView): readonly AgUiEvent[] {
  const task = state.tasks.get(taskId)
  const patch: AgUiPatch[] = [{ op: 'add', path: '/counts', value: { ...state.counts } }]
  if (task !== undefined && isListed(state, task)) {
    patch.push({ op: 'add', path: `/tasks/${escapeKey(taskId)}`, value: { ...viewTask(task), ...line } })
  }
  return [toDelta(state, patch)]
}

/** The change of the activity by a change of the whole. */
export function toChange(state: ExecutionState, changed: Readonly<Record<string, unknown>>): AgUiEvent {
  return toDelta(
    state,
    Object.entries(changed).map(([key, value]) => ({ op: 'add', path: `/${key}`, value })),
  )
}

function toDelta({ executionId }: ExecutionState, patch: readonly AgUiPatch[]): AgUiEvent {
  return { type: 'ACTIVITY_DELTA', messageId: formatActivityId(executionId), activityType: 'dagstream', patch }
}

/** Above the bound of shown tasks only failures are listed, the first ones. */
function isListed(state: ExecutionState, { taskId, status }: TaskState): boolean {
  // A client drops a whole patch over such a path.
  if (taskId === '__proto__') return false
  if (isShown(state, taskId)) return true
  return isLarge(state) && status === 'error' && isFailureShown(state)
}

function viewTask({ status, tool, attempts, progress, retriedAttempt, result }: TaskState): object {
  const isRetrying = result === undefined && attempts > 0 && retriedAttempt === attempts
  return {
    status: isRetrying ? 'retrying' : status,
    ...(tool !== undefined && { tool }),
    attempts,
    ...(progress !== undefined && { progress }),
    ...(result?.error !== undefined && { error: result.error }),
    ...(result?.code !== undefined && { code: result.code }),
  }
}

/** RFC 6901, 3. */
function escapeKey(key: string): string {
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
