import { onAbort } from '../../abort-signals.ts'
import { describeError } from '../../log/describe-error.ts'
import type { Logger } from '../../log/logger.ts'
import { ToolRegistry } from '../../tools/registry.ts'
import type { ToolResolver } from '../../tools/tool-resolver.ts'
import { shuttingDown } from '../errors/host-errors.ts'
import type { ExecutionStore, StoredExecution } from '../../store/execution-store.ts'
import { collectNames } from '../../workflow/tool-names.ts'
import type { RecoverableRecord } from '../storage/recoverable-record.ts'
import { addAllTools, mayPlan, readGrownDocument } from './grown-tools.ts'

/** For executions that are only ended, and call no tool. */
const NO_TOOLS = new ToolRegistry()

/** What executions are looked up with. */
export interface ToolLookupParts {
  readonly tools: ToolResolver
  readonly store: ExecutionStore
  readonly logger: Logger
}

/** Finds the tools of recorded executions. A provider has no time limit but its own. */
export class ToolLookup {
  readonly #parts: ToolLookupParts
  readonly #closing: AbortSignal

  /** @param closing ends every wait with `SHUTTING_DOWN` */
  constructor(parts: ToolLookupParts, closing: AbortSignal) {
    this.#parts = parts
    this.#closing = closing
  }

  /**
   * The tools of a document as plans and patches have changed it: the log is read if they are not known anyway.
   * @throws `SHUTTING_DOWN`; `RECORD_UNUSABLE`; the errors of the store and of the tool provider
   */
  find(stored: StoredExecution): Promise<ToolRegistry> {
    return this.#wait(() => this.#parts.tools.registry ?? this.#findGrown(stored))
  }

  async #findGrown(stored: StoredExecution): Promise<ToolRegistry> {
    const { tools, store, logger } = this.#parts
    const { workflow, isUnsealed } = await readGrownDocument(stored, store)
    const named = await tools.toolsFor(workflow)
    return isUnsealed || mayPlan(workflow, named) ? addAllTools(named, tools, logger) : named
  }

  /** Workflows with `finally` tasks may have joined the document. */
  async #findForFinally(stored: StoredExecution): Promise<ToolRegistry> {
    const { tools, store } = this.#parts
    const { workflow } = await readGrownDocument(stored, store)
    return collectNames(workflow).hasFinally ? tools.toolsFor(workflow) : NO_TOOLS
  }

  #wait(find: () => ToolRegistry | Promise<ToolRegistry>): Promise<ToolRegistry> {
    return new Promise((resolve, reject) => {
      const stop = onAbort(this.#closing, () => reject(shuttingDown()))
      Promise.resolve(find()).then(resolve, reject).finally(stop)
    })
  }

  /**
   * The tools of an execution that is only ended: those of its `finally` tasks. It ends without them if they are not available,
   * since a cancellation that was accepted takes effect.
   * @throws `SHUTTING_DOWN`
   */
  async findForEnd(stored: StoredExecution, { hasFinally }: RecoverableRecord): Promise<ToolRegistry> {
    try {
      return await (hasFinally ? this.find(stored) : this.#wait(() => this.#findForFinally(stored)))
    } catch (error) {
      if (this.#closing.aborted) throw error
      const message = 'Tools of an execution that is to end are not available: its `finally` tasks do not run'
      this.#parts.logger.warn(message, { executionId: stored.executionId, error: describeError(error) })
      return NO_TOOLS
    }
  }
}
