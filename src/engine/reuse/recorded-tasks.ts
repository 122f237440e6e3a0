import type { ReusedFrom, TaskResult } from '../../events/events.ts'
import type { ExecutionState } from '../../events/execution-state.ts'
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
  /** How many children each parent has. */
  readonly #childCounts: ReadonlyMap<string, number>

  /** @param state with the whole outputs as `JsonValue`s */
  constructor(input: JsonValue | undefined, state: ExecutionState) {
    this.executionId = state.executionId
    this.#state = state
    this.#input = input
    this.#childCounts = countChildren(state)
  }

  /** The plan of its document: nothing is found before it is known. The first one counts. */
  describeBy(plan: ExecutionPlan): void {
    this.#scopes ??= new RecordedScopes(plan, this.#input, this.#state)
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
    return this.#childCounts.get(taskId)
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

function countChildren({ tasks }: ExecutionState): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  for (const { taskId, parentId, itemCount } of tasks.values()) {
    // A `forEach` over nothing has no children.
    if (itemCount === 0) counts.set(taskId, 0)
    if (parentId !== undefined) counts.set(parentId, (counts.get(parentId) ?? 0) + 1)
  }
  return counts
}
