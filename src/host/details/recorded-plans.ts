import { checkRecorded } from '../../engine/resume/recorded-execution.ts'
import type { JsonValue } from '../../events/json-value.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import type { ExecutionRecord } from '../../store/execution-store.ts'
import { ToolRegistry } from '../../tools/registry.ts'

/** Maximum number of plans in memory, and of their tasks: about 1.3 KB each. */
const MAX_PLANS = 8
const MAX_TASKS = 20_000

/** The plan of a recorded execution. Its tools are placeholders: only their names count. */
export interface RecordedPlan {
  readonly plan: ExecutionPlan
  readonly input: JsonValue | undefined
}

interface KnownPlan {
  /** The document, which grows as long as its plan is written. */
  readonly workflow: string | undefined
  readonly built: Promise<RecordedPlan>
  taskCount: number
}

/** Builds the plans of recorded executions, and keeps those last asked for. */
export class RecordedPlans {
  /** The least recently asked first. */
  readonly #plans = new Map<string, KnownPlan>()

  /** Rejects with `RECORD_UNUSABLE` for a record without a usable document. */
  async get(record: ExecutionRecord): Promise<RecordedPlan> {
    const { executionId, workflow } = record
    const last = this.#plans.get(executionId)
    const known =
      last?.workflow === workflow && last !== undefined ? last : { workflow, built: build(record), taskCount: 0 }
    this.#plans.delete(executionId)
    this.#plans.set(executionId, known)
    try {
      const built = await known.built
      known.taskCount = built.plan.tasks.length
      return built
    } catch (error) {
      this.#plans.delete(executionId)
      throw error
    } finally {
      this.#evict()
    }
  }

  #evict(): void {
    let tasks = 0
    for (const { taskCount } of this.#plans.values()) tasks += taskCount
    for (const [executionId, { taskCount }] of this.#plans) {
      if (this.#plans.size <= 1 || (this.#plans.size <= MAX_PLANS && tasks <= MAX_TASKS)) return
      tasks -= taskCount
      this.#plans.delete(executionId)
    }
  }
}

async function build(record: ExecutionRecord): Promise<RecordedPlan> {
  const { plan, input } = checkRecorded(record, new ToolRegistry())
  return { plan: await plan(), input }
}
