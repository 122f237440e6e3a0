import type { ExecutionState } from '../../events/execution-state.ts'
import type { ExecutionPlan } from '../../plan/execution-plan.ts'
import { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { ToolRegistry } from '../../tools/registry.ts'
import type { WorkflowLookup } from '../../workflow/checked-document.ts'
import type { DAGStructure } from '../../workflow/document.ts'

/**
 * The workflows that tasks which join an execution may name: those that its record and its log have, as they are there, then
 * those that are registered now. A name means the same throughout an execution.
 */
export class RecordedFirst implements WorkflowLookup {
  readonly #plan: ExecutionPlan
  /** Those that the log has when the plan begins to grow in this process: what joins later is registered now. */
  readonly #added: Readonly<Record<string, unknown>> | undefined
  readonly #tools: ToolRegistry
  readonly #registered: WorkflowLookup | undefined
  #found: { readonly known: ReadonlySet<string>; readonly lookup: WorkflowLookup } | undefined

  constructor(
    plan: ExecutionPlan,
    { addedWorkflows }: ExecutionState,
    tools: ToolRegistry,
    registered: WorkflowLookup | undefined,
  ) {
    this.#plan = plan
    this.#added = addedWorkflows
    this.#tools = tools
    this.#registered = registered
  }

  names(): Iterable<string> {
    return new Set([...this.#recorded.known, ...(this.#registered?.names() ?? [])])
  }

  /** Whether the record or the log has it. */
  has(name: string): boolean {
    return this.#recorded.known.has(name)
  }

  find(name: string): ReturnType<WorkflowLookup['find']> {
    return (this.has(name) ? this.#recorded.lookup : this.#registered)?.find(name)
  }

  /** Made on first use: most plans name no workflow. */
  get #recorded(): { readonly known: ReadonlySet<string>; readonly lookup: WorkflowLookup } {
    if (this.#found === undefined) {
      const workflows: Readonly<Record<string, DAGStructure>> = {
        ...this.#plan.describeRecorded().workflows,
        ...(this.#added as Record<string, DAGStructure> | undefined),
      }
      // Without tools: a fault of one concerns only the tasks that name it.
      const registry = new WorkflowRegistry(workflows, undefined, { isRecorded: true })
      this.#found = { known: new Set(Object.keys(workflows)), lookup: registry.lookup(this.#tools) }
    }
    return this.#found
  }
}
