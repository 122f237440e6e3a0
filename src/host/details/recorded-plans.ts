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

/** Builds the plans of recorded executions, and keeps those last asked for. */
export class RecordedPlans {
  /** The least recently asked first. */
  readonly #plans = new Map<string, Promise<RecordedPlan>>()
  readonly #taskCounts = new Map<string, number>()

  /** Rejects with `RECORD_UNUSABLE` for a record without a usable document. */
  async get(record: ExecutionRecord): Promise<RecordedPlan> {
    const { executionId } = record
    const known = this.#plans.get(executionId) ?? build(record)
    this.#plans.delete(executionId)
    this.#plans.set(executionId, known)
    try {
      const { plan } = await known
      this.#taskCounts.set(executionId, plan.tasks.length)
      return await known
    } catch (error) {
      this.#forget(executionId)
      throw error
    } finally {
      this.#evict()
    }
  }

  #evict(): void {
    let tasks = 0
    for (const count of this.#taskCounts.values()) tasks += count
    for (const executionId of this.#plans.keys()) {
      if (this.#plans.size <= 1 || (this.#plans.size <= MAX_PLANS && tasks <= MAX_TASKS)) return
      tasks -= this.#taskCounts.get(executionId) ?? 0
      this.#forget(executionId)
    }
  }

  #forget(executionId: string): void {
    this.#plans.delete(executionId)
    this.#taskCounts.delete(executionId)
  }
}

async function build(record: ExecutionRecord): Promise<RecordedPlan> {
  const { plan, input } = checkRecorded(record, new ToolRegistry())
  return { plan: await plan(), input }
}
