import { describeDocument } from '../growth/describe-document.ts'
import type { RecordedWorkflow } from '../../workflow/document.ts'
import type { ReusedFrom, TaskResult } from '../../events/events.ts'
import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { writeCanonicalJson } from '../../json/canonical-json.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { RegisteredTool } from '../../tools/registry.ts'
import { resolveTemplate } from '../../workflow/template.ts'
import type { ReusedOutput } from '../task-events.ts'
import { RecordedScopes } from './recorded-scopes.ts'

/** The tasks of a recorded execution, which may still run: those that had succeeded when it was read can be taken over. */
export class RecordedTasks {
  readonly executionId: string
  readonly #state: ExecutionState
  readonly #input: JsonValue | undefined
  /** `undefined` until its plan is known. */
  #scopes: RecordedScopes | undefined
  readonly #children: ReadonlyMap<string, readonly TaskState[]>

  /** @param state with the whole outputs as `JsonValue`s */
  constructor(input: JsonValue | undefined, state: ExecutionState) {
    this.executionId = state.executionId
    this.#state = state
    this.#input = input
    this.#children = groupChildren(state)
  }

  /** The plan of its document: nothing is found before it is known. The first one counts. */
  describeBy(plan: ExecutionPlan): void {
    this.#scopes ??= new RecordedScopes(plan, this.#input, this.#state)
  }

  /** Its whole document, with the tasks that joined it. @param recorded that of its record */
  describeDocument(recorded: RecordedWorkflow): RecordedWorkflow {
    return describeDocument(recorded, this.#state)
  }

  /** The ids of its tasks, with those that were added. */
  get taskIds(): Iterable<string> {
    return this.#state.tasks.keys()
  }

  /** The task of the document that a task belongs to; `undefined` for an unknown task. */
  topOf(taskId: string): string | undefined {
    const task = this.#state.tasks.get(taskId)
    return task?.parentId === undefined ? task?.taskId : this.topOf(task.parentId)
  }

  resultOf(taskId: string): TaskResult | undefined {
    return this.#state.tasks.get(taskId)?.result
  }

  /** `undefined` for a task that has no children. */
  childCountOf(taskId: string): number | undefined {
    return this.#children.get(taskId)?.length
  }

  /** All tasks below a parent, those of nested parents included. */
  *below(taskId: string): Generator<TaskState, void, undefined> {
    for (const child of this.#children.get(taskId) ?? []) {
      yield child
      yield* this.below(child.taskId)
    }
  }

  /** What its tasks would refer to if their document were another one. */
  scopesUnder(plan: ExecutionPlan, input: JsonValue | undefined): RecordedScopes {
    return new RecordedScopes(plan, input, this.#state)
  }

  /** Number of its tasks, with those that were added. */
  get size(): number {
    return this.#state.tasks.size
  }

  /** `undefined` for a task of the document, and for an unknown one. */
  parentOf(taskId: string): string | undefined {
    return this.#state.tasks.get(taskId)?.parentId
  }

  /**
   * Whether a task was skipped, or succeeded with the same tool and the same arguments as in another document; of a parent,
   * whether it had children.
   * @param scopes what the recorded tasks refer to in that document
   */
  isSame(taskId: string, scopes: RecordedScopes): boolean {
    const task = this.#state.tasks.get(taskId)
    if (task?.result?.status === 'skipped') return true
    if (task?.result?.status !== 'success') return false
    try {
      const place = scopes.find(task)
      if (place === undefined) return false
      const { definition, scope } = place
      if (definition.group !== undefined) return this.childCountOf(taskId) !== undefined
      const readArguments = (): unknown => resolveTemplate(definition.arguments, scope).value
      return this.find(taskId, definition.tool, readArguments) !== undefined
    } catch {
      // Arguments that cannot be resolved fail the task when it runs.
      return false
    }
  }

  /** The task that really ran. */
  originOf({ taskId, reusedFrom }: TaskResult): ReusedFrom {
    return reusedFrom ?? { executionId: this.executionId, taskId }
  }

  /**
   * The output of a task that succeeded, if the same tool was called with the same arguments.
   * @param readArguments called only if the rest is the same; may throw as `resolveTemplate` does
   */
  find(
    taskId: string,
    tool: Pick<RegisteredTool, 'name' | 'version'>,
    readArguments: () => unknown,
  ): ReusedOutput | undefined {
    const task = this.#state.tasks.get(taskId)
    const result = task?.result
    if (task === undefined || result?.status !== 'success') return undefined
    const { output } = result
    if (!(output instanceof JsonValue)) return undefined
    if (result.tool !== tool.name || result.toolVersion !== tool.version) return undefined
    const place = this.#scopes?.find(task)
    if (place === undefined) return undefined
    const { definition, scope } = place
    const own = readArguments()
    const recorded = resolveTemplate(definition.arguments, scope).value
    if (writeCanonicalJson(recorded) !== writeCanonicalJson(own)) return undefined
    return { output, origin: this.originOf(result) }
  }
}

/** The children of each parent, in order. */
function groupChildren({ tasks }: ExecutionState): ReadonlyMap<string, readonly TaskState[]> {
  const children = new Map<string, TaskState[]>()
  for (const task of tasks.values()) {
    const { taskId, parentId, itemCount } = task
    // A `forEach` over nothing has no children.
    if (itemCount === 0) children.set(taskId, [])
    if (parentId === undefined) continue
    const siblings = children.get(parentId)
    if (siblings === undefined) children.set(parentId, [task])
    else siblings.push(task)
  }
  return children
}
