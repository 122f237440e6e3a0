import type { SSEEvent } from '../../events/events.ts'
import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import type { ProtocolEvent } from '../protocol-encoder.ts'
import { isFailureShown, isLarge, isShown, MAX_SHOWN_TASKS } from '../shown-tasks.ts'
import { toDagView } from '../views.ts'
import type { AgUiEvent, AgUiPatch } from './ag-ui-event.ts'
import { formatActivityId } from './ids.ts'

/** A line of a log in the activity. */
export interface LineView {
  readonly level: string
  readonly message: string
}

/** The whole of the activity: the execution, each shown task that has changed, and the first failures of others. */
export function toActivity(state: ExecutionState): AgUiEvent {
  const tasks: [string, unknown][] = []
  let failuresLeft = MAX_SHOWN_TASKS
  for (const task of state.tasks.values()) {
    const { taskId, status } = task
    const isListed = isShown(state, taskId) ? status !== 'pending' : status === 'error' && failuresLeft-- > 0
    if (isListed) tasks.push([taskId, viewTask(task)])
  }
  const content = { ...toDagView(state), tasks: Object.fromEntries(tasks) }
  const { executionId } = state
  const messageId = formatActivityId(executionId)
  return { type: 'ACTIVITY_SNAPSHOT', messageId, activityType: 'dagstream', content, replace: true }
}

/** What an event changes in the activity, beside the counts. */
export interface ActivityChange {
  readonly taskId?: string
  /** A line of the log: of the task, or of the execution. */
  readonly line?: LineView
  readonly isEnd?: true
}

/** The change of the activity by an event; `undefined` if there is none. Above the bound only counts and failures change. */
export function findChange(event: ProtocolEvent, state: ExecutionState): ActivityChange | undefined {
  const { type, data } = event as SSEEvent
  switch (type) {
    case 'task_complete': {
      const { taskId, status } = data
      return isShown(state, taskId) || (status === 'error' && isFailureShown(state)) ? { taskId } : {}
    }
    case 'tasks_added':
      return {}
    case 'execution_complete':
      return { isEnd: true }
    case 'task_start':
    case 'task_progress':
    case 'task_retry':
    case 'input_required':
    case 'input_resolved':
      return isShown(state, data.taskId) ? { taskId: data.taskId } : undefined
    case 'info': {
      const { taskId, level, message } = data
      if (taskId === undefined ? isLarge(state) : !isShown(state, taskId)) return undefined
      return { ...(taskId !== undefined && { taskId }), line: { level, message } }
    }
    default:
      return undefined
  }
}

/** Changes of the activity since the last one that was sent: of each member the last state. */
export class ActivityChanges {
  readonly #lines = new Map<string | undefined, LineView | undefined>()
  #isEmpty = true
  #isEnd = false

  add({ taskId, line, isEnd }: ActivityChange): void {
    this.#isEmpty = false
    if (isEnd) this.#isEnd = true
    if (taskId !== undefined || line !== undefined) this.#lines.set(taskId, line ?? this.#lines.get(taskId))
  }

  /** The changes as one event, which they are then empty of; `undefined` if there are none. */
  take(state: ExecutionState): AgUiEvent | undefined {
    if (this.#isEmpty) return undefined
    const { executionId, status, counts, tasks } = state
    const patch: AgUiPatch[] = [{ op: 'add', path: '/counts', value: { ...counts } }]
    if (this.#isEnd) patch.push({ op: 'add', path: '/status', value: status })
    for (const [taskId, line] of this.#lines) {
      const task = taskId === undefined ? undefined : tasks.get(taskId)
      // A client drops a whole patch over the path of this id.
      if (taskId === '__proto__') continue
      if (task !== undefined) {
        patch.push({ op: 'add', path: `/tasks/${escapeKey(task.taskId)}`, value: viewTask(task, line) })
      } else if (taskId === undefined) patch.push({ op: 'add', path: '/line', value: line })
    }
    this.clear()
    return { type: 'ACTIVITY_DELTA', messageId: formatActivityId(executionId), activityType: 'dagstream', patch }
  }

  /** A snapshot holds them. */
  clear(): void {
    this.#lines.clear()
    this.#isEmpty = true
    this.#isEnd = false
  }
}

/** The view of a task in the activity. */
interface ActivityTask extends Partial<LineView> {
  status: TaskState['status'] | 'retrying'
  tool?: string
  attempts: number
  progress?: NonNullable<TaskState['progress']>
  error?: string
  code?: string
}

function viewTask(
  { status, tool, attempts, progress, retriedAttempt, result }: TaskState,
  line?: LineView,
): ActivityTask {
  const isRetrying = result === undefined && attempts > 0 && retriedAttempt === attempts
  // Assigned instead of spread: it is made at every change.
  const view: ActivityTask = { status: isRetrying ? 'retrying' : status, attempts }
  if (tool !== undefined) view.tool = tool
  if (progress !== undefined) view.progress = progress
  if (result?.error !== undefined) view.error = result.error
  if (result?.code !== undefined) view.code = result.code
  return line === undefined ? view : { ...view, ...line }
}

/** RFC 6901, 3. */
function escapeKey(key: string): string {
  if (!/[~/]/.test(key)) return key
  return key.replaceAll('~', '~0').replaceAll('/', '~1')
}
