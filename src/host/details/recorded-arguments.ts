import { RecordedScopes } from '../../engine/reuse/recorded-scopes.ts'
import type { ExecutionState, TaskState } from '../../events/execution-state.ts'
import { JsonValue } from '../../events/json-value.ts'
import { callStore } from '../../store/call-store.ts'
import type { ExecutionStore } from '../../store/execution-store.ts'
import { LIMITS } from '../../workflow/document.ts'
import { resolveTemplate } from '../../workflow/template.ts'
import type { RecordedPlan } from './recorded-plans.ts'

/** Arguments with the name of the tool that they are for. */
export interface RecordedArguments {
  readonly tool: string
  readonly value: unknown
}

/**
 * Resolves the arguments of a task again, as its attempts got them: everything that they refer to is in the log. Nothing is kept
 * for it while an execution runs.
 * @returns `undefined` for a task that the document does not describe, and where a reference cannot be resolved
 */
export async function resolveRecorded(
  { plan, input }: RecordedPlan,
  state: ExecutionState,
  task: TaskState,
  store: ExecutionStore,
): Promise<RecordedArguments | undefined> {
  const loaded = new StoredOutputs(state, store)
  for (;;) {
    try {
      const place = new RecordedScopes(plan, input, state, id => loaded.find(id)).find(task)
      if (place === undefined) return undefined
      const { definition, scope } = place
      return { tool: definition.tool.name, value: resolveTemplate(definition.arguments, scope).value }
    } catch {
      // It failed for an output that the store keeps apart, or as it failed the task itself.
      if (!(await loaded.loadMissing())) return undefined
    }
  }
}

/** Outputs that the log of an ended execution only refers to, loaded once they turn out to be needed. */
class StoredOutputs {
  readonly #state: ExecutionState
  readonly #store: ExecutionStore
  readonly #loaded = new Map<string, JsonValue>()
  readonly #missing = new Set<string>()
  #leftBytes = LIMITS.maxExecutionOutputBytes

  constructor(state: ExecutionState, store: ExecutionStore) {
    this.#state = state
    this.#store = store
  }

  find(taskId: string): JsonValue | undefined {
    const known = this.#loaded.get(taskId)
    if (known === undefined) this.#missing.add(taskId)
    return known
  }

  /** @returns whether an output was loaded */
  async loadMissing(): Promise<boolean> {
    const ids = [...this.#missing]
    this.#missing.clear()
    let isLoaded = false
    for (const taskId of ids) {
      const json = await callStore(() => this.#store.getOutput(this.#state.executionId, taskId))
      if (json === undefined || (this.#leftBytes -= json.length) < 0) continue
      this.#loaded.set(taskId, JsonValue.fromText(json))
      isLoaded = true
    }
    return isLoaded
  }
}
