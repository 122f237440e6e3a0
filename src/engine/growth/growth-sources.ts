import type { WorkflowRegistry } from '../../plan/workflow-registry.ts'
import type { ToolRegistry } from '../../tools/registry.ts'

/** What added tasks may name. */
export interface GrowthSources {
  readonly tools: ToolRegistry
  readonly workflows?: WorkflowRegistry | undefined
}
