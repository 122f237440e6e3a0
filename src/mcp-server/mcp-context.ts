import type { Clock } from '../clock.ts'
import type { ExecutionHost } from '../host/execution-host.ts'
import type { Logger } from '../log/logger.ts'
import type { WorkflowRegistry } from '../plan/workflow-registry.ts'
import type { ExecutionStore } from '../store/execution-store.ts'
import type { ToolResolver } from '../tools/tool-resolver.ts'

/** The parts of dagstream that an MCP server drives. */
export interface McpContext {
  readonly host: ExecutionHost
  readonly tools: ToolResolver
  /** Each is a tool of its own. */
  readonly workflows: WorkflowRegistry | undefined
  readonly store: ExecutionStore
  readonly logger: Logger
  readonly clock: Clock
}

/** A question for the access of a caller: the actions of HTTP. */
export interface AccessQuestion {
  readonly action: 'create' | 'read' | 'answer' | 'cancel' | 'validate' | 'tools' | 'workflows'
  /** The registered workflow that it concerns. */
  readonly workflow?: string
  readonly executionId?: string
  /** Owner of the execution; absent if it has none or does not exist. */
  readonly owner?: string
}

/** The access of the caller of one request. */
export interface McpAccess {
  /** @returns the owner; rejects with `AccessDenied`, and with any other error that ends the call */
  ask(question: AccessQuestion): Promise<{ readonly owner?: string }>
}

/** The access where nobody is asked: over standard input. */
export const FREE_ACCESS: McpAccess = { ask: async () => ({}) }

/** The caller may not do that. The message is for the caller. */
export class AccessDenied extends Error {
  override readonly name: string = 'AccessDenied'
}
