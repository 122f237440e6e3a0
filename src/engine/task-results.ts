import { afterTurn, isTurnSpent } from '../clock.ts'
import type { OutputReference, TaskResult } from '../events/events.ts'
import { JsonValue } from '../events/json-value.ts'
import type { ExecutionState, TaskState } from '../events/execution-state.ts'

/** The result of a task of the document. */
export interface DocumentTaskResult extends TaskResult {
  /** The items of a `forEach`, or the rounds of a `repeat`. Outputs that the output of the parent contains are omitted. */
  readonly items?: readonly DocumentTaskResult[]
  /** The tasks of a `workflow`, likewise. */
  readonly tasks?: readonly DocumentTaskResult[]
}

/** The children of a parent that started, in the order of their events. */
export interface Children {
  /** The field of the parent's result that contains them. */
  readonly field: 'items' | 'tasks'
  readonly tasks: readonly TaskState[]
}

/** Reads the whole output of a task, or of `WHOLE_EXECUTION`. */
export type ReadOutput = (taskId: string) => Promise<unknown>

/**
 * Extracts the result of a task from its `task_complete`; the output is a plain value that the caller owns.
 * @param isHeld whether to omit the output
 */
export function toTaskResult(data: TaskResult, isHeld = false): TaskResult {
  const { taskId, tool, status, attempts, executionTimeMs, waitMs } = data
  if (status === 'success') {
    if (isHeld) return { taskId, tool, status, attempts, executionTimeMs, waitMs }
    const output = data.output instanceof JsonValue ? data.output.read() : data.output
    return { taskId, tool, status, output, attempts, executionTimeMs, waitMs }
  }
  const { error, code, causedBy, abandoned, optional } = data
  return {
    taskId,
    tool,
    status,
    ...(error !== undefined && { error }),
    ...(code !== undefined && { code }),
    ...(causedBy !== undefined && { causedBy }),
    attempts,
    executionTimeMs,
    waitMs,
    ...(abandoned && { abandoned }),
    ...(optional && { optional }),
  }
}

/** The tasks of an ended execution as a tree, made from the state alone. */
export class ResultTree {
  readonly #tasks: ReadonlyMap<string, TaskState>
  /** By the id of the parent. */
  readonly #children: ReadonlyMap<string, readonly TaskState[]>

  private constructor(tasks: ReadonlyMap<string, TaskState>, children: ReadonlyMap<string, readonly TaskState[]>) {
    this.#tasks = tasks
    this.#children = children
  }

  /** Builds the tree in slices, so that the event loop keeps turning. The state must be final. */
  static async of({ tasks }: ExecutionState): Promise<ResultTree> {
    const children = new Map<string, TaskState[]>()
    let count = 0
    for (const task of tasks.values()) {
      if (++count % 1024 === 0 && isTurnSpent()) await new Promise<void>(afterTurn)
      if (task.parentId === undefined) continue
      const siblings = children.get(task.parentId)
      if (siblings === undefined) children.set(task.parentId, [task])
      else siblings.push(task)
    }
    return new ResultTree(tasks, children)
  }

  /** `undefined` for a task that is not a parent, or never started. */
  childrenOf({ taskId, itemCount }: TaskState): Children | undefined {
    const tasks = this.#children.get(taskId)
    // A `forEach` over nothing has no children.
    if (tasks === undefined) return itemCount === undefined ? undefined : { field: 'items', tasks: [] }
    return { field: tasks[0]?.index === undefined ? 'tasks' : 'items', tasks }
  }

  /**
   * The results of these tasks with those of their children, likewise in slices.
   * @param readOutput reads an output that the state holds only by reference
   */
  async resultsOf(tasks: readonly TaskState[], readOutput?: ReadOutput): Promise<DocumentTaskResult[]> {
    const results: DocumentTaskResult[] = []
    const left: { tasks: readonly TaskState[]; into: DocumentTaskResult[] }[] = [{ tasks, into: results }]
    let count = 0
    for (let next = left.pop(); next !== undefined; next = left.pop()) {
      for (let at = 0; at < next.tasks.length; at++) {
        const task = next.tasks[at] as TaskState
        const { output, outputPath } = task.result as OutputReference & TaskResult
        const isHeld = this.isHeld(task)
        const known = toTaskResult(task.result as TaskResult, isHeld)
        const isReferred = output === undefined && outputPath !== undefined && !isHeld
        const result = isReferred && readOutput ? { ...known, output: await readOutput(task.taskId) } : known
        const children = this.childrenOf(task)
        if (children === undefined) next.into.push(result)
        else {
          const into: DocumentTaskResult[] = []
          next.into.push({ ...result, [children.field]: into })
          left.push({ tasks: children.tasks, into })
        }
        if (++count % 256 === 0 && isTurnSpent()) await new Promise<void>(afterTurn)
      }
    }
    return results
  }

  /** Whether the result of a task omits its output because the output of its parent contains it. */
  isHeld({ taskId, parentId, index, held }: TaskState): boolean {
    const parent = parentId === undefined ? undefined : this.#tasks.get(parentId)
    if (parent?.result?.status !== 'success') return false
    if (index === undefined) return held === true
    // The output of a `repeat` is that of its last round.
    return parent.itemCount !== undefined || this.#children.get(parent.taskId)?.at(-1)?.taskId === taskId
  }
}
